//! What is counted, and what becomes of the counts: a stage's figures, its steady state, the run's
//! validity.

pub(crate) mod count;
pub(crate) mod generator;
mod slo;
mod spent;
mod steady;
pub(crate) mod summarise;
#[cfg(test)]
mod tests;
pub(crate) mod validity;

pub(crate) use spent::merge_generators;
pub(crate) use summarise::{join_rounds, merge_stages};

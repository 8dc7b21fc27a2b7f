//! What is counted, and what becomes of the counts: a stage's figures, its steady state, the run's validity.

pub(crate) mod generator;
mod merge;
pub(crate) mod recorder;
mod steady;
pub(crate) mod summarise;
pub(crate) mod validity;

pub(crate) use merge::{merge_generators, merge_stages};

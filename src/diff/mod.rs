//! Layer 6: two releases compared and judged. Pure: no async, no I/O.

mod blame;
mod compare;
mod context;
mod evals;
#[cfg(test)]
mod fixtures;
mod judge;
mod loads;
mod measured;
mod paired;
mod rule;
mod summary;
mod wording;

pub(crate) use compare::compare;
pub(crate) use context::{Context, Mode};
pub(crate) use judge::status;

//! Layer 2: two releases compared and judged. Pure: no async, no I/O.

mod blame;
mod compare;
mod context;
mod document;
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
pub(crate) use document::{Blame, Change, Comparison, DiffDocument, Side};
pub(crate) use judge::status;

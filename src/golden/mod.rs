//! Layer 2: golden sets, the cases that evals grade and that loads send.

mod case;
mod read;

pub(crate) use case::{Case, GoldenSet, NO_CASE};

//! Layer 2: golden sets, the cases that evals grade and that loads send.

mod case;
mod error;
mod read;
mod relevance;

pub(crate) use case::{Case, GoldenSet, NO_CASE};
pub(crate) use error::GoldenError;
pub(crate) use relevance::{Grades, grades, id_text};

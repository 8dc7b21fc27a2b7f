//! Layer 0: what a human reads, worded once.

mod excerpt;
mod quoted;
mod wrap;

pub(crate) use excerpt::excerpt;
pub(crate) use quoted::quoted;
pub(crate) use wrap::{width, wrap};

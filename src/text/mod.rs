//! Layer 0: what a human reads, worded once.

mod excerpt;
mod quoted;

pub(crate) use excerpt::excerpt;
pub(crate) use quoted::quoted;

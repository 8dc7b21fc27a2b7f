//! Layer 0: what a human reads, worded once.

mod excerpt;

pub(crate) use excerpt::excerpt;

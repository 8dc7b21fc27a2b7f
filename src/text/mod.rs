//! Layer 0: what a human reads, worded once.

mod excerpt;
#[cfg(test)]
mod manual;
mod quoted;
mod visible;
mod wrap;

pub(crate) use excerpt::excerpt;
#[cfg(test)]
pub(crate) use manual::ends_with_table;
pub(crate) use quoted::quoted;
pub(crate) use visible::{
    Disarm, is_hidden, visible, visible_drawing, visible_json, visible_lines,
};
pub(crate) use wrap::{width, wrap};

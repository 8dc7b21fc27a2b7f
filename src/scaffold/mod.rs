//! Layer 3: what `stagegate init` writes.

mod ci;
mod template;
mod write;

pub(crate) use ci::{CI_SYSTEMS, CiSystem};
pub(crate) use template::{TEMPLATES, Template};
pub(crate) use write::NewFiles;

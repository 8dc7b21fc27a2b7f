//! What every test needs: a project in a temporary folder, the binary's output, a scripted server.

pub(crate) mod project;
pub(crate) mod stub;
pub(crate) mod suite;

pub(crate) use project::{Output, Project};

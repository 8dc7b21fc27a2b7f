//! Layer 5: one call outside a load: over HTTP, or to a program.

mod failure;
mod http;
mod patient;
mod program;

pub(crate) use http::{Called, Client};
pub(crate) use program::{Finished as FinishedProcess, run as run_process};

//! Layer 5: one call outside a load: over HTTP, or to a program.

mod http;
mod program;

pub(crate) use http::{Called, Client, HTTP2, MAX_BYTES, trusting_config};
pub(crate) use program::{Finished as FinishedProcess, run as run_process};

//! The library behind the `stagegate` binary. It is private: no semantic version guarantees, one
//! public function.
//!
//! Layers, each of which imports from its own folder and from below only:
//!
//! ```text
//! 10 cli                          parse, dispatch, exit code
//! 9  commands                     one file per command
//! 8  experiment                   one run of each kind
//! 7  plan report ui args          resolve, render, print, flags
//! 6  load eval diff demo reference
//!                                 engines
//! 5  transport                    one call outside a load
//! 4  stage store                  a stage as it is called, the stored runs
//! 3  protocol git scaffold        how each kind is spoken to, the repository, what `init` writes
//! 2  manifest golden record       the deployment, the cases, what is written and read again
//! 1  arrival metric template      when requests are sent, what is measured, `{{ … }}` and secrets
//! 0  measure stats text name registry error exit palette schema intake
//! ```

#[macro_use]
mod schema;

mod args;
mod arrival;
mod cli;
mod commands;
mod demo;
mod diff;
mod error;
mod eval;
mod exit;
mod experiment;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod git;
mod golden;
mod group;
mod intake;
mod load;
mod manifest;
mod measure;
mod metric;
mod name;
mod palette;
mod plan;
mod protocol;
mod record;
mod reference;
mod registry;
mod report;
mod scaffold;
mod stage;
mod stats;
mod store;
mod template;
mod text;
mod transport;
mod ui;

#[cfg(feature = "bench")]
#[doc(hidden)]
pub use load::bench;

use std::process::ExitCode;

/// Runs the command line and returns the process's exit code.
pub fn main_impl() -> ExitCode {
    cli::main_impl()
}

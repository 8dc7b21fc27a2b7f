//! The library behind the `stagegate` binary. It is private: no semantic version guarantees, one public function.
//!
//! Layers, each of which imports from its own folder and from below only:
//!
//! ```text
//! 5  cli                          parse, dispatch, exit code
//! 4  commands                     one file per command
//! 3  plan report ui args          resolve, render, print, flags
//! 2  load eval profile diff demo reference
//!                                 engines
//! 1  manifest golden protocol store scaffold
//!                                 the deployment, the cases, how a stage is called, the runs, what `init` writes
//! 0  measure stats registry error exit palette schema
//! ```

#[macro_use]
mod schema;

mod args;
mod cli;
mod commands;
mod demo;
mod diff;
mod error;
mod eval;
mod exit;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod golden;
mod load;
mod manifest;
mod measure;
mod palette;
mod plan;
mod profile;
mod protocol;
mod reference;
mod registry;
mod report;
mod scaffold;
mod stats;
mod store;
mod ui;

use std::process::ExitCode;

/// Runs the command line and returns the process's exit code.
pub fn main_impl() -> ExitCode {
    cli::main_impl()
}

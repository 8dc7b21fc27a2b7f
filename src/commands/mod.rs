//! Layer 8: one file for each command. A command composes engines, store, and reports; it prints nothing itself.

mod calibrate;
mod check;
mod context;
mod demo;
mod diff;
mod eval;
mod gate;
mod generated;
mod init;
mod limit;
mod load;
mod measured;
mod merge;
mod profile;
mod quality;
mod report;
mod runs;

pub(crate) use calibrate::CalibrateArgs;
pub(crate) use check::CheckArgs;
pub(crate) use context::Context;
pub(crate) use demo::DemoArgs;
pub(crate) use diff::DiffArgs;
pub(crate) use eval::EvalArgs;
pub(crate) use gate::GateArgs;
pub(crate) use generated::{CompletionsArgs, ManArgs, SchemaArgs};
pub(crate) use init::InitArgs;
pub(crate) use load::LoadArgs;
pub(crate) use profile::ProfileArgs;
pub(crate) use report::ReportArgs;
pub(crate) use runs::RunsArgs;

pub(crate) use calibrate::calibrate;
pub(crate) use check::check;
pub(crate) use demo::demo;
pub(crate) use diff::diff;
pub(crate) use eval::eval;
pub(crate) use gate::gate;
pub(crate) use generated::{completions, man, schema};
pub(crate) use init::init;
pub(crate) use load::load;
pub(crate) use profile::profile;
pub(crate) use report::report;
pub(crate) use runs::runs;

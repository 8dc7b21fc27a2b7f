//! Layer 9: one file for each command. A command composes engines, store, and reports; it prints
//! nothing itself.

mod calibrate;
mod check;
mod completions;
mod context;
mod demo;
mod diff;
mod eval;
mod gate;
mod init;
mod load;
mod man;
mod output;
mod profile;
mod proxies;
mod prune;
mod report;
mod runs;
mod schema;
mod several;
mod sides;
mod stored;

pub(crate) use calibrate::CalibrateArgs;
pub(crate) use check::CheckArgs;
pub(crate) use completions::CompletionsArgs;
pub(crate) use context::Context;
pub(crate) use demo::DemoArgs;
pub(crate) use diff::DiffArgs;
pub(crate) use eval::EvalArgs;
pub(crate) use gate::GateArgs;
pub(crate) use init::InitArgs;
pub(crate) use load::LoadArgs;
pub(crate) use man::ManArgs;
pub(crate) use output::emit_usage_error;
pub(crate) use profile::ProfileArgs;
pub(crate) use report::ReportArgs;
pub(crate) use runs::RunsArgs;
pub(crate) use schema::SchemaArgs;

pub(crate) use calibrate::calibrate;
pub(crate) use check::check;
pub(crate) use completions::completions;
pub(crate) use demo::demo;
pub(crate) use diff::diff;
pub(crate) use eval::eval;
pub(crate) use gate::gate;
pub(crate) use init::init;
pub(crate) use load::load;
pub(crate) use man::man;
pub(crate) use profile::profile;
pub(crate) use report::report;
pub(crate) use runs::runs;
pub(crate) use schema::schema;

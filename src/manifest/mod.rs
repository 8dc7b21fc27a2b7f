//! Layer 2: `stagegate.toml`, read once at the edge.

mod assemble;
mod checked;
mod checker;
mod crosscheck;
mod depth;
mod document;
mod error;
mod idle;
mod key;
mod kind;
mod overrides;
#[cfg(test)]
mod properties;
mod read;
mod references;
mod schema;
mod shape;
mod source;
mod span;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod topology;

pub(crate) use checked::Manifest;
pub(crate) use error::{ManifestError, Problem, Problems};
pub(crate) use idle::IdleKey;
pub(crate) use kind::KindTable;
pub(crate) use schema::schema;
pub(crate) use table::accept::{Accept, accepted_in};
pub(crate) use table::connections::Connections;
pub(crate) use table::environment::Environment;
pub(crate) use table::eval::Eval;
pub(crate) use table::gate::{
    BaseOf, DEFAULT_ALPHA, DEFAULT_EVAL_ALPHA, DEFAULT_FLOOR, DEFAULT_MARGIN, Gate,
};
pub(crate) use table::load::Load;
pub(crate) use table::measuring::{Abba, Measuring};
pub(crate) use table::mix::{Scenario, ShareOfArrivals};
pub(crate) use table::pipeline::Pipeline;
#[cfg(test)]
pub(crate) use table::prompts::Prefix;
pub(crate) use table::prompts::{Prompts, Tokens};
pub(crate) use table::release::VersionSource;
pub(crate) use table::rule::Rule;
pub(crate) use table::sends::{CaseOrder, Sends};
pub(crate) use table::slo::Slo;
pub(crate) use table::stage::{Cost, HttpVersion, Stage};
pub(crate) use table::timeout::Timeouts;
pub(crate) use topology::Topology;

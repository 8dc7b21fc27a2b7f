//! Layer 2: `stagegate.toml`, read once at the edge.

mod arrivals;
mod document;
mod error;
mod kind;
mod model;
mod overrides;
mod prompts;
mod raw;
mod read;
mod schema;
mod shape;
#[cfg(test)]
mod tests;
mod topology;
mod validate;

pub(crate) use arrivals::{Arrivals, Curve, Gaps, Level, TraceFile, Users};
pub(crate) use error::Problems;
pub(crate) use kind::KindTable;
pub(crate) use model::{
    CaseOrder, Connections, Cost, Environment, Eval, HttpVersion, Length, Load, Manifest, Pipeline,
    Rule, Scenario, Sends, ShareOfArrivals, Slo, Stage, Timeouts, Until, VersionSource,
};
#[cfg(test)]
pub(crate) use prompts::Prefix;
pub(crate) use prompts::{Prompts, Tokens};
pub(crate) use schema::schema;
pub(crate) use topology::Topology;
pub(crate) use validate::{DEFAULT_EVAL_ALPHA, DEFAULT_MARGIN};

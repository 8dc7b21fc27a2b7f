//! Layer 1: `stagegate.toml`, read once at the edge.

mod arrivals;
mod document;
mod engine;
mod error;
mod graph;
mod kind;
mod metric;
mod model;
mod name;
mod overrides;
mod prompts;
mod raw;
mod read;
mod schema;
mod scope;
mod secrets;
mod shape;
mod syntax;
mod template;
#[cfg(test)]
mod tests;
mod validate;
mod value_template;

pub(crate) use arrivals::{Arrivals, Curve, Gaps, Level, TraceFile, Users};
pub(crate) use error::Problems;
pub(crate) use kind::KindTable;
pub(crate) use metric::{LatencyMetric, ShareMetric, Stat};
pub(crate) use model::{
    CaseOrder, Connections, Cost, Environment, Eval, Gate, HttpVersion, Length, Limit, Load,
    Manifest, Pipeline, Rule, Scenario, Sends, ShareOfArrivals, Slo, SloTarget, Stage, Timeouts,
    Until, VersionSource,
};
pub(crate) use name::Name;
#[cfg(test)]
pub(crate) use prompts::Prefix;
pub(crate) use prompts::{Prompts, Tokens};
pub(crate) use schema::schema;
pub(crate) use scope::Scope;
pub(crate) use secrets::Secrets;
pub(crate) use syntax::Reference;
pub(crate) use template::{Template, TemplateError};
pub(crate) use validate::{DEFAULT_EVAL_ALPHA, DEFAULT_MARGIN};
pub(crate) use value_template::ValueTemplate;

//! Layer 7: the manifest and the flags of one invocation, resolved into what the engines run.

mod arrivals;
mod capacity;
mod document;
mod error;
mod eval;
mod gate;
mod load;
mod outputs;
mod overrides;
mod profile;
mod project;
mod prompts;
mod requests;
mod schema;
mod sender;
mod site;
#[cfg(test)]
mod tests;

pub(crate) use capacity::{Look, capacity_plan};
pub(crate) use document::{SHARD, plan_document};
pub(crate) use error::PlanError;
pub(crate) use eval::{EvalOptions, eval_plan};
pub(crate) use gate::{GatePlan, gate_plan};
pub(crate) use load::load_plan;
pub(crate) use overrides::{LoadOverrides, Portion};
pub(crate) use profile::{ProfileOverrides, ProfilePlan, default_whole, profile_plan};
pub(crate) use project::{Chosen, Project};
pub(crate) use requests::Caller;
pub(crate) use schema::manifest_schema;
pub(crate) use site::Site;

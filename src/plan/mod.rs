//! Layer 7: the manifest and the flags of one invocation, resolved into what the engines run.

mod arrivals;
mod error;
mod eval;
mod listening;
mod load;
mod profile;
mod project;
mod prompts;
mod requests;
mod spoken;

pub(crate) use error::PlanError;
pub(crate) use eval::eval_plan;
pub(crate) use load::{LoadOverrides, SHARD, load_plan, plan_document};
pub(crate) use profile::{ProfileOverrides, default_whole, profile_plan};
pub(crate) use project::{Chosen, Project};
pub(crate) use requests::Caller;

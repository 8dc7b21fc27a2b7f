//! Layer 6: the latency profile. Each stage alone and inside the pipeline, at low load and at a given load.

mod cell;
mod run;
mod summary;
mod waterfall;

pub(crate) use run::{ProfilePlan, ProfileRun, run};

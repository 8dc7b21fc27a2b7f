//! What a load run found out about its answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the answers under load were right, and as right as without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct QualityResult {
    /// The suite that graded them, and the stage or pipeline that it grades.
    pub(crate) suite: String,
    pub(crate) stage: String,
    /// Right answers a second: good, and passed. An answer to a case that the suite does not have
    /// counts for neither.
    pub(crate) right_goodput_rps: f64,
    /// The same cases, asked by one user at a time before the load; null where the load was one
    /// part of several.
    #[serde(default)]
    pub(crate) idle: Option<StepQuality>,
    /// By the rate at which requests were sent, from low to high.
    pub(crate) steps: Vec<StepQuality>,
}

/// The answers of one step of the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct StepQuality {
    /// The lowest and the highest rate of the step, per second; null where the load has no rate.
    #[serde(default)]
    pub(crate) rate: Option<(f64, f64)>,
    /// Graded answers, and the different cases among them.
    pub(crate) answers: u64,
    pub(crate) cases: u64,
    /// Of the answers, with a 95 % interval.
    pub(crate) pass_rate: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Against idle, over the cases that both have; null without any.
    #[serde(default)]
    pub(crate) change: Option<QualityChange>,
}

/// A change of the pass rate, in shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct QualityChange {
    pub(crate) value: f64,
    /// Two-sided 95 %; null with fewer than ten cases that tell independently.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) cases: u64,
}

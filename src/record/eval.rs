//! What a suite found, key by key as in the contract.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an eval found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EvalResult {
    pub(crate) stage: String,
    pub(crate) golden: GoldenInfo,
    pub(crate) repeats: u32,
    pub(crate) pass_rate: RateEstimate,
    #[serde(default)]
    pub(crate) assertions: BTreeMap<String, ScoreEstimate>,
    #[serde(default)]
    pub(crate) slices: BTreeMap<String, SliceEstimate>,
    /// Planned cases that errored: they stay in the denominator.
    pub(crate) errors: u64,
    #[serde(default)]
    pub(crate) error_kinds: BTreeMap<String, u64>,
    #[serde(default)]
    pub(crate) cached: u64,
    #[serde(default)]
    pub(crate) retries: u64,
    /// `must_pass` cases that did not pass.
    #[serde(default)]
    pub(crate) must_pass_broken: Vec<String>,
    #[serde(default)]
    pub(crate) cases: Vec<CaseResult>,
}

/// Which golden set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct GoldenInfo {
    pub(crate) path: String,
    pub(crate) digest: String,
    pub(crate) cases: u64,
}

/// A pass rate with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RateEstimate {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) confidence: f64,
    pub(crate) method: String,
    /// The rate if every errored case had failed, and had passed.
    #[serde(default)]
    pub(crate) bounds: Option<(f64, f64)>,
}

/// The mean score of one assertion with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ScoreEstimate {
    pub(crate) score: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The pass rate of one slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SliceEstimate {
    pub(crate) cases: u64,
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// One case, one repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CaseResult {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) group: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) repeat: u32,
    pub(crate) passed: bool,
    pub(crate) score: f64,
    #[serde(default)]
    pub(crate) assertions: BTreeMap<String, f64>,
    #[serde(default)]
    pub(crate) output: Option<String>,
    #[serde(default)]
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) response_time_ms: Option<f64>,
}

//! What a suite found, key by key as in the contract.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::Failure;

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
    /// How long calls waited, in s and all together, because stages had asked to come back later;
    /// absent where none did.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) asked_pause_s: f64,
    /// Why models stopped, as they said, of all answers; absent where none said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) finish_reasons: BTreeMap<String, u64>,
    /// Answers that were refusals; absent where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) refusals: u64,
    /// Answers that showed nothing, whether the stage takes them (`empty = "ok"`) or they failed;
    /// absent where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) empty: u64,
    /// `must_pass` cases that did not pass.
    #[serde(default)]
    pub(crate) must_pass_broken: Vec<String>,
    #[serde(default)]
    pub(crate) cases: Vec<CaseResult>,
}

/// Returns whether a number says nothing.
pub(super) fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
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
    /// Assertions that do not count for this case, for instance a ranking where nothing is
    /// relevant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_counted: Vec<String>,
    #[serde(default)]
    pub(crate) output: Option<String>,
    /// Which assertions did not hold, and why: `contains: X not in Y`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) response_time_ms: Option<f64>,
    /// Why the model stopped, as it said; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finish_reason: Option<String>,
    /// The trace that the last call of the case began; absent without `trace = true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<String>,
}

impl EvalResult {
    /// Returns the share of the planned cases that have an answer, at most 1.
    pub(crate) fn share_present(&self) -> f64 {
        let ids: BTreeSet<&str> = self.cases.iter().map(|case| case.id.as_str()).collect();
        (ids.len() as f64 / self.golden.cases.max(1) as f64).min(1.0)
    }

    /// Returns whether most answers have no grade because this machine ran out of sockets,
    /// descriptors, or processes: that says nothing about the stage.
    pub(crate) fn was_too_much(&self) -> bool {
        let exhausted = self.error_kinds.get(&Failure::Exhausted.to_string());
        exhausted.is_some_and(|times| 2 * times > self.cases.len() as u64)
    }

    /// Returns whether answers were asked for and none has a grade.
    pub(crate) fn is_ungraded(&self) -> bool {
        !self.cases.is_empty() && self.cases.iter().all(|case| case.error.is_some())
    }

    /// Returns whether no request of the suite reached its stage.
    pub(crate) fn never_reached(&self) -> bool {
        let known: u64 = self.error_kinds.values().sum();
        self.is_ungraded()
            && known == self.cases.len() as u64
            && !self
                .error_kinds
                .keys()
                .any(|word| Failure::word_is_reached(word))
    }
}

impl CaseResult {
    /// Returns the score in [0, 1] with which this answer counts for an assertion that the suite
    /// made; `None` where it does not count.
    ///
    /// What could not be scored for an error counts as 0. Of a record without `not_counted`, an
    /// answer that has neither a score nor an error was not counted.
    pub(crate) fn counted_score(&self, assertion: &str) -> Option<f64> {
        if self.not_counted.iter().any(|key| key == assertion) {
            return None;
        }
        let scored = self.assertions.get(assertion).copied();
        scored.or_else(|| self.is_unscored(assertion).then_some(0.0))
    }

    /// Returns whether an error kept this assertion from being scored, though it counts.
    pub(crate) fn is_unscored(&self, assertion: &str) -> bool {
        self.error.is_some()
            && !self.assertions.contains_key(assertion)
            && !self.not_counted.iter().any(|key| key == assertion)
    }
}

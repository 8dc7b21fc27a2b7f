//! What may mislead about a run's figures, noticed when the run is made and stored with them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a figure of a run may mislead. Readers skip kinds that they do not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Warning {
    /// Percentiles were left out.
    TooFewSamples {
        needed: Vec<NeededSamples>,
        /// The smallest count there was.
        count: u64,
    },
    /// The generator was late, but not much.
    Degraded { reasons: Vec<String> },
    /// The generator itself was the bottleneck.
    Invalid { reasons: Vec<String> },
    /// The beginning of the run was different from the rest.
    WarmingUp {
        stage: String,
        /// How long it was.
        cut_s: f64,
        /// The p95 of the response time in ms, without it and with it.
        #[serde(default)]
        p95: Option<(f64, f64)>,
    },
    /// The response time was still changing at the end.
    Unsettled { stage: String },
    /// No ok answer said what an SLO promises a share of.
    NotTold { stage: String, what: Untold },
    /// Content of streams that came in one read with earlier content.
    Coalesced {
        stage: String,
        /// Ok streams that came in one piece: their `tpot` is not known.
        one_piece: u64,
        /// All ok streams.
        streams: u64,
        /// Of all gaps between content-bearing events, the share that is not known.
        unknown_gaps: f64,
    },
    /// Requests whose latency is unknown.
    InFlight { stage: String, count: u64 },
    /// Cases without a grade count as not passed.
    ErrorsCount {
        errors: u64,
        /// The pass rate if none of them had passed, and if all had.
        #[serde(default)]
        bounds: Option<(f64, f64)>,
    },
    /// The interval of the pass rate is too wide to see a small change.
    SmallGoldenSet {
        /// Cases that were asked.
        cases: u64,
        low: f64,
        high: f64,
    },
    /// The measured code is not in git.
    Dirty,
    /// The run was interrupted.
    Incomplete,
    /// A budget ended the run: the key of the manifest that bounds it.
    OverBudget {
        #[serde(default)]
        key: Option<String>,
    },
    /// One that a later version knows.
    #[serde(other)]
    Other,
}

/// What answers say of themselves, or do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Untold {
    /// That a fallback gave it.
    Fallback,
    /// That a cache had it.
    Hit,
}

/// How many samples a statistic needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NeededSamples {
    /// For instance `p99`.
    pub(crate) statistic: String,
    pub(crate) samples: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_warning_is_read_as_it_was_written_and_one_of_a_later_version_is_no_error() {
        let warning = Warning::TooFewSamples {
            needed: vec![NeededSamples {
                statistic: "p99".to_owned(),
                samples: 368,
            }],
            count: 12,
        };
        let text = json!(warning);
        assert_eq!(
            text,
            json!({"kind": "too_few_samples", "needed": [{"statistic": "p99", "samples": 368}], "count": 12})
        );
        assert_eq!(serde_json::from_value::<Warning>(text).unwrap(), warning);
        let later = json!({"kind": "moonlight", "phase": 3});
        assert_eq!(
            serde_json::from_value::<Warning>(later).unwrap(),
            Warning::Other
        );
    }
}

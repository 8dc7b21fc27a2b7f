//! What one stage did under load, key by key as in the contract.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counts::TallyRecord;
use super::eval::is_zero;
use super::latency::{MetricSummary, Metrics, metrics};
use crate::measure::Histogram;
use crate::metric::{Figure, RateMetric};

/// Percentiles of a distribution of times, in ms, whatever the number of samples; null when there
/// are none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Spread {
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) max: Option<f64>,
}

impl Spread {
    /// Returns the spread of what a histogram holds.
    pub(crate) fn of(times: &Histogram) -> Self {
        Self {
            p50: times.quantile_ms(0.5),
            p99: times.quantile_ms(0.99),
            max: times.max_ms(),
        }
    }
}

/// One stage under load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct StageResult {
    pub(crate) attempted: u64,
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    #[serde(default)]
    pub(crate) errors: BTreeMap<String, u64>,
    /// What one failure of each kind looked like, cut, its secrets struck out; absent where none
    /// failed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) examples: BTreeMap<String, String>,
    /// Why models stopped, as they said, of the ok answers; absent where none said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) finish_reasons: BTreeMap<String, u64>,
    pub(crate) in_flight_at_end: u64,
    /// Null in a closed loop.
    pub(crate) offered_rps: Option<f64>,
    pub(crate) achieved_rps: f64,
    pub(crate) goodput_rps: f64,
    /// Output tokens of good answers a second; absent where no tokens were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) goodput_tps: Option<f64>,
    /// Null when nothing was attempted.
    pub(crate) attainment: Option<f64>,
    pub(crate) error_rate: Option<f64>,
    #[serde(default)]
    pub(crate) fallback_rate: Option<f64>,
    /// Of the ok answers that say whether a cache had them, the share that it had; absent where
    /// none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hit_rate: Option<f64>,
    /// Answers that showed nothing, whether the stage takes them (`empty = "ok"`) or they failed;
    /// absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) empty: Option<u64>,
    /// Ok answers in which the model refused; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refusals: Option<u64>,
    #[serde(default)]
    pub(crate) connections: u64,
    /// Requests that were sent a second time, on a new connection, because the one that they were
    /// on turned out to be closed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) resent: u64,
    /// Absent where no sessions were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<SessionCounts>,
    #[serde(default)]
    pub(crate) tokens: Option<Tokens>,
    #[serde(default)]
    pub(crate) cost_usd: Option<f64>,
    #[serde(default)]
    pub(crate) owner: Option<String>,
    #[serde(default, with = "metrics")]
    #[schemars(with = "BTreeMap<String, MetricSummary>")]
    pub(crate) metrics: Metrics,
    #[serde(default)]
    pub(crate) slo: Vec<SloResult>,
    /// Where the stage settled; absent where the load is not steady itself, or too short to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) steady: Option<SteadyResult>,
    /// What was counted, so that runs can be added up; absent in runs of format 1.0, and in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tally: Option<TallyRecord>,
}

impl StageResult {
    /// Returns a rate; `None` where it is not known.
    pub(crate) const fn rate(&self, rate: RateMetric) -> Option<f64> {
        match rate {
            RateMetric::Offered => self.offered_rps,
            RateMetric::Achieved => Some(self.achieved_rps),
            RateMetric::Goodput => Some(self.goodput_rps),
            RateMetric::GoodTokens => self.goodput_tps,
        }
    }
}

/// From when on a stage's response time no longer changed, and what was measured from then on. The
/// figures of the stage itself are those of the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SteadyResult {
    /// False when the response time was still changing at the end: then nothing is steady.
    pub(crate) reached: bool,
    /// What was cut, in s from t = 0.
    pub(crate) cut_s: f64,
    /// By metric, without what was cut.
    #[serde(with = "metrics")]
    #[schemars(with = "BTreeMap<String, MetricSummary>")]
    pub(crate) metrics: Metrics,
}

/// Sessions that began in the measured phase. Those that neither finished nor failed were cut by
/// the end of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SessionCounts {
    pub(crate) begun: u64,
    /// Every turn was answered.
    pub(crate) finished: u64,
    /// A turn failed, and those after it were not sent.
    pub(crate) failed: u64,
}

/// Token counts of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Tokens {
    /// All tokens of the prompts, those of a prompt cache among them.
    pub(crate) input: u64,
    /// All tokens of the answers, those of their reasoning among them.
    pub(crate) output: u64,
    /// Of `input`, what was read from a prompt cache; absent where there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) cached: u64,
    /// Of `input`, what was written to one; absent where there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) cache_write: u64,
    /// Of `output`, what was reasoning; absent where there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) reasoning: u64,
    /// `usage`, `chunks`, or `mixed`.
    pub(crate) source: String,
    /// Output tokens of the ok answers that were complete in the window, a second: of the system,
    /// not of a user.
    #[serde(default)]
    pub(crate) output_per_s: Option<f64>,
    /// Of the streams whose tokens the server counted, the share in which it counted other than one
    /// token a chunk.
    #[serde(default)]
    pub(crate) mismatch: Option<f64>,
    /// Content-bearing events that came in one read with an earlier one: their gaps are not known
    /// and not counted.
    #[serde(default)]
    pub(crate) coalesced: u64,
    /// Ok streams of several such events that all came in one read: their `tpot` is not known.
    #[serde(default)]
    pub(crate) one_piece: u64,
}

/// One SLO, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SloResult {
    /// For instance `response_time.p95` or `error_rate`.
    #[schemars(with = "String")]
    pub(crate) metric: Figure,
    /// In the unit of the metric: ms, or a share.
    pub(crate) limit: f64,
    /// Null when there were too few samples.
    pub(crate) value: Option<f64>,
    /// Null when it cannot be judged.
    pub(crate) met: Option<bool>,
    /// How many requests were above the limit of a percentile, the failed ones among them; null for
    /// other limits.
    #[serde(default)]
    pub(crate) above: Option<u64>,
}

//! The run document: what `--format json` prints and `run.json` holds, key by key as in the contract.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::limit::LimitResult;
use super::profile::ProfileResult;
use super::quality::QualityResult;
use serde_json::Value;

use super::version::FormatVersion;
use crate::measure::Histogram;

/// The schema name of a run document.
pub(crate) const RUN_SCHEMA: &str = "stagegate/run";

/// One run: a load test, an eval, a gate. Times in ms as numbers; unknown keys are ignored by readers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RunRecord {
    pub(crate) schema: String,
    pub(crate) version: FormatVersion,
    pub(crate) id: String,
    pub(crate) kind: RunKind,
    /// The load's, suite's, or gate's name.
    pub(crate) name: String,
    pub(crate) env: String,
    #[serde(default)]
    pub(crate) region: Option<String>,
    pub(crate) seed: u64,
    /// RFC 3339, UTC.
    pub(crate) started_at: String,
    pub(crate) duration_s: f64,
    /// False when the run was interrupted.
    pub(crate) complete: bool,
    pub(crate) release: Release,
    pub(crate) validity: Validity,
    #[serde(default)]
    pub(crate) generator: Option<Generator>,
    #[serde(default)]
    pub(crate) stages: BTreeMap<String, StageResult>,
    /// The load's plan or the suite's settings, as they were resolved.
    #[serde(default)]
    pub(crate) plan: Value,
    #[serde(default)]
    pub(crate) eval: Option<EvalResult>,
    /// Present where a load's answers were scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<QualityResult>,
    /// What was injected and what was expected, in a run of kind `fault`.
    #[serde(default)]
    pub(crate) fault: Option<Value>,
    /// Present in a run of kind `profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<ProfileResult>,
    /// Present in a run of kind `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<LimitResult>,
    #[serde(default)]
    pub(crate) verdict: Option<VerdictKind>,
    /// Present in a run of kind `gate`: the ids of the runs it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) runs: Vec<String>,
    /// Present in an exported run made of several rounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rounds: Vec<Round>,
}

/// What a run measured.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunKind {
    Load,
    Limit,
    Profile,
    Eval,
    Fault,
    Gate,
}

impl RunKind {
    /// Returns the word used in documents and messages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Limit => "limit",
            Self::Profile => "profile",
            Self::Eval => "eval",
            Self::Fault => "fault",
            Self::Gate => "gate",
        }
    }
}

/// One round of a run that has several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Round {
    pub(crate) stages: BTreeMap<String, StageResult>,
}

/// What a release is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Release {
    /// Full commit id; `None` outside git or before the first commit.
    #[serde(default)]
    pub(crate) commit: Option<String>,
    /// The nearest tag reachable from the commit, with the distance left out.
    #[serde(default)]
    pub(crate) tag: Option<String>,
    /// Whether the work tree differed from the commit; `.stagegate/` never counts.
    #[serde(default)]
    pub(crate) dirty: bool,
    /// `blake3:…` of the manifest's text.
    #[serde(default)]
    pub(crate) manifest: String,
    /// The version vector of `[release]`.
    #[serde(default)]
    pub(crate) versions: BTreeMap<String, String>,
}

/// The generator's judgement of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Validity {
    pub(crate) verdict: ValidityVerdict,
    #[serde(default)]
    pub(crate) reasons: Vec<String>,
}

impl Default for Validity {
    fn default() -> Self {
        Self {
            verdict: ValidityVerdict::Valid,
            reasons: Vec::new(),
        }
    }
}

/// Ordered from good to bad.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ValidityVerdict {
    Valid,
    Degraded,
    Invalid,
}

/// What the load generator spent and how late it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Generator {
    /// Null in a closed loop.
    #[serde(default)]
    pub(crate) schedule_lag_ms: Option<Spread>,
    /// For how long the kernel had held what was read, on a sample of the connections; null where it does not tell.
    #[serde(default)]
    pub(crate) receive_lag_ms: Option<Spread>,
    pub(crate) not_sent: u64,
    pub(crate) cpu_s: f64,
    pub(crate) peak_rss_mb: f64,
    /// What this machine can measure, as `calibrate` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) calibration: Option<Calibration>,
}

/// Percentiles of a distribution of times, in ms, whatever the number of samples; null when there are none.
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
    pub(crate) in_flight_at_end: u64,
    /// Null in a closed loop.
    pub(crate) offered_rps: Option<f64>,
    pub(crate) achieved_rps: f64,
    pub(crate) goodput_rps: f64,
    /// Null when nothing was attempted.
    pub(crate) attainment: Option<f64>,
    pub(crate) error_rate: Option<f64>,
    #[serde(default)]
    pub(crate) fallback_rate: Option<f64>,
    /// Of the ok answers that say whether a cache had them, the share that it had; absent where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hit_rate: Option<f64>,
    #[serde(default)]
    pub(crate) connections: u64,
    /// Absent where no sessions were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<SessionCounts>,
    #[serde(default)]
    pub(crate) tokens: Option<Tokens>,
    #[serde(default)]
    pub(crate) cost_usd: Option<f64>,
    #[serde(default)]
    pub(crate) owner: Option<String>,
    #[serde(default)]
    pub(crate) metrics: BTreeMap<String, MetricSummary>,
    #[serde(default)]
    pub(crate) slo: Vec<SloResult>,
    /// Where the stage settled; absent where the load is not steady itself, or too short to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) steady: Option<SteadyResult>,
}

/// From when on a stage's response time no longer changed, and what was measured from then on. The figures of the stage itself
/// are those of the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SteadyResult {
    /// False when the response time was still changing at the end: then nothing is steady.
    pub(crate) reached: bool,
    /// What was cut, in s from t = 0.
    pub(crate) cut_s: f64,
    /// By metric, without what was cut.
    pub(crate) metrics: BTreeMap<String, MetricSummary>,
}

/// Sessions that began in the measured phase. Those that neither finished nor failed were cut by the end of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SessionCounts {
    pub(crate) begun: u64,
    /// Every turn was answered.
    pub(crate) finished: u64,
    /// A turn failed, and those after it were not sent.
    pub(crate) failed: u64,
}

impl SessionCounts {
    /// Adds the sessions of another part of the load.
    pub(crate) const fn add(&mut self, other: Self) {
        self.begun += other.begun;
        self.finished += other.finished;
        self.failed += other.failed;
    }
}

/// Token counts of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// `usage`, `chunks`, or `mixed`.
    pub(crate) source: String,
    /// Output tokens of the ok answers that were complete in the window, a second: of the system, not of a user.
    #[serde(default)]
    pub(crate) output_per_s: Option<f64>,
    /// Of the streams whose tokens the server counted, the share in which it counted other than one token a chunk.
    #[serde(default)]
    pub(crate) mismatch: Option<f64>,
    /// Content-bearing events that came in one read with an earlier one: their gaps are not known and not counted.
    #[serde(default)]
    pub(crate) coalesced: u64,
}

/// One latency metric; null percentiles had too few samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct MetricSummary {
    pub(crate) unit: String,
    pub(crate) count: u64,
    pub(crate) mean: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p90: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) p999: Option<f64>,
    /// HdrHistogram V2 compressed, base64, µs; only in exported and stored documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) histogram: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) intervals: Vec<IntervalRecord>,
}

impl MetricSummary {
    /// Returns the summary alone.
    pub(crate) fn without_histograms(self) -> Self {
        Self {
            histogram: None,
            intervals: Vec::new(),
            ..self
        }
    }

    /// Returns the intervals with their histograms; one that does not parse is left out.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&IntervalRecord, Histogram)> {
        let decode = |it: &'_ IntervalRecord| Histogram::decode(&it.histogram).ok();
        self.intervals
            .iter()
            .filter_map(move |it| Some((it, decode(it)?)))
    }

    /// Returns the statistic of that key: `count`, `mean`, `min`, `max`, `p50` to `p999`.
    pub(crate) fn stat(&self, key: &str) -> Option<f64> {
        match key {
            "count" => Some(self.count as f64),
            "mean" => self.mean,
            "min" => self.min,
            "max" => self.max,
            "p50" => self.p50,
            "p90" => self.p90,
            "p95" => self.p95,
            "p99" => self.p99,
            "p999" => self.p999,
            _ => None,
        }
    }
}

/// One interval's histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct IntervalRecord {
    pub(crate) start_s: f64,
    pub(crate) end_s: f64,
    pub(crate) histogram: String,
}

/// One SLO, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SloResult {
    /// For instance `response_time.p95` or `error_rate`.
    pub(crate) metric: String,
    /// In ms, or a share.
    pub(crate) limit: f64,
    /// Null when there were too few samples.
    pub(crate) value: Option<f64>,
    /// Null when it cannot be judged.
    pub(crate) met: Option<bool>,
}

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

/// The three-valued verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerdictKind {
    Passed,
    Failed,
    Inconclusive,
}

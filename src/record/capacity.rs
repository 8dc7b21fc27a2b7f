//! What a search for the highest rate found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::Figure;

/// The block of a run of kind `limit`. Rates are arrivals a second, for each target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LimitResult {
    /// The highest rate at which every SLO held; null when none did.
    pub(crate) rate: Option<f64>,
    /// The ends of the interval that holds the limit: what held, and what did not. Null where none
    /// was found.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// Whether long probes showed that the limit lies between the two; without it one held and the
    /// other broke, by short probes.
    #[serde(default)]
    pub(crate) interval: bool,
    /// What gave way first: the SLO that was missed by most at the lowest rate that was too high.
    pub(crate) gave_way: Option<GaveWay>,
    /// In the order in which they were made.
    pub(crate) probes: Vec<Probe>,
    /// One sentence.
    pub(crate) summary: String,
}

/// An SLO that was not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct GaveWay {
    pub(crate) stage: String,
    pub(crate) owner: Option<String>,
    /// For instance `response_time.p95`.
    #[schemars(with = "String")]
    pub(crate) metric: Figure,
    /// In ms, or a share.
    pub(crate) limit: f64,
    /// Null when the percentile falls on failed requests.
    pub(crate) value: Option<f64>,
}

/// One rate that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Probe {
    pub(crate) rate: f64,
    pub(crate) duration_s: f64,
    /// Whether it was long enough to count for an interval.
    #[serde(default)]
    pub(crate) long: bool,
    /// Null when it could not be judged.
    pub(crate) held: Option<bool>,
    /// Of all targets together.
    pub(crate) goodput_rps: f64,
    /// The SLOs that were not kept, as `stage.metric`.
    pub(crate) broke: Vec<String>,
}

//! What a latency profile found, as it is stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `profile` block of a run. Times are in ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ProfileResult {
    /// The stage or pipeline that was profiled.
    pub(crate) whole: String,
    /// Its parts, in the order in which they are called.
    pub(crate) parts: Vec<String>,
    /// Whether stagegate drove the parts itself. Otherwise it called them while the whole was under
    /// load.
    pub(crate) driven: bool,
    /// The given load in words, for instance `20/s`.
    pub(crate) load: String,
    pub(crate) cells: Vec<ProfileCell>,
    #[serde(default)]
    pub(crate) waterfalls: Vec<Waterfall>,
    /// Where the time goes; null where too little came back to tell.
    #[serde(default)]
    pub(crate) summary: Option<String>,
}

/// One stage under one condition: its response time over the ok answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ProfileCell {
    pub(crate) stage: String,
    pub(crate) place: Place,
    pub(crate) load: Level,
    pub(crate) count: u64,
    pub(crate) failed: u64,
    #[serde(default)]
    pub(crate) mean: Option<f64>,
    #[serde(default)]
    pub(crate) p50: Option<Estimate>,
    #[serde(default)]
    pub(crate) p95: Option<Estimate>,
    /// Only while the profile is made.
    #[serde(skip)]
    pub(crate) spread: Option<Tails>,
}

/// How far the 5th and the 95th percentile are from the median, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tails {
    pub(crate) below: f64,
    pub(crate) above: f64,
}

/// An estimate with the ends of its 95 % interval; an end is null where there are too few samples
/// for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    #[serde(default)]
    pub(crate) low: Option<f64>,
    #[serde(default)]
    pub(crate) high: Option<f64>,
    /// True where there is no interval because the run is too short against its own memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) too_short: bool,
}

/// Where a stage was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// Nothing else ran.
    Alone,
    /// As a step of the pipeline, or beside the whole.
    Inside,
}

/// Under which load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// One user who waits for each answer.
    Low,
    /// The load that was asked for.
    Given,
}

/// One request, drawn by its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Waterfall {
    /// `typical` or `slow`.
    pub(crate) label: String,
    pub(crate) response_time_ms: f64,
    pub(crate) spans: Vec<Span>,
}

/// One stage's part of a request, in ms since the request was due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Span {
    pub(crate) stage: String,
    /// When it was due.
    pub(crate) start: f64,
    /// When its first byte was sent: before that it waited in the client.
    pub(crate) sent: f64,
    pub(crate) first_content: f64,
    pub(crate) end: f64,
    /// The trace that its request began; absent without `trace = true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<String>,
}

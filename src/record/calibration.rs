//! What a machine can measure: the floor below which its figures are its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stage::Spread;

/// The schema name of a calibration's document.
pub(crate) const CALIBRATION_SCHEMA: &str = "stagegate/calibration";

/// The figures of one machine, measured against the reference server on the same machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Calibration {
    /// RFC 3339.
    pub(crate) measured_at: String,
    /// Cores that this process may use.
    pub(crate) cores: u64,
    /// At `lag_rate` arrivals a second.
    pub(crate) schedule_lag_ms: Option<Spread>,
    pub(crate) lag_rate: f64,
    /// By how much the TTFT of a stream differs from what the server did.
    pub(crate) ttft_error_ms: Option<Spread>,
    /// By how much the gap between two tokens differs from what the server did.
    pub(crate) gap_error_ms: Option<Spread>,
    /// The most plain requests a second, by 60 users; the server needed its share of the cores.
    pub(crate) max_rps: Option<f64>,
    /// The most streams at once, 20 tokens a second each, whose gap error keeps below 2 ms at the
    /// 99th percentile.
    pub(crate) max_streams: Option<u64>,
}

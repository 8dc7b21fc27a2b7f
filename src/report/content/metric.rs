//! How the numbers of metrics are written, and how their changes are.

use super::super::format::{NONE, number, percent, signed, signed_percent_digits, time_ms};
use crate::metric::{Figure, LatencyMetric, Metric, Unit};
use crate::record::Comparison;

/// Formats a value in its unit.
pub(super) fn value(unit: Unit, value: Option<f64>) -> String {
    match (value, unit) {
        (None, _) => NONE.to_owned(),
        (Some(ms), Unit::Time) => time_ms(ms),
        (Some(share), Unit::Share) => percent(share),
        (Some(rate), Unit::Rate) => format!("{}/s", number(rate)),
        (Some(value), Unit::Number) => number(value),
    }
}

/// Formats a change with its sign and unit; percentage points for shares.
pub(super) fn signed_change(unit: Unit, change: f64) -> String {
    let points = match unit {
        Unit::Share => "pp",
        Unit::Time | Unit::Rate | Unit::Number => "%",
    };
    format!("{} {points}", signed_percent_digits(change))
}

/// Formats a change with its interval: `−4.1 pp [−8.0, −0.3]`.
pub(super) fn change(comparison: &Comparison) -> String {
    let Some(change) = comparison.change else {
        return NONE.to_owned();
    };
    let change = signed_change(comparison.metric.unit(), change);
    match (comparison.low, comparison.high) {
        (Some(low), Some(high)) => format!(
            "{change} [{}, {}]",
            signed_percent_digits(low),
            signed_percent_digits(high)
        ),
        _ => change,
    }
}

/// Formats how large a change could have gone unseen: `± 9.2 points`, and `± 38 points` where a
/// tenth of one says nothing.
pub(super) fn half_width(unit: Unit, half: f64) -> String {
    let half = half * 100.0;
    let digits = usize::from(half < 9.95);
    let points = match unit {
        Unit::Share => "points",
        Unit::Time | Unit::Rate | Unit::Number => "%",
    };
    format!("± {half:.digits$} {points}")
}

/// Returns whether this is one of the latencies that people ask for; the others are in the
/// document.
pub(super) const fn is_main_latency(metric: &Metric) -> bool {
    matches!(
        metric,
        Metric::Load {
            figure: Figure::Latency(
                LatencyMetric::ResponseTime | LatencyMetric::Ttft | LatencyMetric::Tpot,
                _
            ),
            ..
        }
    )
}

/// Lets a long name be broken in two: `load.peak.gateway response_time.p95`.
pub(super) fn breakable(metric: &Metric) -> String {
    match metric.in_two() {
        (whose, Some(what)) => format!("{whose} {what}"),
        (whole, None) => whole,
    }
}

/// Formats a change in ms with its sign.
pub(super) fn signed_ms(change: f64) -> String {
    signed(change, time_ms)
}

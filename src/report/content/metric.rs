//! What a dotted metric name says about its number: time, share, or count; and how its change is written.

use super::super::format::{NONE, number, percent, signed, signed_percent_digits, time_ms};
use crate::manifest::LatencyMetric;
use crate::record::Comparison;

/// What is measured, hence the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    /// In ms; its change is a ratio.
    Time,
    /// In [0, 1]; its change is in percentage points.
    Share,
    /// Anything else, for instance requests per second; its change is a ratio.
    Plain,
}

/// Returns whether a metric is a latency.
fn is_time(metric: &str) -> bool {
    LatencyMetric::ALL.iter().any(|it| it.key() == metric)
}

impl Quantity {
    /// Reads a dotted name of the contract, section 3.
    pub(super) fn of(metric: &str) -> Self {
        let mut parts = metric.rsplit('.');
        let last = parts.next().unwrap_or_default();
        if metric.starts_with("eval.") || last.ends_with("_rate") || last == "attainment" {
            Self::Share
        } else if last != "count" && parts.next().is_some_and(is_time) {
            Self::Time
        } else {
            Self::Plain
        }
    }

    /// Formats a value with its unit.
    pub(super) fn value(self, value: Option<f64>) -> String {
        match (value, self) {
            (None, _) => NONE.to_owned(),
            (Some(ms), Self::Time) => time_ms(ms),
            (Some(share), Self::Share) => percent(share),
            (Some(value), Self::Plain) => number(value),
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Share => "pp",
            Self::Time | Self::Plain => "%",
        }
    }

    /// Formats a change with its sign and unit; percentage points for shares.
    pub(super) fn signed(self, change: f64) -> String {
        format!("{} {}", signed_percent_digits(change), self.unit())
    }

    /// Formats a change with its interval: `−4.1 pp [−8.0, −0.3]`.
    pub(super) fn change(self, comparison: &Comparison) -> String {
        let Some(change) = comparison.change else {
            return NONE.to_owned();
        };
        match (comparison.low, comparison.high) {
            (Some(low), Some(high)) => format!(
                "{} [{}, {}]",
                self.signed(change),
                signed_percent_digits(low),
                signed_percent_digits(high)
            ),
            _ => self.signed(change),
        }
    }
}

/// Returns whether this is one of the latencies that people ask for; the others are in the document.
pub(super) fn is_main_latency(metric: &str) -> bool {
    let name = metric.rsplit('.').nth(1).unwrap_or_default();
    ["response_time", "ttft", "tpot"].contains(&name)
}

/// Returns the slice of `eval.NAME.slice."lang=de".pass_rate`, without its quotes.
pub(super) fn slice(metric: &str) -> Option<&str> {
    let (_, rest) = metric.split_once(".slice.")?;
    let (slice, _) = rest.rsplit_once('.')?;
    Some(slice.trim_matches('"'))
}

/// Lets a long name be broken after its dots' parts: `load.peak.gateway response_time.p95`.
pub(super) fn breakable(metric: &str) -> String {
    let parts: Vec<&str> = metric.split('.').collect();
    match parts.as_slice() {
        ["load", name, stage, rest @ ..] if !rest.is_empty() => {
            format!("load.{name}.{stage} {}", rest.join("."))
        }
        ["eval", name, rest @ ..] if !rest.is_empty() => {
            format!("eval.{name} {}", rest.join("."))
        }
        _ => metric.to_owned(),
    }
}

/// Formats a change in ms with its sign.
pub(super) fn signed_ms(change: f64) -> String {
    signed(change, time_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_unit() {
        for (metric, quantity) in [
            ("load.peak.gateway.response_time.p95", Quantity::Time),
            ("load.peak.llm.ttft.p99", Quantity::Time),
            ("load.peak.llm.ttft.count", Quantity::Plain),
            ("load.peak.gateway.error_rate", Quantity::Share),
            ("load.peak.gateway.goodput_rps", Quantity::Plain),
            ("eval.answers.pass_rate", Quantity::Share),
            ("eval.answers.recall.score", Quantity::Share),
            ("eval.answers.slice.\"lang=de\".pass_rate", Quantity::Share),
        ] {
            assert_eq!(Quantity::of(metric), quantity, "{metric}");
        }
    }

    #[test]
    fn a_slice_may_hold_dots() {
        assert_eq!(
            slice("eval.a.slice.\"model=v1.2\".pass_rate"),
            Some("model=v1.2")
        );
        assert_eq!(slice("eval.a.pass_rate"), None);
    }
}

//! `sine`: a rate that swings around its mean, as days do.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kind::Keys;
use crate::arrival::arrivals::{Arrivals, Open};
use crate::arrival::curve::{Curve, show_seconds};
use crate::arrival::gaps::Gaps;
use crate::arrival::wrong::Wrong;
use crate::measure::{Rate, Share, Time, show_rate};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sine {
    gaps: Option<String>,
    cv: Option<f64>,
    rate: Rate,
    amplitude: Share,
    period: Time,
}

impl Keys for Sine {
    const NAME: &'static str = "sine";
    const SUMMARY: &'static str = "a rate that swings around its mean";

    fn arrivals(self, _: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong> {
        let gaps = Gaps::read(self.gaps.as_deref(), self.cv)?;
        let period = self
            .period
            .above_zero()
            .ok_or_else(|| Wrong::zero("period"))?;
        let mean = self.rate.per_second();
        let curve = Wave {
            mean,
            swing: mean * self.amplitude.value(),
            period_s: period.as_secs_f64(),
        };
        Ok(Open::boxed(gaps, curve))
    }
}

/// `mean + swing · sin(2π t / period)`, with 0 ≤ `swing` ≤ `mean`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::arrival) struct Wave {
    pub(in crate::arrival) mean: f64,
    pub(in crate::arrival) swing: f64,
    pub(in crate::arrival) period_s: f64,
}

impl Curve for Wave {
    fn rate_at(&self, at_s: f64) -> f64 {
        self.mean + self.swing * (std::f64::consts::TAU * at_s / self.period_s).sin()
    }

    /// Bisects within the period that holds the arrival: the integral only grows there.
    fn when(&self, count: f64) -> f64 {
        let Self {
            mean,
            swing,
            period_s,
        } = *self;
        let turns = (count / (mean * period_s)).floor();
        let within = count - turns * mean * period_s;
        let turn = std::f64::consts::TAU / period_s;
        let expected = |at: f64| mean * at + swing / turn * (1.0 - (turn * at).cos());
        let (mut low, mut high) = (0.0, period_s);
        // 52 halvings leave less than a nanosecond of a period of a month.
        for _ in 0..52 {
            let middle = f64::midpoint(low, high);
            if expected(middle) < within {
                low = middle;
            } else {
                high = middle;
            }
        }
        turns * period_s + high
    }

    fn show(&self) -> String {
        let (low, high) = (self.mean - self.swing, self.mean + self.swing);
        format!("{} to {}", show_rate(low), show_rate(high))
    }

    fn document(&self, gaps: &str) -> Value {
        json!({
            "process": "sine", "gaps": gaps, "rate": show_rate(self.mean),
            "amplitude": self.swing / self.mean, "period": show_seconds(self.period_s),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::process::testing::{drawn, expected, read};

    #[test]
    fn it_swings_by_its_amplitude() {
        let wave = Wave {
            mean: 20.0,
            swing: 10.0,
            period_s: 10.0,
        };
        let keys = "{ rate = \"20/s\", amplitude = \"50%\", period = \"10s\" }";
        assert_eq!(drawn("sine", keys), expected(Gaps::Even, &wave));
        assert_eq!(read("sine", keys).show(), "10/s to 30/s");
        let stored =
            r#"{"process":"sine","gaps":"constant","rate":"20/s","amplitude":0.5,"period":"10s"}"#;
        assert_eq!(read("sine", keys).document().to_string(), stored);
    }
}

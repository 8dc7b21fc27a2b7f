//! `ramp`: from one rate to another, by the same amount or by the same factor each second.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kind::Keys;
use crate::arrival::arrivals::{Arrivals, Open};
use crate::arrival::curve::{Curve, divide, show_seconds};
use crate::arrival::gaps::Gaps;
use crate::arrival::wrong::Wrong;
use crate::measure::{AnyRate, Time, show_rate};
use crate::registry::suggest;

const SHAPES: [&str; 2] = ["linear", "exponential"];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ramp {
    gaps: Option<String>,
    cv: Option<f64>,
    from: AnyRate,
    to: AnyRate,
    // As long as the load where it does not say.
    shape: Option<String>,
    over: Option<Time>,
}

impl Keys for Ramp {
    const NAME: &'static str = "ramp";
    const SUMMARY: &'static str = "from one rate to another";

    fn arrivals(self, length: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong> {
        let gaps = Gaps::read(self.gaps.as_deref(), self.cv)?;
        let (from, to) = (self.from.per_second(), self.to.per_second());
        let over = self.over.map(|over| over.0).or(length);
        let Some(over) = over.filter(|over| !over.is_zero()) else {
            return Err(Wrong::whole(
                "does not say how long the ramp takes: add `over`, or give the load a `duration`",
            ));
        };
        let over_s = over.as_secs_f64();
        match self.shape.as_deref().unwrap_or("linear") {
            "linear" if from + to > 0.0 => Ok(Open::boxed(gaps, Linear { from, to, over_s })),
            "linear" => Err(Wrong::key("to", "must be above zero when `from` is not")),
            "exponential" if from > 0.0 && to > 0.0 => {
                Ok(Open::boxed(gaps, Exponential { from, to, over_s }))
            }
            "exponential" => {
                let reason = "is exponential, which never reaches or leaves zero";
                let zero = if from > 0.0 { "to" } else { "from" };
                Err(Wrong::key("shape", reason).at(zero))
            }
            other => {
                let wrong = Wrong::key("shape", format!("cannot be `{other}`"));
                Err(wrong.help(suggest(other, &SHAPES)))
            }
        }
    }
}

/// In a straight line from `from` to `to`, then `to` for ever.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::arrival) struct Linear {
    pub(in crate::arrival) from: f64,
    pub(in crate::arrival) to: f64,
    pub(in crate::arrival) over_s: f64,
}

/// By the same factor each second, then `to` for ever; both ends are above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::arrival) struct Exponential {
    pub(in crate::arrival) from: f64,
    pub(in crate::arrival) to: f64,
    pub(in crate::arrival) over_s: f64,
}

impl Curve for Linear {
    fn rate_at(&self, at_s: f64) -> f64 {
        let share = (at_s / self.over_s).clamp(0.0, 1.0);
        self.from + (self.to - self.from) * share
    }

    fn when(&self, count: f64) -> f64 {
        let Self { from, to, over_s } = *self;
        let whole = f64::midpoint(from, to) * over_s;
        if count > whole {
            return over_s + divide(count - whole, to);
        }
        // The root of `from·t + slope·t²/2 = count` in the form without cancellation.
        let slope = (to - from) / over_s;
        let root = (from * from + 2.0 * slope * count).max(0.0).sqrt();
        divide(2.0 * count, from + root)
    }

    fn show(&self) -> String {
        format!("{} to {}", show_rate(self.from), show_rate(self.to))
    }

    fn document(&self, gaps: &str) -> Value {
        json!({
            "process": "ramp", "gaps": gaps,
            "from": show_rate(self.from), "to": show_rate(self.to), "over": show_seconds(self.over_s),
        })
    }
}

impl Curve for Exponential {
    fn rate_at(&self, at_s: f64) -> f64 {
        let share = (at_s / self.over_s).clamp(0.0, 1.0);
        self.from * (self.to / self.from).powf(share)
    }

    fn when(&self, count: f64) -> f64 {
        let Self { from, to, over_s } = *self;
        let growth = (to / from).ln() / over_s;
        if growth.abs() * over_s < 1e-9 {
            return divide(count, from);
        }
        let whole = (to - from) / growth;
        if count > whole {
            return over_s + divide(count - whole, to);
        }
        (growth * count / from).ln_1p() / growth
    }

    fn show(&self) -> String {
        format!("{} to {}", show_rate(self.from), show_rate(self.to))
    }

    fn document(&self, gaps: &str) -> Value {
        json!({
            "process": "ramp", "shape": "exponential", "gaps": gaps,
            "from": show_rate(self.from), "to": show_rate(self.to), "over": show_seconds(self.over_s),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::process::testing::{drawn, expected, read};

    #[test]
    fn it_is_straight_and_as_long_as_the_load_unless_it_says() {
        let (from, to) = (0.0, 50.0);
        let linear = Linear {
            from,
            to,
            over_s: 60.0,
        };
        let keys = "{ from = \"0/s\", to = \"50/s\" }";
        assert_eq!(drawn("ramp", keys), expected(Gaps::Even, &linear));
        assert_eq!(read("ramp", keys).show(), "0/s to 50/s");
        let exponential = Exponential {
            from: 1.0,
            to,
            over_s: 30.0,
        };
        let keys = "{ from = \"1/s\", to = \"50/s\", shape = \"exponential\", over = \"30s\", \
                    gaps = \"poisson\" }";
        let gaps = Gaps::Exponential;
        assert_eq!(drawn("ramp", keys), expected(gaps, &exponential));
        let stored = r#"{"process":"ramp","shape":"exponential","gaps":"poisson","from":"1/s","to":"50/s","over":"30s"}"#;
        assert_eq!(read("ramp", keys).document().to_string(), stored);
    }
}

//! `steps`: one rate after another.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kind::Keys;
use crate::arrival::arrivals::{Arrivals, Open};
use crate::arrival::curve::{Curve, divide, show_seconds};
use crate::arrival::gaps::Gaps;
use crate::arrival::timing::{Length, Until};
use crate::arrival::wrong::Wrong;
use crate::measure::{AnyRate, Time, show_rate};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Steps {
    gaps: Option<String>,
    cv: Option<f64>,
    #[serde(rename = "steps")]
    each: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Step {
    rate: AnyRate,
    duration: Time,
}

impl Keys for Steps {
    const NAME: &'static str = "steps";
    const SUMMARY: &'static str = "one rate after another";
    const HAS_LENGTH: bool = true;

    fn arrivals(self, _: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong> {
        let gaps = Gaps::read(self.gaps.as_deref(), self.cv)?;
        let steps = self.each.iter();
        let levels: Vec<Level> = steps
            .map(|step| Level::new(step.rate.per_second(), step.duration.0))
            .collect();
        if levels.iter().any(|level| level.length_s <= 0.0) {
            return Err(Wrong::key("steps", "has one of no `duration`"));
        }
        if levels.iter().all(|level| level.rate <= 0.0) {
            return Err(Wrong::key("steps", "never send anything"));
        }
        let length = self.each.iter().map(|step| step.duration.0).sum();
        let curve = Levels {
            levels,
            again: false,
        };
        Ok(Arc::new(Open {
            gaps,
            curve: Arc::new(curve),
            length: Some(Length::Until(Until::Duration(length))),
        }))
    }
}

/// One level after another, the last one for ever; or all of them again and again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Levels {
    pub(crate) levels: Vec<Level>,
    pub(crate) again: bool,
}

/// One rate for some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    /// Per second; may be 0.
    pub(crate) rate: f64,
    pub(crate) length_s: f64,
}

impl Level {
    /// Makes a level of a rate per second.
    pub(crate) fn new(rate: f64, length: Duration) -> Self {
        Self {
            rate,
            length_s: length.as_secs_f64(),
        }
    }
}

impl Curve for Levels {
    fn rate_at(&self, at_s: f64) -> f64 {
        let whole: f64 = self.levels.iter().map(|level| level.length_s).sum();
        let mut left = if self.again && whole > 0.0 {
            at_s % whole
        } else {
            at_s
        };
        for level in &self.levels {
            if left < level.length_s {
                return level.rate;
            }
            left -= level.length_s;
        }
        self.levels.last().map_or(0.0, |level| level.rate)
    }

    fn when(&self, count: f64) -> f64 {
        let levels = &self.levels;
        let (mut left, mut before) = (count, 0.0);
        if self.again {
            let expected: f64 = levels.iter().map(|it| it.rate * it.length_s).sum();
            let length: f64 = levels.iter().map(|it| it.length_s).sum();
            if expected > 0.0 {
                let rounds = (count / expected).floor();
                left = (count - rounds * expected).max(0.0);
                before = rounds * length;
            }
        }
        for level in levels {
            let expected = level.rate * level.length_s;
            // What is due exactly at the end of a level is due at the first moment of the next one
            // that has a rate.
            if left < expected {
                return before + left / level.rate;
            }
            left -= expected;
            before += level.length_s;
        }
        before + divide(left, levels.last().map_or(0.0, |level| level.rate))
    }

    fn levels(&self) -> Vec<f64> {
        self.levels.iter().map(|level| level.rate).collect()
    }

    fn show(&self) -> String {
        let rates = self.levels.iter().map(|level| level.rate);
        format!("up to {}", show_rate(rates.fold(0.0, f64::max)))
    }

    fn document(&self, gaps: &str) -> Value {
        let level = |level: &Level| json!({"rate": show_rate(level.rate), "duration": show_seconds(level.length_s)});
        let levels: Vec<Value> = self.levels.iter().map(level).collect();
        json!({"process": "steps", "gaps": gaps, "steps": levels, "again": self.again})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::process::testing::read;

    #[test]
    fn a_load_is_as_long_as_its_steps() {
        let keys = "{ steps = [{ rate = \"5/s\", duration = \"10s\" }, { rate = \"0/s\", duration = \"5s\" }] }";
        let arrivals = read("steps", keys);
        let length = Length::Until(Until::Duration(Duration::from_secs(15)));
        assert_eq!(arrivals.length(), Some(length));
        let stored = r#"{"process":"steps","gaps":"constant","steps":[{"rate":"5/s","duration":"10s"},{"rate":"0/s","duration":"5s"}],"again":false}"#;
        assert_eq!(arrivals.document().to_string(), stored);
    }
}

//! `spike`: a rate, a higher one for a moment, and the first again.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::Keys;
use super::steps::{Level, Levels};
use crate::arrival::arrivals::{Arrivals, Open};
use crate::arrival::gaps::Gaps;
use crate::arrival::wrong::Wrong;
use crate::measure::{Rate, Time};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Spike {
    gaps: Option<String>,
    cv: Option<f64>,
    rate: Rate,
    peak: Rate,
    at: Time,
    length: Time,
}

impl Keys for Spike {
    const NAME: &'static str = "spike";
    const SUMMARY: &'static str = "one rate, with a higher one for a moment";

    fn arrivals(self, _: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong> {
        let gaps = Gaps::read(self.gaps.as_deref(), self.cv)?;
        let length = self
            .length
            .above_zero()
            .ok_or_else(|| Wrong::zero("length"))?;
        let rate = self.rate.per_second();
        let before = (!self.at.0.is_zero()).then(|| Level::new(rate, self.at.0));
        let peak = Level::new(self.peak.per_second(), length);
        let after = Level::new(rate, Duration::from_secs(1));
        let levels = before.into_iter().chain([peak, after]).collect();
        let again = false;
        Ok(Open::boxed(gaps, Levels { levels, again }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::process::testing::{drawn, expected, read};

    #[test]
    fn its_peak_stands_between_two_levels() {
        let level = |rate, length_s| Level { rate, length_s };
        let levels = Levels {
            levels: Vec::from([level(5.0, 20.0), level(90.0, 3.0), level(5.0, 1.0)]),
            again: false,
        };
        let keys = "{ rate = \"5/s\", peak = \"90/s\", at = \"20s\", length = \"3s\" }";
        assert_eq!(drawn("spike", keys), expected(Gaps::Even, &levels));
        assert_eq!(read("spike", keys).show(), "up to 90/s");
    }
}

//! `on_off`: bursts at one rate, and silence between them.

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
pub(super) struct OnOff {
    gaps: Option<String>,
    cv: Option<f64>,
    rate: Rate,
    on: Time,
    off: Time,
}

impl Keys for OnOff {
    const NAME: &'static str = "on_off";
    const SUMMARY: &'static str = "bursts at one rate, and silence between them";

    fn arrivals(self, _: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong> {
        let gaps = Gaps::read(self.gaps.as_deref(), self.cv)?;
        let on = self.on.above_zero().ok_or_else(|| Wrong::zero("on"))?;
        let off = self.off.above_zero().ok_or_else(|| Wrong::zero("off"))?;
        let levels = Vec::from([Level::new(self.rate.per_second(), on), Level::new(0.0, off)]);
        let again = true;
        Ok(Open::boxed(gaps, Levels { levels, again }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::process::testing::{drawn, expected};

    #[test]
    fn its_levels_come_again_and_again() {
        let level = |rate, length_s| Level { rate, length_s };
        let levels = Levels {
            levels: Vec::from([level(5.0, 2.0), level(0.0, 8.0)]),
            again: true,
        };
        let keys = "{ rate = \"5/s\", on = \"2s\", off = \"8s\" }";
        assert_eq!(drawn("on_off", keys), expected(Gaps::Even, &levels));
    }
}

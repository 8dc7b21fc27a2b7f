//! `gamma`: arrivals at one rate, evener or burstier than Poisson.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::Keys;
use crate::arrival::arrivals::{Arrivals, at};
use crate::arrival::gaps::Gaps;
use crate::arrival::wrong::Wrong;
use crate::measure::Rate;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Gamma {
    rate: Rate,
    cv: f64,
}

impl Keys for Gamma {
    const NAME: &'static str = "gamma";
    const SUMMARY: &'static str = "at one rate, with gaps of a given coefficient of variation";

    fn arrivals(self, _: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong> {
        Ok(at(Gaps::gamma(self.cv)?, self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::curve::Flat;
    use crate::arrival::process::testing::{drawn, expected, read};

    #[test]
    fn its_gaps_have_the_variation_that_is_asked_for() {
        let keys = "{ rate = \"20/s\", cv = 2.5 }";
        let gaps = Gaps::Gamma { cv: 2.5 };
        assert_eq!(drawn("gamma", keys), expected(gaps, &Flat(20.0)));
        let stored = r#"{"process":"gamma","rate":"20/s","cv":2.5}"#;
        assert_eq!(read("gamma", keys).document().to_string(), stored);
    }
}

//! `poisson`: independent arrivals at one rate, as those of many users are.

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
pub(super) struct Poisson {
    rate: Rate,
}

impl Keys for Poisson {
    const NAME: &'static str = "poisson";
    const SUMMARY: &'static str = "independent arrivals at one rate";

    fn arrivals(self, _: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong> {
        Ok(at(Gaps::Exponential, self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::curve::Flat;
    use crate::arrival::process::testing::{drawn, expected, read};

    #[test]
    fn its_gaps_are_exponential() {
        let keys = "{ rate = \"600/m\" }";
        let flat = Flat(10.0);
        assert_eq!(drawn("poisson", keys), expected(Gaps::Exponential, &flat));
        let stored = r#"{"process":"poisson","rate":"10/s"}"#;
        assert_eq!(read("poisson", keys).document().to_string(), stored);
    }
}

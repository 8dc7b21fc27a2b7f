//! `constant`: evenly spaced at one rate. What a rate alone means.

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
pub(super) struct Constant {
    rate: Rate,
}

impl Keys for Constant {
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str = "evenly spaced at one rate";

    fn arrivals(self, _: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong> {
        Ok(at(Gaps::Even, self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::curve::Flat;
    use crate::arrival::process::testing::{drawn, expected, read};

    #[test]
    fn a_rate_alone_is_evenly_spaced() {
        let keys = "{ rate = \"20/s\" }";
        assert_eq!(drawn("constant", keys), expected(Gaps::Even, &Flat(20.0)));
        let arrivals = read("constant", keys);
        assert_eq!(arrivals.show(), "20/s");
        let stored = r#"{"process":"constant","rate":"20/s"}"#;
        assert_eq!(arrivals.document().to_string(), stored);
        assert_eq!(
            (arrivals.first_rate(), arrivals.length()),
            (Some(20.0), None)
        );
    }
}

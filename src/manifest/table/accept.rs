//! `[[accept]]`: an intended change, reviewed with the manifest, that expires.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::rule;
use crate::manifest::checker::Checker;
use crate::manifest::document::Table;
use crate::manifest::span::{Span, Spanned};
use crate::measure::Growth;
use crate::metric::Metric;

// What may be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawAccept {
    metric: Option<Spanned<String>>,
    up_to: Option<Growth>,
    until: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
}

/// `[[accept]]`.
#[derive(Clone, Debug)]
pub(crate) struct Accept {
    /// A latency of a load, or a pass rate.
    pub(crate) metric: Metric,
    /// Of a latency, its increase; of a pass rate, its drop in percentage points.
    pub(crate) up_to: Growth,
    /// The tag of the last release that it holds for.
    pub(crate) until: String,
    pub(crate) reason: String,
    /// Where the metric stands in the text.
    pub(crate) span: Span,
}

impl Accept {
    /// Checks one of them; `None` where anything is missing.
    pub(in crate::manifest) fn check(table: Table, manifest: &mut Checker<'_>) -> Option<Self> {
        let (raw, mut checker) = manifest.read::<RawAccept>(table, &[]);
        let raw = raw?;
        let metric = checker.required(raw.metric, "metric");
        let up_to = checker.required(raw.up_to, "up_to");
        let until = checker.required(raw.until, "until");
        let reason = checker.required(raw.reason, "reason");
        let until = until.and_then(|it| said("until", it, &mut checker));
        let reason = reason.and_then(|it| said("reason", it, &mut checker));
        let written = metric?;
        let metric = rule::metric(&written, &mut checker)?;
        if !metric.is_latency() && !metric.is_pass_rate() {
            let reason = "is not one whose change is judged";
            let help = "Accept the change of a latency of a load, such as `load.NAME.STAGE.response_time.p95`, or of a pass rate.";
            checker.bad("metric", &written.span, reason, Some(help.to_owned()));
            return None;
        }
        Some(Self {
            metric,
            up_to: up_to?,
            until: until?,
            reason: reason?,
            span: written.span,
        })
    }
}

/// Returns a text that says something.
fn said(key: &str, written: Spanned<String>, checker: &mut Checker<'_>) -> Option<String> {
    if written.value.trim().is_empty() {
        checker.bad(key, &written.span, "is empty", None);
        return None;
    }
    Some(written.value)
}

/// Returns the metrics whose changes a manifest accepts, each with all that is written of it; none
/// of what is no manifest.
pub(crate) fn accepted_in(text: &str) -> BTreeSet<(Metric, String)> {
    let tables = text.parse::<toml::Table>().ok();
    let accepted = tables.and_then(|mut tables| tables.remove("accept"));
    let Some(toml::Value::Array(accepted)) = accepted else {
        return BTreeSet::new();
    };
    let of_one = |accept: toml::Value| {
        let metric = Metric::parse(accept.get("metric")?.as_str()?).ok()?;
        Some((metric, accept.to_string()))
    };
    accepted.into_iter().filter_map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{SMALL, parse, wrong};

    fn accept(metric: &str, rest: &str) -> String {
        format!("{SMALL}\n[[accept]]\nmetric = '{metric}'\n{rest}\n")
    }

    const REST: &str = "up_to = \"12%\"\nuntil = \"v1.5.0\"\nreason = \"bigger model\"";

    #[test]
    fn latencies_of_loads_and_pass_rates_can_be_accepted() {
        for metric in [
            "load.peak.gateway.response_time.p95",
            "load.peak.gateway.service_time.p50",
            "eval.answers.pass_rate",
            "eval.answers.slice.\"lang=de\".pass_rate",
        ] {
            let manifest = parse(&accept(metric, REST)).unwrap();
            let found = &manifest.accept[0];
            assert_eq!(found.metric.to_string(), metric);
            assert!((found.up_to.value() - 0.12).abs() < 1e-12);
            assert_eq!(accepted_in(&accept(metric, REST)).len(), 1);
        }
    }

    #[test]
    fn what_is_not_judged_by_its_change_and_what_says_nothing_is_refused() {
        let text = accept("load.peak.gateway.error_rate", REST);
        insta::assert_snapshot!(wrong(&text), @r#"
x `metric` of `[[accept]]` is not one whose change is judged
    ,-[stagegate.toml:48:10]
 47 | [[accept]]
 48 | metric = 'load.peak.gateway.error_rate'
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 49 | up_to = "12%"
    `----
  help: Accept the change of a latency of a load, such as
        `load.NAME.STAGE.response_time.p95`, or of a pass rate.
"#);
        let text = accept(
            "eval.answers.pass_rate",
            "up_to = \"12%\"\nuntil = \"\"\nreason = \" \"",
        );
        insta::assert_snapshot!(wrong(&text), @r#"
x 2 problems in `stagegate.toml`

Error:
  x `until` of `[[accept]]` is empty
    ,-[stagegate.toml:50:9]
 49 | up_to = "12%"
 50 | until = ""
    :         ^^
 51 | reason = " "
    `----

Error:
  x `reason` of `[[accept]]` is empty
    ,-[stagegate.toml:51:10]
 50 | until = ""
 51 | reason = " "
    :          ^^^
    `----
"#);
    }

    #[test]
    fn what_is_no_manifest_accepts_nothing() {
        for text in [
            "",
            "accept = 1",
            "[[accept]]\n",
            "[[accept]]\nmetric = \"x\"",
            "= =",
        ] {
            assert!(accepted_in(text).is_empty(), "{text}");
        }
    }
}

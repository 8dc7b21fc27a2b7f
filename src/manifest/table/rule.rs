//! `[[gate.rule]]`: the limits of a metric.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::manifest::checker::Checker;
use crate::manifest::document::Table;
use crate::manifest::span::{Span, Spanned};
use crate::measure::{Growth, Share};
use crate::metric::{Limit, Metric, Unit, Written};

// What may be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawRule {
    metric: Option<Spanned<String>>,
    min: Option<Spanned<RawLimit>>,
    max: Option<Spanned<RawLimit>>,
    max_increase: Option<Spanned<Growth>>,
    max_drop: Option<Spanned<Share>>,
}

/// A limit as it was written; what it means depends on the metric.
#[derive(Clone, Debug, PartialEq)]
enum RawLimit {
    Text(String),
    Number(f64),
}

/// `[[gate.rule]]`. At least one limit is set.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Dotted, as in the contract, section 3.
    pub(crate) metric: Metric,
    pub(crate) min: Option<Limit>,
    pub(crate) max: Option<Limit>,
    pub(crate) max_increase: Option<Growth>,
    /// Percentage points, as a share.
    pub(crate) max_drop: Option<Share>,
    /// Where the metric stands in the text: later checks point at it.
    pub(crate) span: Span,
}

impl Rule {
    /// Checks one rule; `None` where its metric cannot be told.
    pub(in crate::manifest) fn check(table: Table, gate: &mut Checker<'_>) -> Option<Self> {
        let (raw, mut checker) = gate.read::<RawRule>(table, &[]);
        let raw = raw?;
        let written = checker.required(raw.metric.as_ref(), "metric")?;
        let metric = metric(written, &mut checker)?;
        let unit = metric.unit();
        let min = limit("min", raw.min.as_ref(), unit, &mut checker);
        let max = limit("max", raw.max.as_ref(), unit, &mut checker);
        relative(&raw, unit, &mut checker);
        if !raw.has_limit() && !checker.has_wrong() {
            let message = format!("{} has no limit", checker.what);
            let help = match unit {
                Unit::Time => "Add `max = \"2s\"` or `max_increase = \"5%\"`.",
                Unit::Share => "Add `min`, `max`, or `max_drop = \"5%\"`.",
                Unit::Rate | Unit::Number => "Add `min` or `max`.",
            };
            checker.here(message, Some(help.to_owned()));
        }
        if let (Some(low), Some(high), Some(written)) = (min, max, &raw.min)
            && low.value > high.value
        {
            checker.bad("min", &written.span, "is above its `max`", None);
        }
        Some(Self {
            metric,
            min,
            max,
            max_increase: raw.max_increase.map(|it| it.value),
            max_drop: raw.max_drop.map(|it| it.value),
            span: written.span.clone(),
        })
    }
}

/// Reads the metric of a rule or of an accepted change.
pub(super) fn metric(written: &Spanned<String>, checker: &mut Checker<'_>) -> Option<Metric> {
    match Metric::parse(&written.value) {
        Ok(metric) => Some(metric),
        Err(wrong) => {
            let message = format!("{}: {}", checker.key("metric"), wrong.message);
            checker.at(written.span.clone(), message, wrong.help);
            None
        }
    }
}

fn limit(
    key: &str,
    written: Option<&Spanned<RawLimit>>,
    unit: Unit,
    checker: &mut Checker<'_>,
) -> Option<Limit> {
    let written = written?;
    let value = match &written.value {
        RawLimit::Text(text) => Written::Text(text),
        RawLimit::Number(number) => Written::Number(*number),
    };
    match Limit::read(value, unit) {
        Ok(limit) => Some(limit),
        Err(reason) => {
            let message = format!("{}: {reason}", checker.key(key));
            checker.at(written.span.clone(), message, None);
            None
        }
    }
}

/// Times grow and shares drop; each has its own limit of change.
fn relative(raw: &RawRule, unit: Unit, checker: &mut Checker<'_>) {
    let increase = raw.max_increase.as_ref().map(|it| &it.span);
    let drop = raw.max_drop.as_ref().map(|it| &it.span);
    let wrong = [
        (increase, Unit::Time, "max_increase", "times"),
        (drop, Unit::Share, "max_drop", "shares"),
    ];
    for (span, fits, key, plural) in wrong {
        if let Some(span) = span
            && unit != fits
        {
            let help = match unit {
                Unit::Time => "Use `max_increase`.",
                Unit::Share => "Use `max_drop`.",
                Unit::Rate | Unit::Number => "Use `min` or `max`.",
            };
            let reason = format!("is for {plural} only");
            checker.bad(key, span, &reason, Some(help.to_owned()));
        }
    }
}

impl RawRule {
    fn has_limit(&self) -> bool {
        let absolute = self.min.is_some() || self.max.is_some();
        absolute || self.max_increase.is_some() || self.max_drop.is_some()
    }
}

impl<'de> Deserialize<'de> for RawLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = RawLimit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a limit such as `2s`, `90%`, or `0.9`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawLimit, E> {
                Ok(RawLimit::Text(text.to_owned()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<RawLimit, E> {
                Ok(RawLimit::Number(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<RawLimit, E> {
                Ok(RawLimit::Number(value as f64))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

schema_is!(RawLimit, "Limit", {
    "type": ["string", "number"],
    "description": "a limit such as `2s`, `90%`, or `0.9`"
});

#[cfg(test)]
mod tests {
    use crate::manifest::testing::{SMALL, spoilt, wrong};

    /// What is said of rules with these metrics and `max`.
    fn rule_says(rules: &[(&str, &str)]) -> String {
        let says = |(metric, max): &(&str, &str)| {
            let text = SMALL
                .replace("load.peak.gateway.response_time.p95", metric)
                .replace("max = \"2s\"", &format!("max = {max}"));
            wrong(&text)
        };
        rules.iter().map(says).collect::<Vec<_>>().join("\n\n")
    }

    #[test]
    fn rules_speak_of_loads_that_the_gate_runs() {
        let rules = [
            ("load.peak.gateway.response_time.p59", "\"2s\""),
            ("load.peek.gateway.response_time.p95", "\"2s\""),
            ("load.peak.retrieve.response_time.p95", "\"2s\""),
        ];
        insta::assert_snapshot!(rule_says(&rules), @r#"
x `metric` of `[[gate.rule]]`: `response_time.p59` is not a metric of a
  | stage under load
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "load.peak.gateway.response_time.p59"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = "2s"
    `----
  help: Did you mean `p50`?

x metric `load.peek.gateway.response_time.p95`: there is no load `peek`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "load.peek.gateway.response_time.p95"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = "2s"
    `----
  help: Did you mean `peak`?

x metric `load.peak.retrieve.response_time.p95`: load `peak` does not call
  | `retrieve`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "load.peak.retrieve.response_time.p95"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = "2s"
    `----
  help: Add `retrieve` to the `target` of load `peak`.
"#);
    }

    #[test]
    fn limits_are_in_the_unit_of_their_metric() {
        let rules = [
            ("load.peak.gateway.error_rate", "\"2s\""),
            ("load.peak.gateway.response_time.p95", "2.5"),
        ];
        insta::assert_snapshot!(rule_says(&rules), @r#"
x `max` of `[[gate.rule]]`: `2s` is not a share between 0 and 1; write it
  | like `5%` or `0.05`
    ,-[stagegate.toml:45:7]
 44 | metric = "load.peak.gateway.error_rate"
 45 | max = "2s"
    :       ^^^^
    `----

x `max` of `[[gate.rule]]`: `2.5` has no unit; write it like `250ms`, `2s`,
  | or `5m`
    ,-[stagegate.toml:45:7]
 44 | metric = "load.peak.gateway.response_time.p95"
 45 | max = 2.5
    :       ^^^
    `----
"#);
    }

    #[test]
    fn rules_speak_of_what_evals_and_faults_measure() {
        let rules = [
            ("eval.answers.contian.score", "0.5"),
            ("eval.answers.slice.\\\"topic=x\\\".pass_rate", "0.5"),
            ("fault.none.recovery", "\"2s\""),
            ("gateway.p95", "\"2s\""),
        ];
        insta::assert_snapshot!(rule_says(&rules), @r#"
x eval `answers` has no assertion `contian`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "eval.answers.contian.score"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = 0.5
    `----
  help: Did you mean `contains`?

x eval `answers` is not sliced by `topic`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "eval.answers.slice.\"topic=x\".pass_rate"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = 0.5
    `----
  help: Add `topic` to its `slice_by`.

x metric `fault.none.recovery`: there is no fault `none`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "fault.none.recovery"
    :          ^^^^^^^^^^^^^^^^^^^^^
 45 | max = "2s"
    `----

x `metric` of `[[gate.rule]]`: `gateway.p95` is not a metric
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "gateway.p95"
    :          ^^^^^^^^^^^^^
 45 | max = "2s"
    `----
  help: A metric begins with `load`, `eval`, or `fault`. Known are `eval`,
        `fault`, `load`.
"#);
    }

    #[test]
    fn rules_on_what_the_gate_does_not_run_are_refused() {
        insta::assert_snapshot!(spoilt("loads = [\"peak\"]\n", ""), @r#"
x metric `load.peak.gateway.response_time.p95`: the gate does not run `peak`
    ,-[stagegate.toml:43:10]
 42 | [[gate.rule]]
 43 | metric = "load.peak.gateway.response_time.p95"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 44 | max = "2s"
    `----
  help: Add `peak` to `loads` of `[gate]`.
"#);
    }

    #[test]
    fn limits_of_change_fit_their_metric() {
        let text = SMALL.replace("max = \"2s\"", "max_drop = \"5%\"")
            + "[[gate.rule]]\nmetric = \"eval.answers.pass_rate\"\nmax_increase = \"5%\"\n[[gate.rule]]\nmetric = \"eval.answers.pass_rate\"\n";
        insta::assert_snapshot!(wrong(&text), @r#"
x 3 problems in `stagegate.toml`

Error:
  x `max_drop` of `[[gate.rule]]` 1 is for shares only
    ,-[stagegate.toml:45:12]
 44 | metric = "load.peak.gateway.response_time.p95"
 45 | max_drop = "5%"
    :            ^^^^
 46 | [[gate.rule]]
    `----
  help: Use `max_increase`.

Error:
  x `max_increase` of `[[gate.rule]]` 2 is for times only
    ,-[stagegate.toml:48:16]
 47 | metric = "eval.answers.pass_rate"
 48 | max_increase = "5%"
    :                ^^^^
 49 | [[gate.rule]]
    `----
  help: Use `max_drop`.

Error:
  x `[[gate.rule]]` 3 has no limit
    ,-[stagegate.toml:49:1]
 48 | max_increase = "5%"
 49 | [[gate.rule]]
    : ^^^^^^^^^^^^^
 50 | metric = "eval.answers.pass_rate"
    `----
  help: Add `min`, `max`, or `max_drop = "5%"`.
"#);
    }
}

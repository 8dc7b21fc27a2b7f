//! `[[gate.rule]]`: the limits of a metric.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::manifest::checker::Checker;
use crate::manifest::document::Table;
use crate::manifest::span::{Span, Spanned};
use crate::measure::Share;
use crate::metric::{Limit, Metric, Unit, Written};

// What may be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawRule {
    metric: Option<Spanned<String>>,
    min: Option<Spanned<RawLimit>>,
    max: Option<Spanned<RawLimit>>,
    max_increase: Option<Spanned<Share>>,
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
    pub(crate) max_increase: Option<Share>,
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
    let wrong = [
        (&raw.max_increase, Unit::Time, "max_increase", "times"),
        (&raw.max_drop, Unit::Share, "max_drop", "shares"),
    ];
    for (written, fits, key, plural) in wrong {
        if let Some(written) = written
            && unit != fits
        {
            let help = match unit {
                Unit::Time => "Use `max_increase`.",
                Unit::Share => "Use `max_drop`.",
                Unit::Rate | Unit::Number => "Use `min` or `max`.",
            };
            let reason = format!("is for {plural} only");
            checker.bad(key, &written.span, &reason, Some(help.to_owned()));
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

//! `slo = { response_time.p95 = "2s", error_rate = "1%" }`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::manifest::error::Problems;
use crate::manifest::metric::{LatencyMetric, ShareMetric, Stat};
use crate::manifest::model::{Slo, SloTarget};
use crate::manifest::shape::suggest;
use crate::measure::{Share, parse_duration};

/// Shares an SLO may limit.
const SHARES: [&str; 3] = ["error_rate", "fallback_rate", "attainment"];

/// Reads a stage's SLOs. A dotted key and a quoted one with a dot in it mean the same.
pub(super) fn slos(
    value: &Spanned<DeValue<'static>>,
    what: &str,
    problems: &mut Problems,
) -> Vec<Slo> {
    let Some(table) = value.get_ref().as_table() else {
        let help = "Write it like `slo = { response_time.p95 = \"2s\" }`.".to_owned();
        let message = format!("`slo` of {what} is not a table");
        problems.at(value.span(), message, Some(help));
        return Vec::new();
    };
    let mut found = Vec::new();
    for (path, value) in flat(table) {
        let span = value.span();
        match target(&path, value.get_ref()) {
            Ok(target) => found.push(Slo { target, span }),
            Err((reason, help)) => {
                let message = format!("`slo.{path}` of {what}: {reason}");
                problems.at(span, message, help);
            }
        }
    }
    found.sort_by_key(|slo| slo.span.start);
    found
}

fn flat<'a>(table: &'a DeTable<'static>) -> Vec<(String, &'a Spanned<DeValue<'static>>)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value.get_ref().as_table() {
            Some(inner) if !inner.is_empty() => {
                let inner = flat(inner).into_iter();
                found.extend(
                    inner.map(|(path, value)| (format!("{}.{path}", key.get_ref()), value)),
                );
            }
            _ => found.push((key.get_ref().to_string(), value)),
        }
    }
    found
}

type Wrong = (String, Option<String>);

fn target(path: &str, value: &DeValue<'_>) -> Result<SloTarget, Wrong> {
    let share = || share(value).map_err(|reason| (reason, None));
    match path {
        "error_rate" => Ok(SloTarget::ShareAtMost {
            metric: ShareMetric::ErrorRate,
            limit: share()?,
        }),
        "fallback_rate" => Ok(SloTarget::ShareAtMost {
            metric: ShareMetric::FallbackRate,
            limit: share()?,
        }),
        "attainment" => Ok(SloTarget::AttainmentAtLeast(share()?)),
        _ => latency(path, value),
    }
}

fn latency(path: &str, value: &DeValue<'_>) -> Result<SloTarget, Wrong> {
    let (name, stat_name) = path.split_once('.').unwrap_or((path, ""));
    let names = LatencyMetric::ALL.map(LatencyMetric::key);
    let stats = Stat::ALL.map(Stat::key);
    let Some(metric) = LatencyMetric::ALL.into_iter().find(|it| it.key() == name) else {
        let known = [&names[..], &SHARES].concat();
        return Err(("there is no such metric".to_owned(), suggest(name, &known)));
    };
    if stat_name.is_empty() {
        let help = format!("Write it like `{name}.p95`.");
        return Err(("it must say which statistic".to_owned(), Some(help)));
    }
    let Some(stat) = Stat::ALL.into_iter().find(|it| it.key() == stat_name) else {
        let reason = "there is no such statistic".to_owned();
        return Err((reason, suggest(stat_name, &stats)));
    };
    let Some(text) = value.as_str() else {
        let reason = "expected a duration such as `250ms`, `2s`, or `5m`".to_owned();
        return Err((reason, None));
    };
    let limit = parse_duration(text).map_err(|error| (error.to_string(), None))?;
    Ok(SloTarget::Latency {
        metric,
        stat,
        limit,
    })
}

fn share(value: &DeValue<'_>) -> Result<Share, String> {
    let text = match value {
        DeValue::String(text) => text.as_ref(),
        DeValue::Float(number) => number.as_str(),
        DeValue::Integer(number) => number.as_str(),
        _ => return Err("expected a share such as `5%` or `0.05`".to_owned()),
    };
    text.parse().map_err(|error| format!("{error}"))
}

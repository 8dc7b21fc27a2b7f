//! `slo = { response_time.p95 = "2s", error_rate = "1%" }`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::manifest::error::Problems;
use crate::manifest::model::Slo;
use crate::metric::{Figure, LatencyMetric, Limit, ShareMetric, Unit, Written};
use crate::registry::suggest;

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
            Ok((figure, limit)) => found.push(Slo {
                figure,
                limit,
                span,
            }),
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

fn target(path: &str, value: &DeValue<'_>) -> Result<(Figure, Limit), Wrong> {
    let figure = Figure::parse(path).map_err(|wrong| (wrong.message, wrong.help))?;
    if figure.unit() == Unit::Rate {
        let known = LatencyMetric::ALL.map(LatencyMetric::key);
        let known = [&known[..], &ShareMetric::ALL.map(ShareMetric::key)].concat();
        let reason = "there is no such metric".to_owned();
        return Err((reason, suggest(path, &known)));
    }
    let written = match (value, figure.unit()) {
        (DeValue::String(text), _) => text.as_ref(),
        (DeValue::Float(number), Unit::Share) => number.as_str(),
        (DeValue::Integer(number), Unit::Share) => number.as_str(),
        (_, Unit::Share) => {
            return Err(("expected a share such as `5%` or `0.05`".to_owned(), None));
        }
        _ => {
            let reason = "expected a duration such as `250ms`, `2s`, or `5m`".to_owned();
            return Err((reason, None));
        }
    };
    let limit = Limit::read(Written::Text(written), figure.unit());
    Ok((figure, limit.map_err(|reason| (reason, None))?))
}

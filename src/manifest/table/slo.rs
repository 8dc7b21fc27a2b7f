//! `slo = { response_time.p95 = "2s", error_rate = "1%" }` of a stage.

use toml::de::{DeTable, DeValue};

use crate::manifest::checker::Checker;
use crate::manifest::document;
use crate::manifest::span::Span;
use crate::metric::{Figure, Limit, Unit, Written, WrongMetric};

/// One SLO of a stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slo {
    pub(crate) figure: Figure,
    pub(crate) limit: Limit,
    /// Where the limit stands in the text.
    pub(crate) span: Span,
}

impl Slo {
    /// Checks a stage's SLOs and returns them in the order of the text. A dotted key and a quoted
    /// one with a dot in it mean the same.
    pub(super) fn check_all(written: &document::Value, stage: &mut Checker<'_>) -> Vec<Self> {
        let Some(table) = written.get_ref().as_table() else {
            let help = "Write it like `slo = { response_time.p95 = \"2s\" }`.".to_owned();
            stage.bad("slo", &written.span(), "is not a table", Some(help));
            return Vec::new();
        };
        let mut found = Vec::new();
        for (path, value) in flat(table) {
            let span = value.span();
            match read(&path, value.get_ref()) {
                Ok((figure, limit)) => found.push(Self {
                    figure,
                    limit,
                    span,
                }),
                Err(wrong) => {
                    let key = stage.key(&format!("slo.{path}"));
                    stage.at(span, format!("{key}: {}", wrong.message), wrong.help);
                }
            }
        }
        found.sort_by_key(|slo| slo.span.start);
        found
    }
}

/// Returns every value that is no table, under its dotted key.
fn flat<'a>(table: &'a DeTable<'static>) -> Vec<(String, &'a document::Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        let key = key.get_ref();
        match value.get_ref().as_table() {
            Some(inner) if !inner.is_empty() => {
                let inner = flat(inner).into_iter();
                found.extend(inner.map(|(path, value)| (format!("{key}.{path}"), value)));
            }
            _ => found.push((key.to_string(), value)),
        }
    }
    found
}

fn read(path: &str, value: &DeValue<'_>) -> Result<(Figure, Limit), WrongMetric> {
    let wrong = |message: &str| WrongMetric {
        message: message.to_owned(),
        help: None,
    };
    let figure = Figure::parse(path)?;
    if figure.unit() == Unit::Rate {
        return Err(WrongMetric {
            message: "a rate depends on how much a load asks for, and is no promise of a stage"
                .to_owned(),
            help: Some(format!(
                "Limit it where the load is known: `[[gate.rule]]` with `metric = \"load.NAME.STAGE.{path}\"` and `min = \"20/s\"`."
            )),
        });
    }
    let written = match (value, figure.unit()) {
        (DeValue::String(text), _) => text.as_ref(),
        (DeValue::Float(number), Unit::Share) => number.as_str(),
        (DeValue::Integer(number), Unit::Share) => number.as_str(),
        (_, Unit::Share) => return Err(wrong("expected a share such as `5%` or `0.05`")),
        _ => return Err(wrong("expected a duration such as `250ms`, `2s`, or `5m`")),
    };
    let limit = Limit::read(Written::Text(written), figure.unit());
    Ok((figure, limit.map_err(|reason| wrong(&reason))?))
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::spoilt;

    /// A rate can never be reached by a load that asks for less, and `--find-limit` and `profile`
    /// ask for less.
    #[test]
    fn a_rate_is_limited_where_the_load_is_known() {
        for key in ["offered_rps", "achieved_rps", "goodput_rps", "goodput_tps"] {
            let shown = spoilt("error_rate = \"1%\"", &format!("{key} = \"5/s\""));
            let told: Vec<&str> = shown.split_whitespace().filter(|it| *it != "|").collect();
            let told = told.join(" ");
            let said = format!(
                "`slo.{key}` of stage `gateway`: a rate depends on how much a load asks for, and is no promise of a stage"
            );
            assert!(told.contains(&said), "{shown}");
            let help = format!("`metric = \"load.NAME.STAGE.{key}\"` and `min = \"20/s\"`");
            assert!(told.contains(&help), "{shown}");
        }
    }

    #[test]
    fn slos_are_checked_key_by_key() {
        insta::assert_snapshot!(spoilt("response_time.p95 = \"2s\"", "response_tme.p95 = \"2s\", ttft.p42 = \"1s\", tpot = \"1s\""), @r#"
x 3 problems in `stagegate.toml`

Error:
  x `slo.response_tme.p95` of stage `gateway`: there is no such metric
    ,-[stagegate.toml:22:28]
 21 | timeout = "10s"
 22 | slo = { response_tme.p95 = "2s", ttft.p42 = "1s", tpot = "1s", error_rate = "1%" }
    :                            ^^^^
 23 |
    `----
  help: Did you mean `response_time`?

Error:
  x `slo.ttft.p42` of stage `gateway`: there is no such statistic
    ,-[stagegate.toml:22:45]
 21 | timeout = "10s"
 22 | slo = { response_tme.p95 = "2s", ttft.p42 = "1s", tpot = "1s", error_rate = "1%" }
    :                                             ^^^^
 23 |
    `----
  help: Known are `max`, `mean`, `min`, `p50`, `p90`, `p95`, `p99`, `p999`.

Error:
  x `slo.tpot` of stage `gateway`: it must say which statistic
    ,-[stagegate.toml:22:58]
 21 | timeout = "10s"
 22 | slo = { response_tme.p95 = "2s", ttft.p42 = "1s", tpot = "1s", error_rate = "1%" }
    :                                                          ^^^^
 23 |
    `----
  help: Write it like `tpot.p95`.
"#);
    }
}

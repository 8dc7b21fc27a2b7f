//! The manual's table of metrics, made from the tables of the families.

use std::fmt::Write as _;

use super::expectation::Expectation;
use super::latency::LatencyMetric;
use super::rate::RateMetric;
use super::share::ShareMetric;
use super::unit::{Better, Row, Unit};

/// Returns every metric as a table in Markdown.
fn table() -> String {
    let mut rows = vec![
        "| metric | unit | better | what it is |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    for metric in LatencyMetric::ALL {
        rows.push(line("load.NAME.STAGE.", ".STAT", metric.row(), Unit::Time));
    }
    for metric in ShareMetric::ALL {
        rows.push(line("load.NAME.STAGE.", "", metric.row(), Unit::Share));
    }
    for metric in RateMetric::ALL {
        rows.push(line("load.NAME.STAGE.", "", metric.row(), Unit::Rate));
    }
    for (name, meaning) in [
        ("pass_rate", "cases that passed, of those planned"),
        ("ASSERTION.score", "the mean score of an assertion"),
        (
            "slice.\"TAG=VALUE\".pass_rate",
            "the pass rate of the cases with that tag",
        ),
    ] {
        let better = Better::Higher;
        rows.push(written(
            &format!("eval.NAME.{name}"),
            Unit::Share,
            better,
            meaning,
        ));
    }
    for metric in Expectation::ALL {
        rows.push(line("fault.NAME.", "", metric.row(), metric.unit()));
    }
    rows.iter().fold(String::new(), |mut text, row| {
        let _infallible = writeln!(text, "{row}");
        text
    })
}

fn line<M>(before: &str, after: &str, row: &Row<M>, unit: Unit) -> String {
    written(
        &format!("{before}{}{after}", row.key),
        unit,
        row.better,
        row.meaning,
    )
}

fn written(name: &str, unit: Unit, better: Better, meaning: &str) -> String {
    format!(
        "| `{name}` | {} | {} | {meaning} |",
        unit_word(unit),
        better_word(better)
    )
}

const fn unit_word(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "time (ms)",
        Unit::Share => "share",
        Unit::Rate => "per second",
        Unit::Number => "number",
    }
}

const fn better_word(better: Better) -> &'static str {
    match better {
        Better::Lower => "lower",
        Better::Higher => "higher",
        Better::Neither => "–",
    }
}

#[test]
fn the_manual_shows_every_metric() {
    crate::text::ends_with_table("metrics.md", &table());
}

//! `csv`: one tidy table, a value a row, for spreadsheets and data frames.

use std::borrow::Cow;

use super::view::{CheckReport, View};
use super::{Page, Renderer};
use crate::metric::{Stat, Unit};
use crate::record::{Calibration, EvalResult, RunRecord, Spread, StageResult};
use crate::registry::Entry;
use crate::text::visible;

/// The `csv` format.
pub(super) struct Csv;

impl Entry for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn summary(&self) -> &'static str {
        "one table, a value a row, for spreadsheets and data frames"
    }
}

impl Renderer for Csv {
    fn render(&self, view: &View<'_>, _: &Page) -> Vec<u8> {
        let mut table = Table::new(head(view));
        match *view {
            View::Run(run) => of_run(run, &mut table),
            View::Session(runs) => runs.iter().for_each(|run| of_run(run, &mut table)),
            View::Diff(diff) => {
                for it in &diff.comparisons {
                    let verdict = word(&it.verdict);
                    let outcome = it.outcome.as_ref().map(word).unwrap_or_default();
                    let numbers = [it.base, it.head, it.change, it.low, it.high, it.p, it.bound];
                    let mut row = vec![it.metric.to_string()];
                    row.extend(numbers.map(float));
                    row.extend([it.n.to_string(), verdict, outcome]);
                    row.extend([it.rule.clone(), it.owner.clone()].map(Option::unwrap_or_default));
                    row.push(it.method.clone());
                    let (unit, change) = units(it.metric.unit());
                    row.extend([unit.to_owned(), change.to_owned(), float(it.p_decided)]);
                    table.row(&row);
                }
            }
            View::Runs(runs) => {
                for run in runs {
                    let verdict = run.verdict.as_ref().map(word).unwrap_or_default();
                    table.row(&[
                        run.id.clone(),
                        run.kind.word().to_owned(),
                        run.name.clone(),
                        run.env.clone(),
                        run.started_at.clone(),
                        run.duration_s.to_string(),
                        run.commit.clone().unwrap_or_default(),
                        run.tag.clone().unwrap_or_default(),
                        run.dirty.to_string(),
                        run.complete.to_string(),
                        word(&run.validity),
                        verdict,
                    ]);
                }
            }
            View::Calibration(calibration) => of_calibration(calibration, &mut table),
            View::Check(check) => of_check(check, &mut table),
            View::Error(document) => {
                for fault in &document.errors {
                    let line = fault.line.map(|it| it.to_string());
                    let [file, line, key, help] = [&fault.file, &line, &fault.key, &fault.help]
                        .map(|it| it.clone().unwrap_or_default());
                    table.row(&[
                        file,
                        line,
                        key,
                        fault.message.clone(),
                        help,
                        document.exit.to_string(),
                    ]);
                }
            }
        }
        table.into_bytes()
    }
}

/// Returns the unit of a metric's values, and what a change of it is: a difference, or one over the
/// value of the base.
const fn units(unit: Unit) -> (&'static str, &'static str) {
    match unit {
        Unit::Time => ("ms", "relative"),
        Unit::Share => ("share", "difference"),
        Unit::Rate => ("1/s", "relative"),
        Unit::Number => ("", "relative"),
    }
}

fn of_check(check: &CheckReport, table: &mut Table) {
    for stage in &check.stages {
        let probe = stage.probe.clone().unwrap_or_default();
        let ok = stage.probe.as_ref().map(|it| it.ok.to_string());
        let mut row = vec![
            stage.name.clone(),
            stage.kind.clone(),
            stage.url.clone(),
            stage.owner.clone().unwrap_or_default(),
            ok.unwrap_or_default(),
            probe.status.map(|it| it.to_string()).unwrap_or_default(),
            float(probe.response_time_ms),
            probe.error.unwrap_or_default(),
        ];
        row.extend(vec![String::new(); 4]);
        table.row(&row);
    }
    for idle in &check.warnings {
        let mut row = vec![String::new(); 8];
        row.extend([
            idle.message.clone(),
            idle.file.clone(),
            idle.line.to_string(),
            idle.key.clone(),
        ]);
        table.row(&row);
    }
}

fn of_calibration(it: &Calibration, table: &mut Table) {
    let of = |times: Option<Spread>| times.map(|it| [it.p50, it.p99, it.max]);
    for (what, values) in [
        ("schedule_lag_ms", of(it.schedule_lag_ms)),
        ("ttft_error_ms", of(it.ttft_error_ms)),
        ("gap_error_ms", of(it.gap_error_ms)),
    ] {
        for (stat, value) in ["p50", "p99", "max"]
            .iter()
            .zip(values.into_iter().flatten())
        {
            table.row(&[what.to_owned(), (*stat).to_owned(), float(value)]);
        }
    }
    let streams = it.max_streams.map(|it| it as f64);
    for (what, value) in [("max_rps", it.max_rps), ("max_streams", streams)] {
        table.row(&[what.to_owned(), String::new(), float(value)]);
    }
}

fn head(view: &View<'_>) -> &'static [&'static str] {
    match view {
        View::Run(_) | View::Session(_) => &[
            "run", "kind", "name", "env", "commit", "subject", "id", "metric", "stat", "value",
            "unit",
        ],
        View::Diff(_) => &[
            "metric",
            "base",
            "head",
            "change",
            "low",
            "high",
            "p",
            "bound",
            "n",
            "verdict",
            "outcome",
            "rule",
            "owner",
            "method",
            "unit",
            "change_kind",
            "p_decided",
        ],
        View::Runs(_) => &[
            "id",
            "kind",
            "name",
            "env",
            "started_at",
            "duration_s",
            "commit",
            "tag",
            "dirty",
            "complete",
            "validity",
            "verdict",
        ],
        View::Calibration(_) => &["what", "stat", "value"],
        View::Error(_) => &["file", "line", "key", "message", "help", "exit"],
        View::Check(_) => &[
            "stage",
            "kind",
            "url",
            "owner",
            "ok",
            "status",
            "response_time_ms",
            "error",
            "warning",
            "file",
            "line",
            "key",
        ],
    }
}

struct Table(csv::Writer<Vec<u8>>);

impl Table {
    fn new(head: &[&str]) -> Self {
        let mut table = Self(csv::Writer::from_writer(Vec::new()));
        let head: Vec<String> = head.iter().map(|it| (*it).to_owned()).collect();
        table.row(&head);
        table
    }

    fn row(&mut self, row: &[String]) {
        self.0
            .write_record(
                row.iter()
                    .map(|it| cell(it).into_owned())
                    .collect::<Vec<_>>(),
            )
            .expect("every row has the columns of the head, and writing to memory cannot fail");
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("writing to memory cannot fail")
    }
}

/// Returns what a cell holds: a text on one line, which no spreadsheet takes for a formula.
fn cell(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    let begins = |c: char| "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(c);
    // What is no text is escaped, and would begin a formula all the same where it is read back.
    let is_formula = shown.trim_start().starts_with(begins) || text.starts_with(['\t', '\r']);
    if is_formula && !is_number(&shown) {
        return Cow::Owned(format!("'{shown}"));
    }
    shown
}

/// Returns whether a text is a number and nothing else; the words for infinity are none.
fn is_number(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    text.chars().all(is_digit) && text.parse::<f64>().is_ok()
}

fn of_run(run: &RunRecord, table: &mut Table) {
    let mut rows = Rows { run, table };
    for (stage, result) in &run.stages {
        let subject = ("stage", stage.as_str());
        for (metric, value, unit) in numbers(result) {
            rows.add(subject, (metric, ""), value, unit);
        }
        for (metric, summary) in &result.metrics {
            rows.add(
                subject,
                (metric.key(), "count"),
                Some(summary.count as f64),
                "",
            );
            for stat in Stat::ALL {
                let value = summary.stat(stat);
                rows.add(subject, (metric.key(), stat.key()), value, &summary.unit);
            }
        }
    }
    if let Some(eval) = &run.eval {
        rows.eval(eval);
    }
}

/// The rows of one run.
struct Rows<'a> {
    run: &'a RunRecord,
    table: &'a mut Table,
}

impl Rows<'_> {
    fn eval(&mut self, eval: &EvalResult) {
        let rate = &eval.pass_rate;
        for (stat, value) in [("", rate.value), ("low", rate.low), ("high", rate.high)] {
            self.add(
                ("eval", &eval.stage),
                ("pass_rate", stat),
                Some(value),
                "share",
            );
        }
        for case in &eval.cases {
            let (subject, repeat) = (("case", case.id.as_str()), case.repeat.to_string());
            let passed = f64::from(u8::from(case.passed));
            self.add(subject, ("passed", &repeat), Some(passed), "");
            for (name, score) in &case.assertions {
                self.add(subject, (name, &repeat), Some(*score), "score");
            }
            self.add(
                subject,
                ("response_time", &repeat),
                case.response_time_ms,
                "ms",
            );
        }
    }

    /// Adds a value; one that is not known has no row.
    fn add(
        &mut self,
        (subject, id): (&str, &str),
        (metric, stat): (&str, &str),
        value: Option<f64>,
        unit: &str,
    ) {
        let Some(value) = value else {
            return;
        };
        let run = self.run;
        let commit = run.release.commit.as_deref().unwrap_or_default();
        let first = [
            run.id.as_str(),
            run.kind.word(),
            &run.name,
            &run.env,
            commit,
        ];
        let value = value.to_string();
        let rest = [subject, id, metric, stat, &value, unit];
        let row: Vec<String> = first.into_iter().chain(rest).map(str::to_owned).collect();
        self.table.row(&row);
    }
}

fn numbers(stage: &StageResult) -> [(&'static str, Option<f64>, &'static str); 13] {
    let count = |count: u64| Some(count as f64);
    [
        ("attempted", count(stage.attempted), ""),
        ("ok", count(stage.ok), ""),
        ("failed", count(stage.failed), ""),
        ("in_flight_at_end", count(stage.in_flight_at_end), ""),
        ("offered_rps", stage.offered_rps, "1/s"),
        ("achieved_rps", Some(stage.achieved_rps), "1/s"),
        ("goodput_rps", Some(stage.goodput_rps), "1/s"),
        ("goodput_tps", stage.goodput_tps, "1/s"),
        ("attainment", stage.attainment, "share"),
        ("error_rate", stage.error_rate, "share"),
        ("fallback_rate", stage.fallback_rate, "share"),
        ("hit_rate", stage.hit_rate, "share"),
        ("cost_usd", stage.cost_usd, "USD"),
    ]
}

fn float(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Returns the word that documents have for a value.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security 14
    #[test]
    fn no_cell_is_a_formula() {
        for (given, shown) in [
            ("=1+1", "'=1+1"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\\t=1"),
            ("\r=1", "'\\r=1"),
            (" =HYPERLINK(\"http://x\")", "' =HYPERLINK(\"http://x\")"),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("-inf", "'-inf"),
            ("-", "'-"),
            ("-1.5", "-1.5"),
            ("+3e-7", "+3e-7"),
            ("q-1", "q-1"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(cell(given), shown, "{given:?}");
        }
    }

    /// security 4
    #[test]
    fn a_row_is_a_line_and_drives_no_terminal() {
        let mut table = Table::new(&["a", "b"]);
        table.row(&[
            "\u{1b}P".to_owned(),
            "x\n::error::y\u{9b}\u{202e}".to_owned(),
        ]);
        let text = String::from_utf8(table.into_bytes()).unwrap();
        assert_eq!(text, "a,b\n\\u{1b}P,x\\n::error::y\\u{9b}\\u{202e}\n");
    }
}

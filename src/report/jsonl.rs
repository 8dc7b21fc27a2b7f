//! `jsonl`: one JSON object a line, each with a `type`, for tools that read line by line.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::view::View;
use super::{Page, Renderer};
use crate::record::RunRecord;
use crate::registry::Entry;
use crate::text::{Disarm, visible_json};

/// The `jsonl` format.
pub(super) struct Jsonl;

impl Entry for Jsonl {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn summary(&self) -> &'static str {
        "one JSON object a line: runs, stages, cases, comparisons"
    }
}

impl Renderer for Jsonl {
    fn render(&self, view: &View<'_>, _: &Page) -> Vec<u8> {
        let mut lines = Lines::default();
        match *view {
            View::Run(run) => lines.run(run),
            View::Session(runs) => runs.iter().for_each(|run| lines.run(run)),
            View::Diff(diff) => {
                let (base, head) = (&diff.base, &diff.head);
                let whole = json!({
                    "base": base, "head": head, "verdict": diff.verdict, "summary": diff.summary, "cases": diff.cases,
                    "changed": diff.changed,
                });
                lines.add("diff", &[], &whole);
                diff.comparisons
                    .iter()
                    .for_each(|it| lines.add("comparison", &[], it));
                diff.blame.iter().for_each(|it| lines.add("blame", &[], it));
            }
            View::Runs(runs) => runs.iter().for_each(|run| lines.add("run", &[], run)),
            View::Calibration(calibration) => lines.add("calibration", &[], calibration),
            View::Check(check) => {
                for stage in &check.stages {
                    lines.add("stage", &[], stage);
                }
                for idle in check.missing.iter().chain(&check.warnings) {
                    lines.add("warning", &[], idle);
                }
            }
            View::Error(document) => {
                let exit = [("exit", Value::from(document.exit))];
                document
                    .errors
                    .iter()
                    .for_each(|it| lines.add("error", &exit, it));
            }
        }
        visible_json(lines.0).into_bytes()
    }

    fn disarm(&self, _: &Page) -> Disarm {
        Disarm::JSON
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn run(&mut self, run: &RunRecord) {
        let whole = json!({
            "id": run.id, "kind": run.kind, "name": run.name, "env": run.env, "region": run.region, "seed": run.seed,
            "started_at": run.started_at, "duration_s": run.duration_s, "complete": run.complete,
            "release": run.release, "validity": run.validity, "generator": run.generator, "verdict": run.verdict,
        });
        self.add("run", &[], &whole);
        let id = [("run", Value::from(run.id.as_str()))];
        for (stage, result) in &run.stages {
            let mut result = result.clone();
            result.tally = None;
            for metric in result.metrics.values_mut() {
                metric.histogram = None;
                metric.intervals.clear();
            }
            self.add(
                "stage",
                &[id[0].clone(), ("stage", stage.as_str().into())],
                &result,
            );
        }
        if let Some(profile) = &run.profile {
            profile
                .cells
                .iter()
                .for_each(|cell| self.add("cell", &id, cell));
        }
        if let Some(eval) = &run.eval {
            eval.cases
                .iter()
                .for_each(|case| self.add("case", &id, case));
        }
    }

    /// Adds a line: its type, what it belongs to, and then its own keys.
    fn add(&mut self, kind: &str, first: &[(&str, Value)], value: &impl Serialize) {
        let mut line = Map::new();
        line.insert("type".to_owned(), kind.into());
        for (key, value) in first {
            line.insert((*key).to_owned(), value.clone());
        }
        if let Ok(Value::Object(own)) = serde_json::to_value(value) {
            line.extend(own);
        }
        self.0.push_str(&Value::Object(line).to_string());
        self.0.push('\n');
    }
}

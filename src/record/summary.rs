//! The list of runs: what `runs list` prints and what selection looks through.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run::{RunKind, RunRecord, ValidityVerdict, VerdictKind};
use super::stage::StageResult;
use super::version::FormatVersion;
use crate::metric::LatencyMetric;

/// The schema name of a list of runs.
pub(crate) const RUNS_SCHEMA: &str = "stagegate/runs";

/// One run in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunSummary {
    pub(crate) id: String,
    pub(crate) kind: RunKind,
    pub(crate) name: String,
    pub(crate) env: String,
    pub(crate) commit: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) dirty: bool,
    /// RFC 3339, UTC.
    pub(crate) started_at: String,
    pub(crate) duration_s: f64,
    pub(crate) complete: bool,
    pub(crate) validity: ValidityVerdict,
    pub(crate) verdict: Option<VerdictKind>,
    /// The result in a few words.
    pub(crate) headline: String,
}

/// What `runs list --format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunsDocument {
    pub(crate) schema: String,
    pub(crate) version: FormatVersion,
    pub(crate) runs: Vec<RunSummary>,
}

impl RunSummary {
    /// Makes the list's entry of a run.
    pub(crate) fn of(run: &RunRecord) -> Self {
        Self {
            id: run.id.clone(),
            kind: run.kind,
            name: run.name.clone(),
            env: run.env.clone(),
            commit: run.release.commit.clone(),
            tag: run.release.tag.clone(),
            dirty: run.release.dirty,
            started_at: run.started_at.clone(),
            duration_s: run.duration_s,
            complete: run.complete,
            validity: run.validity.verdict,
            verdict: run.verdict,
            headline: headline(run),
        }
    }

    /// Returns whether a revision may stand for this run: complete, not invalid, clean.
    pub(crate) fn is_usable(&self) -> bool {
        self.complete && self.validity != ValidityVerdict::Invalid && !self.dirty
    }

    /// Returns the key by which runs are put in order of time.
    pub(crate) fn age_key(&self) -> (Option<Timestamp>, &str) {
        // Text does not do: `…:00Z` would come after `…:00.5Z`.
        (self.started_at.parse().ok(), &self.id)
    }
}

fn headline(run: &RunRecord) -> String {
    if let Some(eval) = &run.eval {
        let rate = eval.pass_rate.value * 100.0;
        return format!("{rate:.1} % of {} cases passed", eval.golden.cases);
    }
    if !run.runs.is_empty() {
        return format!("{} runs", run.runs.len());
    }
    let stages: Vec<String> = run
        .stages
        .iter()
        .map(|(n, s)| stage_headline(n, s))
        .collect();
    stages.join(", ")
}

fn stage_headline(name: &str, stage: &StageResult) -> String {
    let p95 = stage
        .metrics
        .get(&LatencyMetric::ResponseTime)
        .and_then(|metric| metric.p95)
        .map_or_else(|| "-".to_owned(), |p95| format!("{p95:.1} ms"));
    format!("{name} p95 {p95}, {:.1}/s good", stage.goodput_rps)
}

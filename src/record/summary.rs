//! The list of runs: what `runs list` prints and what selection looks through.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::run::{RunKind, RunRecord, ValidityVerdict};
use super::stage::StageResult;
use super::verdict::VerdictKind;
use super::version::FormatVersion;
use crate::measure::{is_answer, is_unavailable};
use crate::metric::LatencyMetric;

/// The schema name of a list of runs.
pub(crate) const RUNS_SCHEMA: &str = "stagegate/runs";

/// By what a run of a gate's base side differs from one that could be a base: the gate of another
/// release made it, with that one's manifest.
pub(crate) const BASE_SIDE: &str = "the base's side of a gate";

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
    /// Whether at least 95 % of what was attempted was answered.
    #[serde(default = "yes")]
    pub(crate) measured: bool,
    /// By what it differs from the manifest: empty but for an experiment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) overrides: Vec<String>,
    /// Whether git tracks its files: whoever can make a commit could have written them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) tracked: bool,
    /// Whether it began after the moment at which it was listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) future: bool,
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
            measured: is_measured(run),
            overrides: run.overrides.clone(),
            tracked: false,
            future: false,
            headline: headline(run),
        }
    }

    /// Returns whether a revision may stand for this run: complete, not invalid, clean, and no
    /// experiment.
    pub(crate) fn is_usable(&self) -> bool {
        let reason = self.no_base();
        matches!(
            reason,
            None | Some(Unusable::Unmeasured | Unusable::Tracked)
        )
    }

    /// Returns why this run may not be a base: why no revision may stand for it, or that it was
    /// hardly answered, or could be anybody's.
    pub(crate) fn no_base(&self) -> Option<Unusable> {
        let reasons = [
            (self.dirty, Unusable::Dirty),
            (!self.complete, Unusable::Incomplete),
            (self.validity == ValidityVerdict::Invalid, Unusable::Invalid),
            (!self.overrides.is_empty(), Unusable::Experiment),
            (self.future, Unusable::Future),
            (!self.measured, Unusable::Unmeasured),
            (self.tracked, Unusable::Tracked),
        ];
        let reason = reasons.into_iter().find(|(holds, _)| *holds);
        reason.map(|(_, reason)| reason)
    }

    /// Returns whether it is the base's side of a gate of another release.
    pub(crate) fn is_side(&self) -> bool {
        self.overrides.iter().any(|it| it == BASE_SIDE)
    }

    /// Returns whether it is left out of account wherever a base is looked for: it could be
    /// anybody's, or some clock is wrong.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.tracked || self.future
    }

    /// Returns the key by which runs are put in order of time.
    pub(crate) fn age_key(&self) -> (Option<Timestamp>, &str) {
        // Text does not do: `…:00Z` would come after `…:00.5Z`.
        (self.started_at.parse().ok(), &self.id)
    }
}

/// Why no revision may stand for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Dirty,
    Incomplete,
    Invalid,
    /// Made with flags that change what is measured.
    Experiment,
    /// Most of what was attempted was not answered: an outage says nothing about a release.
    Unmeasured,
    /// It begins later than now: some clock is wrong.
    Future,
    /// Whoever can make a commit could have written it.
    Tracked,
}

impl Unusable {
    /// Returns the words that stand behind a number of runs: `2 of a dirty work tree`.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Dirty => "of a dirty work tree",
            Self::Incomplete => "incomplete",
            Self::Invalid => "invalid",
            Self::Experiment => "made with flags that change what is measured",
            Self::Future => "from the future",
            Self::Tracked => "in files that git tracks",
            Self::Unmeasured => "without answers to more than 5 % of what was asked",
        }
    }
}

/// Of what was attempted, so much must have been answered for a run to stand for its release.
const ANSWERED: f64 = 0.95;

fn yes() -> bool {
    true
}

/// Returns whether at least 95 % of what was attempted was answered, however wrongly, and not all
/// of it with an error. A load may be meant to go beyond what a stage admits, so that a limiter's
/// answer counts there; of a suite it counts as none, and more than half of the cases must have a
/// grade.
fn is_measured(run: &RunRecord) -> bool {
    let unanswered = |errors: &BTreeMap<String, u64>, is: fn(&str) -> bool| -> u64 {
        let errors = errors.iter().filter(|(kind, _)| !is(kind));
        errors.map(|(_, count)| *count).sum()
    };
    let enough = |attempted: u64, unanswered: u64| {
        attempted == 0 || unanswered as f64 <= (1.0 - ANSWERED) * attempted as f64
    };
    let mut stages = run.stages.values();
    let eval = run.eval.as_ref().is_none_or(|eval| {
        let asked = eval.golden.cases * u64::from(eval.repeats);
        let kinds: u64 = eval.error_kinds.values().sum();
        let is_asked = |kind: &str| is_answer(kind) && !is_unavailable(kind);
        // Errors that are not told apart count as unanswered.
        let lost = unanswered(&eval.error_kinds, is_asked) + eval.errors.saturating_sub(kinds);
        enough(asked, lost) && (asked == 0 || eval.errors * 2 < asked)
    });
    eval && stages.all(|it| {
        let lost = unanswered(&it.errors, is_answer) + it.in_flight_at_end;
        enough(it.attempted, lost) && (it.attempted == 0 || it.ok > 0)
    })
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

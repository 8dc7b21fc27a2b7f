//! The gate: what `[gate]` names is measured, compared with the base, and decided; the comparison
//! is kept.

mod seed;
mod sessions;

pub(crate) use seed::seed_base;

use std::time::Duration;

use super::Experiment;
use super::compare::{Judged, judge};
use super::eval::run_eval;
use super::load::run_load;
use super::recording::{Recorded, verdict};
use crate::diff::{Mode, Sessions};
use crate::error::Result;
use crate::exit::Status;
use crate::git::Git;
use crate::name::Name;
use crate::plan::{EvalOptions, GatePlan, Portion};
use crate::record::{DiffDocument, Reason, RunKind, RunRecord, VerdictKind, dirty_sentence};
use crate::store::{Base, Head, RunRef, SelectError, Selection, Wanted};

/// Of a clone without its whole history.
const SHALLOW: &str = "this clone is shallow, so that earlier releases may be out of sight: fetch the whole history \
     (`git fetch --unshallow`, or `fetch-depth: 0` in CI)";

/// What the gate measured of the head.
pub(super) struct HeadRuns {
    pub(super) runs: Vec<RunRecord>,
    /// The status of the measurements themselves: unreachable, invalid, interrupted, or none of
    /// these.
    pub(super) status: Status,
}

/// A gate that has been decided and stored.
pub(crate) struct Decided {
    /// Of the stored gate.
    pub(crate) id: String,
    pub(crate) document: DiffDocument,
    pub(crate) status: Status,
}

/// Measures the head, compares it with its base, decides, and stores the decision with the
/// comparison that it was made by.
///
/// First each stage is called once; where one cannot be reached within `wait`, nothing is measured.
///
/// Without a reference the base is the release that was measured before; that there is none yet is
/// no error, as the first release of a project is judged by its absolute rules.
pub(crate) async fn run_gate(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    base: Option<&RunRef>,
    wait: Duration,
) -> Result<Decided> {
    // Before anything is measured: a base that does not exist is found out now, not after ten
    // minutes.
    say_what_the_head_is(experiment);
    let base = base_of(experiment, plan, base)?;
    experiment.reach(called(experiment, plan), wait).await?;
    let sessions = sessions::of(experiment, plan, base.base.as_ref())?;
    let head = measure_head(experiment, plan).await?;
    let runs = base.base.as_ref().map(|base| base.runs.as_slice());
    let base_runs = (runs.unwrap_or_default(), Some(sessions));
    let Judged {
        mut document,
        status,
    } = judge_head(experiment, base_runs, &head.runs);
    document.base.passed_over = base.passed_over;
    if head.status == Status::Interrupted {
        document = interrupted(document);
    }
    let status = head.status.and(status);
    let record = concluded(experiment.begin(RunKind::Gate, "gate"), &head, &document);
    let Recorded { status, record } = experiment.keep(record, status);
    Ok(Decided {
        id: record.id,
        document,
        status,
    })
}

/// Returns the comparison of a gate that somebody stopped: whatever it shows, it decides nothing.
fn interrupted(document: DiffDocument) -> DiffDocument {
    let text = "the gate was stopped while it measured, so that nothing is decided";
    DiffDocument {
        interrupted: true,
        verdict: VerdictKind::Inconclusive,
        summary: format!("interrupted: {text}"),
        reasons: vec![Reason {
            text: text.to_owned(),
            short: "stopped while it measured, so that nothing is decided".to_owned(),
            owner: None,
            decided: true,
        }],
        ..document
    }
}

/// Returns the stages that a gate calls.
fn called<'a>(experiment: &'a Experiment, plan: &'a GatePlan<'_>) -> Vec<&'a str> {
    let manifest = &experiment.project.manifest;
    let targets = plan.loads.iter().flat_map(|load| {
        let mix = load.mix.iter().map(|scenario| &scenario.target);
        load.targets.iter().chain(mix)
    });
    let targets = targets.chain(plan.evals.iter().map(|eval| &eval.stage));
    let stages = targets.flat_map(|target| manifest.steps_of(target));
    stages.map(Name::as_str).collect()
}

/// Says where the head is not its commit alone.
fn say_what_the_head_is(experiment: &Experiment) {
    let release = &experiment.release;
    if let Some(dirty) = dirty_sentence(release.dirty, &release.dirt) {
        experiment.warn(dirty);
    }
    if let Some(first) = experiment.untracked.first() {
        let more = match experiment.untracked.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        experiment.note(format!(
            "untracked files that the manifest does not name are no part of this release: `{first}`{more}"
        ));
    }
}

/// The base of a gate, if there is one, and the releases that could not be it.
#[derive(Default)]
struct Found {
    base: Option<Selection>,
    passed_over: Vec<String>,
}

/// Finds the base.
fn base_of(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    reference: Option<&RunRef>,
) -> Result<Found> {
    let (store, git) = (&experiment.store, Git::open(&experiment.project.folder));
    if let Some(reference) = reference {
        return named_base(experiment, &git, reference);
    }
    let head = head_of(experiment, plan);
    match store.default_base(&git, &head) {
        Ok(Base {
            selection,
            passed_over,
            doubts,
        }) => {
            say_base(experiment, &selection, &doubts);
            Ok(Found {
                base: Some(selection),
                passed_over,
            })
        }
        Err(SelectError::NothingComparable {
            passed_over,
            doubts,
            ..
        }) => {
            for doubt in doubts {
                experiment.warn(doubt);
            }
            say_no_base(experiment, &passed_over, git.is_shallow());
            Ok(Found {
                base: None,
                passed_over,
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the head, before it is measured.
fn head_of<'a>(experiment: &'a Experiment, plan: &'a GatePlan<'_>) -> Head<'a> {
    let loads = plan.loads.iter();
    let loads = loads.map(|it| (RunKind::Load, it.name.as_str()));
    let evals = plan.evals.iter();
    let evals = evals.map(|it| (RunKind::Eval, it.name.as_str()));
    Head {
        commit: experiment.release.commit.as_deref(),
        dirty: experiment.release.dirty,
        env: experiment.project.env_name.as_str(),
        measured: loads.chain(evals).collect(),
        runs: Vec::new(),
        takes_failed: plan.takes_failed,
    }
}

/// Finds the base that was asked for.
fn named_base(experiment: &Experiment, git: &Git, reference: &RunRef) -> Result<Found> {
    let wanted = Wanted {
        env: Some(experiment.project.env_name.as_str()),
        trusted: true,
        ..Wanted::default()
    };
    let base = experiment.store.select(git, reference, &wanted)?;
    if let RunRef::Path(path) = reference
        && git.tracks(path)
    {
        experiment.warn(format!(
            "git tracks the base `{}`: whoever can make a commit decides what the head is held against",
            path.display()
        ));
    }
    say_base(experiment, &base, &base.doubts);
    Ok(Found {
        base: Some(base),
        passed_over: Vec::new(),
    })
}

/// Says which runs the head will be held against, and which were left out of account.
fn say_base(experiment: &Experiment, base: &Selection, doubts: &[String]) {
    for doubt in doubts {
        experiment.warn(doubt);
    }
    let runs = base.runs.iter();
    let runs: Vec<String> = runs.map(|run| format!("`{}`", run.id)).collect();
    let (label, runs) = (base.tag.as_ref().unwrap_or(&base.label), runs.join(", "));
    experiment.note(format!("the base is `{label}`, measured by {runs}"));
}

/// Says that there is no base, and which releases could not be it.
fn say_no_base(experiment: &Experiment, passed_over: &[String], is_shallow: bool) {
    let begins =
        "no earlier release that can be a base was measured here: only the absolute rules count";
    let said = std::iter::once(begins).chain(passed_over.iter().map(String::as_str));
    experiment.note(said.collect::<Vec<_>>().join("; "));
    if is_shallow {
        experiment.warn(SHALLOW);
    }
}

/// Measures everything that the gate names, afresh and without cache; the suites first.
pub(super) async fn measure_head(experiment: &Experiment, plan: &GatePlan<'_>) -> Result<HeadRuns> {
    let mut head = HeadRuns {
        runs: Vec::new(),
        status: Status::Passed,
    };
    for eval in &plan.evals {
        head.add(run_eval(experiment, eval, &EvalOptions::default()).await?);
        if head.status == Status::Interrupted {
            return Ok(head);
        }
    }
    for load in &plan.loads {
        head.add(run_load(experiment, load, &Portion::default()).await?);
        if head.status == Status::Interrupted {
            return Ok(head);
        }
    }
    Ok(head)
}

impl HeadRuns {
    /// Takes a run. Whether it kept its SLOs is for the comparison to say; whether it is a
    /// measurement at all, counts here.
    fn add(&mut self, run: Recorded) {
        self.runs.push(run.record);
        if run.status <= Status::Invalid {
            self.status = self.status.and(run.status);
        }
    }
}

/// Compares the head with its base and judges it by the manifest's rules.
pub(super) fn judge_head(
    experiment: &Experiment,
    base: (&[RunRecord], Option<Sessions>),
    head: &[RunRecord],
) -> Judged {
    judge(Some(&experiment.project.manifest), Mode::Gate, base, head)
}

/// Returns the record of a gate: the runs it made, the comparison, and the verdict, which there is
/// only of what could be measured.
fn concluded(record: RunRecord, head: &HeadRuns, document: &DiffDocument) -> RunRecord {
    RunRecord {
        verdict: verdict(head.status)
            .and(Some(document.verdict))
            .or(Some(VerdictKind::Inconclusive)),
        diff: Some(document.clone()),
        ..session_of(record, head)
    }
}

/// Returns the record of one session: the runs that a gate has made, and nothing judged.
fn session_of(record: RunRecord, head: &HeadRuns) -> RunRecord {
    let first = head.runs.first();
    RunRecord {
        release: first.map_or_else(|| record.release.clone(), |run| run.release.clone()),
        runs: head.runs.iter().map(|run| run.id.clone()).collect(),
        duration_s: head.runs.iter().map(|run| run.duration_s).sum(),
        complete: head.status != Status::Interrupted,
        ..record
    }
}

#[cfg(test)]
mod tests;

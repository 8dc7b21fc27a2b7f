//! The gate: what `[gate]` names is measured, compared with the base, and decided; the comparison is kept.

use super::Experiment;
use super::compare::{Judged, judge};
use super::eval::run_eval;
use super::load::run_load;
use super::recording::{Recorded, verdict};
use crate::diff::Mode;
use crate::error::Result;
use crate::exit::Status;
use crate::git::Git;
use crate::plan::{EvalOptions, GatePlan, Portion};
use crate::record::{DiffDocument, RunKind, RunRecord, VerdictKind};
use crate::store::{Head, RunRef, SelectError, Selection, Wanted};

/// What the gate measured of the head.
pub(super) struct HeadRuns {
    pub(super) runs: Vec<RunRecord>,
    /// The status of the measurements themselves: unreachable, invalid, interrupted, or none of these.
    pub(super) status: Status,
}

/// A gate that has been decided and stored.
pub(crate) struct Decided {
    pub(crate) document: DiffDocument,
    pub(crate) status: Status,
}

/// Measures the head, compares it with its base, decides, and stores the decision with the comparison that it was made by.
///
/// Without a reference the base is the release that was measured before; that there is none yet is no error, as the first release of
/// a project is judged by its absolute rules.
pub(crate) async fn run_gate(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    base: Option<&RunRef>,
) -> Result<Decided> {
    // Before anything is measured: a base that does not exist is found out now, not after ten minutes.
    let base = base_of(experiment, plan, base)?;
    let head = measure_head(experiment, plan).await?;
    let base = base.as_ref().map(|base| base.runs.as_slice());
    let Judged { document, status } = judge_head(experiment, base.unwrap_or_default(), &head.runs);
    let status = head.status.and(status);
    let record = concluded(experiment.begin(RunKind::Gate, "gate"), &head, &document);
    let Recorded { status, .. } = experiment.keep(record, status);
    Ok(Decided { document, status })
}

/// Finds the base; `None` where none was measured.
fn base_of(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    reference: Option<&RunRef>,
) -> Result<Option<Selection>> {
    let (store, git) = (&experiment.store, Git::open(&experiment.project.folder));
    let env = experiment.project.env_name.as_str();
    if let Some(reference) = reference {
        let wanted = Wanted {
            env: Some(env),
            ..Wanted::default()
        };
        return Ok(Some(store.select(&git, reference, &wanted)?));
    }
    let loads = plan
        .loads
        .iter()
        .map(|it| (RunKind::Load, it.name.as_str()));
    let evals = plan
        .evals
        .iter()
        .map(|it| (RunKind::Eval, it.name.as_str()));
    let head = Head {
        commit: experiment.release.commit.as_deref(),
        dirty: experiment.release.dirty,
        env,
        measured: loads.chain(evals).collect(),
        runs: Vec::new(),
    };
    match store.default_base(&git, &head) {
        Ok(base) => Ok(Some(base)),
        Err(SelectError::NothingComparable { .. }) => {
            experiment.note("no earlier release was measured here: only the absolute rules count");
            if git.is_shallow() {
                experiment.warn(
                    "this clone is shallow, so that earlier releases may be out of sight: fetch the whole history \
                     (`git fetch --unshallow`, or `fetch-depth: 0` in CI)",
                );
            }
            Ok(None)
        }
        Err(error) => Err(error.into()),
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
    /// Takes a run. Whether it kept its SLOs is for the comparison to say; whether it is a measurement at all, counts
    /// here.
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
    base: &[RunRecord],
    head: &[RunRecord],
) -> Judged {
    judge(Some(&experiment.project.manifest), Mode::Gate, base, head)
}

/// Returns the record of a gate: the runs it made, the comparison, and the verdict, which there is only of what could be measured.
fn concluded(record: RunRecord, head: &HeadRuns, document: &DiffDocument) -> RunRecord {
    let first = head.runs.first();
    let release = first.map_or_else(|| record.release.clone(), |run| run.release.clone());
    RunRecord {
        release,
        runs: head.runs.iter().map(|run| run.id.clone()).collect(),
        duration_s: head.runs.iter().map(|run| run.duration_s).sum(),
        complete: head.status != Status::Interrupted,
        verdict: verdict(head.status)
            .and(Some(document.verdict))
            .or(Some(VerdictKind::Inconclusive)),
        diff: Some(document.clone()),
        ..record
    }
}

#[cfg(test)]
mod tests;

//! What a gate measures of its head, by itself.

use crate::diff::{GatedBy, Mode};
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::Experiment;
use crate::experiment::compare::{Judged, judge};
use crate::experiment::eval::run_eval;
use crate::experiment::recording::Recorded;
use crate::experiment::rounds::run_rounds;
use crate::git::Git;
use crate::manifest::Measuring;
use crate::name::Name;
use crate::plan::{EvalOptions, GatePlan};
use crate::record::RunRecord;

/// What the gate measured of the head.
pub(in crate::experiment) struct HeadRuns {
    pub(in crate::experiment) runs: Vec<RunRecord>,
    /// The status of the measurements themselves: unreachable, invalid, interrupted, or none of
    /// these.
    pub(in crate::experiment) status: Status,
}

/// Returns the stages that a gate calls.
pub(super) fn called<'a>(experiment: &'a Experiment, plan: &'a GatePlan<'_>) -> Vec<&'a str> {
    let manifest = &experiment.project.manifest;
    let targets = plan.loads.iter().flat_map(|load| {
        let mix = load.mix.iter().map(|scenario| &scenario.target);
        load.targets.iter().chain(mix)
    });
    let targets = targets.chain(plan.evals.iter().map(|eval| &eval.stage));
    let stages = targets.flat_map(|target| manifest.steps_of(target));
    stages.map(Name::as_str).collect()
}

/// Measures everything that the gate names, afresh and without cache; the suites first.
pub(in crate::experiment) async fn measure_head(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
) -> Result<HeadRuns> {
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
    let rounds = match plan.measuring {
        Measuring::Stored { rounds } => *rounds,
        Measuring::Abba(_) => 1,
    };
    for load in &plan.loads {
        head.add(run_rounds(experiment, load, rounds).await?);
        if head.status == Status::Interrupted {
            return Ok(head);
        }
    }
    Ok(head)
}

impl HeadRuns {
    /// Takes a run. Whether it kept its SLOs is for the comparison to say; whether it is a
    /// measurement at all, counts here.
    pub(super) fn add(&mut self, run: Recorded) {
        self.runs.push(run.record);
        if run.status <= Status::Invalid {
            self.status = self.status.and(run.status);
        }
    }
}

/// Compares the head with its base and judges it by the manifest's rules.
pub(in crate::experiment) fn judge_head(
    experiment: &Experiment,
    base: (&[RunRecord], GatedBy),
    head: &[RunRecord],
) -> Judged {
    let manifest = Some(&experiment.project.manifest);
    let git = Git::open(&experiment.project.folder);
    judge((manifest, &git), Mode::Gate, base, head)
}

/// Returns the record of one session: the runs that a gate has made, and nothing judged.
pub(super) fn session_of(record: RunRecord, head: &HeadRuns) -> RunRecord {
    let first = head.runs.first();
    RunRecord {
        release: first.map_or_else(|| record.release.clone(), |run| run.release.clone()),
        runs: head.runs.iter().map(|run| run.id.clone()).collect(),
        duration_s: head.runs.iter().map(|run| run.duration_s).sum(),
        complete: head.status != Status::Interrupted,
        ..record
    }
}

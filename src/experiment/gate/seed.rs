//! `gate --seed-base N`: this release measured as a base, session by session.

use std::time::Duration;

use miette::Diagnostic;

use super::head::{called, measure_head, session_of};
use super::slot::{Side, Slot};
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::experiment::Experiment;
use crate::experiment::recording::Recorded;
use crate::manifest::Measuring;
use crate::plan::GatePlan;
use crate::record::{RunKind, RunRecord, dirty_sentence};

/// Why what would be measured could be no base.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoBase {
    #[error("{0}")]
    Dirty(String),
    #[error("there is no commit that sessions could be of")]
    NoCommit,
    #[error("{} changes what is measured, and such a run can be no base", .0.join(", "))]
    Experiment(Vec<String>),
}

impl Diagnostic for NoBase {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(match self {
            Self::Dirty(_) | Self::NoCommit => "Commit first: a base is a commit.",
            Self::Experiment(_) => "Leave it out, or write it into the manifest and commit.",
        }))
    }
}

impl Classify for NoBase {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// Measures so many sessions of the release at hand and judges nothing; returns every run. The
/// suites are asked in the first session only: their cases are the unit there.
pub(crate) async fn seed_base(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    sessions: u32,
    wait: Duration,
) -> Result<(Vec<RunRecord>, Status)> {
    may_be_a_base(experiment)?;
    let commit = experiment.release.commit.clone().unwrap_or_default();
    let mut slot = match plan.measuring {
        Measuring::Abba(abba) => Some(Slot::new(
            experiment,
            abba,
            (commit.clone(), commit),
            (called(experiment, plan), wait),
        )),
        Measuring::Stored { .. } => None,
    };
    if let Some(slot) = &mut slot
        && !slot.put(Side::Head).await?
    {
        return Ok((Vec::new(), Status::Interrupted));
    }
    experiment.reach(called(experiment, plan), wait).await?;
    let (mut all, mut status) = (Vec::new(), Status::Passed);
    for session in 1..=sessions {
        experiment.note(format!("session {session} of {sessions} of the base"));
        let plan = GatePlan {
            evals: match session {
                1 => plan.evals.clone(),
                _ => Vec::new(),
            },
            ..plan.clone()
        };
        let head = measure_head(experiment, &plan).await?;
        status = status.and(head.status);
        let record = session_of(experiment.begin(RunKind::Gate, "gate"), &head);
        let Recorded { status: kept, .. } = experiment.keep(record, Status::Passed);
        status = status.and(kept);
        all.extend(head.runs);
        if matches!(status, Status::Interrupted | Status::Unmeasured) || plan.loads.is_empty() {
            break;
        }
    }
    if let Some(slot) = &mut slot {
        slot.end().await;
    }
    Ok((all, status))
}

fn may_be_a_base(experiment: &Experiment) -> Result<(), NoBase> {
    let release = &experiment.release;
    if release.commit.is_none() {
        return Err(NoBase::NoCommit);
    }
    if let Some(dirty) = dirty_sentence(release.dirty, &release.dirt) {
        return Err(NoBase::Dirty(dirty));
    }
    if !experiment.overrides.is_empty() {
        return Err(NoBase::Experiment(experiment.overrides.clone()));
    }
    Ok(())
}

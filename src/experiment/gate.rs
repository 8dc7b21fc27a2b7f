//! The gate: what `[gate]` names is measured, compared with the base, and decided; the comparison
//! is kept.

mod accept;
mod base;
mod evidence;
mod head;
mod seed;
mod sessions;
mod slot;
mod turns;

pub(crate) use accept::{Acceptance, accept};
pub(super) use head::{HeadRuns, judge_head, measure_head};
pub(crate) use seed::seed_base;

use std::time::Duration;

use base::base_of;
use evidence::{Evidence, in_turns, stored};
use head::session_of;

use super::Experiment;
use super::compare::Judged;
use super::recording::{Recorded, verdict};
use crate::error::Result;
use crate::exit::Status;
use crate::manifest::Measuring;
use crate::plan::GatePlan;
use crate::record::{DiffDocument, Reason, RunKind, RunRecord, VerdictKind, dirty_sentence};
use crate::store::RunRef;

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
    let mut found = base_of(experiment, plan, base)?;
    let Evidence {
        base: base_runs,
        by,
        head,
        ended,
    } = match plan.measuring {
        Measuring::Stored { .. } => stored(experiment, plan, found.base, wait).await?,
        Measuring::Abba(abba) => {
            let release = if plan.loads.is_empty() {
                None
            } else {
                base::release_of(experiment, plan, base, &mut found)?
            };
            let turns = in_turns(experiment, plan, abba, (found.base, release), wait);
            Box::pin(turns).await?
        }
    };
    let Judged {
        mut document,
        status,
    } = judge_head(experiment, (&base_runs, by), &head.runs);
    document.base.passed_over = found.passed_over;
    if let Some(reason) = ended {
        document = unsettled(document, reason);
    }
    if head.status == Status::Interrupted {
        document = interrupted(document);
    }
    let status = match document.verdict {
        VerdictKind::Inconclusive => status.and(Status::Inconclusive),
        _ => status,
    };
    let status = head.status.and(status);
    let record = concluded(experiment.begin(RunKind::Gate, "gate"), &head, &document);
    let Recorded { status, record } = experiment.keep(record, status);
    Ok(Decided {
        id: record.id,
        document,
        status,
    })
}

/// Returns the comparison of a gate whose rounds ended before they could tell: it has not passed.
fn unsettled(mut document: DiffDocument, reason: Reason) -> DiffDocument {
    if document.verdict == VerdictKind::Passed {
        document.verdict = VerdictKind::Inconclusive;
        document.summary = format!("inconclusive: {}", reason.text);
        for other in &mut document.reasons {
            other.decided = false;
        }
    }
    document.reasons.push(reason);
    document
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

#[cfg(test)]
mod tests;

//! What a gate decides by: the head beside what is stored of the base, or the two in turns.

use std::time::Duration;

use super::head::{HeadRuns, called, measure_head};
use super::sessions;
use super::slot::{Side, Slot};
use super::turns::take_turns;
use crate::diff::GatedBy;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::Experiment;
use crate::manifest::Abba;
use crate::plan::GatePlan;
use crate::record::{Reason, Release, RunRecord};
use crate::store::Selection;

/// What was measured, and what it is held against.
pub(super) struct Evidence {
    pub(super) base: Vec<RunRecord>,
    pub(super) by: GatedBy,
    pub(super) head: HeadRuns,
    /// Why there were no more rounds, where they have settled nothing.
    pub(super) ended: Option<Reason>,
}

/// Measures the head, beside what is stored of the base.
pub(super) async fn stored(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    base: Option<Selection>,
    wait: Duration,
) -> Result<Evidence> {
    experiment.reach(called(experiment, plan), wait).await?;
    let sessions = sessions::of(experiment, plan, base.as_ref())?;
    Ok(Evidence {
        head: measure_head(experiment, plan).await?,
        base: base.map_or_else(Vec::new, |base| base.runs),
        by: GatedBy::Sessions(sessions),
        ended: None,
    })
}

/// Measures base and head in turns; suites are held against what is stored of the base. Without a
/// release to take turns with, the head is measured alone.
pub(super) async fn in_turns(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    abba: &Abba,
    (base, release): (Option<Selection>, Option<Release>),
    wait: Duration,
) -> Result<Evidence> {
    let commit = |of: &Release| of.commit.clone().unwrap_or_default();
    let commits = (
        release.as_ref().map_or_else(String::new, commit),
        commit(&experiment.release),
    );
    let mut slot = Slot::new(experiment, abba, commits, (called(experiment, plan), wait));
    let mut evidence = Evidence {
        base: base.map_or_else(Vec::new, |base| base.runs),
        by: GatedBy::Nothing,
        head: HeadRuns {
            runs: Vec::new(),
            status: Status::Interrupted,
        },
        ended: None,
    };
    if slot.put(Side::Head).await? {
        let alone = GatePlan {
            loads: match release {
                Some(_) => Vec::new(),
                None => plan.loads.clone(),
            },
            ..plan.clone()
        };
        evidence.head = measure_head(experiment, &alone).await?;
    }
    if let Some(release) = &release
        && evidence.head.status != Status::Interrupted
    {
        let turns = take_turns(experiment, plan, (abba, &mut slot), release).await?;
        evidence.by = GatedBy::Rounds;
        evidence.base.extend(turns.base);
        evidence.head.runs.extend(turns.head.runs);
        evidence.head.status = evidence.head.status.and(turns.head.status);
        evidence.ended = turns.ended;
    }
    slot.end().await;
    Ok(evidence)
}

//! The sessions that the head's latencies are held against.

use super::base::{SHALLOW, head_of};
use crate::diff::Sessions;
use crate::error::Result;
use crate::experiment::Experiment;
use crate::git::Git;
use crate::plan::GatePlan;
use crate::stats::MIN_SESSIONS;
use crate::store::Selection;

/// Returns the sessions of a base and of the releases before it; none without a commit to begin at.
pub(super) fn of(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    base: Option<&Selection>,
) -> Result<Sessions> {
    let Some(commit) = base.and_then(|base| base.commit.as_deref()) else {
        return Ok(Sessions::default());
    };
    let git = Git::open(&experiment.project.folder);
    let head = head_of(experiment, plan);
    let runs = experiment.store.sessions(&git, commit, &head)?;
    if git.is_shallow() && runs.len() < MIN_SESSIONS * plan.loads.len() {
        experiment.warn(SHALLOW);
    }
    Ok(Sessions(runs))
}

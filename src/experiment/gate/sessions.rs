//! The sessions that the head's latencies are held against.

use std::collections::{BTreeMap, BTreeSet};

use super::base::{SHALLOW, head_of};
use crate::diff::Sessions;
use crate::error::Result;
use crate::experiment::Experiment;
use crate::git::Git;
use crate::manifest::accepted_in;
use crate::metric::Metric;
use crate::plan::GatePlan;
use crate::record::RunRecord;
use crate::stats::MIN_SESSIONS;
use crate::store::Selection;

/// What a commit's manifest accepts, each with all that is written of it.
type Accepted = BTreeSet<(Metric, String)>;

/// Returns the sessions of a base and of the releases before it, back to the last change that was
/// accepted; none without a commit to begin at.
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
    let manifest = git.place_of(experiment.project.manifest.source.path());
    // Most commits leave the manifest as it was.
    let mut last = (None, Accepted::new());
    let accepts = |commit: &str| {
        let place = manifest.as_deref();
        let text = place.and_then(|place| git.text_at(commit, place));
        if last.0 != text {
            let accepted = accepted_in(text.as_deref().unwrap_or_default());
            last = (text, accepted);
        }
        last.1.clone()
    };
    let commits = std::iter::once(commit.to_owned()).chain(git.first_parents(commit));
    let runs = since_accepted(runs, commits, accepts);
    if git.is_shallow() && runs.len() < MIN_SESSIONS * plan.loads.len() {
        experiment.warn(SHALLOW);
    }
    Ok(Sessions(runs))
}

/// Keeps of the sessions of each load those that are not older than the commit with which a change
/// of one of its latencies was accepted last: before it, it was another deployment. `commits` are
/// those of the sessions and what lies between, newest first.
fn since_accepted(
    mut runs: Vec<RunRecord>,
    commits: impl Iterator<Item = String>,
    mut accepts: impl FnMut(&str) -> Accepted,
) -> Vec<RunRecord> {
    let of_run = |run: &RunRecord| run.release.commit.clone();
    let mut unseen: BTreeSet<String> = runs.iter().filter_map(of_run).collect();
    let mut ended: BTreeSet<String> = BTreeSet::new();
    let mut ended_at: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut newer: Option<Accepted> = None;
    for commit in commits {
        if unseen.is_empty() {
            break;
        }
        let here = accepts(&commit);
        // What the newer commit accepts and this one does not, came with the newer one.
        let came = newer.iter().flat_map(|newer| newer.difference(&here));
        ended.extend(came.filter_map(|(metric, _)| match metric {
            Metric::Load { load, .. } => Some(load.clone()),
            _ => None,
        }));
        if unseen.remove(&commit) {
            ended_at.insert(commit, ended.clone());
        }
        newer = Some(here);
    }
    runs.retain(|run| {
        let commit = run.release.commit.as_ref();
        let ended = commit.and_then(|commit| ended_at.get(commit));
        ended.is_none_or(|ended| !ended.contains(&run.name))
    });
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::run_at;

    fn session(load: &str, commit: &str) -> RunRecord {
        RunRecord {
            name: load.to_owned(),
            ..run_at(1, Some(commit))
        }
    }

    fn accepted(metrics: &[&str]) -> Accepted {
        let one = |metric: &&str| {
            let (metric, up_to) = metric.split_once(' ').unwrap();
            (Metric::parse(metric).unwrap(), up_to.to_owned())
        };
        metrics.iter().map(one).collect()
    }

    /// Which sessions are left of two loads on five commits, newest first.
    fn left(accepts: &dyn Fn(&str) -> Accepted) -> Vec<String> {
        let commits = ["e", "d", "c", "b", "a"];
        let runs = commits.map(|it| ["peak", "night"].map(|load| session(load, it)));
        let commits = commits.into_iter().map(str::to_owned);
        let left = since_accepted(runs.into_iter().flatten().collect(), commits, accepts);
        let name =
            |run: &RunRecord| format!("{}{}", run.name, run.release.commit.as_ref().unwrap());
        left.iter().map(name).collect()
    }

    const PEAK: &str = "load.peak.gateway.response_time.p95";

    #[test]
    fn sessions_go_back_to_the_last_accepted_change_of_their_load() {
        assert_eq!(left(&|_| Accepted::new()).len(), 10);
        // Accepted with c, and still written there.
        let since_c = |commit: &str| match commit {
            "a" | "b" => Accepted::new(),
            _ => accepted(&[&format!("{PEAK} 12%")]),
        };
        assert_eq!(
            left(&since_c),
            [
                "peake", "nighte", "peakd", "nightd", "peakc", "nightc", "nightb", "nighta"
            ]
        );
        // Taken out again with e: it was another deployment before all the same.
        let for_two = |commit: &str| match commit {
            "c" | "d" => accepted(&[&format!("{PEAK} 12%")]),
            _ => Accepted::new(),
        };
        assert_eq!(left(&for_two), left(&since_c));
        // Widened with d.
        let widened = |commit: &str| match commit {
            "a" | "b" => Accepted::new(),
            "c" => accepted(&[&format!("{PEAK} 12%")]),
            _ => accepted(&[&format!("{PEAK} 20%")]),
        };
        assert_eq!(left(&widened)[..4], ["peake", "nighte", "peakd", "nightd"]);
        assert_eq!(left(&widened).len(), 7);
        // One that was always there, and a pass rate, end nothing.
        let always = |_: &str| accepted(&[&format!("{PEAK} 12%")]);
        assert_eq!(left(&always).len(), 10);
        let rate = |commit: &str| match commit {
            "a" | "b" => Accepted::new(),
            _ => accepted(&["eval.answers.pass_rate 3%"]),
        };
        assert_eq!(left(&rate).len(), 10);
    }
}

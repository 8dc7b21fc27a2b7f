//! The base of a comparison when none was named: the nearest release before the head that was measured.

use std::collections::BTreeSet;

use super::layout::Store;
use super::listing::Listing;
use super::missing::SelectError;
use super::select::{Selection, Wanted, newest_of_each, usable_of_commit};
use crate::git::Git;
use crate::record::RunSummary;
use crate::record::{RunKind, ValidityVerdict};

/// How far back a base is looked for; further back it is hardly a release of the same thing, and the walk takes time.
const ANCESTORS: usize = 10_000;

/// The side whose base is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) commit: Option<&'a str>,
    pub(crate) dirty: bool,
    pub(crate) env: &'a str,
    /// What was, or will be, measured: a base has at least one of these. Empty: anything.
    pub(crate) measured: BTreeSet<(RunKind, &'a str)>,
    /// The ids of the head's own runs, newest first; empty when nothing is measured yet.
    pub(crate) runs: Vec<&'a str>,
}

impl<'a> Head<'a> {
    /// Makes the head of selected runs, with the environment of the newest.
    pub(crate) fn of(selection: &'a Selection) -> Self {
        Self {
            commit: selection.commit.as_deref(),
            dirty: selection.dirty,
            env: selection.runs.first().map_or("", |run| &run.env),
            measured: selection
                .runs
                .iter()
                .map(|run| (run.kind, run.name.as_str()))
                .collect(),
            runs: selection.runs.iter().map(|run| run.id.as_str()).collect(),
        }
    }

    fn shares(&self, run: &RunSummary) -> bool {
        self.measured.is_empty() || self.measured.contains(&(run.kind, run.name.as_str()))
    }
}

impl Store {
    /// Finds the base of a head, always in the head's environment: the nearest first-parent ancestor with usable runs
    /// of something that the head measured; a dirty head starts at its own commit. When there is none: what was
    /// measured before of the same release, or of anything outside git.
    pub(crate) fn default_base(
        &self,
        git: &Git,
        head: &Head<'_>,
    ) -> Result<Selection, SelectError> {
        let listing = self.list()?;
        let chosen = ancestor(git, head, &listing)
            .unwrap_or_else(|| newest_of_each(earlier(head, &listing)));
        let label = chosen.first().map_or_else(String::new, |run| label(run));
        self.load(&label, &chosen)?.ok_or_else(|| {
            let name = head.commit.map_or_else(
                || "the present tree".to_owned(),
                |commit| format!("`{commit}`"),
            );
            SelectError::nothing_comparable(&name, head.env, &listing)
        })
    }
}

fn ancestor<'a>(git: &Git, head: &Head<'_>, listing: &'a Listing) -> Option<Vec<&'a RunSummary>> {
    let commit = head.commit?;
    let wanted = Wanted {
        env: Some(head.env),
        ..Wanted::default()
    };
    // Only these commits can be the answer: most of a long history is passed without a look at the list.
    let stored: BTreeSet<&str> = listing
        .runs
        .iter()
        .filter_map(|run| run.commit.as_deref())
        .collect();
    head.dirty
        .then(|| commit.to_owned())
        .into_iter()
        .chain(git.first_parents(commit).take(ANCESTORS))
        .filter(|candidate| stored.contains(candidate.as_str()))
        .map(|candidate| {
            let mut runs = usable_of_commit(listing, &candidate, &wanted);
            runs.retain(|run| head.shares(run));
            runs
        })
        .find(|runs| !runs.is_empty())
}

/// Returns the runs of the same release that came before the head's of the same kind and name, newest first.
fn earlier<'a>(head: &Head<'_>, listing: &'a Listing) -> Vec<&'a RunSummary> {
    let mut found = Vec::new();
    // The list is newest first: what came before a run of the head lies behind it.
    let mut ahead: BTreeSet<(RunKind, &str)> = listing
        .runs
        .iter()
        .filter(|run| head.runs.contains(&run.id.as_str()))
        .map(|run| (run.kind, run.name.as_str()))
        .collect();
    for run in &listing.runs {
        if head.runs.contains(&run.id.as_str()) {
            ahead.remove(&(run.kind, run.name.as_str()));
        } else if !ahead.contains(&(run.kind, run.name.as_str())) && is_earlier(head, run) {
            found.push(run);
        }
    }
    found
}

fn is_earlier(head: &Head<'_>, run: &RunSummary) -> bool {
    let same_release = run.commit.as_deref() == head.commit && run.dirty == head.dirty;
    let measured = run.complete && run.validity != ValidityVerdict::Invalid;
    same_release && measured && run.env == head.env && run.kind != RunKind::Gate && head.shares(run)
}

fn label(run: &RunSummary) -> String {
    run.commit.clone().unwrap_or_else(|| run.id.clone())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TestRepo, dirty, eval_at, in_env, invalid, run_at};
    use super::*;
    use crate::error::{Classify, Kind};
    use crate::record::RunRecord;

    struct Project {
        repo: TestRepo,
        commits: Vec<String>,
    }

    fn project(runs: impl Fn(&[String]) -> Vec<RunRecord>) -> Project {
        let repo = TestRepo::new();
        let commits: Vec<String> = ["one", "two", "three"]
            .iter()
            .map(|text| repo.commit(text))
            .collect();
        for run in runs(&commits) {
            repo.store().write(&run).unwrap();
        }
        Project { repo, commits }
    }

    impl Project {
        /// Returns the ids of the default base of `latest`.
        fn base(&self) -> Result<Vec<String>, SelectError> {
            let git = Git::open(self.repo.path());
            let store = self.repo.store();
            let head = store.select(&git, &"latest".parse()?, &Wanted::default())?;
            let base = store.default_base(&git, &Head::of(&head))?;
            Ok(base.runs.into_iter().map(|run| run.id).collect())
        }
    }

    #[test]
    fn the_base_is_the_nearest_ancestor_with_usable_runs_of_the_same_things() {
        let project = project(|commits| {
            vec![
                run_at(1, Some(&commits[0])),
                eval_at(2, Some(&commits[0])),
                invalid(run_at(3, Some(&commits[1]))),
                in_env(run_at(4, Some(&commits[1])), "eu"),
                eval_at(5, Some(&commits[1])),
                run_at(6, Some(&commits[2])),
            ]
        });
        assert_eq!(project.base().unwrap(), ["run-0001"]);
    }

    #[test]
    fn a_dirty_head_is_compared_with_its_own_commit() {
        let project = project(|commits| {
            vec![
                run_at(1, Some(&commits[1])),
                run_at(2, Some(&commits[2])),
                dirty(run_at(3, Some(&commits[2]))),
            ]
        });
        assert_eq!(project.base().unwrap(), ["run-0002"]);
    }

    #[test]
    fn without_a_measured_ancestor_the_previous_run_of_the_release_is_the_base() {
        let project = project(|commits| {
            vec![
                run_at(1, Some(&commits[2])),
                eval_at(2, Some(&commits[2])),
                run_at(3, Some(&commits[2])),
                run_at(4, Some(&commits[2])),
            ]
        });
        assert_eq!(project.base().unwrap(), ["run-0003"]);
    }

    #[test]
    fn outside_git_the_previous_run_is_the_base() {
        let dir = tempfile::tempdir().unwrap();
        let (store, git) = (Store::open(dir.path()), Git::open(dir.path()));
        for second in 1..=3 {
            store.write(&run_at(second, None)).unwrap();
        }
        let head = store
            .select(&git, &"latest".parse().unwrap(), &Wanted::default())
            .unwrap();
        let base = store.default_base(&git, &Head::of(&head)).unwrap();
        assert_eq!(base.runs[0].id, "run-0002");
    }

    #[test]
    fn a_head_that_is_not_measured_yet_has_a_base_too() {
        let project = project(|commits| vec![run_at(1, Some(&commits[1]))]);
        let head = Head {
            commit: Some(&project.commits[2]),
            dirty: false,
            env: "local",
            measured: BTreeSet::from([(RunKind::Load, "peak")]),
            runs: Vec::new(),
        };
        let git = Git::open(project.repo.path());
        let base = project.repo.store().default_base(&git, &head).unwrap();
        assert_eq!(base.commit.as_ref(), Some(&project.commits[1]));
    }

    #[test]
    fn nothing_to_compare_with_is_inconclusive_and_never_another_environment() {
        let project = project(|commits| {
            vec![
                in_env(run_at(1, Some(&commits[1])), "eu"),
                run_at(2, Some(&commits[2])),
            ]
        });
        let error = project.base().unwrap_err();
        assert_eq!(error.kind(), Kind::Inconclusive);
        let text = error.to_string().replace(&project.commits[2], "HEAD");
        assert_eq!(
            text,
            "there is nothing to compare `HEAD` with in environment `local`"
        );
    }
}

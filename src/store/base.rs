//! The base of a comparison when none was named: the nearest release before the head that was
//! measured.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::Store;
use super::listing::Listing;
use super::missing::SelectError;
use super::select::{Selection, newest_of_each, usable_of_commit};
use super::wanted::Wanted;
use crate::git::Git;
use crate::record::RunSummary;
use crate::record::{RunKind, ValidityVerdict, VerdictKind};

/// How far back a base is looked for; further back it is hardly a release of the same thing, and
/// the walk takes time.
pub(super) const ANCESTORS: usize = 10_000;

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
    /// Whether a release whose gate failed may be its base.
    pub(crate) takes_failed: bool,
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
            takes_failed: false,
        }
    }

    pub(super) fn shares(&self, run: &RunSummary) -> bool {
        self.measured.is_empty() || self.measured.contains(&(run.kind, run.name.as_str()))
    }
}

impl Store {
    /// Finds the base of a head, always in the head's environment: the nearest first-parent
    /// ancestor with usable runs of something that the head measured; a dirty head starts at its
    /// own commit. Outside git it is what was measured before.
    pub(crate) fn default_base(&self, git: &Git, head: &Head<'_>) -> Result<Base, SelectError> {
        let listing = self.list()?;
        let mut passed_over = Vec::new();
        let chosen = match ancestor(git, head, &listing, &mut passed_over) {
            Some(chosen) => chosen,
            // A release is not compared with itself: what stands for it now was measured of the
            // same thing.
            None if head.commit.is_some() => Vec::new(),
            None => newest_of_each(earlier(head, &listing)),
        };
        let label = chosen.first().map_or_else(String::new, |run| label(run));
        if let Some(selection) = self.load(&label, &chosen)? {
            return Ok(Base {
                selection,
                passed_over,
                doubts: listing.doubts(),
            });
        }
        let name = head.commit.map_or_else(
            || "the present tree".to_owned(),
            |commit| format!("`{commit}`"),
        );
        let found = (&listing, passed_over);
        Err(SelectError::nothing_comparable(&name, head.env, found))
    }

    /// Returns the first of these commits whose gate did not fail, and why those before it were
    /// passed over: one sentence each.
    pub(crate) fn first_not_failed(
        &self,
        commits: impl Iterator<Item = String>,
        head: &Head<'_>,
    ) -> Result<(Option<String>, Vec<String>), SelectError> {
        let listing = self.list()?;
        let mut passed_over = Vec::new();
        for commit in commits.take(ANCESTORS) {
            let Some(reason) = gate_failed(&listing, &commit, head) else {
                return Ok((Some(commit), passed_over));
            };
            pass_over(&commit, &reason, &mut passed_over);
        }
        Ok((None, passed_over))
    }
}

/// A base that was found, and the releases nearer to the head that could not be it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Base {
    pub(crate) selection: Selection,
    /// One sentence each, the nearest first.
    pub(crate) passed_over: Vec<String>,
    /// About runs that were left out of account: one sentence each.
    pub(crate) doubts: Vec<String>,
}

/// So many releases that were passed over are named.
const NAMED: usize = 5;

fn ancestor<'a>(
    git: &Git,
    head: &Head<'_>,
    listing: &'a Listing,
    passed_over: &mut Vec<String>,
) -> Option<Vec<&'a RunSummary>> {
    let commit = head.commit?;
    let wanted = Wanted {
        env: Some(head.env),
        trusted: true,
        ..Wanted::default()
    };
    // Only these commits can be the answer: most of a long history is passed without a look at the
    // list.
    let stored: BTreeSet<&str> = listing
        .runs
        .iter()
        .filter_map(|run| run.commit.as_deref())
        .collect();
    let own = head.dirty.then(|| commit.to_owned());
    let candidates = own
        .into_iter()
        .chain(git.first_parents(commit).take(ANCESTORS));
    for candidate in candidates.filter(|it| stored.contains(it.as_str())) {
        let mut runs = usable_of_commit(listing, &candidate, &wanted);
        runs.retain(|run| head.shares(run) && run.measured);
        let reason = match (runs.is_empty(), gate_failed(listing, &candidate, head)) {
            (false, None) => return Some(runs),
            (false, Some(reason)) => Some(reason),
            (true, _) => why_not(listing, &candidate, head),
        };
        if let Some(reason) = reason {
            pass_over(&candidate, &reason, passed_over);
        }
    }
    None
}

/// Names a release that is no base, and why, as long as there are not too many of them.
fn pass_over(commit: &str, reason: &str, passed_over: &mut Vec<String>) {
    if passed_over.len() < NAMED {
        passed_over.push(format!("`{}` is no base: {reason}", shown(commit)));
    }
}

/// Says that the last gate of a commit failed, where such a release may be no base. What was
/// measured as a base judged nothing.
pub(super) fn gate_failed(listing: &Listing, commit: &str, head: &Head<'_>) -> Option<String> {
    let mut gates = listing.runs.iter().filter(|run| {
        let of_commit = run.commit.as_deref() == Some(commit) && !run.dirty;
        let may_be = run.complete && !run.is_in_doubt();
        let is_gate = run.kind == RunKind::Gate && run.verdict.is_some();
        of_commit && is_gate && run.env == head.env && may_be
    });
    // The list is newest first.
    let failed = gates.next()?.verdict == Some(VerdictKind::Failed);
    (failed && !head.takes_failed).then(|| "its gate failed".to_owned())
}

/// Says why the runs of a commit cannot be a base, where there are some of what the head measures.
fn why_not(listing: &Listing, commit: &str, head: &Head<'_>) -> Option<String> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &listing.runs {
        let of_commit = run.commit.as_deref() == Some(commit) && run.env == head.env;
        if of_commit
            && run.kind != RunKind::Gate
            && !run.is_side()
            && head.shares(run)
            && let Some(reason) = run.no_base()
        {
            *reasons.entry(reason.words()).or_default() += 1;
        }
    }
    let reasons = reasons.iter();
    let said: Vec<String> = reasons
        .map(|(reason, count)| match count {
            1 => format!("1 run {reason}"),
            count => format!("{count} runs {reason}"),
        })
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

fn shown(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// Returns the runs of the same release that came before the head's of the same kind and name,
/// newest first.
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
    let measured = run.complete && run.validity != ValidityVerdict::Invalid && run.measured;
    same_release
        && measured
        && !run.is_in_doubt()
        && run.overrides.is_empty()
        && run.env == head.env
        && run.kind != RunKind::Gate
        && head.shares(run)
}

fn label(run: &RunSummary) -> String {
    run.commit.clone().unwrap_or_else(|| run.id.clone())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TestRepo, dirty, eval_at, gate_at, in_env, invalid, run_at};
    use super::*;
    use crate::error::{Classify, Kind};
    use crate::measure::Clock;
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
            let base = store.default_base(&git, &Head::of(&head))?.selection;
            Ok(base.runs.into_iter().map(|run| run.id).collect())
        }

        /// Returns the commit, by its place, of the base that the last commit has, and what was
        /// passed over, with commits by their places.
        fn base_of_last(&self, takes_failed: bool) -> (Option<usize>, Vec<String>) {
            let head = Head {
                commit: Some(&self.commits[2]),
                dirty: false,
                env: "local",
                measured: BTreeSet::from([(RunKind::Load, "peak"), (RunKind::Eval, "answers")]),
                runs: Vec::new(),
                takes_failed,
            };
            let git = Git::open(self.repo.path());
            let (base, passed_over) = match self.repo.store().default_base(&git, &head) {
                Ok(found) => (found.selection.commit, found.passed_over),
                Err(SelectError::NothingComparable { passed_over, .. }) => (None, passed_over),
                Err(error) => panic!("{error}"),
            };
            let place = |commit: &String| self.commits.iter().position(|it| it == commit);
            let said = passed_over.into_iter().map(|mut text| {
                for (at, commit) in self.commits.iter().enumerate() {
                    text = text.replace(&commit[..7], &format!("commit {at}"));
                }
                text
            });
            (base.as_ref().and_then(place), said.collect())
        }
    }

    /// Returns a run whose requests to the stage all failed in one way.
    fn all_failed(mut run: RunRecord, kind: &str) -> RunRecord {
        for stage in run.stages.values_mut() {
            stage.ok = 0;
            stage.failed = stage.attempted;
            stage.errors = [(kind.to_owned(), stage.attempted)].into();
        }
        run
    }

    /// Returns a run of which every other request to the stage failed in one way.
    fn half_failed(mut run: RunRecord, kind: &str) -> RunRecord {
        for stage in run.stages.values_mut() {
            stage.failed = stage.attempted / 2;
            stage.ok = stage.attempted - stage.failed;
            stage.errors = [(kind.to_owned(), stage.failed)].into();
        }
        run
    }

    /// Returns a suite of which so many of a hundred cases have no grade.
    fn ungraded(mut run: RunRecord, kind: &str, errors: u64) -> RunRecord {
        let eval = run.eval.as_mut().unwrap();
        eval.golden.cases = 100;
        eval.repeats = 1;
        eval.errors = errors;
        eval.error_kinds = [(kind.to_owned(), errors)].into();
        run
    }

    /// verdicts G2: something stood in for the service when the base was measured.
    #[test]
    fn a_suite_that_asked_nobody_is_no_base() {
        for (kind, errors, base) in [
            ("status 503", 100, Some(0)),
            ("status 503", 6, Some(0)),
            ("status 503", 5, Some(1)),
            ("status 401", 100, Some(0)),
            ("status 429", 30, Some(0)),
            ("timeout", 6, Some(0)),
            // A page of maintenance, and an error of the service's own.
            ("decode", 100, Some(0)),
            ("contract", 50, Some(0)),
            ("status 500", 49, Some(1)),
        ] {
            let project = project(|commits| {
                let broken = eval_at(2, Some(&commits[1]));
                vec![
                    ungraded(eval_at(1, Some(&commits[0])), "timeout", 0),
                    ungraded(broken, kind, errors),
                ]
            });
            let (found, _) = project.base_of_last(false);
            assert_eq!(found, base, "{kind} {errors}");
        }
    }

    #[test]
    fn an_outage_is_no_base_and_wrong_answers_are_one() {
        // verdicts G2: nothing listened when the base was measured, or nothing worked.
        for (kind, base) in [
            ("connect", Some(0)),
            ("timeout", Some(0)),
            ("status 503", Some(0)),
            ("status 500", Some(0)),
            ("half 500", Some(1)),
            ("half 429", Some(1)),
        ] {
            let project = project(|commits| {
                let run = run_at(2, Some(&commits[1]));
                vec![
                    run_at(1, Some(&commits[0])),
                    match kind.strip_prefix("half ") {
                        Some(status) => half_failed(run, &format!("status {status}")),
                        None => all_failed(run, kind),
                    },
                ]
            });
            let (found, said) = project.base_of_last(false);
            assert_eq!(found, base, "{kind}");
            let why =
                "`commit 1` is no base: 1 run without answers to more than 5 % of what was asked";
            let expected = if base == Some(0) { vec![why] } else { vec![] };
            assert_eq!(said, expected, "{kind}");
        }
    }

    #[test]
    fn a_few_unanswered_requests_leave_a_measurement() {
        for (lost, base) in [(60, Some(1)), (61, None)] {
            let project = project(|commits| {
                let mut run = run_at(1, Some(&commits[1]));
                let stage = run.stages.get_mut("gateway").unwrap();
                stage.errors = [("timeout".to_owned(), lost)].into();
                assert_eq!(stage.attempted, 1200);
                vec![run]
            });
            assert_eq!(project.base_of_last(false).0, base, "{lost} of 1200");
        }
    }

    #[test]
    fn an_experiment_is_no_base() {
        // verdicts G3: a look around with a shorter load replaced the release's own run.
        let project = project(|commits| {
            let mut look_around = run_at(2, Some(&commits[1]));
            look_around.overrides = vec!["--duration 8s".to_owned()];
            vec![run_at(1, Some(&commits[1])), look_around]
        });
        assert_eq!(project.base_of_last(false), (Some(1), vec![]));
        let store = project.repo.store();
        let git = Git::open(project.repo.path());
        let run = |what: &str| {
            let selection = store.select(&git, &what.parse().unwrap(), &Wanted::default());
            selection.unwrap().runs.remove(0).id
        };
        assert_eq!(run("HEAD~1"), "run-0001");
        assert_eq!(run("latest"), "run-0002");
    }

    #[test]
    fn a_release_whose_gate_failed_is_no_base_unless_it_is_asked_for() {
        // verdicts G12: a bad merge was the base of the next pull request.
        let failed = |mut gate: RunRecord| {
            gate.verdict = Some(VerdictKind::Failed);
            gate
        };
        let project = project(|commits| {
            vec![
                run_at(1, Some(&commits[0])),
                gate_at(2, Some(&commits[0]), &["run-0001"]),
                run_at(3, Some(&commits[1])),
                failed(gate_at(4, Some(&commits[1]), &["run-0003"])),
            ]
        });
        let why = "`commit 1` is no base: its gate failed".to_owned();
        assert_eq!(project.base_of_last(false), (Some(0), vec![why]));
        assert_eq!(project.base_of_last(true), (Some(1), vec![]));
    }

    #[test]
    fn of_several_gates_of_a_release_the_last_counts() {
        let project = project(|commits| {
            let mut first = gate_at(2, Some(&commits[1]), &["run-0001"]);
            first.verdict = Some(VerdictKind::Failed);
            vec![
                run_at(1, Some(&commits[1])),
                first,
                gate_at(3, Some(&commits[1]), &["run-0001"]),
            ]
        });
        assert_eq!(project.base_of_last(false), (Some(1), vec![]));
    }

    #[test]
    fn releases_of_a_dirty_tree_are_named_when_they_are_all_there_is() {
        // verdicts G6, field 16: three runs of the parent, and not a word about them.
        let project = project(|commits| {
            let run = |second| dirty(run_at(second, Some(&commits[1])));
            vec![run(1), run(2), dirty(eval_at(3, Some(&commits[1])))]
        });
        let why = "`commit 1` is no base: 3 runs of a dirty work tree";
        assert_eq!(project.base_of_last(false), (None, vec![why.to_owned()]));
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
    fn a_clean_release_is_never_compared_with_itself() {
        let project = project(|commits| {
            vec![
                run_at(1, Some(&commits[2])),
                eval_at(2, Some(&commits[2])),
                run_at(3, Some(&commits[2])),
                run_at(4, Some(&commits[2])),
            ]
        });
        let error = project.base().unwrap_err();
        assert_eq!(error.kind(), Kind::Inconclusive);
    }

    #[test]
    fn outside_git_the_previous_run_is_the_base() {
        let dir = tempfile::tempdir().unwrap();
        let (store, git) = (
            Store::open(dir.path(), &Clock::System),
            Git::open(dir.path()),
        );
        for second in 1..=3 {
            store.write(&run_at(second, None)).unwrap();
        }
        let head = store
            .select(&git, &"latest".parse().unwrap(), &Wanted::default())
            .unwrap();
        let base = store.default_base(&git, &Head::of(&head)).unwrap();
        assert_eq!(base.selection.runs[0].id, "run-0002");
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
            takes_failed: false,
        };
        let git = Git::open(project.repo.path());
        let base = project.repo.store().default_base(&git, &head).unwrap();
        assert_eq!(base.selection.commit.as_ref(), Some(&project.commits[1]));
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

//! From what the user wrote (`latest`, `v1.2.0`, a run's id, a file) to the runs that are meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::StoreError;
use super::layout::Store;
use super::listing::Listing;
use super::missing::SelectError;
use super::read::read_exported;
use super::wanted::Wanted;
use crate::git::Git;
use crate::record::RunSummary;
use crate::record::{Release, RunKind, RunRecord, ValidityVerdict};
use crate::record::{RunId, is_prefix};

/// What the user wrote to name one side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunRef {
    /// `latest` (0), `latest~N`.
    Latest(usize),
    /// An exported file.
    Path(PathBuf),
    /// A run's id or its start, or a git revision.
    Named(String),
}

/// One side of a comparison: the runs of one release.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection {
    /// What was asked for, for messages.
    pub(crate) label: String,
    pub(crate) commit: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) dirty: bool,
    /// Newest first; one per kind and name, unless a run of kind `gate` was named. Never empty.
    pub(crate) runs: Vec<RunRecord>,
    /// About runs that were left out of account: one sentence each.
    pub(crate) doubts: Vec<String>,
}

impl FromStr for RunRef {
    type Err = SelectError;

    /// A file is meant when the text ends in `.json`, or has a `/` and names a file: branches have
    /// slashes too.
    fn from_str(text: &str) -> Result<Self, SelectError> {
        if text == "latest" {
            return Ok(Self::Latest(0));
        }
        if let Some(back) = text.strip_prefix("latest~") {
            return match back.parse() {
                Ok(back) => Ok(Self::Latest(back)),
                Err(_) => Err(SelectError::Latest {
                    written: text.to_owned(),
                }),
            };
        }
        let path = Path::new(text);
        let json = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"));
        if json || (text.contains('/') && path.is_file()) {
            return Ok(Self::Path(path.to_owned()));
        }
        Ok(Self::Named(text.to_owned()))
    }
}

impl Selection {
    pub(super) fn of(label: &str, runs: Vec<RunRecord>) -> Option<Self> {
        let release = runs.first()?.release.clone();
        Some(Self::new(label, release, runs))
    }

    fn of_one(label: &str, run: RunRecord) -> Self {
        Self::new(label, run.release.clone(), vec![run])
    }

    fn new(label: &str, release: Release, runs: Vec<RunRecord>) -> Self {
        Self {
            label: label.to_owned(),
            commit: release.commit,
            tag: release.tag,
            dirty: release.dirty,
            runs,
            doubts: Vec::new(),
        }
    }
}

impl Store {
    /// Finds the runs that a reference means.
    ///
    /// - A revision: for each kind and name the newest complete, clean run of that commit whose
    ///   validity is `valid`, else `degraded`.
    /// - `latest`: the release (commit and dirty state) of the newest complete run; for each kind
    ///   and name its newest complete run. An invalid one is not passed over: the comparison
    ///   refuses it and says why.
    /// - `latest~N`: for each kind and name the complete run that has N newer ones, whatever their
    ///   releases.
    /// - An id or its start: that run, whatever its state; for a run of kind `gate`, the runs that
    ///   it made, unless [`Wanted::gate`] asks for the gate itself.
    pub(crate) fn select(
        &self,
        git: &Git,
        reference: &RunRef,
        wanted: &Wanted<'_>,
    ) -> Result<Selection, SelectError> {
        match reference {
            RunRef::Path(path) => from_file(path, wanted),
            RunRef::Latest(back) => self.latest(*back, wanted),
            RunRef::Named(text) => self.named(git, text, wanted),
        }
    }

    fn latest(&self, back: usize, wanted: &Wanted<'_>) -> Result<Selection, SelectError> {
        let listing = self.list()?;
        let complete = listing
            .runs
            .iter()
            .filter(|run| run.complete && !run.future && !run.is_side());
        let runs = complete.filter(|run| wanted.trusts(run) && wanted.admits(run));
        let chosen = if back == 0 {
            let mut runs = runs.peekable();
            let release = runs.peek().map(|run| (run.commit.clone(), run.dirty));
            newest_of_each(runs.filter(|run| Some((run.commit.clone(), run.dirty)) == release))
        } else {
            nth_of_each(runs, back)
        };
        let label = match back {
            0 => "latest".to_owned(),
            back => format!("latest~{back}"),
        };
        let found = self.load(&label, &chosen)?;
        let found = found.ok_or_else(|| SelectError::none(&label, None, wanted, &listing))?;
        Ok(Selection {
            doubts: doubts_of_latest(&listing, wanted),
            ..found
        })
    }

    fn named(&self, git: &Git, text: &str, wanted: &Wanted<'_>) -> Result<Selection, SelectError> {
        let listing = self.list()?;
        let runs = || listing.runs.iter();
        if let Some(run) = runs().find(|run| run.id == text) {
            return self.one(text, run, wanted, &listing);
        }
        let started: Vec<&RunSummary> = runs().filter(|run| is_prefix(text, &run.id)).collect();
        match (git.resolve(text), started.as_slice()) {
            (None, [run]) => self.one(text, run, wanted, &listing),
            (Some(commit), []) => self.of_commit(text, &commit, wanted, &listing),
            (None, []) => self.unresolved(git, text, wanted, &listing),
            (commit, _) => Err(SelectError::Ambiguous {
                written: text.to_owned(),
                meanings: started
                    .iter()
                    .map(|run| format!("run `{}`", run.id))
                    .chain(commit.map(|commit| format!("commit `{commit}`")))
                    .collect(),
            }),
        }
    }

    /// Git does not know it: a file, or a commit or tag that only the stored runs remember.
    fn unresolved(
        &self,
        git: &Git,
        text: &str,
        wanted: &Wanted<'_>,
        listing: &Listing,
    ) -> Result<Selection, SelectError> {
        let path = Path::new(text);
        if path.is_file() {
            return from_file(path, wanted);
        }
        let remembered = listing.runs.iter().find(|run| {
            run.tag.as_deref() == Some(text) || is_commit_prefix(text, run.commit.as_deref())
        });
        let begins = listing.runs.iter().filter(|run| run.id.starts_with(text));
        let begins: Vec<&str> = begins.map(|run| run.id.as_str()).collect();
        match (
            remembered.and_then(|run| run.commit.clone()),
            begins.as_slice(),
        ) {
            (Some(commit), _) => self.of_commit(text, &commit, wanted, listing),
            (None, []) => Err(SelectError::unknown(text, &git.names(), listing)),
            (None, ids) => Err(SelectError::ambiguous_start(text, ids)),
        }
    }

    /// One run named by id; a gate's stands for the runs it made where it is not itself asked for.
    fn one(
        &self,
        label: &str,
        run: &RunSummary,
        wanted: &Wanted<'_>,
        listing: &Listing,
    ) -> Result<Selection, SelectError> {
        if !wanted.trusts(run) {
            let id = run.id.clone();
            return Err(SelectError::Tracked { id });
        }
        let mut chosen = vec![run];
        if run.kind == RunKind::Gate && wanted.kind != Some(RunKind::Gate) {
            let id: RunId = run.id.parse().map_err(StoreError::from)?;
            let gate = self.read(&id)?;
            if wanted.takes_gate(&gate) {
                return Ok(Selection::of_one(label, gate));
            }
            let made = gate.runs;
            chosen = listing
                .runs
                .iter()
                .filter(|run| made.contains(&run.id))
                .collect();
        }
        chosen.retain(|run| wanted.takes(run.kind, &run.name) && wanted.trusts(run));
        self.load(label, &chosen)?
            .ok_or_else(|| SelectError::none(label, None, wanted, listing))
    }

    fn of_commit(
        &self,
        label: &str,
        commit: &str,
        wanted: &Wanted<'_>,
        listing: &Listing,
    ) -> Result<Selection, SelectError> {
        let chosen = usable_of_commit(listing, commit, wanted);
        self.load(label, &chosen)?
            .ok_or_else(|| SelectError::none(label, Some(commit), wanted, listing))
    }

    /// Reads the chosen runs whole; `None` when none was chosen.
    pub(super) fn load(
        &self,
        label: &str,
        chosen: &[&RunSummary],
    ) -> Result<Option<Selection>, StoreError> {
        let runs = chosen
            .iter()
            .map(|run| self.read(&run.id.parse()?))
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Selection::of(label, runs))
    }
}

/// Of the newest runs, those in tracked files are left out only of a base.
fn doubts_of_latest(listing: &Listing, wanted: &Wanted<'_>) -> Vec<String> {
    let is_left_out = |run: &&RunSummary| run.future || !wanted.trusts(run);
    let left_out = listing.runs.iter().filter(is_left_out);
    let runs = left_out.map(|run| RunSummary {
        tracked: run.tracked && wanted.trusted,
        ..run.clone()
    });
    let left_out = Listing {
        runs: runs.collect(),
        ..Listing::default()
    };
    left_out.doubts()
}

fn from_file(path: &Path, wanted: &Wanted<'_>) -> Result<Selection, SelectError> {
    let mut runs = read_exported(path)?;
    let label = path.display().to_string();
    if runs.len() > 1 {
        // Of a release, what it measured counts, and not how it was judged.
        runs.retain(|run| run.kind != RunKind::Gate && wanted.takes(run.kind, &run.name));
        runs.reverse();
        return Selection::of(&label, runs).ok_or_else(|| SelectError::OtherRun {
            path: path.to_owned(),
            kind: "release",
            name: label.clone(),
        });
    }
    let run = runs.remove(0);
    if !wanted.takes(run.kind, &run.name) && !wanted.takes_gate(&run) {
        return Err(SelectError::OtherRun {
            path: path.to_owned(),
            kind: run.kind.word(),
            name: run.name,
        });
    }
    Ok(Selection::of_one(&label, run))
}

/// At least seven digits, as git shows them: four would be a run's id more often.
fn is_commit_prefix(text: &str, commit: Option<&str>) -> bool {
    text.len() >= 7 && commit.is_some_and(|commit| commit.starts_with(text))
}

/// Returns the runs that stand for a commit: for each kind and name the newest valid one, else the
/// newest degraded one.
pub(super) fn usable_of_commit<'a>(
    listing: &'a Listing,
    commit: &str,
    wanted: &Wanted<'_>,
) -> Vec<&'a RunSummary> {
    let mut usable: Vec<&RunSummary> = listing
        .runs
        .iter()
        .filter(|run| run.commit.as_deref() == Some(commit))
        .filter(|run| run.is_usable() && wanted.admits(run) && wanted.trusts(run))
        .collect();
    usable.sort_by_key(|run| run.validity != ValidityVerdict::Valid);
    newest_of_each(usable)
}

/// Returns the first of each kind and name.
pub(super) fn newest_of_each<'a>(
    runs: impl IntoIterator<Item = &'a RunSummary>,
) -> Vec<&'a RunSummary> {
    nth_of_each(runs, 0)
}

fn nth_of_each<'a>(
    runs: impl IntoIterator<Item = &'a RunSummary>,
    nth: usize,
) -> Vec<&'a RunSummary> {
    let mut seen: BTreeMap<(RunKind, &str), usize> = BTreeMap::new();
    runs.into_iter()
        .filter(|run| {
            let before = seen.entry((run.kind, &run.name)).or_default();
            *before += 1;
            *before == nth + 1
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::export::export;
    use super::super::testing::{
        TestRepo, degraded, dirty, eval_at, fixture, gate_at, in_env, incomplete, invalid, run_at,
    };
    use super::*;
    use crate::error::{Classify, Kind};
    use crate::measure::Clock;

    /// Two commits, the first tagged `v1`, and what was written into the store.
    struct Project {
        repo: TestRepo,
        one: String,
        two: String,
    }

    impl Project {
        fn new() -> Self {
            let repo = TestRepo::new();
            let one = repo.commit("one");
            repo.tag("v1", &one);
            let two = repo.commit("two");
            Self { repo, one, two }
        }

        fn with(self, runs: impl Fn(&str, &str) -> Vec<RunRecord>) -> Self {
            for run in runs(&self.one, &self.two) {
                self.repo.store().write(&run).unwrap();
            }
            self
        }

        fn select(&self, reference: &str, wanted: &Wanted<'_>) -> Result<Selection, SelectError> {
            let git = Git::open(self.repo.path());
            self.repo.store().select(&git, &reference.parse()?, wanted)
        }

        fn ids(&self, reference: &str) -> Vec<String> {
            let found = self.select(reference, &Wanted::default()).unwrap();
            found.runs.into_iter().map(|run| run.id).collect()
        }

        fn complaint(&self, reference: &str) -> (Kind, String) {
            let wanted = Wanted {
                env: Some("local"),
                ..Wanted::default()
            };
            let error = self.select(reference, &wanted).unwrap_err();
            let help =
                miette::Diagnostic::help(&error).map_or(String::new(), |h| format!(" | {h}"));
            let text = format!("{error}{help}")
                .replace(&self.one, "ONE")
                .replace(&self.two, "TWO")
                .replace(&self.one[..10], "ONE")
                .replace(&self.two[..10], "TWO");
            (error.kind(), text)
        }
    }

    #[test]
    fn a_revision_means_the_newest_usable_run_of_each_kind_and_name() {
        let project = Project::new().with(|one, two| {
            vec![
                run_at(1, Some(one)),
                run_at(2, Some(one)),
                eval_at(3, Some(one)),
                incomplete(run_at(4, Some(one))),
                invalid(run_at(5, Some(one))),
                dirty(run_at(6, Some(one))),
                degraded(run_at(7, Some(one))),
                gate_at(8, Some(one), &["run-0002"]),
                run_at(9, Some(two)),
            ]
        });
        for revision in ["v1", "HEAD~1", project.one.as_str(), &project.one[..8]] {
            let mut ids = project.ids(revision);
            ids.sort();
            assert_eq!(ids, ["run-0002", "run-0003"], "{revision}");
        }
        let wanted = Wanted {
            kind: Some(RunKind::Eval),
            name: Some("answers"),
            env: Some("local"),
            ..Wanted::default()
        };
        let found = project.select("v1", &wanted).unwrap();
        assert_eq!(
            (found.runs.len(), found.commit),
            (1, Some(project.one.clone()))
        );
        assert_eq!((found.label.as_str(), found.dirty), ("v1", false));
    }

    #[test]
    fn a_degraded_run_stands_in_only_where_no_valid_one_is() {
        let project = Project::new().with(|one, _| vec![degraded(run_at(1, Some(one)))]);
        assert_eq!(project.ids("v1"), ["run-0001"]);
    }

    #[test]
    fn environments_are_kept_apart() {
        let project = Project::new()
            .with(|one, _| vec![run_at(1, Some(one)), in_env(run_at(2, Some(one)), "eu")]);
        let in_eu = Wanted {
            env: Some("eu"),
            ..Wanted::default()
        };
        for reference in ["v1", "latest"] {
            assert_eq!(
                project.select(reference, &in_eu).unwrap().runs[0].id,
                "run-0002"
            );
        }
        // Naming a run by its id is asking for its environment.
        assert_eq!(
            project.select("run-0001", &in_eu).unwrap().runs[0].env,
            "local"
        );
    }

    #[test]
    fn latest_is_the_release_of_the_newest_run_and_counts_back_by_name() {
        let project = Project::new().with(|one, two| {
            vec![
                eval_at(1, Some(one)),
                run_at(2, Some(one)),
                dirty(eval_at(3, Some(two))),
                run_at(4, Some(two)),
                dirty(run_at(5, Some(two))),
                incomplete(run_at(6, Some(one))),
                gate_at(7, Some(one), &[]),
            ]
        });
        assert_eq!(project.ids("latest"), ["run-0005", "run-0003"]);
        assert!(project.select("latest", &Wanted::default()).unwrap().dirty);
        assert_eq!(project.ids("latest~1"), ["run-0004", "run-0001"]);
        assert_eq!(project.ids("latest~2"), ["run-0002"]);
        let (kind, text) = project.complaint("latest~3");
        assert_eq!(kind, Kind::Environment);
        assert_snapshot!(text, @"there is no usable run of `latest~3` in environment `local` | Runs are stored of commit `ONE`, commit `TWO` (dirty), commit `TWO`.");
    }

    #[test]
    fn an_id_means_its_run_whatever_its_state_and_a_gate_the_runs_it_made() {
        let project = Project::new().with(|one, _| {
            vec![
                dirty(incomplete(run_at(1, Some(one)))),
                run_at(2, Some(one)),
                eval_at(3, Some(one)),
                gate_at(1234, Some(one), &["run-0002", "run-0003", "run-gone"]),
            ]
        });
        assert_eq!(project.ids("run-0001"), ["run-0001"]);
        assert_eq!(project.ids("run-1"), ["run-0003", "run-0002"]);
    }

    #[test]
    fn a_gate_itself_is_meant_where_its_comparison_is_asked_for() {
        let gate = |at, runs: &[&str]| RunRecord {
            id: format!("run-{at}"),
            runs: runs.iter().map(|id| (*id).to_owned()).collect(),
            ..fixture("v1.1", "gate")
        };
        let made = ["run-0002"];
        let project = Project::new().with(|one, _| {
            let early = gate_at(1235, Some(one), &made);
            vec![run_at(2, Some(one)), gate(1234, &made), early]
        });
        let of = |id: &str, wanted: Wanted<'_>| {
            let wanted = Wanted {
                gate: true,
                ..wanted
            };
            project.select(id, &wanted).unwrap().runs.remove(0).id
        };
        assert_eq!(of("run-1234", Wanted::default()), "run-1234");
        assert_eq!(project.ids("run-1234"), ["run-0002"]);
        // One that was written before format 1.1 holds none.
        assert_eq!(of("run-1235", Wanted::default()), "run-0002");
        let peak = Wanted {
            name: Some("peak"),
            ..Wanted::default()
        };
        assert_eq!(of("run-1234", peak), "run-0002");
        let path = project.repo.path().join("gate.json");
        std::fs::write(&path, export(&gate(9, &made))).unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(of(path, Wanted::default()), "run-9");
        assert_eq!(project.complaint(path).0, Kind::Usage);
    }

    #[test]
    fn a_prefix_of_several_ids_is_ambiguous() {
        let project = Project::new().with(|one, _| vec![run_at(1, Some(one)), run_at(2, None)]);
        let (kind, text) = project.complaint("run-");
        assert_eq!(kind, Kind::Usage);
        assert_snapshot!(text, @"`run-` may mean run `run-0002` or run `run-0001` | Write more of it.");
        project.repo.tag("run-000", &project.two);
        assert!(project.complaint("run-000").1.contains("or commit `TWO`"));
        assert_eq!(project.ids("run-0001"), ["run-0001"]);
    }

    #[test]
    fn an_exported_file_is_read_back() {
        let project = Project::new();
        let run = run_at(1, Some("f".repeat(40).as_str()));
        for name in ["base.json", "exported"] {
            let path = project.repo.path().join(name);
            std::fs::write(&path, export(&run)).unwrap();
            let found = project
                .select(path.to_str().unwrap(), &Wanted::default())
                .unwrap();
            assert_eq!(found.runs, std::slice::from_ref(&run));
        }
        let path = project.repo.path().join("base.json");
        let wanted = Wanted {
            kind: Some(RunKind::Eval),
            ..Wanted::default()
        };
        let error = project.select(path.to_str().unwrap(), &wanted).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("holds a run of load `peak`, which was not asked for")
        );
        assert_eq!(project.complaint("missing.json").0, Kind::Environment);
    }

    #[test]
    fn what_is_not_found_says_what_there_is() {
        let project = Project::new().with(|one, _| vec![dirty(run_at(1, Some(one)))]);
        project
            .repo
            .git
            .branch(
                "feature/x",
                &project.repo.git.head().unwrap().peel_to_commit().unwrap(),
                false,
            )
            .unwrap();
        let all: Vec<String> = ["v1", "HEAD", "mian", "v9.9.9", "feature/x", "latest~x"]
            .iter()
            .map(|reference| {
                let (kind, text) = project.complaint(reference);
                format!("{kind:?}: {text}")
            })
            .collect();
        assert_snapshot!(all.join("\n"), @r"
        Environment: there is no usable run of `v1` (commit `ONE`) in environment `local`: 1 of a dirty work tree | Runs are stored of commit `ONE` (dirty).
        Environment: there is no usable run of `HEAD` (commit `TWO`) in environment `local` | Runs are stored of commit `ONE` (dirty).
        Environment: `mian` is neither a git revision nor a stored run nor a file | Did you mean `main`?
        Environment: `v9.9.9` is neither a git revision nor a stored run nor a file | Runs are stored of commit `ONE` (dirty).
        Environment: there is no usable run of `feature/x` (commit `TWO`) in environment `local` | Runs are stored of commit `ONE` (dirty).
        Usage: `latest~x` names no run: after `latest~` comes a number | `latest~1` is the run before the newest one of the same name.
        ");
    }

    #[test]
    fn without_git_the_stored_runs_still_know_their_tags_and_commits() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &Clock::System);
        let commit = "abcdef0123".repeat(4);
        let mut run = run_at(1, Some(&commit));
        run.release.tag = Some("v7".to_owned());
        store.write(&run).unwrap();
        let git = Git::open(dir.path());
        for text in ["v7", "abcdef01"] {
            let reference = text.parse().unwrap();
            let found = store.select(&git, &reference, &Wanted::default()).unwrap();
            assert_eq!(found.runs[0].id, "run-0001");
        }
        assert_eq!(
            store
                .select(&git, &RunRef::Latest(0), &Wanted::default())
                .unwrap()
                .tag,
            run.release.tag
        );
    }
}

//! Repositories and runs for the tests of the store.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository, RepositoryInitOptions, Signature, Time};

use super::layout::Store;
use super::record::{RunKind, RunRecord, Validity, ValidityVerdict};
use super::version::FormatVersion;

/// A git repository in a temporary folder, its branch `main`, independent of the user's configuration.
pub(super) struct TestRepo {
    pub(super) dir: tempfile::TempDir,
    pub(super) git: Repository,
    clock: Cell<i64>,
}

impl TestRepo {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = RepositoryInitOptions::new();
        options.initial_head("main");
        let git = Repository::init_opts(dir.path(), &options).unwrap();
        Self {
            dir,
            git,
            clock: Cell::new(1_700_000_000),
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn store(&self) -> Store {
        Store::open(self.path())
    }

    pub(super) fn file(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a file, commits everything on `HEAD`, and returns the commit.
    pub(super) fn commit(&self, text: &str) -> String {
        self.file("file.txt", text);
        let parents: Vec<Oid> = self
            .git
            .head()
            .ok()
            .and_then(|head| head.target())
            .into_iter()
            .collect();
        self.commit_with(&parents, text)
    }

    pub(super) fn commit_with(&self, parents: &[Oid], message: &str) -> String {
        let mut index = self.git.index().unwrap();
        index
            .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
            .unwrap();
        index.write().unwrap();
        let tree = self.git.find_tree(index.write_tree().unwrap()).unwrap();
        let who = self.signature();
        let parents: Vec<_> = parents
            .iter()
            .map(|id| self.git.find_commit(*id).unwrap())
            .collect();
        let parents: Vec<_> = parents.iter().collect();
        let id = self
            .git
            .commit(Some("HEAD"), &who, &who, message, &tree, &parents)
            .unwrap();
        id.to_string()
    }

    /// Makes a lightweight tag.
    pub(super) fn tag(&self, name: &str, commit: &str) {
        let commit = self.git.find_object(oid(commit), None).unwrap();
        self.git.tag_lightweight(name, &commit, false).unwrap();
    }

    pub(super) fn annotated_tag(&self, name: &str, commit: &str) {
        let who = self.signature();
        let commit = self.git.find_object(oid(commit), None).unwrap();
        self.git.tag(name, &commit, &who, "a tag", false).unwrap();
    }

    fn signature(&self) -> Signature<'static> {
        self.clock.set(self.clock.get() + 60);
        Signature::new("Test", "test@example.com", &Time::new(self.clock.get(), 0)).unwrap()
    }
}

pub(super) fn oid(commit: &str) -> Oid {
    Oid::from_str(commit).unwrap()
}

/// Returns a complete, valid run of kind `load` named `peak`, started that many seconds after the epoch of the tests;
/// its id is `run-` and these seconds.
pub(super) fn run_at(seconds: u32, commit: Option<&str>) -> RunRecord {
    let mut run = fixture("load");
    run.id = format!("run-{seconds:04}");
    run.started_at = format!(
        "2026-01-01T{:02}:{:02}:{:02}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    run.release.commit = commit.map(str::to_owned);
    run.release.tag = None;
    run.release.dirty = false;
    run
}

pub(super) fn eval_at(seconds: u32, commit: Option<&str>) -> RunRecord {
    let load = run_at(seconds, commit);
    RunRecord {
        id: load.id,
        started_at: load.started_at,
        release: load.release,
        ..fixture("eval")
    }
}

pub(super) fn gate_at(seconds: u32, commit: Option<&str>, runs: &[&str]) -> RunRecord {
    RunRecord {
        kind: RunKind::Gate,
        name: "gate".to_owned(),
        stages: BTreeMap::new(),
        generator: None,
        runs: runs.iter().map(|id| (*id).to_owned()).collect(),
        version: FormatVersion::CURRENT,
        ..run_at(seconds, commit)
    }
}

pub(super) fn invalid(run: RunRecord) -> RunRecord {
    judged(run, ValidityVerdict::Invalid)
}

pub(super) fn degraded(run: RunRecord) -> RunRecord {
    judged(run, ValidityVerdict::Degraded)
}

fn judged(run: RunRecord, verdict: ValidityVerdict) -> RunRecord {
    RunRecord {
        validity: Validity {
            verdict,
            reasons: Vec::new(),
        },
        ..run
    }
}

pub(super) fn dirty(mut run: RunRecord) -> RunRecord {
    run.release.dirty = true;
    run
}

pub(super) fn incomplete(run: RunRecord) -> RunRecord {
    RunRecord {
        complete: false,
        ..run
    }
}

pub(super) fn in_env(run: RunRecord, env: &str) -> RunRecord {
    RunRecord {
        env: env.to_owned(),
        ..run
    }
}

/// Returns the path of a document that an earlier version wrote.
pub(super) fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/records/v1.0/{name}.json"))
}

pub(super) fn fixture(name: &str) -> RunRecord {
    super::read::read_exported(&fixture_path(name)).unwrap()
}

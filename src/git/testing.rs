//! Repositories for tests.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use git2::{Oid, Repository, RepositoryInitOptions, Signature, Time};

/// A git repository in a temporary folder, its branch `main`, independent of the user's
/// configuration.
pub(crate) struct TestRepo {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) git: Repository,
    clock: Cell<i64>,
}

impl TestRepo {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a file, commits everything on `HEAD`, and returns the commit.
    pub(crate) fn commit(&self, text: &str) -> String {
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

    pub(crate) fn commit_with(&self, parents: &[Oid], message: &str) -> String {
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
    pub(crate) fn tag(&self, name: &str, commit: &str) {
        let commit = self.git.find_object(oid(commit), None).unwrap();
        self.git.tag_lightweight(name, &commit, false).unwrap();
    }

    pub(crate) fn annotated_tag(&self, name: &str, commit: &str) {
        let who = self.signature();
        let commit = self.git.find_object(oid(commit), None).unwrap();
        self.git.tag(name, &commit, &who, "a tag", false).unwrap();
    }

    fn signature(&self) -> Signature<'static> {
        self.clock.set(self.clock.get() + 60);
        Signature::new("Test", "test@example.com", &Time::new(self.clock.get(), 0)).unwrap()
    }
}

pub(crate) fn oid(commit: &str) -> Oid {
    Oid::from_str(commit).unwrap()
}

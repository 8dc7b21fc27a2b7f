//! Which files of the work tree git tracks: whoever can make a commit can write them.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{ObjectType, Repository};

use super::repository::Git;

/// What git tracks below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tracked {
    /// The folder is another repository's, as a submodule is: all of it counts.
    all: bool,
    /// In small letters, as some file systems do not tell letters apart.
    names: BTreeSet<String>,
}

impl Tracked {
    /// Returns whether git tracks anything of an entry of the folder.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.all || self.names.contains(&name.to_ascii_lowercase())
    }
}

impl Git {
    /// Returns which entries of a folder hold files that are in the index, or in the commit that is
    /// checked out.
    pub(crate) fn tracked_below(&self, folder: &Path) -> Tracked {
        let found = self.repository().and_then(|repository| {
            let inside = inside(repository, folder)?;
            let mut tracked = Tracked::default();
            tracked.add_index(repository, &inside);
            tracked.add_commit(repository, &inside);
            Some(tracked)
        });
        found.unwrap_or_default()
    }

    /// Returns whether git tracks a file.
    pub(crate) fn tracks(&self, file: &Path) -> bool {
        let names = file
            .parent()
            .zip(file.file_name().and_then(|it| it.to_str()));
        names.is_some_and(|(folder, name)| {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            self.tracked_below(folder).holds(name)
        })
    }
}

/// Returns the path of a folder inside the work tree, in small letters and with a slash at its end.
fn inside(repository: &Repository, folder: &Path) -> Option<String> {
    let root = repository.workdir()?.canonicalize().ok()?;
    let folder = folder.canonicalize().ok()?;
    let inside = folder.strip_prefix(root).ok()?;
    let parts = inside
        .iter()
        .map(|it| it.to_string_lossy().to_ascii_lowercase() + "/");
    Some(parts.collect())
}

impl Tracked {
    fn add_index(&mut self, repository: &Repository, inside: &str) {
        let Ok(index) = repository.index() else {
            return;
        };
        for entry in index.iter() {
            self.add(&String::from_utf8_lossy(&entry.path), inside);
        }
    }

    /// Follows the folder's path into the tree of `HEAD`.
    fn add_commit(&mut self, repository: &Repository, inside: &str) {
        let mut tree = repository
            .head()
            .ok()
            .and_then(|head| head.peel_to_tree().ok());
        for part in inside.split_terminator('/') {
            let Some(folder) = tree.take() else {
                return;
            };
            for entry in folder
                .iter()
                .filter(|it| String::from_utf8_lossy(it.name_bytes()).eq_ignore_ascii_case(part))
            {
                self.all |= entry.kind() == Some(ObjectType::Commit);
                tree = entry
                    .to_object(repository)
                    .ok()
                    .and_then(|it| it.into_tree().ok());
            }
        }
        for entry in tree.iter().flat_map(|tree| tree.iter()) {
            let name = String::from_utf8_lossy(entry.name_bytes()).to_ascii_lowercase();
            self.names.insert(name);
        }
    }

    /// Adds a path of the index.
    fn add(&mut self, path: &str, inside: &str) {
        let path = path.to_ascii_lowercase();
        match path.strip_prefix(inside) {
            Some(below) => {
                let name = below.split('/').next().unwrap_or_default();
                self.names.insert(name.to_owned());
            }
            None => self.all |= inside.starts_with(&format!("{path}/")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestRepo;
    use super::*;

    fn added(path: &str) -> Tracked {
        let mut tracked = Tracked::default();
        tracked.add(path, "app/.stagegate/runs/");
        tracked
    }

    // security 2
    #[test]
    fn a_path_of_the_index_is_below_the_folder_or_the_folder_itself() {
        assert!(added("app/.stagegate/runs/a/run.json").holds("a"));
        assert!(added("app/.STAGEGATE/Runs/A/run.json").holds("a"));
        assert!(!added("app/.stagegate/runs/a/run.json").holds("b"));
        // A submodule in the place of the store, or above it.
        assert!(added("app/.stagegate").holds("a") && added("app").holds("a"));
        for other in [
            "app/.stagegate/run",
            "stagegate/runs/a",
            ".stagegate/runs/a/x",
            "ap",
        ] {
            assert_eq!(added(other), Tracked::default(), "{other}");
        }
    }

    // security 2
    #[test]
    fn what_is_in_the_index_or_in_the_commit_is_tracked() {
        let repo = TestRepo::new();
        repo.file("app/runs/kept/run.json", "{}");
        repo.commit("one");
        repo.file("app/runs/own/run.json", "{}");
        repo.file("app/runs/staged/run.json", "{}");
        let mut index = repo.git.index().unwrap();
        index
            .add_path(Path::new("app/runs/staged/run.json"))
            .unwrap();
        index
            .remove_path(Path::new("app/runs/kept/run.json"))
            .unwrap();
        index.write().unwrap();
        let tracked = Git::open(repo.path()).tracked_below(&repo.path().join("app/runs"));
        let held = ["kept", "staged", "own"].map(|name| tracked.holds(name));
        assert_eq!(held, [true, true, false]);
        let git = Git::open(repo.path());
        assert!(git.tracks(&repo.path().join("file.txt")));
        assert!(!git.tracks(&repo.path().join("app/runs/own/run.json")));
    }

    #[test]
    fn outside_git_nothing_is_tracked() {
        let folder = tempfile::tempdir().unwrap();
        let git = Git::open(folder.path());
        assert_eq!(git.tracked_below(folder.path()), Tracked::default());
        assert!(!git.tracks(Path::new("x")));
    }
}

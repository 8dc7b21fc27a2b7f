//! Where everything lies under `.stagegate/`, beside the manifest.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::StoreError;
use crate::git::{Git, Tracked};
use crate::intake::is_link;
use crate::measure::Clock;
use crate::record::{FOLDER, RunId};

/// The stored runs of one project. Opening creates nothing; the first write does.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
    /// Tells how old is what killed processes left.
    pub(super) clock: Clock,
    /// Which of the runs git tracks: looked up once, with the first list.
    tracked: OnceLock<Tracked>,
}

impl Store {
    /// Opens the store of the project whose manifest lies in that folder.
    pub(crate) fn open(project: &Path, clock: &Clock) -> Self {
        Self {
            root: project.join(FOLDER),
            clock: clock.clone(),
            tracked: OnceLock::new(),
        }
    }

    /// Returns which of the runs git tracks.
    pub(super) fn tracked(&self) -> &Tracked {
        let project = match self.root.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let look = || Git::open(project).tracked_below(&self.runs_dir());
        self.tracked.get_or_init(look)
    }

    /// Returns the store's own folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder of all runs.
    pub(crate) fn runs_dir(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// Returns the folder of one run.
    pub(crate) fn run_dir(&self, id: &RunId) -> PathBuf {
        self.runs_dir().join(id.as_str())
    }

    /// Returns the folder in which runs are made before they are renamed into place; on the same
    /// file system.
    pub(super) fn tmp_dir(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Returns where the journals are, whether or not there are any.
    pub(super) fn journal_dir(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// Returns the folder of the append-only journals, `.stagegate/journal`, and creates it.
    pub(crate) fn journals(&self) -> Result<PathBuf, StoreError> {
        let folder = self.journal_dir();
        self.prepare(&folder)?;
        Ok(folder)
    }

    /// Refuses a store whose folders are links: whatever a link leads to is not ours to write to,
    /// and not ours to delete.
    pub(crate) fn guard(&self) -> Result<(), StoreError> {
        let folders = [self.runs_dir(), self.tmp_dir(), self.journal_dir()];
        let mut own = std::iter::once(self.root.clone()).chain(folders);
        own.try_for_each(|it| no_link(&it))
    }

    /// Creates a folder inside the store, and the store itself with a `.gitignore` that hides all
    /// of it from git.
    pub(super) fn prepare(&self, folder: &Path) -> Result<(), StoreError> {
        self.guard()?;
        fs::create_dir_all(folder).map_err(|e| StoreError::io("create", folder, e))?;
        let ignore = self.root.join(".gitignore");
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&ignore)
        {
            Ok(mut file) => file
                .write_all(b"*\n")
                .map_err(|e| StoreError::io("write", &ignore, e)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(StoreError::io("create", &ignore, e)),
        }
    }
}

/// Refuses a link in the place of one of our own folders.
pub(super) fn no_link(path: &Path) -> Result<(), StoreError> {
    if is_link(path) {
        return Err(StoreError::Link {
            path: path.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_creates_nothing_and_preparing_hides_everything_from_git() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        assert!(!store.root.exists());
        let journal = store.journals().unwrap().join("answers.jsonl");
        assert_eq!(
            journal,
            project.path().join(".stagegate/journal/answers.jsonl")
        );
        let ignore = fs::read_to_string(project.path().join(".stagegate/.gitignore")).unwrap();
        assert_eq!(ignore, "*\n");
    }

    #[test]
    fn a_gitignore_that_is_there_is_kept() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        fs::create_dir(&store.root).unwrap();
        fs::write(store.root.join(".gitignore"), "tmp/\n").unwrap();
        store.journals().unwrap();
        let ignore = fs::read_to_string(store.root.join(".gitignore")).unwrap();
        assert_eq!(ignore, "tmp/\n");
    }

    // security 1
    #[cfg(unix)]
    #[test]
    fn a_store_with_a_link_in_it_is_refused_whatever_it_leads_to() {
        use std::os::unix::fs::symlink;

        use crate::error::{Classify, Kind};

        for place in ["", "runs", "tmp", "journal"] {
            for target in ["..", "nowhere", "real"] {
                let project = tempfile::tempdir().unwrap();
                fs::create_dir(project.path().join("real")).unwrap();
                let link = project.path().join(".stagegate").join(place);
                let link: PathBuf = link.components().collect();
                fs::create_dir_all(link.parent().unwrap()).unwrap();
                symlink(target, &link).unwrap();
                let store = Store::open(project.path(), &Clock::System);
                let error = store.journals().unwrap_err();
                assert_eq!(error.kind(), Kind::Environment);
                assert!(
                    error
                        .to_string()
                        .starts_with(&format!("`{}` is a link", link.display())),
                    "{error}"
                );
                assert!(store.list().is_err() && store.guard().is_err(), "{place}");
                assert_eq!(store.calibration(), None);
            }
        }
    }
}

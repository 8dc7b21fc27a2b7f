//! The demo's project as a repository whose commits are the releases.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;

use super::project::ProjectFile;
use crate::error::{Classify, Kind};

/// What keeps the story from being told.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum StoryError {
    /// The project cannot be written.
    #[error("the demo's project cannot be written to `{}`", path.display())]
    Files { path: PathBuf, source: io::Error },
    /// Git refuses.
    #[error("the demo's git repository cannot be made")]
    Git(#[from] git2::Error),
}

impl Classify for StoryError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// The folder of the project.
pub(crate) struct Repository {
    git: git2::Repository,
    folder: PathBuf,
}

impl Repository {
    /// Makes an empty repository in that folder.
    pub(crate) fn new(folder: &Path) -> Result<Self, StoryError> {
        Ok(Self {
            git: git2::Repository::init(folder)?,
            folder: folder.to_path_buf(),
        })
    }

    /// Writes these files and commits everything as a release with that tag.
    pub(crate) fn release(
        &self,
        files: &[ProjectFile],
        (message, tag): (&str, &str),
    ) -> Result<(), StoryError> {
        write(&self.folder, files)?;
        Ok(commit(&self.git, message, tag)?)
    }
}

fn write(folder: &Path, files: &[ProjectFile]) -> Result<(), StoryError> {
    for file in files {
        let path = folder.join(file.path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, &file.text))
            .map_err(|source| StoryError::Files {
                path: path.clone(),
                source,
            })?;
    }
    Ok(())
}

/// Commits everything and tags the commit; needs no user name.
fn commit(repository: &git2::Repository, message: &str, tag: &str) -> Result<(), git2::Error> {
    let mut index = repository.index()?;
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let author = git2::Signature::now("stagegate demo", "demo@localhost")?;
    let parent = repository
        .head()
        .ok()
        .and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    let commit = repository.commit(Some("HEAD"), &author, &author, message, &tree, &parents)?;
    let object = repository.find_object(commit, None)?;
    repository.tag_lightweight(tag, &object, false)?;
    Ok(())
}

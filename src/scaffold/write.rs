//! New files: all of them, or none.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use miette::Diagnostic;

use super::ci::CiSystem;
use super::template::Template;
use crate::error::{Classify, Kind};
use crate::intake::is_link;

/// Why nothing was written.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum WriteError {
    /// The template would overwrite something.
    #[error("`{}` exists already, so nothing was written", .0.display())]
    #[diagnostic(help("Choose another folder, or overwrite with `--force`."))]
    Exists(PathBuf),
    /// A file or folder cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl Classify for WriteError {
    fn kind(&self) -> Kind {
        match self {
            Self::Exists(_) => Kind::Usage,
            Self::Unwritable { .. } => Kind::Environment,
        }
    }
}

/// What is to be written.
#[derive(Default)]
pub(crate) struct NewFiles(Vec<(PathBuf, String)>);

impl NewFiles {
    /// Returns the files of a template, in a folder.
    pub(crate) fn of(template: &Template, folder: &Path) -> Self {
        let files = template.files().iter();
        let files = files.map(|file| (folder.join(file.path), file.text.to_owned()));
        Self(files.collect())
    }

    /// Adds the step of a CI system for a project that lies in that folder of the repository, and
    /// returns what is left to do by hand.
    pub(crate) fn add_step(&mut self, system: &CiSystem, root: &Path, inside: &str) -> String {
        let (path, text) = system.step(inside);
        self.0.push((root.join(path), text));
        match system.entry() {
            Some(entry) if root.join(entry.path).exists() => format!("\n{}", system.next()),
            Some(entry) => {
                self.0.push((root.join(entry.path), entry.text.to_owned()));
                String::new()
            }
            None => String::new(),
        }
    }

    /// Returns where they go.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    /// Writes them; with `force` over what is there. All or nothing: half a project would be worse
    /// than none.
    pub(crate) fn write(&self, force: bool) -> Result<(), WriteError> {
        if let Some(path) = self.paths().find(|path| !force && path.exists()) {
            return Err(WriteError::Exists(path.to_path_buf()));
        }
        for (path, text) in &self.0 {
            write(path, text, force).map_err(|source| WriteError::Unwritable {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if is_link(path) {
        let said = "it is a link to another file";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, said));
    }
    let mut options = OpenOptions::new();
    options.write(true);
    // `create_new` keeps the promise even against somebody who writes at the same moment.
    let options = if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path)?.write_all(text.as_bytes())
}

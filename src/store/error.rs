//! What can go wrong between the store and the disk.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use miette::Diagnostic;

use crate::error::{Classify, Kind};
use crate::record::{FormatVersion, NotARunId};

/// Why a run could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The disk, the permissions, a file in the way.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// What it leads to may be anything.
    #[error("`{}` is a link: the store is kept in folders and files of its own", path.display())]
    Link { path: PathBuf },
    /// A run of that id is there already and was complete.
    #[error("run `{id}` is already stored in `{}`", path.display())]
    Exists { id: String, path: PathBuf },
    /// What was to be stored would be lost.
    #[error("run `{id}` could not be read again, so that it was not stored: {reason}")]
    Unreadable { id: String, reason: String },
    /// An id that cannot be the name of a folder.
    #[error(transparent)]
    Id(#[from] NotARunId),
    /// Not JSON, or not of the shape of a run.
    #[error("`{}` is not a readable run: {place}{message}", path.display())]
    Malformed {
        path: PathBuf,
        /// ``at `stages.gateway.ok`: `` or ``line 3: ``; empty when the whole file is meant.
        place: String,
        message: String,
    },
    /// JSON of something else.
    #[error("`{}` holds no run: its `schema` is `{schema}`, not `stagegate/run`", path.display())]
    Foreign { path: PathBuf, schema: String },
    /// Written by a version that came later.
    #[error(
        "`{}` has format {written}, written by {writer}; this program reads formats up to {}.x",
        path.display(),
        FormatVersion::CURRENT.major
    )]
    Newer {
        path: PathBuf,
        written: FormatVersion,
        writer: String,
    },
}

impl Diagnostic for StoreError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self {
            Self::Io { source, .. } => io_help(source.kind()).map(|help| Box::new(help) as _),
            Self::Id(_) => Some(Box::new("`stagegate runs list` shows the ids there are.")),
            Self::Link { path } => Some(Box::new(format!(
                "Remove it with `rm {}`: stagegate writes and deletes in these folders, and follows no \
                 link to what is not its own.",
                path.display()
            ))),
            Self::Newer { writer, .. } => Some(Box::new(format!(
                "Upgrade stagegate: the run was written by {writer}."
            ))),
            Self::Unreadable { .. } => Some(Box::new(
                "Please report it; a suite's answers are still in its journal, which `--resume` reads.",
            )),
            Self::Exists { .. } | Self::Malformed { .. } | Self::Foreign { .. } => None,
        }
    }
}

impl Classify for StoreError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

impl StoreError {
    /// Wraps a failure of the disk; `action` is a verb, for instance `write`.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

fn io_help(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("Free some space; nothing half-written was left behind.")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("Results are kept in `.stagegate/` beside the manifest: make it writable.")
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            Some("A file is in the way: move it, so that stagegate can keep its results there.")
        }
        _ => None,
    }
}

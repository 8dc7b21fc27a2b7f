//! What stops a suite before or while it runs.

use miette::Diagnostic;
use thiserror::Error;

use super::journal::JournalError;
use crate::error::{Classify, Kind};

/// Why a suite could not be run to its end.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum EvalError {
    #[error("`must_pass` of eval `{suite}` names a case `{id}` that is not in `{golden}`")]
    #[diagnostic(help("{}", near.as_ref().map_or_else(
        || "Correct the id, or add the case to the golden set.".to_owned(),
        |near| format!("Did you mean `{near}`?"))))]
    UnknownMustPass {
        suite: String,
        id: String,
        golden: String,
        near: Option<String>,
    },
    #[error("`--only` names a case `{id}` that is not in `{golden}`")]
    #[diagnostic(help("{}", near.as_ref().map_or_else(
        || "Write the id as the golden set does.".to_owned(),
        |near| format!("Did you mean `{near}`?"))))]
    UnknownOnly {
        id: String,
        golden: String,
        near: Option<String>,
    },
    /// A file that an assertion names cannot be read.
    #[error("the schema `{file}` cannot be read: {reason}")]
    #[diagnostic(help("Paths are relative to the manifest."))]
    NoSchema { file: String, reason: String },
    #[error("`{file}` is no JSON Schema: {reason}")]
    BrokenSchema { file: String, reason: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Journal(#[from] JournalError),
    /// A thread or task of ours died.
    #[error("eval `{suite}` lost one of its workers")]
    Lost { suite: String },
}

impl Classify for EvalError {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownMustPass { .. } | Self::BrokenSchema { .. } => Kind::Manifest,
            Self::NoSchema { .. } => Kind::Environment,
            Self::UnknownOnly { .. } => Kind::Usage,
            Self::Journal(error) => error.kind(),
            Self::Lost { .. } => Kind::Internal,
        }
    }
}

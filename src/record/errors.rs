//! What a command that failed tells programs: its errors, one by one, and its exit code.

use serde::Serialize;

use super::FormatVersion;
use crate::error::{Error, Fault};

/// The schema name of the document.
pub(crate) const ERROR_SCHEMA: &str = "stagegate/error";

/// Why a command has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ErrorDocument {
    pub(crate) schema: &'static str,
    pub(crate) version: FormatVersion,
    /// At least one.
    pub(crate) errors: Vec<Fault>,
    /// The code that the process ends with.
    pub(crate) exit: u8,
}

impl ErrorDocument {
    /// Makes the document of an error that ends the command.
    pub(crate) fn of(error: &Error) -> Self {
        Self::new(error.faults().to_vec(), error.kind().code())
    }

    /// Makes the document of what is wrong, at least one thing.
    pub(crate) const fn new(errors: Vec<Fault>, exit: u8) -> Self {
        Self {
            schema: ERROR_SCHEMA,
            version: FormatVersion::CURRENT,
            errors,
            exit,
        }
    }
}

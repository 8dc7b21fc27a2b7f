//! All runs of one release in one document.

use serde::{Deserialize, Serialize};

use super::run::RunRecord;
use super::version::FormatVersion;

/// The schema name of a release's document.
pub(crate) const RELEASE_SCHEMA: &str = "stagegate/release";

/// What `runs export` writes of a release that has several runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReleaseDocument {
    pub(crate) schema: String,
    pub(crate) version: FormatVersion,
    /// Whole; the gates among them name the runs that they made.
    pub(crate) runs: Vec<RunRecord>,
}

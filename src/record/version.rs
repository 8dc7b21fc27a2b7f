//! Format versions: minor adds optional fields, major is anything else; every version ever written
//! is read.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of a document's format: raise `minor` with each key that is added, `major` with any
/// other change.
///
/// - 1.0: the first.
/// - 1.1: `diff` in a run of kind `gate`, the comparison that it was decided by; `tally` in a
///   stage, its counts; `above` in an SLO; `overrides`; `warnings`; `not_counted` in a case;
///   `p_decided` in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormatVersion {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl FormatVersion {
    /// What this program writes.
    pub(crate) const CURRENT: Self = Self { major: 1, minor: 1 };

    /// Returns whether this program can read the document: a newer minor only adds keys, a newer
    /// major may not be understood.
    pub(crate) const fn is_readable(self) -> bool {
        self.major <= Self::CURRENT.major
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

schema_is!(FormatVersion, "FormatVersion", {
    "type": "object",
    "properties": {"major": {"type": "integer"}, "minor": {"type": "integer"}},
    "required": ["major", "minor"]
});

//! What was decided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The three-valued verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerdictKind {
    Passed,
    Failed,
    Inconclusive,
}

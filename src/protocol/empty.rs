//! Whether an answer without content is one.

use schemars::JsonSchema;
use serde::Deserialize;

/// What an answer without any content is. Where a stage does not say, it is a failure: nobody asks
/// in order to see nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Empty {
    /// An answer like any other.
    Ok,
}

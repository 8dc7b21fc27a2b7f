//! Questions: what an assertion needs answered by a stage before it can score an answer.
//!
//! The runner asks them, and journals what came back; scoring reads it and asks nobody.

use std::collections::BTreeMap;

use crate::protocol::{CallFailure, Reply};
use crate::template::Scope;

/// One question of an assertion to a stage.
pub(super) struct Question {
    /// The stage that is asked: one of those that the assertion's `stages` name.
    pub(super) stage: String,
    /// What the templates of the stage's request see.
    pub(super) scope: Scope,
}

/// What came back for the questions of each assertion, by the assertion's key and in the order in
/// which it asked.
pub(crate) type Told = BTreeMap<String, Vec<Result<Reply, CallFailure>>>;

#[cfg(test)]
mod tests;

//! What asking a case once brought: an answer, or an error and whose it is.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::question::Told;
use crate::measure::Failure;
use crate::protocol::{CallFailure, Reply, weight};
use crate::record::UNSCORED;

/// One case asked once, retries included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    /// An error's detail has its secrets struck out.
    pub(crate) outcome: Result<Answer, CallFailure>,
    /// What the steps before it brought; graded with the answer.
    pub(crate) steps: Map<String, Value>,
    pub(crate) retries: u32,
    /// How long it waited because stages had asked to come back later; not known of an attempt that
    /// a journal held.
    pub(crate) asked_pause: Duration,
    /// What the stages said that assertions asked about the answer.
    pub(crate) told: Told,
    /// The trace that the last call began, where it carried one.
    pub(crate) trace: Option<String>,
}

impl Attempt {
    /// Returns about how much memory it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        let steps: usize = self.steps.values().map(weight).sum();
        let told = self.told.values().flatten().flatten();
        let told: usize = told.map(Reply::weight).sum();
        let own = self
            .outcome
            .as_ref()
            .map_or(0, |answer| answer.reply.weight());
        steps + told + own
    }
}

/// An answer as the stage gave it: what is stored or shown of it is redacted then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) response_time_ms: f64,
}

/// Why a case has no grade; written, a key of `error_kinds`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ErrorKind {
    /// There is no answer. The word is that of the `errors` of a load.
    Call(Failure),
    /// An answer came, and an assertion could not score it.
    Unscored,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(failure) => failure.fmt(f),
            Self::Unscored => f.write_str(UNSCORED),
        }
    }
}

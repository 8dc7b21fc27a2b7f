//! What asking a case once brought: an answer, or an error and whose it is.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::question::Told;
use crate::measure::Failure;
use crate::protocol::{CallFailure, Reply};

/// One case asked once, retries included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    /// An error's detail has its secrets struck out.
    pub(crate) outcome: Result<Answer, CallFailure>,
    /// What the steps before it brought; graded with the answer.
    pub(crate) steps: Map<String, Value>,
    pub(crate) retries: u32,
    /// What the stages said that assertions asked about the answer.
    pub(crate) told: Told,
    /// The trace that the last call began, where it carried one.
    pub(crate) trace: Option<String>,
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
            Self::Unscored => f.write_str("unscored"),
        }
    }
}

/// Who failed, when a case has no grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// The deployment did not answer, or not as its contract says.
    System,
    /// An answer came and an assertion could not score it.
    Judge,
    /// The request could not be sent: stagegate, its machine, its manifest, or the golden set.
    Stagegate,
}

impl Side {
    /// Returns who failed.
    const fn of(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::Unscored => Self::Judge,
            ErrorKind::Call(Failure::Request | Failure::Exhausted) => Self::Stagegate,
            ErrorKind::Call(_) => Self::System,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::System => "where the stage failed",
            Self::Judge => "that could not be scored",
            Self::Stagegate => "that could not be sent",
        }
    }
}

/// Tells the errors apart by who failed; `None` where there are none.
pub(super) fn tell_apart<'a>(kinds: impl IntoIterator<Item = &'a ErrorKind>) -> Option<String> {
    let mut sides: BTreeMap<Side, u64> = BTreeMap::new();
    for kind in kinds {
        *sides.entry(Side::of(kind)).or_default() += 1;
    }
    let sides: Vec<String> = sides
        .into_iter()
        .map(|(side, count)| format!("{count} {}", side.text()))
        .collect();
    (!sides.is_empty()).then(|| {
        format!(
            "not graded, and counted as not passed: {}",
            sides.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_who_failed() {
        let call = |failure, count| vec![ErrorKind::Call(failure); count];
        let kinds = [
            vec![ErrorKind::Unscored; 4],
            call(Failure::Request, 3),
            call(Failure::Exhausted, 1),
            call(Failure::Status(500), 2),
            call(Failure::Timeout, 5),
        ];
        let kinds = kinds.concat();
        insta::assert_snapshot!(tell_apart(&kinds).unwrap(), @"not graded, and counted as not passed: 7 where the stage failed, 4 that could not be scored, 4 that could not be sent");
        assert_eq!(tell_apart([]), None);
    }
}

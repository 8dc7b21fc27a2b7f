//! Assertions: what the manifest's `[[eval.NAME.assert]]` asks of an answer. One file a kind.

mod contains;
mod equals;
mod json_path;
mod matches;
mod mrr;
mod ranking;
mod recall;
mod value;

use crate::manifest::{KindTable, Name, Problems, Scope};
use crate::protocol::Reply;
use crate::registry::{Entry, Registry};

/// Every assertion.
pub(crate) static ASSERTIONS: Registry<dyn Assertion> = Registry::new(
    "assertion",
    &[
        &contains::Contains,
        &equals::Equals,
        &json_path::JsonPath,
        &matches::Matches,
        &mrr::Mrr,
        &recall::Recall,
    ],
);

/// A kind of assertion.
pub(crate) trait Assertion: Entry {
    /// Parses the kind's own keys. Everything that is wrong is added to `problems`; `None` when anything was.
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed>;
}

/// One assertion as the manifest wrote it.
pub(crate) struct Parsed {
    /// `name`, which tells two of a kind apart.
    pub(crate) name: Option<Name>,
    pub(crate) check: Box<dyn Check>,
}

/// One assertion, ready to score answers.
pub(crate) trait Check: Send + Sync + std::fmt::Debug {
    /// Scores the answer to the case in `scope`.
    fn score(&self, scope: &Scope, reply: &Reply) -> Scored;
}

/// What an assertion says of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scored {
    Score {
        /// In [0, 1].
        value: f64,
        passed: bool,
        /// For people: what was expected and what came; empty when it passed.
        why: String,
    },
    /// It could not be judged, which is neither right nor wrong: the reason.
    Unscored(String),
}

impl Scored {
    /// Makes the score of an assertion that either holds or not.
    fn binary(passed: bool, why: impl FnOnce() -> String) -> Self {
        Self::graded(f64::from(u8::from(passed)), 1.0, why)
    }

    /// Makes a score that passes from `min` on.
    fn graded(value: f64, min: f64, why: impl FnOnce() -> String) -> Self {
        // A share such as 2/3 must reach the threshold written 0.6666666667 and the like.
        let passed = value + 1e-9 >= min;
        let why = if passed { String::new() } else { why() };
        Self::Score { value, passed, why }
    }
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::ASSERTIONS;

    #[test]
    fn assertions_are_sorted_and_described() {
        let names = ASSERTIONS.names();
        assert!(names.is_sorted());
        for entry in ASSERTIONS.iter() {
            let summary = entry.summary();
            assert!(!summary.ends_with('.') && !summary.contains('\n') && !summary.is_empty());
        }
        assert_eq!(
            names,
            [
                "contains",
                "equals",
                "json_path",
                "matches",
                "mrr",
                "recall"
            ]
        );
    }
}

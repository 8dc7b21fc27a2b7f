//! Who failed, where a case has no grade.

use std::collections::BTreeMap;

use super::eval::EvalResult;
use crate::measure::Failure;

/// The key of `error_kinds` under which answers are counted that an assertion could not score.
pub(crate) const UNSCORED: &str = "unscored";

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
    /// Returns who failed, by a key of `error_kinds`.
    fn of(kind: &str) -> Self {
        let is_own = |failure: Failure| failure.to_string() == kind;
        if kind == UNSCORED {
            Self::Judge
        } else if [Failure::Request, Failure::Exhausted]
            .into_iter()
            .any(is_own)
        {
            Self::Stagegate
        } else {
            Self::System
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

impl EvalResult {
    /// Tells the errors apart by who failed: `7 where the stage failed, 4 that could not be
    /// scored`; `None` where no kinds are known.
    pub(crate) fn who_failed(&self) -> Option<String> {
        let mut sides: BTreeMap<Side, u64> = BTreeMap::new();
        for (kind, times) in &self.error_kinds {
            *sides.entry(Side::of(kind)).or_default() += times;
        }
        let sides = sides.into_iter().filter(|(_, times)| *times > 0);
        let sides: Vec<String> = sides
            .map(|(side, times)| format!("{times} {}", side.text()))
            .collect();
        (!sides.is_empty()).then(|| sides.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::suite;
    use super::*;

    fn told(errors: &[(&str, u64)]) -> Option<String> {
        suite(20, errors).who_failed()
    }

    #[test]
    fn errors_are_told_apart_by_who_failed() {
        let all = [
            (UNSCORED, 4),
            ("request", 3),
            ("sockets exhausted", 1),
            ("status 500", 2),
            ("timeout", 5),
        ];
        insta::assert_snapshot!(told(&all).unwrap(), @"7 where the stage failed, 4 that could not be scored, 4 that could not be sent");
        assert_eq!(told(&[]), None);
    }

    /// A word of a later version is the stage's: whoever does not know it must not excuse it.
    #[test]
    fn what_is_not_known_is_the_stages() {
        let text = |errors: &[(&str, u64)]| told(errors).unwrap();
        assert_eq!(text(&[("quic reset", 2)]), "2 where the stage failed");
        assert_eq!(
            text(&[("timeout", 0), (UNSCORED, 1)]),
            "1 that could not be scored"
        );
    }
}

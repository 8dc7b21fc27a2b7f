//! Assertions: what the manifest's `[[eval.NAME.assert]]` asks of an answer. One file a kind.

mod contains;
mod equals;
mod finish_reason;
mod fold;
mod json;
mod json_path;
mod json_schema;
mod latency;
mod matches;
mod mrr;
mod ndcg;
mod negated;
mod number;
mod numeric;
mod patterns;
mod precision;
mod ranking;
mod recall;
mod same;
mod schema;
mod value;

use std::path::Path;

use schemars::{Schema, SchemaGenerator};

use super::attempt::Answer;
use super::error::EvalError;
pub(super) use negated::Negated;
pub(crate) use patterns::counted;

use crate::manifest::{KindTable, Problems};
use crate::name::Name;
use crate::protocol::Reply;
use crate::registry::{Entry, Registry};
use crate::schema::KindSchema;
use crate::template::Scope;

/// Every assertion.
pub(crate) static ASSERTIONS: Registry<dyn Assertion> = Registry::new(
    "assertion",
    &[
        &contains::Contains,
        &equals::Equals,
        &finish_reason::FinishReason,
        &json_path::JsonPath,
        &json_schema::JsonSchema,
        &latency::Latency,
        &matches::Matches,
        &mrr::Mrr,
        &ndcg::Ndcg,
        &numeric::Numeric,
        &precision::Precision,
        &recall::Recall,
    ],
);

/// A kind of assertion.
pub(crate) trait Assertion: Entry {
    /// Parses the kind's own keys. Everything that is wrong is added to `problems`; `None` when
    /// anything was.
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed>;

    /// Describes the kind's own keys.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// Returns the output without which it cannot score anything.
    fn needs(&self) -> Option<&'static str> {
        None
    }

    /// Returns whether it has a `not_` form.
    fn is_yes_or_no(&self) -> bool {
        false
    }
}

/// One assertion as the manifest wrote it.
pub(crate) struct Parsed {
    /// `name`, which tells two of a kind apart.
    pub(crate) name: Option<Name>,
    pub(crate) check: Box<dyn Check>,
}

/// One assertion, ready to score answers.
pub(crate) trait Check: Send + Sync + std::fmt::Debug {
    /// Scores an answer.
    fn score(&self, subject: &Subject<'_>) -> Scored;

    /// Scores an answer that must not be so.
    fn score_negated(&self, subject: &Subject<'_>) -> Scored {
        if let Err(nothing) = self.reads(subject) {
            return Scored::Unscored(nothing);
        }
        match self.score(subject) {
            Scored::Score { passed, .. } => {
                Scored::binary(!passed, || "it is so, and must not be".to_owned())
            }
            other @ (Scored::NotCounted { .. } | Scored::Unscored(_)) => other,
        }
    }

    /// Returns why there is nothing in an answer that it could look at: the answer is not so, and
    /// that it is otherwise is not shown.
    fn reads(&self, _subject: &Subject<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Returns whether it judges the ids that came, and not the text.
    fn reads_ids(&self) -> bool {
        false
    }

    /// Returns what is to be told about how the answer was read, whatever its score.
    fn note(&self, _subject: &Subject<'_>) -> Option<String> {
        None
    }

    /// Returns the names of the stages that it asks; [`Self::questions`] asks no other.
    fn stages(&self) -> Vec<&str> {
        Vec::new()
    }

    /// States what it must know of other stages before it scores an answer, by calling `ask` with
    /// a stage and what the templates of its request see. The same answer has the same questions.
    fn questions(&self, _subject: &Subject<'_>, _ask: &mut dyn FnMut(&str, Scope)) {}

    /// Reads what it needs besides the manifest, from that folder, before anything is asked.
    fn prepare(&self, _folder: &Path) -> Result<(), EvalError> {
        Ok(())
    }
}

/// Finds the assertion of a name, and whether it is its `not_` form that is meant.
pub(super) fn find(name: &str) -> Option<(&'static dyn Assertion, bool)> {
    if let Some(assertion) = ASSERTIONS.get(name) {
        return Some((assertion, false));
    }
    let assertion = ASSERTIONS.get(name.strip_prefix(NOT)?)?;
    assertion.is_yes_or_no().then_some((assertion, true))
}

/// Returns the output without which an assertion of that name cannot score anything.
pub(crate) fn needs(name: &str) -> Option<&'static str> {
    find(name).and_then(|(assertion, _)| assertion.needs())
}

/// Describes the keys of every assertion, and of the `not_` forms.
pub(crate) fn schemas(generator: &mut SchemaGenerator) -> Vec<KindSchema> {
    let mut described = |name: String, assertion: &dyn Assertion| KindSchema {
        name,
        summary: assertion.summary(),
        schema: assertion.schema(generator),
    };
    let mut found = Vec::new();
    for assertion in ASSERTIONS.iter() {
        found.push(described(assertion.name().to_owned(), assertion));
        if assertion.is_yes_or_no() {
            found.push(described(format!("{NOT}{}", assertion.name()), assertion));
        }
    }
    found
}

/// Returns every name that may be written.
pub(super) fn names() -> Vec<String> {
    let entries = || ASSERTIONS.iter();
    let negated = entries().filter(|it| it.is_yes_or_no());
    let names = entries().map(|it| it.name().to_owned());
    names
        .chain(negated.map(|it| format!("{NOT}{}", it.name())))
        .collect()
}

/// What the name of a negated assertion begins with.
const NOT: &str = "not_";

/// An answer, and the case that it answers.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// What templates see of the case, the outputs of the steps before included.
    pub(crate) scope: &'a Scope,
    pub(crate) reply: &'a Reply,
    pub(crate) response_time_ms: f64,
    /// What came back for the assertion's own questions, one for each and in their order. An
    /// assertion one of whose questions has no answer is not scored.
    #[cfg_attr(not(test), expect(dead_code, reason = "no kind asks a stage yet"))]
    pub(crate) told: &'a [Reply],
}

impl<'a> Subject<'a> {
    /// Makes what assertions are shown of an answer, before any stage was asked about it.
    pub(super) fn of(answer: &'a Answer, scope: &'a Scope) -> Self {
        Self {
            scope,
            reply: &answer.reply,
            response_time_ms: answer.response_time_ms,
            told: &[],
        }
    }
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
    /// The case is none that it can say anything of, by the case's own word: no part of the
    /// assertion's mean. Where no other assertion judges the case either, it passes by this.
    NotCounted { passed: bool, why: String },
    /// It could not be judged, which is neither right nor wrong: the reason.
    Unscored(String),
}

impl Scored {
    /// Makes the score of an assertion that either holds or not.
    fn binary(passed: bool, why: impl FnOnce() -> String) -> Self {
        Self::graded(f64::from(u8::from(passed)), 1.0, why)
    }

    /// Makes a score that passes from `min` on. What is no share is no score: it could not be
    /// stored.
    fn graded(value: f64, min: f64, why: impl FnOnce() -> String) -> Self {
        if !(-ROUNDING..=1.0 + ROUNDING).contains(&value) {
            return Self::Unscored(format!(
                "its score is {value}, which is not between 0 and 1"
            ));
        }
        // A share such as 2/3 must reach the threshold written 0.6666666667 and the like.
        let passed = value + ROUNDING >= min;
        let why = if passed { String::new() } else { why() };
        Self::Score { value, passed, why }
    }
}

/// So much a share may be off by the rounding of what it was made of.
const ROUNDING: f64 = 1e-9;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::{ASSERTIONS, Scored};

    // security 9
    #[test]
    fn what_is_no_share_is_no_score() {
        let scored = |value| Scored::graded(value, 0.5, || "too low".to_owned());
        for value in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.1,
            1.1,
            f64::MAX,
        ] {
            assert!(matches!(scored(value), Scored::Unscored(_)), "{value}");
        }
        for (value, passes) in [
            (0.0, false),
            (-1e-12, false),
            (0.5, true),
            (1.0 + 1e-12, true),
        ] {
            let passed = matches!(scored(value), Scored::Score { passed: true, .. });
            assert_eq!(passed, passes, "{value}");
        }
    }

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
                "finish_reason",
                "json_path",
                "json_schema",
                "latency",
                "matches",
                "mrr",
                "ndcg",
                "numeric",
                "precision",
                "recall"
            ]
        );
    }
}

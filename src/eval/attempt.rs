//! What asking a case once brought: an answer, or an error and whose it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::measure::Failure;
use crate::protocol::Reply;
use crate::template::Secrets;

/// The kind of an error of the judge: an answer that could not be scored.
pub(super) const UNSCORED: &str = "unscored";

/// One case asked once, retries included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) outcome: Result<Answer, AttemptError>,
    /// What the steps before it brought; graded with the answer.
    pub(crate) steps: Map<String, Value>,
    pub(crate) retries: u32,
}

/// An answer, secrets struck out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) response_time_ms: f64,
}

/// Why there is no answer, secrets struck out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttemptError {
    /// The failure's word, as in the `errors` of a load.
    pub(crate) kind: String,
    pub(crate) detail: String,
    /// Whether the stage, or a step before it, was reached.
    pub(crate) reached: bool,
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
    /// Returns who failed for a key of `error_kinds`.
    fn of(kind: &str) -> Self {
        if kind == UNSCORED {
            Self::Judge
        } else if kind == Failure::Request.to_string() || kind == Failure::Exhausted.to_string() {
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

/// Tells the errors apart by who failed; `None` where there are none.
pub(super) fn tell_apart(error_kinds: &BTreeMap<String, u64>) -> Option<String> {
    let mut sides: BTreeMap<Side, u64> = BTreeMap::new();
    for (kind, count) in error_kinds {
        *sides.entry(Side::of(kind)).or_default() += count;
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

/// Strikes secrets out of everything a reply holds. Done before journaling, so that a resumed run grades what an
/// uninterrupted one does.
pub(super) fn redact_reply(reply: Reply, secrets: &Secrets) -> Reply {
    Reply {
        text: reply.text.map(|text| redact_text(text, secrets)),
        outputs: redact_table(reply.outputs, secrets),
        body: reply.body.map(|body| redact(body, secrets)),
        ..reply
    }
}

fn redact_table(table: Map<String, Value>, secrets: &Secrets) -> Map<String, Value> {
    table
        .into_iter()
        .map(|(key, value)| (key, redact(value, secrets)))
        .collect()
}

fn redact(value: Value, secrets: &Secrets) -> Value {
    match value {
        Value::String(text) => Value::String(redact_text(text, secrets)),
        Value::Array(items) => items
            .into_iter()
            .map(|item| redact(item, secrets))
            .collect(),
        Value::Object(table) => Value::Object(redact_table(table, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn redact_text(text: String, secrets: &Secrets) -> String {
    match secrets.redact(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(redacted) => redacted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_struck_out_of_every_part_of_a_reply() {
        let lookup = |_: &str| Some("hunter22".to_owned());
        let secrets = Secrets::resolve(["KEY"], &lookup).unwrap_or_default();
        let mut reply = Reply {
            text: Some("key hunter22".to_owned()),
            body: Some(json!([{"a": "hunter22"}])),
            ..Reply::default()
        };
        reply
            .outputs
            .insert("text".to_owned(), json!("key hunter22"));
        let shown = format!("{:?}", redact_reply(reply, &secrets));
        assert!(!shown.contains("hunter22"), "{shown}");
        assert_eq!(shown.matches("***").count(), 3);
    }

    #[test]
    fn errors_are_told_apart_by_who_failed() {
        let kinds = [
            ("unscored", 4),
            (&Failure::Request.to_string(), 3),
            (&Failure::Exhausted.to_string(), 1),
            (&Failure::Status(500).to_string(), 2),
            (&Failure::Timeout.to_string(), 5),
        ];
        let kinds = kinds.map(|(kind, count)| (kind.to_owned(), count));
        insta::assert_snapshot!(tell_apart(&BTreeMap::from(kinds)).unwrap(), @"not graded, and counted as not passed: 7 where the stage failed, 4 that could not be scored, 4 that could not be sent");
        assert_eq!(tell_apart(&BTreeMap::new()), None);
    }
}

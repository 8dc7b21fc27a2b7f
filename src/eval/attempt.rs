//! What asking a case once brought: an answer, or an error and whose it is.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::measure::Failure;
use crate::protocol::{CallFailure, Reply};
use crate::template::Secrets;

/// One case asked once, retries included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    /// An error's detail has its secrets struck out.
    pub(crate) outcome: Result<Answer, CallFailure>,
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

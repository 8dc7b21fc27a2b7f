//! Builds assertions and answers for the tests of each kind.

use serde_json::{Value, json};

use super::{ASSERTIONS, Check, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::protocol::Reply;
use crate::template::Scope;

/// Parses an assertion that must be right.
pub(super) fn check(kind: &str, text: &str) -> Box<dyn Check> {
    let mut problems = Problems::default();
    let table = KindTable::from_toml(kind, text);
    let parsed = ASSERTIONS.get(kind).unwrap().parse(&table, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    parsed.unwrap().check
}

/// Returns what is wrong with an assertion.
pub(super) fn problems(kind: &str, text: &str) -> Vec<String> {
    let mut problems = Problems::default();
    let table = KindTable::from_toml(kind, text);
    let parsed = ASSERTIONS.get(kind).unwrap().parse(&table, &mut problems);
    assert!(parsed.is_none());
    problems
        .iter()
        .map(|problem| problem.message.clone())
        .collect()
}

/// Scores an answer in which only the text matters.
pub(super) fn on_text(kind: &str, toml: &str, expected: Value, text: &str) -> Scored {
    let reply = Reply {
        text: Some(text.to_owned()),
        ..Reply::default()
    };
    check(kind, toml).score(&subject(&scope(expected), &reply))
}

/// Scores a ranking.
pub(super) fn on_ids(kind: &str, toml: &str, expected: Value, ids: &[&str]) -> Scored {
    let mut reply = Reply::default();
    reply.outputs.insert("ids".to_owned(), json!(ids));
    check(kind, toml).score(&subject(&scope(expected), &reply))
}

/// An answer that took 12.5 ms.
pub(super) fn subject<'a>(scope: &'a Scope, reply: &'a Reply) -> Subject<'a> {
    Subject {
        scope,
        reply,
        response_time_ms: 12.5,
        told: &[],
    }
}

pub(super) fn scope(expected: Value) -> Scope {
    Scope {
        input: json!({"question": "why"}),
        expected,
        ..Scope::default()
    }
}

pub(super) fn passed(scored: &Scored) -> bool {
    matches!(scored, Scored::Score { passed: true, .. })
}

/// The number alone.
pub(super) fn value(scored: &Scored) -> f64 {
    match scored {
        Scored::Score { value, .. } => *value,
        other => panic!("{other:?}"),
    }
}

/// Why it did not pass, or was not scored.
pub(super) fn why(scored: &Scored) -> &str {
    match scored {
        Scored::Score { why, .. } | Scored::NotCounted { why, .. } => why,
        Scored::Unscored(reason) => reason,
    }
}

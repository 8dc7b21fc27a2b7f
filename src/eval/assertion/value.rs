//! What an assertion expects: the `value` of the manifest filled in for a case, and how values are compared and shown.

use serde_json::Value;

use super::Scored;
use super::number::Number;
use crate::template::{Scope, ValueTemplate};

/// How much of a text a reason repeats, in characters.
const SHOWN: usize = 80;

/// Fills in `value`; without one, the case's `expected`, when that is a text.
pub(super) fn expected(value: Option<&ValueTemplate>, scope: &Scope) -> Result<Value, Scored> {
    match (value, &scope.expected) {
        (Some(value), _) => value
            .value(scope)
            .map_err(|error| Scored::Unscored(error.to_string())),
        (None, Value::String(text)) => Ok(Value::from(text.as_str())),
        (None, Value::Null) => Err(Scored::Unscored("the case has no `expected`".to_owned())),
        (None, _) => Err(Scored::Unscored(
            "`expected` is not a text, so that the assertion needs a `value`".to_owned(),
        )),
    }
}

/// Returns a value as the text that is looked for.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns the text as it is compared.
pub(super) fn fold(text: &str, ignore_case: bool) -> String {
    if ignore_case {
        text.to_lowercase()
    } else {
        text.to_owned()
    }
}

/// Compares as JSON means it: `1` and `1.0` are the same number. Integers of up to 64 bits are compared exactly, as they
/// are read.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Number::of_json(a) == Number::of_json(b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

/// Returns a text in quotes, on one line, shortened.
pub(super) fn show(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", &line[..end]),
        None => format!("`{line}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        assert!(same(&json!({"a": [1, 2.5]}), &json!({"a": [1.0, 2.5]})));
        assert!(!same(&json!([1]), &json!(["1"])));
        assert!(!same(&json!({"a": null}), &json!({"b": null})));
        assert!(!same(&json!([1, 2]), &json!([1])));
    }

    /// field 10
    #[test]
    fn integers_are_compared_exactly() {
        let parse = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        for (a, b, equal) in [
            ("9007199254740993", "9007199254740992", false),
            ("1234567890123456789", "1234567890123456788", false),
            ("9007199254740993", "9007199254740992.0", false),
            ("18446744073709551615", "18446744073709551614", false),
            ("[-9007199254740993]", "[-9007199254740992]", false),
            ("9007199254740992", "9007199254740992.0", true),
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("0", "-0.0", true),
            ("0.1", "0.10", true),
        ] {
            assert_eq!(same(&parse(a), &parse(b)), equal, "{a} {b}");
        }
    }

    #[test]
    fn what_is_shown_is_one_short_line() {
        assert_eq!(show(" a\n b "), "`a b`");
        assert_eq!(show(&"ü".repeat(100)), format!("`{}…`", "ü".repeat(80)));
    }
}

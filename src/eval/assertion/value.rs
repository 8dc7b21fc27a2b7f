//! What an assertion expects: the `value` of the manifest filled in for a case, and how values are
//! compared and shown.

use serde_json::Value;

use super::Scored;
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
    use super::*;

    #[test]
    fn what_is_shown_is_one_short_line() {
        assert_eq!(show(" a\n b "), "`a b`");
        assert_eq!(show(&"ü".repeat(100)), format!("`{}…`", "ü".repeat(80)));
    }
}

//! What is said of an answer that shows nothing to its reader.

use serde_json::Value;

use crate::protocol::failure::CallFailure;

/// Says that an answer holds nothing that a user would see, and what it holds instead.
pub(super) fn no_content(what: &str, last: &Value) -> CallFailure {
    let keys = |value: &Value| match value {
        Value::Object(table) => table.keys().cloned().collect::<Vec<_>>().join(", "),
        _ => String::new(),
    };
    let choice = last.pointer("/choices/0").map(keys).unwrap_or_default();
    let holds = match (keys(last), choice.as_str()) {
        (all, _) if all.is_empty() => String::new(),
        (all, "") => format!("; the last holds `{all}`"),
        (all, choice) => format!("; the last holds `{all}`, its choice `{choice}`"),
    };
    CallFailure::empty(&format!("{what}{holds}"))
}

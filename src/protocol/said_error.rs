//! What is an error by its own word, whatever carries it.

use serde_json::Value;

use super::decode::EXCERPT;
use super::failure::CallFailure;
use crate::text::excerpt;

/// Returns whether JSON says that it is an error: an `error` or `errors` that says something, or
/// `error` as its type. It may stand beside content that was cut by it.
pub(super) fn says_error(body: &Value) -> bool {
    let says = |key: &str| match body.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0) && key == "error",
        Some(Value::String(text)) => {
            let falsy = ["", "0", "false", "none", "null"];
            !falsy.iter().any(|it| text.trim().eq_ignore_ascii_case(it))
        }
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(error)) => !error.is_empty(),
        Some(Value::Bool(true)) => true,
    };
    match body {
        Value::Array(items) => items.iter().any(|it| it.is_object() && says_error(it)),
        Value::Object(_) => {
            let is_one = ["object", "type"].iter().any(|key| body[key] == "error");
            is_one || says("error") || says("errors")
        }
        _ => false,
    }
}

/// Returns whether an event of a chat model that holds no choice says why there is none.
pub(super) fn says_why_not(event: &Value) -> bool {
    let says = |key: &str| {
        let said = event.get(key);
        said.is_some_and(|it| it.as_str().map_or(!it.is_null(), |text| !text.is_empty()))
    };
    says_error(event)
        || (event.get("choices").is_none() && ["message", "detail"].iter().any(|it| says(it)))
}

/// Returns whether the name of a server-sent event is that of an error: `error`, `Error`,
/// `response.error`, `exception`.
pub(super) fn names_error(name: &[u8]) -> bool {
    let ends_with = |word: &[u8]| {
        let end = name.len().checked_sub(word.len());
        end.is_some_and(|end| name[end..].eq_ignore_ascii_case(word))
    };
    ends_with(b"error") || ends_with(b"exception")
}

/// Refuses a model's answer that is an error by its own word.
pub(super) fn is_no_error(body: &Value, bytes: &[u8]) -> Result<(), CallFailure> {
    if !says_error(body) {
        return Ok(());
    }
    let said = excerpt(bytes, EXCERPT);
    Err(CallFailure::contract(format!(
        "the answer is an error: {said}"
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measure::Failure;

    /// field 5
    #[test]
    fn a_body_that_says_that_it_is_an_error_is_one_whatever_stands_beside_it() {
        let read = |body: &Value| is_no_error(body, body.to_string().as_bytes());
        for body in [
            json!({"error": "no quota"}),
            json!({"error": {"message": "overloaded"}}),
            json!({"error": {"message": "cut"}, "choices": [{"message": {"content": "Hel"}}]}),
            json!({"error": 503}),
            json!({"error": true}),
            json!({"errors": [{"message": "overloaded"}]}),
            json!({"object": "error", "message": "overloaded"}),
            json!({"type": "error", "error": null}),
            json!([{"error": {"code": 503}}]),
        ] {
            let found = read(&body).expect_err("an error");
            assert_eq!(found.failure, Failure::Contract);
            assert_eq!(found.detail, format!("the answer is an error: {body}"));
        }
        for body in [
            json!({}),
            json!({"error": null}),
            json!({"error": false}),
            json!({"error": ""}),
            json!({"error": "None"}),
            json!({"error": {}}),
            json!({"error": 0}),
            json!({"errors": []}),
            json!({"errors": 3}),
            json!({"object": "chat.completion", "text": "error"}),
            json!(["error"]),
            json!("error"),
        ] {
            assert!(read(&body).is_ok(), "{body}");
        }
    }

    #[test]
    fn an_event_without_a_choice_may_say_why() {
        for (event, says) in [
            (
                json!({"message": "overloaded", "type": "server_error", "code": 503}),
                true,
            ),
            (json!({"detail": "overloaded"}), true),
            (json!({"detail": [{"msg": "x"}]}), true),
            (json!({"id": "c", "object": "chat.completion.chunk"}), false),
            (json!({"message": "", "detail": null}), false),
            (json!({"choices": [], "message": "x"}), false),
            (json!({}), false),
        ] {
            assert_eq!(says_why_not(&event), says, "{event}");
        }
    }

    #[test]
    fn names_of_errors_are_told_in_any_case() {
        for name in [
            "error",
            "Error",
            "response.error",
            "server_error",
            "exception",
        ] {
            assert!(names_error(name.as_bytes()), "{name}");
        }
        for name in ["", "message", "errors_total", "token", "erro"] {
            assert!(!names_error(name.as_bytes()), "{name}");
        }
    }
}

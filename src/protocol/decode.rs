//! Bytes as text and JSON, and what is said of those that are neither.

use serde_json::Value;

use super::bounded::{self, Step};
use super::failure::CallFailure;
use crate::measure::Failure;
use crate::text::excerpt;

/// How much of an answer that cannot be used is repeated, in characters.
const EXCERPT: usize = 120;

/// Returns the bytes as text, or why they are not.
pub(super) fn utf8(bytes: Vec<u8>) -> Result<String, CallFailure> {
    String::from_utf8(bytes).map_err(|error| {
        CallFailure::new(
            Failure::Decode,
            format!("the answer is not UTF-8: {}", error.utf8_error()),
        )
    })
}

/// Returns the bytes as JSON, or why they are not, with the beginning of what came.
pub(super) fn json(bytes: &[u8]) -> Result<Value, CallFailure> {
    bounded::whole(bytes).map_err(|error| not_json(bytes, &error))
}

/// Returns of JSON what begins with one of these paths, where it is too large to be kept whole.
pub(super) fn json_at(bytes: &[u8], paths: &[&[Step]]) -> Result<Value, CallFailure> {
    bounded::selected(bytes, paths).map_err(|error| not_json(bytes, &error))
}

fn not_json(bytes: &[u8], error: &serde_json::Error) -> CallFailure {
    let begins = excerpt(bytes, EXCERPT);
    let detail = format!("the answer is not JSON ({error}): {begins}");
    if error.is_data() {
        // The one error of ours: it is JSON, and there is too much of it.
        let detail = format!("the JSON of the answer cannot be kept: {error}");
        return CallFailure::new(Failure::TooLarge, detail);
    }
    CallFailure::new(Failure::Decode, detail)
}

/// Returns the failure of a model's answer that is one, or holds one, by its own word: an `error`
/// that says something, or `error` as its type. It may stand beside content that was cut by it.
pub(super) fn body_error(body: &Value, bytes: &[u8]) -> Option<CallFailure> {
    let says = match body.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Object(error)) => !error.is_empty(),
        Some(_) => true,
    };
    let is_one = ["object", "type"].iter().any(|key| body[key] == "error");
    let said = || format!("the answer is an error: {}", excerpt(bytes, EXCERPT));
    (says || is_one).then(|| CallFailure::contract(said()))
}

/// Returns an error event inside a stream as a failure.
pub(super) fn stream_error(data: &[u8]) -> CallFailure {
    CallFailure::new(
        Failure::StreamError,
        format!(
            "the stream holds an error event: {}",
            excerpt(data, EXCERPT)
        ),
    )
}

/// Returns the failure of a stream that stops before its end.
pub(super) fn cut() -> CallFailure {
    CallFailure::new(Failure::Reset, "the stream was cut before it was complete")
}

/// Returns a value as text: a string as it is, anything else as JSON.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// field 5
    #[test]
    fn a_body_that_says_that_it_is_an_error_is_one_whatever_stands_beside_it() {
        let failure = |body: Value| body_error(&body, body.to_string().as_bytes());
        for body in [
            json!({"error": "no quota"}),
            json!({"error": {"message": "overloaded"}}),
            json!({"error": {"message": "cut"}, "choices": [{"message": {"content": "Hel"}}]}),
            json!({"error": 503}),
            json!({"object": "error", "message": "overloaded"}),
            json!({"type": "error", "error": null}),
        ] {
            let found = failure(body.clone()).expect("an error");
            assert_eq!(found.failure, Failure::Contract);
            assert_eq!(found.detail, format!("the answer is an error: {body}"));
        }
        for body in [
            json!({}),
            json!({"error": null}),
            json!({"error": false}),
            json!({"error": ""}),
            json!({"error": {}}),
            json!({"object": "chat.completion", "text": "error"}),
            json!(["error"]),
            json!("error"),
        ] {
            assert!(failure(body.clone()).is_none(), "{body}");
        }
    }
}

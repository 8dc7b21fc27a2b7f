//! Bytes as text and JSON, and what is said of those that are neither.

use serde_json::Value;

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
    serde_json::from_slice(bytes).map_err(|error| {
        CallFailure::new(
            Failure::Decode,
            format!(
                "the answer is not JSON ({error}): {}",
                excerpt(bytes, EXCERPT)
            ),
        )
    })
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

//! Bytes as text and JSON, and what is said of those that are neither.

use serde_json::Value;

use super::bounded::{self, Step};
use super::failure::CallFailure;
use crate::measure::Failure;
use crate::text::excerpt;

/// How much of an answer that cannot be used is repeated, in characters.
pub(super) const EXCERPT: usize = 120;

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

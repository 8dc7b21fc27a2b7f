//! One event of a stream, whatever frames it: its name, its data, and what that is as JSON.

use std::cell::OnceCell;

use serde_json::Value;

use super::decode::json;
use super::failure::CallFailure;

/// One event of a stream: a server-sent event, a line, or a chunk.
pub(super) struct Event<'a> {
    /// Of a server-sent event; empty otherwise.
    pub(super) name: &'a [u8],
    pub(super) data: &'a [u8],
    json: OnceCell<Result<Value, CallFailure>>,
}

impl<'a> Event<'a> {
    /// Makes an event.
    pub(super) const fn new(name: &'a [u8], data: &'a [u8]) -> Self {
        Self {
            name,
            data,
            json: OnceCell::new(),
        }
    }

    /// Returns the data as JSON, parsed once for all who ask.
    pub(super) fn json(&self) -> Result<&Value, &CallFailure> {
        self.json.get_or_init(|| json(self.data)).as_ref()
    }

    /// Returns whether it only says that the stream is over.
    pub(super) fn is_done_mark(&self) -> bool {
        self.data == b"[DONE]"
    }
}

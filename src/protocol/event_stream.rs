//! A stream of events that each hold a piece of text.

use serde_json::Value;

use super::ReplyReader;
use super::decode::{cut, json, stream_error};
use super::failure::CallFailure;
use super::hit::Hit;
use super::output::Outputs;
use super::reply::{Head, Reply};
use super::sse::SseParser;

/// Reads a stream of events, each of which holds a piece of text at `output.delta`.
pub(super) struct EventStream {
    output: Outputs,
    parser: SseParser,
    text: String,
    chunks: u64,
    failure: Option<CallFailure>,
    hit: Option<Hit>,
    was_hit: Option<bool>,
}

impl EventStream {
    pub(super) fn new(output: Outputs, hit: Option<Hit>) -> Self {
        Self {
            output,
            parser: SseParser::default(),
            text: String::new(),
            chunks: 0,
            failure: None,
            hit,
            was_hit: None,
        }
    }
}

impl ReplyReader for EventStream {
    fn head(&mut self, head: Head<'_>) {
        self.was_hit = self.hit.as_ref().and_then(|hit| hit.in_head(head));
    }

    fn data(&mut self, bytes: &[u8]) -> u32 {
        let Self {
            output,
            parser,
            text,
            chunks,
            failure,
            ..
        } = self;
        let mut content = 0;
        parser.feed(bytes, |event| {
            if event.name == b"error" {
                failure.get_or_insert_with(|| stream_error(event.data));
            } else if event.data != b"[DONE]" {
                match json(event.data) {
                    Ok(body) => {
                        let delta = output.get("delta").and_then(|path| path.select(&body));
                        if let Some(Value::String(piece)) = delta
                            && !piece.is_empty()
                        {
                            text.push_str(&piece);
                            content += 1;
                        }
                    }
                    Err(error) => drop(failure.get_or_insert(error)),
                }
            }
        });
        *chunks += u64::from(content);
        content
    }

    fn finish(self: Box<Self>) -> Result<Reply, CallFailure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.parser.is_inside_event() {
            return Err(cut());
        }
        Ok(Reply {
            chunks: self.chunks,
            hit: self.was_hit,
            ..Reply::of_text(&self.text)
        })
    }
}

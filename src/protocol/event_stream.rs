//! A stream of events that each hold a piece of text.

use serde_json::Value;

use super::ReplyReader;
use super::decode::{cut, json, stream_error};
use super::failure::CallFailure;
use super::hit::Hit;
use super::output::{OutputPath, Outputs};
use super::reply::{Head, Reply};
use super::sse::SseParser;
use crate::measure::Failure;
use crate::text::excerpt;

/// How much of an answer is kept to say what it is, in bytes.
const BEGINNING: usize = 120;

/// Reads a stream of events, each of which holds a piece of text at `output.delta`.
pub(super) struct EventStream {
    output: Outputs,
    parser: SseParser,
    text: String,
    chunks: u64,
    failure: Option<CallFailure>,
    hit: Option<Hit>,
    was_hit: Option<bool>,
    takes_empty: bool,
    /// How many events came that hold something.
    events: u64,
    /// The last of them without text, to say where it may be.
    other: Option<Value>,
    /// The beginning of what came, to say what it is where it is no stream of events.
    beginning: Vec<u8>,
}

impl EventStream {
    pub(super) fn new(output: Outputs, hit: Option<Hit>, takes_empty: bool) -> Self {
        Self {
            output,
            parser: SseParser::default(),
            text: String::new(),
            chunks: 0,
            failure: None,
            hit,
            was_hit: None,
            takes_empty,
            events: 0,
            other: None,
            beginning: Vec::new(),
        }
    }
}

impl EventStream {
    /// Takes one event and returns whether it held content.
    fn event(&mut self, name: &[u8], data: &[u8]) -> bool {
        if data.is_empty() {
            return false;
        }
        self.events += 1;
        if data == b"[DONE]" {
            return false;
        }
        if name == b"error" {
            self.failure.get_or_insert_with(|| stream_error(data));
            return false;
        }
        let body = match json(data) {
            Ok(body) => body,
            Err(error) => {
                self.failure.get_or_insert(error);
                return false;
            }
        };
        if body.get("error").is_some_and(|error| !error.is_null()) {
            self.failure.get_or_insert_with(|| stream_error(data));
            return false;
        }
        let piece = self.output.get("delta").and_then(|path| path.select(&body));
        let before = self.text.len();
        match piece {
            Some(Value::String(piece)) => self.text.push_str(&piece),
            // A path that matches several: their texts, one after the other.
            Some(Value::Array(pieces)) => self.text.extend(pieces.iter().filter_map(Value::as_str)),
            _ => {}
        }
        let content = self.text.len() > before;
        if !content {
            self.other = Some(body);
        }
        content
    }

    /// Says that no event has text where the manifest looks for it.
    fn no_content(&self) -> CallFailure {
        let path = self.output.get("delta").map_or("", OutputPath::as_str);
        let held = match &self.other {
            Some(Value::Object(table)) => {
                let keys: Vec<&str> = table.keys().map(String::as_str).collect();
                format!("; the last holds `{}`", keys.join(", "))
            }
            _ => String::new(),
        };
        CallFailure::contract(format!(
            "the answer has no content: {} events, none with text at `output.delta` = `{path}`{held}; \
             `empty = \"ok\"` takes such answers",
            self.events
        ))
    }
}

/// Says what came instead of a stream of events.
fn no_stream(beginning: &[u8]) -> CallFailure {
    CallFailure::new(
        Failure::Decode,
        format!(
            "`stream = true`, but the answer is not a stream of events (`data: …`): {}",
            excerpt(beginning, BEGINNING)
        ),
    )
}

impl ReplyReader for EventStream {
    fn head(&mut self, head: Head<'_>) {
        self.was_hit = self.hit.as_ref().and_then(|hit| hit.in_head(head));
    }

    fn data(&mut self, bytes: &[u8]) -> u32 {
        if self.beginning.len() < BEGINNING {
            let room = BEGINNING - self.beginning.len();
            self.beginning.extend(bytes.iter().take(room));
        }
        let mut parser = std::mem::take(&mut self.parser);
        let mut content = 0;
        parser.feed(bytes, |event| {
            content += u32::from(self.event(event.name, event.data));
        });
        self.parser = parser;
        self.chunks += u64::from(content);
        content
    }

    fn finish(self: Box<Self>) -> Result<Reply, CallFailure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.parser.is_inside_event() {
            return Err(cut());
        }
        if self.events == 0 && !self.beginning.is_empty() {
            return Err(no_stream(&self.beginning));
        }
        if self.chunks == 0 && !self.takes_empty {
            return Err(self.no_content());
        }
        Ok(Reply {
            chunks: self.chunks,
            hit: self.was_hit,
            ..Reply::of_text(&self.text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &str, takes_empty: bool) -> Result<Reply, CallFailure> {
        let output = serde_json::from_str("{\"delta\": \"$.parts[*].text\"}").unwrap();
        let mut reader = Box::new(EventStream::new(output, None, takes_empty));
        reader.data(stream.as_bytes());
        reader.finish()
    }

    /// verdicts G1, field 4: a path that no event has, and an answer that is no stream, are failures that name what came.
    #[test]
    fn an_answer_that_shows_nothing_is_a_failure() {
        let events = "data: {\"token\": \"a\", \"id\": 1}\n\n".repeat(2);
        let failure = read(&events, false).unwrap_err();
        assert_eq!(failure.failure, Failure::Contract);
        insta::assert_snapshot!(failure.detail, @r#"the answer has no content: 2 events, none with text at `output.delta` = `$.parts[*].text`; the last holds `token, id`; `empty = "ok"` takes such answers"#);
        assert_eq!(read(&events, true).unwrap().text.as_deref(), Some(""));
        let lines = "{\"token\": \"a\"}\n{\"token\": \"b\"}\n";
        for takes_empty in [false, true] {
            let failure = read(lines, takes_empty).unwrap_err();
            assert_eq!(failure.failure, Failure::Decode);
            assert!(
                failure
                    .detail
                    .contains(r#"not a stream of events (`data: …`): {"token": "a"}"#),
                "{failure:?}"
            );
        }
        assert_eq!(read("", false).unwrap_err().failure, Failure::Contract);
    }

    /// field 4: an error that stands in an event like any other is one.
    #[test]
    fn an_error_in_an_event_is_a_failure() {
        let stream =
            "data: {\"parts\": [{\"text\": \"a\"}]}\n\ndata: {\"error\": {\"code\": 503}}\n\n";
        assert_eq!(
            read(stream, false).unwrap_err().failure,
            Failure::StreamError
        );
        let none = "data: {\"error\": null, \"parts\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}\n\n";
        assert_eq!(read(none, false).unwrap().text.as_deref(), Some("ab"));
    }
}

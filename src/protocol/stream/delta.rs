//! A stream of events that each hold a piece of text: where `output.delta` says, or as their whole
//! data.

use serde_json::Value;

use super::framing::Framing;
use super::reader::{End, Events};
use crate::measure::Failure;
use crate::protocol::decode::{cut, stream_error};
use crate::protocol::event::Event;
use crate::protocol::failure::CallFailure;
use crate::protocol::output::Outputs;
use crate::protocol::reply::Reply;
use crate::protocol::said_error::{names_error, says_error};

/// Joins the pieces of text that the events of a stream hold.
pub(in crate::protocol) struct Deltas {
    framing: Framing,
    output: Outputs,
    text: Vec<u8>,
    failure: Option<CallFailure>,
    /// The last event without text, to say where it may be.
    other: Option<Value>,
}

impl Deltas {
    /// Makes the reader of one stream.
    pub(in crate::protocol) fn new(framing: Framing, output: Outputs) -> Self {
        Self {
            framing,
            output,
            text: Vec::new(),
            failure: None,
            other: None,
        }
    }

    /// Takes an event whose data is the text itself; returns whether it is.
    fn plain(&mut self, event: &Event<'_>) -> bool {
        let takes = self.output.takes_data_of(event.name);
        if takes {
            self.text.extend_from_slice(event.data);
        }
        takes
    }

    /// Takes an event that is JSON; returns whether it held text.
    fn json(&mut self, event: &Event<'_>, body: &Value) -> bool {
        let before = self.text.len();
        match self.output.delta(event.name, body) {
            Some(Value::String(piece)) => self.text.extend_from_slice(piece.as_bytes()),
            // A path that matches several: their texts, one after the other.
            Some(Value::Array(pieces)) => {
                let pieces = pieces.iter().filter_map(Value::as_str);
                self.text.extend(pieces.flat_map(str::bytes));
            }
            _ => {}
        }
        let content = self.text.len() > before;
        if !content {
            self.other = Some(body.clone());
        }
        content
    }

    /// Says that no event has text where the manifest looks for it.
    fn no_content(&self, events: u64) -> CallFailure {
        let held = match &self.other {
            Some(Value::Object(table)) => {
                let keys: Vec<&str> = table.keys().map(String::as_str).collect();
                format!("; the last holds `{}`", keys.join(", "))
            }
            _ => String::new(),
        };
        let place = match self.output.delta_text() {
            place if place.is_empty() => String::new(),
            place => format!(", none with text at `output.delta` = {place}{held}"),
        };
        CallFailure::empty(&format!("{events} events{place}"))
    }
}

impl Events for Deltas {
    fn event(&mut self, event: &Event<'_>) -> bool {
        if self.framing == Framing::Text {
            return self.plain(event);
        }
        if event.is_done_mark() {
            return false;
        }
        if names_error(event.name) {
            self.failure.get_or_insert_with(|| stream_error(event.data));
            return false;
        }
        let takes_data = self.output.takes_data();
        let body = match event.json() {
            Ok(body) => body,
            Err(_) if takes_data => return self.plain(event),
            Err(error) => {
                self.failure.get_or_insert_with(|| error.clone());
                return false;
            }
        };
        if says_error(body) {
            self.failure.get_or_insert_with(|| stream_error(event.data));
            return false;
        }
        if takes_data {
            self.plain(event)
        } else {
            self.json(event, body)
        }
    }

    fn finish(self, end: &End<'_>) -> Result<Reply, CallFailure> {
        if let Some(failure) = self.failure {
            // What is no JSON at all may be another kind of stream.
            let is_first = end.chunks == 0 && failure.failure == Failure::Decode;
            return Err(if is_first {
                end.no_stream(&failure.detail)
            } else {
                failure
            });
        }
        if let Some(failure) = end.no_events() {
            return Err(failure);
        }
        if end.is_inside_event {
            return Err(cut());
        }
        if end.chunks == 0 && !end.takes_empty {
            return Err(self.no_content(end.events));
        }
        let text = String::from_utf8(self.text).map_err(|error| {
            let detail = format!("the answer is not UTF-8: {}", error.utf8_error());
            CallFailure::new(Failure::Decode, detail)
        })?;
        Ok(Reply::of_text(&text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::StreamReader;
    use super::*;
    use crate::protocol::ReplyReader;
    use crate::protocol::reply::Head;

    fn reader(framing: Framing, output: Value, takes_empty: bool) -> StreamReader<Deltas> {
        let output: Outputs = serde_json::from_value(output).unwrap();
        let deltas = Deltas::new(framing, output.clone());
        StreamReader::new(framing, deltas, &output, takes_empty)
    }

    fn read(stream: &str, takes_empty: bool) -> Result<Reply, CallFailure> {
        let output = json!({"delta": "$.parts[*].text"});
        let mut reader = Box::new(reader(Framing::Sse, output, takes_empty));
        reader.data(stream.as_bytes());
        reader.finish()
    }

    /// What a stream of that framing and type says, in pieces: how much content each held, and what
    /// it comes to.
    fn of(
        framing: Framing,
        output: Value,
        content_type: &str,
        pieces: &[&str],
    ) -> (Vec<u32>, Result<Reply, CallFailure>) {
        let mut reader = Box::new(reader(framing, output, false));
        reader.head(Head {
            status: 200,
            headers: &[("content-type", content_type.as_bytes())],
        });
        let contents = pieces.iter().map(|it| reader.data(it.as_bytes())).collect();
        (contents, reader.finish())
    }

    /// verdicts G1, field 4: a path that no event has, and an answer that is no stream, are
    /// failures that name what came.
    #[test]
    fn an_answer_that_shows_nothing_is_a_failure() {
        let events = "data: {\"token\": \"a\", \"id\": 1}\n\n".repeat(2);
        let failure = read(&events, false).unwrap_err();
        assert_eq!(failure.failure, Failure::Contract);
        insta::assert_snapshot!(failure.detail, @r#"the answer has no content (2 events, none with text at `output.delta` = `$.parts[*].text`; the last holds `token, id`); `empty = "ok"` takes such answers"#);
        assert_eq!(read(&events, true).unwrap().text.as_deref(), Some(""));
        let lines = "{\"token\": \"a\"}\n{\"token\": \"b\"}\n";
        let failures = [false, true].map(|takes_empty| read(lines, takes_empty).unwrap_err());
        for failure in &failures {
            assert_eq!(failure.failure, Failure::Decode);
        }
        insta::assert_snapshot!(failures[1].detail, @r#"the answer is not a stream as `stream = "sse"` means it: it holds no events (`data: …`); it begins: {"token": "a"} {"token": "b"}"#);
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

    /// verdicts G1: lines of JSON are read as they come, in pieces of any size, also without a last
    /// line's end.
    #[test]
    fn lines_are_events() {
        let output = json!({"delta": "$.response", "ids": "$.context"});
        let (contents, reply) = of(
            Framing::Ndjson,
            output.clone(),
            "application/x-ndjson",
            &[
                "{\"response\": \"He\"}\n{\"resp",
                "onse\": \"llo\"}\r\n\n",
                "{\"done\": true, \"context\": [7]}",
            ],
        );
        assert_eq!(contents, [1, 1, 0]);
        let reply = reply.unwrap();
        assert_eq!((reply.text.as_deref(), reply.chunks), (Some("Hello"), 2));
        assert_eq!(reply.ids(), Some(vec!["7".to_owned()]));
        let read = |pieces: &[&str]| {
            of(Framing::Ndjson, output.clone(), "", pieces)
                .1
                .unwrap_err()
        };
        let cut = read(&["{\"response\": \"He\"}\n", "{\"respon"]);
        assert_eq!(cut.failure, Failure::Reset);
        let error = read(&["{\"response\": \"He\"}\n", "{\"error\": \"full\"}\n"]);
        assert_eq!(error.failure, Failure::StreamError);
        assert_eq!(read(&["oops\n"]).failure, Failure::Decode);
    }

    /// A text is content as it comes; a character may be cut in two.
    #[test]
    fn chunks_of_a_text_are_content() {
        let output = json!({});
        let mut reader = Box::new(reader(Framing::Text, output, false));
        let text = "Grüße\n\n".as_bytes();
        assert_eq!(
            (
                reader.data(&text[..3]),
                reader.data(&[]),
                reader.data(&text[3..])
            ),
            (1, 0, 1)
        );
        assert_eq!(reader.finish().unwrap().text.as_deref(), Some("Grüße\n\n"));
        let json = json!({"answer": {"path": "$.answer", "in": "text"}});
        let (_, reply) = of(
            Framing::Text,
            json,
            "text/plain",
            &["```json\n{\"answer\"", ": 4}\n```"],
        );
        assert_eq!(reply.unwrap().outputs["answer"], 4);
        let (_, none) = of(Framing::Text, json!({}), "text/plain", &[]);
        assert_eq!(none.unwrap_err().failure, Failure::Contract);
    }

    #[test]
    fn plain_text_in_events_is_content() {
        let data = json!({"delta": "data"});
        let stream = ["data: Hel\n\n", "data: lo\ndata: 5\n\ndata: [DONE]\n\n"];
        let (contents, reply) = of(Framing::Sse, data.clone(), "text/event-stream", &stream);
        assert_eq!(
            (contents, reply.unwrap().text.unwrap()),
            (vec![1, 1], "Hello\n5".to_owned())
        );
        // Only events of one name; others bring other things (stumbles S12).
        let named = json!({
            "delta": {"path": "data", "event": "token"},
            "ids": {"path": "$[*].id", "event": "sources"},
        });
        let stream = [
            "event: sources\ndata: [{\"id\": \"d1\"}, {\"id\": \"d2\"}]\n\n",
            "event: token\ndata: Hi\n\nevent: end\ndata: [1]\n\n",
        ];
        let (contents, reply) = of(Framing::Sse, named, "text/event-stream", &stream);
        let reply = reply.unwrap();
        assert_eq!((contents, reply.text.as_deref()), (vec![0, 1], Some("Hi")));
        assert_eq!(reply.outputs["ids"], json!(["d1", "d2"]));
        let error = ["data: a\n\n", "data: {\"error\": \"full\"}\n\n"];
        let (_, failed) = of(Framing::Sse, data, "text/event-stream", &error);
        assert_eq!(failed.unwrap_err().failure, Failure::StreamError);
    }

    /// A type that says otherwise is told with what to write.
    #[test]
    fn another_kind_of_stream_is_told() {
        let told = |framing, content_type: &str, stream: &str| {
            let output = json!({"delta": if framing == Framing::Text { "data" } else { "$.t" }});
            let failure = of(framing, output, content_type, &[stream]).1.unwrap_err();
            assert_eq!(failure.failure, Failure::Decode);
            failure.detail
        };
        let (line, event) = ("{\"t\": \"a\"}\n", "data: {\"t\": \"a\"}\n\n");
        insta::assert_snapshot!(told(Framing::Sse, "application/x-ndjson; charset=utf-8", line), @r#"the answer of type `application/x-ndjson; charset=utf-8` is not a stream as `stream = "sse"` means it: it holds no events (`data: …`); write `stream = "ndjson"`; it begins: {"t": "a"}"#);
        insta::assert_snapshot!(told(Framing::Ndjson, "text/event-stream", event), @r#"the answer of type `text/event-stream` is not a stream as `stream = "ndjson"` means it: the answer is not JSON (expected value at line 1 column 1): data: {"t": "a"}; write `stream = "sse"`; it begins: data: {"t": "a"}"#);
        insta::assert_snapshot!(told(Framing::Text, "text/event-stream", event), @r#"the answer of type `text/event-stream` is not a stream as `stream = "text"` means it: it holds events; write `stream = "sse"`; it begins: data: {"t": "a"}"#);
        insta::assert_snapshot!(told(Framing::Sse, "text/plain", "Hello"), @r#"the answer of type `text/plain` is not a stream as `stream = "sse"` means it: it holds no events (`data: …`); it begins: Hello"#);
    }
}

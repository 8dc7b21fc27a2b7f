//! The shape of `OpenAI`'s chat completions.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::Spec;
use super::content::no_content;
use super::tools::ToolCalls;
use crate::protocol::ReplyReader;
use crate::protocol::body::whole_body;
use crate::protocol::decode::{cut, json as parse_json, stream_error};
use crate::protocol::failure::CallFailure;
use crate::protocol::reply::{Head, Reply, Usage};
use crate::protocol::sse::SseParser;
use crate::template::{Scope, TemplateError};

/// Writes the request's body, without the manifest's own further keys.
pub(super) fn body(spec: &Spec, scope: &Scope) -> Result<Map<String, Value>, TemplateError> {
    let mut body = Map::new();
    body.insert("model".to_owned(), spec.model.value(scope)?);
    let mut messages = spec.messages.value(scope)?;
    if let (Some(system), Value::Array(messages)) = (&spec.system, &mut messages) {
        messages.insert(0, json!({"role": "system", "content": system.text(scope)?}));
    }
    body.insert("messages".to_owned(), messages);
    if let Some(limit) = spec.max_tokens {
        body.insert("max_tokens".to_owned(), json!(limit));
    }
    if spec.stream {
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    Ok(body)
}

/// Makes the reader of one answer.
pub(super) fn reader(stream: bool, takes_empty: bool) -> Box<dyn ReplyReader> {
    if stream {
        Box::new(StreamReader {
            takes_empty,
            ..StreamReader::default()
        })
    } else {
        whole_body(None, move |body| read_body(&body.bytes, takes_empty))
    }
}

/// The parts of a chunk that matter while the clock runs; borrowed from the event.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<UsageBody>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_parts")]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning: Option<Cow<'a, str>>,
    #[serde(default)]
    tool_calls: Option<Vec<Value>>,
    /// What tool calls were before there were several.
    #[serde(default)]
    function_call: Option<Value>,
}

/// Reads content: a text, or parts of which those with a text are joined.
fn text_or_parts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    struct Content;

    impl<'de> Visitor<'de> for Content {
        type Value = Option<Cow<'de, str>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or an array of parts")
        }

        fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(text)))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(text.to_owned())))
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
            let mut whole = String::new();
            while let Some(part) = parts.next_element::<Value>()? {
                whole.push_str(part["text"].as_str().unwrap_or_default());
            }
            Ok(Some(Cow::Owned(whole)))
        }
    }

    deserializer.deserialize_any(Content)
}

#[derive(Clone, Copy, Deserialize)]
struct UsageBody {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl From<UsageBody> for Usage {
    fn from(usage: UsageBody) -> Self {
        Self {
            input: usage.prompt_tokens,
            output: usage.completion_tokens,
        }
    }
}

impl Delta<'_> {
    /// Returns whether the delta shows anything: text, reasoning, a refusal, or a tool call. A role alone does not.
    fn has_content(&self) -> bool {
        let filled = |text: &Option<Cow<'_, str>>| text.as_ref().is_some_and(|t| !t.is_empty());
        filled(&self.content)
            || filled(&self.reasoning_content)
            || filled(&self.reasoning)
            || filled(&self.refusal)
            || self.function_call.is_some()
            || self
                .tool_calls
                .as_ref()
                .is_some_and(|calls| !calls.is_empty())
    }
}

/// Reads the events of a streamed answer.
#[derive(Default)]
struct StreamReader {
    parser: SseParser,
    state: StreamState,
    /// Whether an answer without content is one.
    takes_empty: bool,
}

#[derive(Default)]
struct StreamState {
    text: String,
    refusal: String,
    tool_calls: ToolCalls,
    chunks: u64,
    usage: Option<Usage>,
    finish_reason: Option<String>,
    done: bool,
    events: u64,
    last: Vec<u8>,
    failure: Option<CallFailure>,
}

impl StreamState {
    /// Takes one event's data and returns whether it held content.
    fn event(&mut self, name: &[u8], data: &[u8]) -> bool {
        if data.is_empty() {
            return false;
        }
        self.events += 1;
        if data == b"[DONE]" {
            self.done = true;
            return false;
        }
        if name == b"error" {
            self.failure.get_or_insert_with(|| stream_error(data));
            return false;
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
            let failure = parse_json(data).err().unwrap_or_else(|| {
                CallFailure::contract("an event is not a chat completion chunk")
            });
            self.failure.get_or_insert(failure);
            return false;
        };
        if chunk.error.is_some() || is_error_object(data) {
            self.failure.get_or_insert_with(|| stream_error(data));
            return false;
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some(usage.into());
        }
        let mut content = false;
        for choice in chunk.choices.unwrap_or_default() {
            let delta = choice.delta.unwrap_or_default();
            content |= delta.has_content();
            // With several choices the answer is that of index 0; content of any of them is content.
            if choice.index != 0 {
                continue;
            }
            self.text
                .push_str(delta.content.as_deref().unwrap_or_default());
            self.refusal
                .push_str(delta.refusal.as_deref().unwrap_or_default());
            let calls = delta.tool_calls.iter().flatten();
            for piece in calls.chain(&delta.function_call) {
                self.tool_calls.take(piece);
            }
            if let Some(reason) = choice.finish_reason {
                self.finish_reason = Some(reason.into_owned());
            }
        }
        self.chunks += u64::from(content);
        self.last.clear();
        self.last.extend_from_slice(data);
        content
    }
}

impl ReplyReader for StreamReader {
    fn head(&mut self, _head: Head<'_>) {}

    fn data(&mut self, bytes: &[u8]) -> u32 {
        let Self { parser, state, .. } = self;
        let mut content = 0;
        parser.feed(bytes, |event| {
            content += u32::from(state.event(event.name, event.data));
        });
        content
    }

    fn finish(self: Box<Self>) -> Result<Reply, CallFailure> {
        let state = self.state;
        if let Some(failure) = state.failure {
            return Err(failure);
        }
        if state.events == 0 {
            return Err(CallFailure::contract(
                "`stream = true`, but the answer is not a stream of events",
            ));
        }
        if !state.done && state.finish_reason.is_none() {
            return Err(cut());
        }
        if state.chunks == 0 && !self.takes_empty {
            let last = serde_json::from_slice(&state.last).unwrap_or_default();
            return Err(no_content(&format!("{} events", state.events), &last));
        }
        Ok(Reply {
            body: serde_json::from_slice(&state.last).ok(),
            usage: state.usage,
            chunks: state.chunks,
            finish_reason: state.finish_reason,
            ..answer(&state.text, &state.refusal, state.tool_calls)
        })
    }
}

/// Returns whether an event is an error by its own word: `{"object": "error", …}`.
fn is_error_object(data: &[u8]) -> bool {
    let holds = |word: &[u8]| memchr::memmem::find(data, word).is_some();
    // Looked for first, as nearly no event holds it.
    holds(b"\"error\"") && parse_json(data).is_ok_and(|event| event["object"] == "error")
}

/// Makes the reply of an answer. A refusal stands for the text where there is none.
fn answer(text: &str, refusal: &str, calls: ToolCalls) -> Reply {
    let said = if text.is_empty() { refusal } else { text };
    let mut reply = Reply::of_answer(said, calls.into_values());
    if !refusal.is_empty() {
        reply.outputs.insert("refusal".to_owned(), refusal.into());
    }
    reply
}

/// Reads an answer that comes as one body.
fn read_body(bytes: &[u8], takes_empty: bool) -> Result<Reply, CallFailure> {
    let body = parse_json(bytes)?;
    let choices = body["choices"].as_array().map(Vec::as_slice);
    let choices = choices.unwrap_or_default();
    // With several choices the answer is that of index 0.
    let choice = choices.iter().find(|it| it["index"] == 0);
    let choice = choice.or(choices.first()).unwrap_or(&Value::Null);
    let message = choice
        .get("message")
        .ok_or_else(|| CallFailure::contract("the answer has no `choices[0].message`"))?;
    let delta = Delta::deserialize(message)
        .map_err(|error| CallFailure::contract(format!("`choices[0].message`: {error}")))?;
    if !delta.has_content() && !takes_empty {
        return Err(no_content("one body", &body));
    }
    let mut calls = ToolCalls::default();
    let pieces = delta.tool_calls.iter().flatten();
    for piece in pieces.chain(&delta.function_call) {
        calls.take(piece);
    }
    let text = delta.content.unwrap_or_default();
    let refusal = delta.refusal.unwrap_or_default();
    let finish = choice["finish_reason"].as_str();
    let usage = body
        .get("usage")
        .and_then(|usage| UsageBody::deserialize(usage).ok());
    Ok(Reply {
        usage: usage.map(Usage::from),
        finish_reason: finish.map(str::to_owned),
        ..answer(&text, &refusal, calls)
    }
    .with_body(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Failure;

    fn read(stream: &str) -> Result<Reply, CallFailure> {
        let mut reader = reader(true, false);
        reader.data(stream.as_bytes());
        reader.finish()
    }

    fn contents(event: &str) -> u32 {
        StreamReader::default().data(format!("data: {event}\n\n").as_bytes())
    }

    #[test]
    fn only_text_reasoning_and_tool_calls_are_content() {
        for (event, content) in [
            (r#"{"choices":[{"delta":{"role":"assistant"}}]}"#, 0),
            (
                r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#,
                0,
            ),
            (r#"{"choices":[{"delta":{"content":"a\n"}}]}"#, 1),
            (r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#, 1),
            (r#"{"choices":[{"delta":{"tool_calls":[{"id":"x"}]}}]}"#, 1),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, 0),
            (
                r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
                0,
            ),
            ("[DONE]", 0),
        ] {
            assert_eq!(contents(event), content, "{event}");
        }
    }

    #[test]
    fn a_stream_is_put_together() {
        let reply = read(concat!(
            "data: {\"choices\":[{\"delta\":{\"content\":\"He\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"llo\"},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[],\"model\":\"m\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n",
            "data: [DONE]\n\n"
        ))
        .unwrap();
        assert_eq!(reply.text.as_deref(), Some("Hello"));
        assert_eq!(
            reply.usage,
            Some(Usage {
                input: 3,
                output: 2
            })
        );
        assert_eq!(
            (reply.chunks, reply.finish_reason.as_deref()),
            (2, Some("stop"))
        );
        assert_eq!(reply.body.unwrap()["model"], "m");
    }

    #[test]
    fn a_cut_stream_an_error_event_and_no_stream_are_failures() {
        let text = "data: {\"choices\":[{\"delta\":{\"content\":\"He\"}}]}\n\n";
        assert_eq!(read(text).unwrap_err().failure, Failure::Reset);
        let error = format!("{text}event: error\ndata: {{\"message\":\"overloaded\"}}\n\n");
        assert_eq!(read(&error).unwrap_err().failure, Failure::StreamError);
        let inline = format!("{text}data: {{\"error\":{{\"code\":503}}}}\n\ndata: [DONE]\n\n");
        assert_eq!(read(&inline).unwrap_err().failure, Failure::StreamError);
        assert_eq!(
            read("{\"choices\":[]}").unwrap_err().failure,
            Failure::Contract
        );
        assert_eq!(
            read("data: {oops\n\n").unwrap_err().failure,
            Failure::Decode
        );
    }

    #[test]
    fn an_answer_in_one_body_is_read() {
        let mut whole = reader(false, false);
        whole.data(br#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#);
        let reply = whole.finish().unwrap();
        assert_eq!(
            (reply.text.as_deref(), reply.usage.unwrap().output),
            (Some("Hi"), 1)
        );
        let mut whole = reader(false, false);
        whole.data(b"{}");
        assert_eq!(whole.finish().unwrap_err().failure, Failure::Contract);
    }

    /// verdicts G1, field 5: what shows nothing is no success, and a refusal and an old call show something.
    #[test]
    fn a_stream_without_content_is_no_answer() {
        let empty =
            "data: {\"choices\":[{\"delta\":{\"content\":\"\"}}],\"id\":\"x\"}\n\ndata: [DONE]\n\n";
        let failure = read(empty).unwrap_err();
        assert_eq!(failure.failure, Failure::Contract);
        assert!(failure.detail.contains("`choices, id`"), "{failure:?}");
        for (shape, named) in [
            ("", "1 events"),
            (
                "data: {\"choices\":[{\"index\":0,\"text\":\"Hel\"}]}\n\n",
                "its choice `index, text`",
            ),
            (
                "data: {\"choices\":[{\"message\":{\"content\":\"a\"}}]}\n\n",
                "its choice `message`",
            ),
        ] {
            let failure = read(&format!("{shape}data: [DONE]\n\n")).unwrap_err();
            assert_eq!(failure.failure, Failure::Contract);
            assert!(failure.detail.contains(named), "{failure:?}");
        }
        let mut taken = reader(true, true);
        taken.data(empty.as_bytes());
        assert_eq!(taken.finish().unwrap().text.as_deref(), Some(""));
        let refused =
            read("data: {\"choices\":[{\"delta\":{\"refusal\":\"no\"}}]}\n\ndata: [DONE]\n\n");
        assert_eq!(refused.unwrap().text.as_deref(), Some("no"));
        let called = read(concat!(
            "data: {\"choices\":[{\"delta\":{\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}}]}\n\n",
            "data: [DONE]\n\n"
        ));
        assert_eq!(
            called.unwrap().outputs["tool_calls"][0]["function"]["name"],
            "f"
        );
        let mut whole = reader(false, false);
        whole.data(br#"{"choices":[{"message":{"content":null}}]}"#);
        assert_eq!(whole.finish().unwrap_err().failure, Failure::Contract);
    }

    /// field 18: null and empty stand for nothing, and parts for their text.
    #[test]
    fn null_empty_and_parts_are_read() {
        let reply = read(concat!(
            "data: {\"choices\":null}\n\ndata: {\"choices\":[{\"delta\":null}]}\n\ndata:\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]}}]}\n\n",
            "data: [DONE]\n\n"
        ));
        assert_eq!(reply.unwrap().text.as_deref(), Some("Hi"));
    }

    /// field 6: of several choices the answer is the first, whatever their order.
    #[test]
    fn of_several_choices_the_first_is_the_answer() {
        let reply = read(concat!(
            "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}},{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
            "data: [DONE]\n\n"
        ));
        assert_eq!(reply.unwrap().text.as_deref(), Some("a"));
    }

    /// field 5: a stream can say of itself that it is an error.
    #[test]
    fn an_object_that_is_an_error_ends_the_stream() {
        let error = "data: {\"object\":\"error\",\"message\":\"full\"}\n\ndata: [DONE]\n\n";
        assert_eq!(read(error).unwrap_err().failure, Failure::StreamError);
    }
}

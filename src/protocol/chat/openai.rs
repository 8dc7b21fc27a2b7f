//! The shape of `OpenAI`'s chat completions.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Spec;
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
pub(super) fn reader(stream: bool) -> Box<dyn ReplyReader> {
    if stream {
        Box::new(StreamReader::default())
    } else {
        whole_body(None, |body| read_body(&body.bytes))
    }
}

/// The parts of a chunk that matter while the clock runs; borrowed from the event.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(default)]
    usage: Option<UsageBody>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    delta: Delta<'a>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning: Option<Cow<'a, str>>,
    #[serde(default)]
    tool_calls: Option<Vec<Value>>,
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
    /// Returns whether the delta shows anything: text, reasoning, or a tool call. A role alone does not.
    fn has_content(&self) -> bool {
        let filled = |text: &Option<Cow<'_, str>>| text.as_ref().is_some_and(|t| !t.is_empty());
        filled(&self.content)
            || filled(&self.reasoning_content)
            || filled(&self.reasoning)
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
}

#[derive(Default)]
struct StreamState {
    text: String,
    tool_calls: Vec<Value>,
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
        if chunk.error.is_some() {
            self.failure.get_or_insert_with(|| stream_error(data));
            return false;
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some(usage.into());
        }
        let mut content = false;
        // With several choices, the first one is the answer; content of any of them is content.
        for choice in chunk.choices {
            content |= choice.delta.has_content();
            if let Some(text) = choice.delta.content {
                self.text.push_str(&text);
            }
            self.tool_calls
                .extend(choice.delta.tool_calls.unwrap_or_default());
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
        let Self { parser, state } = self;
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
        Ok(Reply {
            body: serde_json::from_slice(&state.last).ok(),
            usage: state.usage,
            chunks: state.chunks,
            finish_reason: state.finish_reason,
            ..Reply::of_answer(&state.text, state.tool_calls)
        })
    }
}

/// Reads an answer that comes as one body.
fn read_body(bytes: &[u8]) -> Result<Reply, CallFailure> {
    let body = parse_json(bytes)?;
    let message = body
        .pointer("/choices/0/message")
        .ok_or_else(|| CallFailure::contract("the answer has no `choices[0].message`"))?;
    let text = message
        .get("content")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let calls = message.get("tool_calls").and_then(Value::as_array).cloned();
    let finish = body
        .pointer("/choices/0/finish_reason")
        .and_then(Value::as_str);
    let usage = body
        .get("usage")
        .and_then(|usage| UsageBody::deserialize(usage).ok());
    Ok(Reply {
        usage: usage.map(Usage::from),
        finish_reason: finish.map(str::to_owned),
        ..Reply::of_answer(&text, calls.unwrap_or_default())
    }
    .with_body(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Failure;

    fn read(stream: &str) -> Result<Reply, CallFailure> {
        let mut reader = Box::new(StreamReader::default());
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
        let mut whole = reader(false);
        whole.data(br#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#);
        let reply = whole.finish().unwrap();
        assert_eq!(
            (reply.text.as_deref(), reply.usage.unwrap().output),
            (Some("Hi"), 1)
        );
        let mut whole = reader(false);
        whole.data(b"{}");
        assert_eq!(whole.finish().unwrap_err().failure, Failure::Contract);
    }
}

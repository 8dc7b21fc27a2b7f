//! The shape of Anthropic's Messages API.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Spec;
use super::content::no_content;
use crate::protocol::decode::{cut, json as parse_json, stream_error};
use crate::protocol::event::Event;
use crate::protocol::failure::CallFailure;
use crate::protocol::reply::{Reply, Usage};
use crate::protocol::said_error::is_no_error;
use crate::protocol::stream::{End, Events};
use crate::template::{Scope, TemplateError};

/// The header that the API requires, and the version whose answers are read here.
pub(super) const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// The API requires a limit.
const MAX_TOKENS: u32 = 1024;

/// Writes the request's body, without the manifest's own further keys.
pub(super) fn body(spec: &Spec, scope: &Scope) -> Result<Map<String, Value>, TemplateError> {
    let mut body = Map::new();
    body.insert("model".to_owned(), spec.model.value(scope)?);
    let limit = spec.max_tokens.or(spec.max_completion_tokens);
    let limit = limit.unwrap_or(MAX_TOKENS);
    body.insert("max_tokens".to_owned(), json!(limit));
    if let Some(system) = &spec.system {
        body.insert("system".to_owned(), system.value(scope)?);
    }
    body.insert("messages".to_owned(), spec.messages.value(scope)?);
    Ok(body)
}

/// One event; the parts that matter while the clock runs are borrowed from it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told<'a> {
    MessageStart {
        message: Value,
    },
    ContentBlockStart {
        index: u64,
        content_block: Value,
    },
    ContentBlockDelta {
        index: u64,
        #[serde(borrow)]
        delta: Delta<'a>,
    },
    MessageDelta {
        delta: Value,
        #[serde(default)]
        usage: UsageBody,
    },
    MessageStop,
    Error,
    /// `ping`, `content_block_stop`, and what later versions add.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text {
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    #[serde(rename = "thinking_delta")]
    Thinking {
        #[serde(borrow)]
        thinking: Cow<'a, str>,
    },
    #[serde(rename = "input_json_delta")]
    InputJson {
        #[serde(borrow)]
        partial_json: Cow<'a, str>,
    },
    /// A signature, and what later versions add: nothing that a user sees.
    #[serde(other)]
    Other,
}

/// Token counts. Prompt tokens that came from or went to a cache are counted apart by the API, and
/// together here.
#[derive(Clone, Copy, Default, Deserialize)]
struct UsageBody {
    #[serde(rename = "input_tokens")]
    input: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens")]
    cache_creation: Option<u64>,
    #[serde(rename = "cache_read_input_tokens")]
    cache_read: Option<u64>,
    #[serde(rename = "output_tokens")]
    output: Option<u64>,
}

impl UsageBody {
    fn prompt(self) -> Option<u64> {
        let cached = [self.cache_creation, self.cache_read];
        let cached = cached.into_iter().flatten();
        Some(cached.fold(self.input?, u64::saturating_add))
    }

    /// Takes what a later event counted anew.
    fn update(&mut self, later: Self) {
        if later.input.is_some() {
            self.input = later.input;
            self.cache_creation = later.cache_creation;
            self.cache_read = later.cache_read;
        }
        self.output = later.output.or(self.output);
    }

    /// Returns the counts as they are kept; `None` where the answer's are missing.
    fn usage(self) -> Option<Usage> {
        Some(Usage {
            input: self.prompt().unwrap_or(0),
            output: self.output?,
            cached: self.cache_read.unwrap_or(0),
            cache_write: self.cache_creation.unwrap_or(0),
            reasoning: 0,
        })
    }
}

/// A tool call under way: its arguments come in pieces.
#[derive(Default)]
struct ToolCall {
    id: Value,
    name: Value,
    arguments: String,
}

impl ToolCall {
    /// Returns the call as `OpenAI` writes it, so that assertions need not know whose model it was.
    fn into_value(self) -> Value {
        let function = json!({"name": self.name, "arguments": self.arguments});
        json!({"id": self.id, "type": "function", "function": function})
    }
}

/// Puts a streamed answer together.
#[derive(Default)]
pub(super) struct Message {
    text: String,
    /// By the number of their content block.
    tool_calls: BTreeMap<u64, ToolCall>,
    usage: UsageBody,
    finish_reason: Option<String>,
    done: bool,
    /// Whether anything but thinking has come.
    has_answered: bool,
    /// `message` of the first event: model, id.
    begun: Option<Value>,
    failure: Option<CallFailure>,
}

impl Message {
    fn take(&mut self, event: Told<'_>, data: &[u8]) -> bool {
        match event {
            Told::MessageStart { message } => {
                let usage = message
                    .get("usage")
                    .and_then(|it| UsageBody::deserialize(it).ok());
                // What it counts of the answer is how that begins.
                self.usage = UsageBody {
                    output: None,
                    ..usage.unwrap_or_default()
                };
                self.begun = Some(message);
            }
            Told::ContentBlockStart {
                index,
                content_block,
            } => return self.block(index, &content_block),
            Told::ContentBlockDelta { index, delta } => return self.delta(index, delta),
            Told::MessageDelta { delta, usage } => {
                self.usage.update(usage);
                let reason = delta.get("stop_reason").and_then(Value::as_str);
                self.finish_reason = reason.map(str::to_owned).or(self.finish_reason.take());
            }
            Told::MessageStop => self.done = true,
            Told::Error => drop(self.failure.get_or_insert_with(|| stream_error(data))),
            Told::Other => {}
        }
        false
    }

    fn block(&mut self, index: u64, block: &Value) -> bool {
        match block.get("type").and_then(Value::as_str) {
            Some("tool_use") => {
                let call = ToolCall {
                    id: block["id"].clone(),
                    name: block["name"].clone(),
                    arguments: String::new(),
                };
                self.tool_calls.insert(index, call);
                true
            }
            Some("text") => self.push(block["text"].as_str().unwrap_or_default()),
            _ => is_thinking(block),
        }
    }

    fn delta(&mut self, index: u64, delta: Delta<'_>) -> bool {
        match delta {
            Delta::Text { text } => self.push(&text),
            Delta::Thinking { thinking } => !thinking.is_empty(),
            Delta::InputJson { partial_json } => {
                let call = self.tool_calls.entry(index).or_default();
                call.arguments.push_str(&partial_json);
                !partial_json.is_empty()
            }
            Delta::Other => false,
        }
    }

    fn push(&mut self, text: &str) -> bool {
        self.text.push_str(text);
        !text.is_empty()
    }
}

impl Events for Message {
    /// Text, thinking, and tool calls are content.
    fn event(&mut self, event: &Event<'_>) -> bool {
        let data = event.data;
        let Ok(told) = serde_json::from_slice::<Told<'_>>(data) else {
            let failure = parse_json(data).err().unwrap_or_else(|| {
                CallFailure::contract("an event is not one of the Messages API")
            });
            self.failure.get_or_insert(failure);
            return false;
        };
        let is_thinking = match &told {
            Told::ContentBlockStart { content_block, .. } => is_thinking(content_block),
            Told::ContentBlockDelta { delta, .. } => matches!(delta, Delta::Thinking { .. }),
            _ => false,
        };
        let content = self.take(told, data);
        self.has_answered |= content && !is_thinking;
        content
    }

    fn has_answered(&self) -> bool {
        self.has_answered
    }

    fn finish(self, end: &End<'_>) -> Result<Reply, CallFailure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if end.events == 0 {
            return Err(end.not_events());
        }
        if !self.done {
            return Err(cut());
        }
        if end.chunks == 0 && !end.takes_empty {
            let what = format!("{} events", end.events);
            return Err(no_content(&what, &Value::Null));
        }
        let usage = self.usage.usage();
        let calls = self.tool_calls.into_values().map(ToolCall::into_value);
        Ok(Reply {
            body: self.begun,
            usage,
            finish_reason: self.finish_reason,
            ..Reply::of_answer(&self.text, calls.collect())
        })
    }
}

/// Returns whether a block is thinking that is not empty, in the clear or encrypted.
fn is_thinking(block: &Value) -> bool {
    let key = match block.get("type").and_then(Value::as_str) {
        Some("thinking") => "thinking",
        Some("redacted_thinking") => "data",
        _ => return false,
    };
    block[key].as_str().is_some_and(|text| !text.is_empty())
}

/// Reads an answer that comes as one body. Its content is what it is in a stream.
pub(super) fn read_body(bytes: &[u8], takes_empty: bool) -> Result<Reply, CallFailure> {
    let body = parse_json(bytes)?;
    is_no_error(&body, bytes)?;
    let Some(blocks) = body.get("content").and_then(Value::as_array) else {
        return Err(CallFailure::contract("the answer has no `content`"));
    };
    let (mut text, mut calls) = (String::new(), Vec::new());
    for block in blocks {
        match block.get("type").and_then(Value::as_str) {
            Some("text") => text.push_str(block["text"].as_str().unwrap_or_default()),
            Some("tool_use") => calls.push(
                ToolCall {
                    id: block["id"].clone(),
                    name: block["name"].clone(),
                    arguments: block["input"].to_string(),
                }
                .into_value(),
            ),
            _ => {}
        }
    }
    let is_empty = text.is_empty() && calls.is_empty() && !blocks.iter().any(is_thinking);
    if is_empty && !takes_empty {
        return Err(no_content("one body", &body));
    }
    let usage = body
        .get("usage")
        .and_then(|it| UsageBody::deserialize(it).ok());
    let reason = body.get("stop_reason").and_then(Value::as_str);
    Ok(Reply {
        usage: usage.and_then(|usage| usage.prompt().and(usage.usage())),
        finish_reason: reason.map(str::to_owned),
        is_empty,
        ..Reply::of_answer(&text, calls)
    }
    .with_body(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Failure;
    use crate::protocol::ReplyReader;
    use crate::protocol::chat::{Api, Reading};

    fn reader(stream: bool) -> Box<dyn ReplyReader> {
        Reading::of(Api::Anthropic, stream, false).reader()
    }

    const START: &str = r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":5,"cache_read_input_tokens":20,"output_tokens":1}}}"#;

    fn stream(events: &[&str]) -> (u32, Result<Reply, CallFailure>) {
        let mut reader = reader(true);
        let contents = events
            .iter()
            .map(|event| reader.data(format!("event: x\ndata: {event}\n\n").as_bytes()))
            .sum();
        (contents, reader.finish())
    }

    #[test]
    fn text_thinking_and_tool_calls_are_content_and_nothing_else_is() {
        let (contents, reply) = stream(&[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo\n"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"find","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"q\": 1}"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
            r#"{"type":"message_stop"}"#,
        ]);
        let reply = reply.unwrap();
        assert_eq!(contents, 5);
        assert_eq!(reply.text.as_deref(), Some("Hello\n"));
        assert_eq!(
            reply.usage,
            Some(Usage {
                input: 25,
                output: 9,
                cached: 20,
                ..Usage::default()
            })
        );
        assert_eq!(
            (reply.chunks, reply.finish_reason.as_deref()),
            (5, Some("tool_use"))
        );
        assert_eq!(
            reply.outputs["tool_calls"],
            json!([{"id": "t1", "type": "function", "function": {"name": "find", "arguments": "{\"q\": 1}"}}])
        );
        assert_eq!(reply.body.unwrap()["model"], "m");
    }

    #[test]
    fn a_stream_without_its_end_an_error_event_and_no_stream_are_failures() {
        let text =
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"He"}}"#;
        let overloaded = r#"{"type":"error","error":{"type":"overloaded_error"}}"#;
        assert_eq!(
            stream(&[START, text]).1.unwrap_err().failure,
            Failure::Reset
        );
        assert_eq!(
            stream(&[START, overloaded]).1.unwrap_err().failure,
            Failure::StreamError
        );
        assert_eq!(stream(&[]).1.unwrap_err().failure, Failure::Contract);
        assert_eq!(stream(&["{oops"]).1.unwrap_err().failure, Failure::Decode);
        assert_eq!(
            stream(&["{\"choices\":[]}"]).1.unwrap_err().failure,
            Failure::Contract
        );
    }

    #[test]
    fn an_answer_in_one_body_is_read() {
        let read = |body: &str| {
            let mut reader = reader(false);
            reader.data(body.as_bytes());
            reader.finish()
        };
        let reply = read(r#"{"content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"a","name":"f","input":{"x":1}}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}}"#).unwrap();
        assert_eq!(reply.text.as_deref(), Some("Hi"));
        assert_eq!(
            reply.usage,
            Some(Usage {
                input: 3,
                output: 2,
                ..Usage::default()
            })
        );
        assert_eq!(
            reply.outputs["tool_calls"][0]["function"]["arguments"],
            "{\"x\":1}"
        );
        assert_eq!(read("{}").unwrap_err().failure, Failure::Contract);
    }

    /// field 5: a message of thinking alone is judged alike, streamed and whole.
    #[test]
    fn a_message_of_thinking_alone_is_judged_alike_streamed_and_whole() {
        let redacted = |data: &str| json!({"type": "redacted_thinking", "data": data});
        let thinking = |text: &str| json!({"type": "thinking", "thinking": text, "signature": "x"});
        let delta =
            |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
        let start = |block: &Value| json!({"type": "content_block_start", "index": 0, "content_block": block});
        let empty = start(&thinking(""));
        for (block, events, is_content) in [
            (
                thinking("hm"),
                vec![
                    empty.clone(),
                    delta(json!({"type": "thinking_delta", "thinking": "hm"})),
                ],
                true,
            ),
            (thinking("hm"), vec![start(&thinking("hm"))], true),
            (redacted("Ev8"), vec![start(&redacted("Ev8"))], true),
            (redacted(""), vec![start(&redacted(""))], false),
            (
                thinking(""),
                vec![
                    empty,
                    delta(json!({"type": "thinking_delta", "thinking": ""})),
                ],
                false,
            ),
        ] {
            let mut whole = reader(false);
            whole.data(json!({"content": [block.clone()]}).to_string().as_bytes());
            let whole = whole.finish();
            let mut streamed = reader(true);
            let stop = json!({"type": "message_stop"});
            for event in events.iter().chain([&stop]) {
                streamed.data(format!("data: {event}\n\n").as_bytes());
            }
            assert!(!streamed.has_answered(), "{block}");
            let streamed = streamed.finish();
            for reply in [whole, streamed] {
                let found = reply.map(|it| it.is_empty).map_err(|it| it.failure);
                let expected = if is_content {
                    Ok(false)
                } else {
                    Err(Failure::Contract)
                };
                assert_eq!(found, expected, "{block}");
            }
        }
    }

    /// field 29: Anthropic counts cached tokens beside those of the prompt.
    #[test]
    fn cached_tokens_are_parts_of_the_prompt_here() {
        let mut reader = reader(false);
        reader.data(
            br#"{"content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"cache_read_input_tokens":60,"cache_creation_input_tokens":7,"output_tokens":2}}"#,
        );
        let parts = Usage {
            input: 70,
            output: 2,
            cached: 60,
            cache_write: 7,
            reasoning: 0,
        };
        assert_eq!(reader.finish().unwrap().usage, Some(parts));
    }
}

//! The shape of `OpenAI`'s chat completions.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::Spec;
use super::content::no_content;
use super::tools::ToolCalls;
use crate::measure::Failure;
use crate::protocol::decode::{cut, json as parse_json, stream_error};
use crate::protocol::event::Event;
use crate::protocol::failure::CallFailure;
use crate::protocol::reply::{Reply, Usage};
use crate::protocol::said_error::{is_no_error, names_error, says_why_not};
use crate::protocol::stream::{End, Events};
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
    if let Some(limit) = spec.max_completion_tokens {
        body.insert("max_completion_tokens".to_owned(), json!(limit));
    }
    if spec.stream.0.is_some() {
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    Ok(body)
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

#[derive(Clone, Deserialize)]
struct UsageBody {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    /// What the counts above are made of, in part; not every server says.
    #[serde(default)]
    prompt_tokens_details: Value,
    #[serde(default)]
    completion_tokens_details: Value,
}

impl From<UsageBody> for Usage {
    fn from(usage: UsageBody) -> Self {
        let part = |details: &Value, key: &str| details[key].as_u64().unwrap_or(0);
        let (input, output) = (usage.prompt_tokens, usage.completion_tokens);
        let cached = part(&usage.prompt_tokens_details, "cached_tokens");
        let reasoning = part(&usage.completion_tokens_details, "reasoning_tokens");
        Self {
            input,
            output,
            // Parts, whatever a server says.
            cached: cached.min(input),
            cache_write: 0,
            reasoning: reasoning.min(output),
        }
    }
}

#[expect(clippy::ref_option, reason = "it is asked of fields")]
fn is_filled(text: &Option<Cow<'_, str>>) -> bool {
    text.as_ref().is_some_and(|it| !it.is_empty())
}

/// Returns whether a piece of a call of a tool holds any of it: its id, its name, or of its
/// arguments.
fn calls_something(piece: &Value) -> bool {
    let keys = ["id", "name", "arguments", "input"];
    let says = |of: &Value| {
        let mut said = keys.iter().filter_map(|key| of.get(key));
        said.any(|it| it.as_str().map_or(!it.is_null(), |text| !text.is_empty()))
    };
    says(piece) || ["function", "custom"].iter().any(|key| says(&piece[key]))
}

impl Delta<'_> {
    /// Returns whether the delta shows anything: text, reasoning, a refusal, or a tool call. A role
    /// alone does not.
    fn has_content(&self) -> bool {
        is_filled(&self.reasoning_content) || is_filled(&self.reasoning) || self.has_answer()
    }

    /// Returns whether it shows anything but reasoning.
    fn has_answer(&self) -> bool {
        is_filled(&self.content)
            || is_filled(&self.refusal)
            || self.function_call.as_ref().is_some_and(calls_something)
            || self.tool_calls.iter().flatten().any(calls_something)
    }
}

/// Puts a streamed answer together.
#[derive(Default)]
pub(super) struct Chunks {
    text: String,
    refusal: String,
    tool_calls: ToolCalls,
    usage: Option<Usage>,
    finish_reason: Option<String>,
    done: bool,
    /// Whether anything but reasoning has come.
    has_answered: bool,
    last: Vec<u8>,
    failure: Option<CallFailure>,
}

impl Events for Chunks {
    fn event(&mut self, event: &Event<'_>) -> bool {
        let data = event.data;
        if event.is_done_mark() {
            self.done = true;
            return false;
        }
        if names_error(event.name) {
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
        if (chunk.error.is_some() || may_be_an_error(&chunk, data))
            && event.json().is_ok_and(says_why_not)
        {
            self.failure.get_or_insert_with(|| stream_error(data));
            return false;
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some(usage.into());
        }
        let mut content = false;
        for choice in chunk.choices.unwrap_or_default() {
            // With several choices the answer is that of index 0.
            if choice.index != 0 {
                continue;
            }
            let delta = choice.delta.unwrap_or_default();
            content |= delta.has_content();
            self.has_answered |= delta.has_answer();
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
        self.last.clear();
        self.last.extend_from_slice(data);
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
        if !self.done && self.finish_reason.is_none() {
            return Err(cut());
        }
        if self.finish_reason.as_deref() == Some(BROKE_OFF) {
            return Err(broke_off(Failure::StreamError));
        }
        if end.chunks == 0 && !end.takes_empty {
            let last = serde_json::from_slice(&self.last).unwrap_or_default();
            return Err(no_content(&format!("{} events", end.events), &last));
        }
        Ok(Reply {
            body: parse_json(&self.last).ok(),
            usage: self.usage,
            finish_reason: self.finish_reason,
            ..Reply::of_parts(&self.text, &self.refusal, self.tool_calls.into_values())
        })
    }
}

/// Returns whether it is worth a look whether an event is an error by its own word, as
/// `{"object": "error", …}` is: nearly none is.
fn may_be_an_error(chunk: &Chunk<'_>, data: &[u8]) -> bool {
    let has_word = || memchr::memmem::find(data, b"\"error\"").is_some();
    (chunk.choices.is_none() && chunk.usage.is_none()) || has_word()
}

/// What gateways say as the reason where a model broke off.
const BROKE_OFF: &str = "error";

fn broke_off(failure: Failure) -> CallFailure {
    let said = format!("the model broke off: its `finish_reason` is `{BROKE_OFF}`");
    CallFailure::new(failure, said)
}

/// Reads an answer that comes as one body.
pub(super) fn read_body(bytes: &[u8], takes_empty: bool) -> Result<Reply, CallFailure> {
    let body = parse_json(bytes)?;
    is_no_error(&body, bytes)?;
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
    let is_empty = !delta.has_content();
    if is_empty && !takes_empty {
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
    if finish == Some(BROKE_OFF) {
        return Err(broke_off(Failure::Contract));
    }
    let usage = body
        .get("usage")
        .and_then(|usage| UsageBody::deserialize(usage).ok());
    Ok(Reply {
        usage: usage.map(Usage::from),
        is_empty,
        finish_reason: finish.map(str::to_owned),
        ..Reply::of_parts(&text, &refusal, calls.into_values())
    }
    .with_body(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Failure;
    use crate::protocol::ReplyReader;
    use crate::protocol::chat::{Api, Reading};

    fn reader(stream: bool, takes_empty: bool) -> Box<dyn ReplyReader> {
        Reading::of(Api::Openai, stream, takes_empty).reader()
    }

    fn read(stream: &str) -> Result<Reply, CallFailure> {
        let mut reader = reader(true, false);
        reader.data(stream.as_bytes());
        reader.finish()
    }

    fn contents(event: &str) -> u32 {
        reader(true, false).data(format!("data: {event}\n\n").as_bytes())
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
                output: 2,
                ..Usage::default()
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

    /// verdicts G1, field 5: what shows nothing is no success, and a refusal and an old call show
    /// something.
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

    /// field 29: OpenAI counts cached tokens within those of the prompt, and reasoning within those
    /// of the answer.
    #[test]
    fn the_parts_of_usage_are_kept_and_a_server_that_says_none_has_none() {
        let usage = |details: &str| {
            let event = format!(
                r#"{{"choices":[],"usage":{{"prompt_tokens":100,"completion_tokens":40{details}}}}}"#
            );
            let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
            let reply = read(&format!("{text}data: {event}\n\ndata: [DONE]\n\n"));
            reply.unwrap().usage.unwrap()
        };
        let all = Usage {
            input: 100,
            output: 40,
            ..Usage::default()
        };
        let details = r#","prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":30}"#;
        let parts = Usage {
            cached: 64,
            reasoning: 30,
            ..all
        };
        assert_eq!(usage(details), parts);
        for none in [
            "",
            r#","prompt_tokens_details":null,"completion_tokens_details":null"#,
            r#","prompt_tokens_details":{"cached_tokens":null},"completion_tokens_details":[]"#,
        ] {
            assert_eq!(usage(none), all, "{none}");
        }
        // A part is never more than the whole.
        let wrong = r#","prompt_tokens_details":{"cached_tokens":640}"#;
        assert_eq!(usage(wrong).cached, 100);
    }
}

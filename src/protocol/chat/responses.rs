//! The shape of `OpenAI`'s Responses API.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Spec;
use super::content::no_content;
use super::tools::ToolCalls;
use crate::measure::Failure;
use crate::protocol::decode::{cut, json as parse_json, stream_error};
use crate::protocol::event::Event;
use crate::protocol::failure::CallFailure;
use crate::protocol::reply::{Reply, Usage};
use crate::protocol::said_error::is_no_error;
use crate::protocol::stream::{End, Events};
use crate::template::{Scope, TemplateError};

/// Writes the request's body, without the manifest's own further keys.
pub(super) fn body(spec: &Spec, scope: &Scope) -> Result<Map<String, Value>, TemplateError> {
    let mut body = Map::new();
    body.insert("model".to_owned(), spec.model.value(scope)?);
    if let Some(system) = &spec.system {
        body.insert("instructions".to_owned(), system.value(scope)?);
    }
    body.insert("input".to_owned(), spec.messages.value(scope)?);
    if let Some(limit) = spec.max_tokens {
        body.insert("max_output_tokens".to_owned(), json!(limit));
    }
    Ok(body)
}

/// One event; the parts that matter while the clock runs are borrowed from it.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Told<'a> {
    #[serde(rename = "response.output_text.delta")]
    Text {
        #[serde(borrow)]
        delta: Cow<'a, str>,
    },
    #[serde(rename = "response.refusal.delta")]
    Refusal {
        #[serde(borrow)]
        delta: Cow<'a, str>,
    },
    #[serde(
        rename = "response.reasoning_text.delta",
        alias = "response.reasoning_summary_text.delta"
    )]
    Reasoning {
        #[serde(borrow)]
        delta: Cow<'a, str>,
    },
    #[serde(
        rename = "response.function_call_arguments.delta",
        alias = "response.custom_tool_call_input.delta"
    )]
    Arguments {
        #[serde(default)]
        output_index: u64,
        #[serde(borrow)]
        delta: Cow<'a, str>,
    },
    #[serde(rename = "response.output_item.added")]
    Added {
        #[serde(default)]
        output_index: u64,
        item: Value,
    },
    #[serde(
        rename = "response.completed",
        alias = "response.incomplete",
        alias = "response.failed",
        alias = "response.cancelled"
    )]
    Ended { response: Value },
    #[serde(rename = "error")]
    Error,
    /// Parts that begin and end, searches, and what later versions add.
    #[serde(other)]
    Other,
}

/// Puts a streamed answer together.
#[derive(Default)]
pub(super) struct Response {
    /// Whether anything but reasoning has come.
    has_answered: bool,
    text: String,
    refusal: String,
    tool_calls: ToolCalls,
    /// The response as its last event has it.
    ended: Option<Value>,
    failure: Option<CallFailure>,
}

impl Response {
    /// Takes what an event tells and returns whether it held content.
    fn take(&mut self, told: Told<'_>, data: &[u8]) -> bool {
        match told {
            Told::Text { delta } => {
                self.text.push_str(&delta);
                !delta.is_empty()
            }
            Told::Refusal { delta } => {
                self.refusal.push_str(&delta);
                !delta.is_empty()
            }
            Told::Reasoning { delta } => !delta.is_empty(),
            Told::Arguments {
                output_index,
                delta,
            } => {
                let piece = json!({"index": output_index, "function": {"arguments": delta}});
                self.tool_calls.take(&piece);
                !delta.is_empty()
            }
            Told::Added { output_index, item } => {
                // Its arguments come in pieces, and what it begins with is part of them.
                let call = call_of(&item, Some(output_index));
                if let Some(call) = &call {
                    self.tool_calls.take(call);
                }
                call.is_some()
            }
            Told::Ended { response } => {
                self.ended = Some(response);
                false
            }
            Told::Error => {
                self.failure.get_or_insert_with(|| stream_error(data));
                false
            }
            Told::Other => false,
        }
    }
}

impl Events for Response {
    /// Text, refusals, reasoning, and tool calls are content.
    fn event(&mut self, event: &Event<'_>) -> bool {
        let data = event.data;
        if event.is_done_mark() {
            return false;
        }
        let Ok(told) = serde_json::from_slice::<Told<'_>>(data) else {
            let failure = parse_json(data).err().unwrap_or_else(|| {
                CallFailure::contract("an event is not one of the Responses API")
            });
            self.failure.get_or_insert(failure);
            return false;
        };
        let is_reasoning = matches!(told, Told::Reasoning { .. });
        let content = self.take(told, data);
        self.has_answered |= content && !is_reasoning;
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
        let Some(response) = self.ended else {
            return Err(cut());
        };
        let finish_reason = status_of(&response, Failure::StreamError)?;
        if end.chunks == 0 && !end.takes_empty {
            return Err(no_content(&format!("{} events", end.events), &response));
        }
        Ok(Reply {
            usage: usage_of(&response),
            finish_reason: Some(finish_reason),
            ..Reply::of_parts(&self.text, &self.refusal, self.tool_calls.into_values())
        }
        .with_body(response))
    }
}

/// Reads an answer that comes as one body.
pub(super) fn read_body(bytes: &[u8], takes_empty: bool) -> Result<Reply, CallFailure> {
    let body = parse_json(bytes)?;
    let finish_reason = status_of(&body, Failure::Contract)?;
    is_no_error(&body, bytes)?;
    let Some(items) = body.get("output").and_then(Value::as_array) else {
        return Err(CallFailure::contract("the answer has no `output`"));
    };
    let (mut text, mut refusal, mut calls) = (String::new(), String::new(), ToolCalls::default());
    let mut has_content = false;
    for item in items {
        if let Some(call) = call_of(item, None) {
            calls.take(&call);
            has_content = true;
        }
        let parts = ["content", "summary"].map(|key| item.get(key).and_then(Value::as_array));
        for part in parts.into_iter().flatten().flatten() {
            let said = |key: &str| part.get(key).and_then(Value::as_str).unwrap_or_default();
            match part["type"].as_str() {
                Some("output_text") => text.push_str(said("text")),
                Some("refusal") => refusal.push_str(said("refusal")),
                _ => {}
            }
            has_content |= !said("text").is_empty() || !said("refusal").is_empty();
        }
    }
    if !has_content && !takes_empty {
        return Err(no_content("one body", &body));
    }
    Ok(Reply {
        usage: usage_of(&body),
        is_empty: !has_content,
        finish_reason: Some(finish_reason),
        ..Reply::of_parts(&text, &refusal, calls.into_values())
    }
    .with_body(body))
}

/// Returns a call of a tool in the shape of chat completions; `None` for other items.
fn call_of(item: &Value, index: Option<u64>) -> Option<Value> {
    let arguments = match item["type"].as_str()? {
        "function_call" => "arguments",
        "custom_tool_call" => "input",
        _ => return None,
    };
    let arguments = item.get(arguments).and_then(Value::as_str);
    let function = json!({"name": item["name"], "arguments": arguments.unwrap_or_default()});
    let id = item.get("call_id").or(item.get("id"));
    let mut call = json!({"id": id, "function": function});
    if let Some(index) = index {
        call["index"] = index.into();
    }
    Some(call)
}

/// Returns why a response ended: its status, or why it is incomplete. One that failed, or has not
/// ended, is no answer.
fn status_of(response: &Value, failed: Failure) -> Result<String, CallFailure> {
    let said = |path: &str| response.pointer(path).and_then(Value::as_str);
    // Servers that only imitate the API may leave it out.
    let status = said("/status").unwrap_or("completed");
    match status {
        "completed" => Ok(status.to_owned()),
        "incomplete" => Ok(said("/incomplete_details/reason")
            .unwrap_or(status)
            .to_owned()),
        _ => {
            let message = said("/error/message").or(said("/error/code"));
            let message = message.map_or_else(String::new, |it| format!(": {it}"));
            let detail = format!("the response has the status `{status}`{message}");
            Err(CallFailure::new(failed, detail))
        }
    }
}

fn usage_of(response: &Value) -> Option<Usage> {
    let usage = response.get("usage")?;
    let (input, output) = (
        usage.get("input_tokens")?.as_u64()?,
        usage.get("output_tokens")?.as_u64()?,
    );
    let part = |details: &str, key: &str| usage[details][key].as_u64().unwrap_or(0);
    Some(Usage {
        input,
        output,
        cached: part("input_tokens_details", "cached_tokens").min(input),
        cache_write: 0,
        reasoning: part("output_tokens_details", "reasoning_tokens").min(output),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::chat::{Api, Reading};

    fn read(stream: bool, bytes: &str) -> (u32, Result<Reply, CallFailure>) {
        let mut reader = Reading::of(Api::Responses, stream, false).reader();
        (reader.data(bytes.as_bytes()), reader.finish())
    }

    fn stream(events: &[Value]) -> (u32, Result<Reply, CallFailure>) {
        let event = |it: &Value| format!("event: {}\ndata: {it}\n\n", it["type"].as_str().unwrap());
        read(true, &events.iter().map(event).collect::<String>())
    }

    fn ended(status: &str, more: &Value) -> Value {
        let mut response = json!({"model": "m", "status": status,
            "usage": {"input_tokens": 9, "output_tokens": 4}});
        response
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"type": format!("response.{status}"), "response": response})
    }

    #[test]
    fn text_reasoning_refusals_and_calls_are_content_and_nothing_else_is() {
        let (contents, reply) = stream(&[
            json!({"type": "response.created", "response": {"status": "in_progress"}}),
            json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning"}}),
            json!({"type": "response.reasoning_summary_text.delta", "delta": "hm"}),
            json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message"}}),
            json!({"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}}),
            json!({"type": "response.output_text.delta", "delta": ""}),
            json!({"type": "response.output_text.delta", "delta": "Hel"}),
            json!({"type": "response.output_text.delta", "delta": "lo\n"}),
            json!({"type": "response.output_text.done", "text": "Hello\n"}),
            json!({"type": "response.output_item.added", "output_index": 2,
                "item": {"type": "function_call", "call_id": "c1", "id": "fc1", "name": "find", "arguments": ""}}),
            json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"q\":"}),
            json!({"type": "response.output_item.added", "output_index": 3,
                "item": {"type": "function_call", "call_id": "c2", "name": "stop", "arguments": "{}"}}),
            json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "1}"}),
            json!({"type": "response.function_call_arguments.done", "output_index": 2, "arguments": "{\"q\":1}"}),
            ended("completed", &json!({})),
        ]);
        let reply = reply.unwrap();
        assert_eq!((contents, reply.chunks), (7, 7));
        assert_eq!(reply.text.as_deref(), Some("Hello\n"));
        assert_eq!(reply.finish_reason.as_deref(), Some("completed"));
        assert_eq!(
            reply.outputs["tool_calls"],
            json!([
                {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{\"q\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "stop", "arguments": "{}"}},
            ])
        );
        let usage = reply.usage.unwrap();
        assert_eq!((usage.input, usage.output), (9, 4));
        assert_eq!(reply.body.unwrap()["model"], "m");
        let refusal = json!({"type": "response.refusal.delta", "delta": "No."});
        let (contents, reply) = stream(&[refusal, ended("completed", &json!({}))]);
        let reply = reply.unwrap();
        assert_eq!((contents, reply.text.as_deref()), (1, Some("No.")));
        assert_eq!(reply.outputs["refusal"], "No.");
    }

    #[test]
    fn what_was_cut_short_is_an_answer_and_what_failed_is_none() {
        let text = || json!({"type": "response.output_text.delta", "delta": "Hel"});
        let why = json!({"incomplete_details": {"reason": "max_output_tokens"}});
        let (_, reply) = stream(&[text(), ended("incomplete", &why)]);
        assert_eq!(
            reply.unwrap().finish_reason.as_deref(),
            Some("max_output_tokens")
        );
        let failed = |events: &[Value]| stream(events).1.unwrap_err();
        let error = json!({"error": {"code": "server_error", "message": "overloaded"}});
        let failure = failed(&[text(), ended("failed", &error)]);
        assert_eq!(failure.failure, Failure::StreamError);
        assert_eq!(
            failure.detail,
            "the response has the status `failed`: overloaded"
        );
        let error = json!({"type": "error", "code": "x", "message": "full"});
        assert_eq!(failed(&[text(), error]).failure, Failure::StreamError);
        assert_eq!(failed(&[text()]).failure, Failure::Reset);
        assert_eq!(failed(&[]).failure, Failure::Contract);
        let empty = failed(&[ended("completed", &json!({}))]);
        assert!(empty.is_empty, "{empty:?}");
        // A server of another API.
        let chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";
        assert_eq!(read(true, chunk).1.unwrap_err().failure, Failure::Contract);
    }

    /// field 29: cached and reasoning tokens are parts of the counts, and never more than they.
    #[test]
    fn the_parts_of_usage_are_read_streamed_and_whole() {
        let counts = |input: Value, output: Value| {
            json!({"input_tokens": 9, "output_tokens": 4,
            "input_tokens_details": input, "output_tokens_details": output})
        };
        for (usage, cached, reasoning) in [
            (
                counts(json!({"cached_tokens": 6}), json!({"reasoning_tokens": 3})),
                6,
                3,
            ),
            (
                counts(
                    json!({"cached_tokens": 60}),
                    json!({"reasoning_tokens": 30}),
                ),
                9,
                4,
            ),
            (counts(json!({}), Value::Null), 0, 0),
            (json!({"input_tokens": 9, "output_tokens": 4}), 0, 0),
        ] {
            let output =
                json!([{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}]);
            let body = json!({"status": "completed", "output": output, "usage": usage.clone()});
            let delta = json!({"type": "response.output_text.delta", "delta": "Hi"});
            let whole = read(false, &body.to_string()).1;
            let streamed = stream(&[delta, ended("completed", &json!({"usage": usage.clone()}))]).1;
            for reply in [whole, streamed] {
                let expected = Usage {
                    input: 9,
                    output: 4,
                    cached,
                    cache_write: 0,
                    reasoning,
                };
                assert_eq!(reply.unwrap().usage, Some(expected), "{usage}");
            }
        }
    }

    #[test]
    fn an_answer_in_one_body_is_read() {
        let whole = |status: &str, output: Value| {
            let body = json!({"status": status, "output": output,
                "usage": {"input_tokens": 3, "output_tokens": 2}});
            read(false, &body.to_string()).1
        };
        let reply = whole(
            "completed",
            json!([
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "message", "content": [{"type": "output_text", "text": "Hi"}, {"type": "output_text", "text": "!"}]},
                {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{\"x\":1}"},
            ]),
        )
        .unwrap();
        assert_eq!(reply.text.as_deref(), Some("Hi!"));
        assert_eq!(reply.usage.unwrap().output, 2);
        assert_eq!(
            reply.outputs["tool_calls"][0]["function"]["arguments"],
            "{\"x\":1}"
        );
        let refusal =
            json!([{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]);
        let reply = whole("completed", refusal).unwrap();
        assert_eq!(
            (reply.text.as_deref(), &reply.outputs["refusal"]),
            (Some("No."), &json!("No."))
        );
        assert!(whole("completed", json!([])).unwrap_err().is_empty);
        for status in ["failed", "in_progress", "queued", "cancelled"] {
            let failure = whole(status, json!([])).unwrap_err();
            assert!(failure.detail.contains(status), "{failure:?}");
        }
        assert_eq!(read(false, "{}").1.unwrap_err().failure, Failure::Contract);
    }
}

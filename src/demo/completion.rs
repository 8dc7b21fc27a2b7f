//! The chat model's answers in OpenAI's format: one document, or a stream of server-sent events.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::Sender;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::tokens;
use super::latency;

/// The name of the model that answers, whatever name was asked for.
const MODEL: &str = "lumo-small-2026-03";

/// The most tokens of an answer when the request names no limit, or a higher one.
const MAX_TOKENS: usize = 1024;

/// What is asked of the model; keys that the demo has no use for are ignored, as other servers do.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) messages: Vec<Message>,
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(default)]
    stream_options: StreamOptions,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
}

/// One message of the conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    content: String,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

impl Request {
    /// Returns the whole conversation as one prompt.
    pub(super) fn prompt(&self) -> String {
        let contents: Vec<_> = self.messages.iter().map(|m| m.content.as_str()).collect();
        contents.join("\n")
    }
}

/// An answer, cut into tokens, with the time at which each one is due.
#[derive(Debug)]
pub(super) struct Completion {
    id: String,
    /// Each token and when it is due, after the request came.
    pieces: Vec<(String, Duration)>,
    finish_reason: &'static str,
    usage: Value,
    include_usage: bool,
}

impl Completion {
    /// Cuts the answer to a request into tokens and times them.
    pub(super) fn new(request: &Request, prompt: &str, answer: &str) -> Self {
        let mut pieces = tokens(answer);
        let asked = request.max_completion_tokens.or(request.max_tokens);
        let limit = asked.unwrap_or(MAX_TOKENS).min(MAX_TOKENS);
        let cut = limit < pieces.len();
        pieces.truncate(limit);
        let mut due = latency::first_token(prompt);
        let mut timed = Vec::with_capacity(pieces.len());
        for (index, piece) in pieces.into_iter().enumerate() {
            timed.push((piece, due));
            due += latency::token(prompt, index);
        }
        let (input, output) = (tokens(prompt).len(), timed.len());
        Self {
            id: format!(
                "chatcmpl-{}",
                &blake3::hash(prompt.as_bytes()).to_hex()[..16]
            ),
            pieces: timed,
            finish_reason: if cut { "length" } else { "stop" },
            usage: json!({
                "prompt_tokens": input,
                "completion_tokens": output,
                "total_tokens": input + output,
            }),
            include_usage: request.stream_options.include_usage,
        }
    }

    /// Returns when the last token is due, after the request came.
    pub(super) fn duration(&self) -> Duration {
        self.pieces.last().map_or(Duration::ZERO, |(_, due)| *due)
    }

    /// Returns the answer as one document.
    pub(super) fn document(&self) -> Value {
        let content: String = self
            .pieces
            .iter()
            .map(|(piece, _)| piece.as_str())
            .collect();
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": CREATED,
            "model": MODEL,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": self.finish_reason,
            }],
            "usage": self.usage,
        })
    }

    /// Sends the answer as events, each when it is due; ends early when nobody reads any more.
    pub(super) async fn stream(self, start: Instant, mut body: Sender<Bytes>) {
        let role = self.chunk(&json!({"role": "assistant", "content": ""}), None);
        let mut open = send(&mut body, &role).await;
        for (piece, due) in &self.pieces {
            if !open {
                return;
            }
            tokio::time::sleep_until(start + *due).await;
            open = send(&mut body, &self.chunk(&json!({"content": piece}), None)).await;
        }
        let mut tail = event(&self.chunk(&json!({}), Some(self.finish_reason)));
        if self.include_usage {
            tail.push_str(&event(&self.frame(&json!([]), &self.usage)));
        }
        tail.push_str("data: [DONE]\n\n");
        // A reader that has left by now misses nothing.
        body.send_data(Bytes::from(tail)).await.ok();
    }

    fn chunk(&self, delta: &Value, finish_reason: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish_reason});
        self.frame(&json!([choice]), &Value::Null)
    }

    fn frame(&self, choices: &Value, usage: &Value) -> Value {
        let mut frame = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": MODEL,
            "choices": choices,
        });
        if !usage.is_null() {
            frame["usage"] = usage.clone();
        }
        frame
    }
}

/// A fixed moment (2026-03-01), so that the same request gets the same bytes.
const CREATED: u64 = 1_772_323_200;

/// Returns one server-sent event.
fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// Sends one event; returns whether somebody still reads.
async fn send(body: &mut Sender<Bytes>, data: &Value) -> bool {
    body.send_data(Bytes::from(event(data))).await.is_ok()
}

//! What the kinds that speak plain HTTP share: a request from templates, one JSON (or text) answer, or a stream of
//! events whose content is at `output.delta`.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::cache::Hit;
use super::failure::CallFailure;
use super::output::{Outputs, is_truthy};
use super::reply::{Head, Reply};
use super::sse::SseParser;
use super::{Call, HttpRequest, ReplyReader, Request};
use crate::manifest::{HttpVersion, KindTable, Problems};
use crate::measure::Failure;
use crate::template::{Reference, Scope, Template, TemplateError, ValueTemplate};
use crate::text::excerpt;

/// How much of an answer that cannot be used is repeated, in characters.
const EXCERPT: usize = 120;

/// The keys of `http`, `retrieval`, and `rerank`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    url: Template,
    /// Default: `POST` with a body, `GET` without.
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    body: Option<ValueTemplate>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    output: Outputs,
}

/// A stage that is called by one HTTP request.
#[derive(Debug)]
pub(super) struct Rest {
    target: Target,
    body: Option<ValueTemplate>,
    stream: bool,
    output: Outputs,
    hit: Option<Hit>,
}

/// Method, address, and headers: the part of a request that every HTTP kind has.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) method: String,
    pub(super) url: Template,
    pub(super) headers: BTreeMap<String, Template>,
}

impl Target {
    /// Fills the templates. `json` says whether the body is JSON, for the content type; `stream` what is accepted.
    pub(super) fn request(
        &self,
        scope: &Scope,
        body: Bytes,
        json: bool,
        stream: bool,
    ) -> Result<HttpRequest, TemplateError> {
        let written = self.url.text(scope)?;
        let url = url::Url::parse(&written).map_err(|error| TemplateError {
            template: written.clone(),
            reason: format!("it is not a URL: {error}"),
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(TemplateError {
                template: written,
                reason: "a stage is called by `http://` or `https://`".to_owned(),
            });
        }
        let mut headers = Vec::with_capacity(self.headers.len() + 2);
        for (name, value) in &self.headers {
            let value = value.text(scope)?;
            if value.contains(['\r', '\n']) {
                return Err(TemplateError {
                    template: format!("headers.{name}"),
                    reason: "a header must not hold a line break".to_owned(),
                });
            }
            headers.push((name.clone(), value));
        }
        let mut request = HttpRequest {
            method: self.method.clone(),
            url,
            headers,
            body,
            version: HttpVersion::One,
        };
        if json {
            request.add_header("content-type", "application/json");
        }
        request.add_header("accept", if stream { "text/event-stream" } else { "*/*" });
        Ok(request)
    }

    /// Returns every reference in the address and the headers.
    pub(super) fn references(&self) -> impl Iterator<Item = Reference> + '_ {
        std::iter::once(&self.url)
            .chain(self.headers.values())
            .flat_map(Template::references)
    }
}

/// Describes the keys.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Schema {
    Spec::json_schema(generator)
}

/// Parses the keys; `required` names the output without which the kind makes no sense.
pub(super) fn parse(
    table: &KindTable,
    problems: &mut Problems,
    required: Option<&str>,
) -> Option<Rest> {
    let spec: Spec = table.parse(problems)?;
    if let Some(name) = required.filter(|name| spec.output.get(name).is_none()) {
        problems.at(
            table.span.clone(),
            format!("a `{}` stage needs `output.{name}`", table.kind),
            Some(format!(
                "Add for instance output = {{ {name} = \"$.hits[*].id\" }}."
            )),
        );
        return None;
    }
    if spec.stream && spec.output.get("delta").is_none() {
        problems.at(
            table.span.clone(),
            "a streaming stage needs `output.delta`",
            Some("Say where an event holds its text: output = { delta = \"$.text\" }.".to_owned()),
        );
        return None;
    }
    let default = if spec.body.is_some() { "POST" } else { "GET" };
    let method = spec
        .method
        .unwrap_or_else(|| default.to_owned())
        .to_ascii_uppercase();
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        problems.at(
            table.span.clone(),
            format!("`{method}` is not an HTTP method"),
            None,
        );
        return None;
    }
    Some(Rest {
        target: Target {
            method,
            url: spec.url,
            headers: spec.headers,
        },
        body: spec.body,
        stream: spec.stream,
        output: spec.output,
        hit: None,
    })
}

impl Rest {
    /// Makes the stage one that tells hits from misses.
    pub(super) fn with_hit(self, hit: Hit) -> Self {
        Self {
            hit: Some(hit),
            ..self
        }
    }
}

impl Call for Rest {
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError> {
        let (body, json) = match self
            .body
            .as_ref()
            .map(|body| body.value(scope))
            .transpose()?
        {
            None => (Bytes::new(), false),
            // A body that is a plain string is sent as it is, anything else as JSON.
            Some(Value::String(text)) => (Bytes::from(text), false),
            Some(value) => (Bytes::from(value.to_string()), true),
        };
        let request = self.target.request(scope, body, json, self.stream)?;
        Ok(Request::Http(request))
    }

    fn streams(&self) -> bool {
        self.stream
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        if self.stream {
            Box::new(StreamReader {
                output: self.output.clone(),
                parser: SseParser::default(),
                text: String::new(),
                chunks: 0,
                failure: None,
                hit: self.hit.clone(),
                was_hit: None,
            })
        } else {
            Box::new(BodyReader::new(self.output.clone(), self.hit.clone()))
        }
    }

    fn needs_steps(&self) -> Vec<String> {
        let body = self.body.iter().flat_map(ValueTemplate::references);
        steps(self.target.references().chain(body))
    }
}

/// Reads an answer that comes as one body.
pub(super) struct BodyReader {
    output: Outputs,
    hit: Option<Hit>,
    hit_by_header: Option<bool>,
    body: Vec<u8>,
}

impl BodyReader {
    pub(super) fn new(output: Outputs, hit: Option<Hit>) -> Self {
        Self {
            output,
            hit,
            hit_by_header: None,
            body: Vec::new(),
        }
    }

    /// Returns what has come so far as JSON.
    pub(super) fn as_json(&self) -> Result<Value, CallFailure> {
        json(&self.body)
    }
}

impl ReplyReader for BodyReader {
    fn head(&mut self, head: Head<'_>) {
        self.hit_by_header = self.hit.as_ref().and_then(|hit| hit.in_head(head));
        if let Some(length) = head.content_length() {
            self.body.reserve(length.min(1 << 20));
        }
    }

    fn data(&mut self, bytes: &[u8]) -> u32 {
        self.body.extend_from_slice(bytes);
        u32::from(!bytes.is_empty())
    }

    fn finish(self: Box<Self>) -> Result<Reply, CallFailure> {
        let by_body = self.hit.as_ref().filter(|hit| hit.is_field());
        if self.output.is_empty() && by_body.is_none() {
            let text = utf8(self.body)?;
            return Ok(Reply {
                hit: self.hit_by_header,
                ..Reply::of_text(&text)
            });
        }
        let body = json(&self.body)?;
        let outputs = self.output.select(&body)?;
        Ok(Reply {
            hit: by_body.map_or(self.hit_by_header, |hit| hit.in_body(&body)),
            text: if self.output.is_empty() {
                Some(as_text(&body))
            } else {
                outputs.get("text").map(as_text)
            },
            fallback: self
                .output
                .get("fallback")
                .map(|_| outputs.get("fallback").is_some_and(is_truthy)),
            outputs,
            body: Some(body),
            ..Reply::default()
        })
    }
}

/// Reads a stream of events, each of which holds a piece of text at `output.delta`.
struct StreamReader {
    output: Outputs,
    parser: SseParser,
    text: String,
    chunks: u64,
    failure: Option<CallFailure>,
    hit: Option<Hit>,
    was_hit: Option<bool>,
}

impl ReplyReader for StreamReader {
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

/// Returns the steps among references: the NAME of `steps.NAME.…`, each once.
pub(super) fn steps(references: impl Iterator<Item = Reference>) -> Vec<String> {
    let names = references.filter_map(|reference| match reference.as_slice() {
        [root, name, ..] if root == "steps" => Some(name.clone()),
        _ => None,
    });
    names.collect::<BTreeSet<String>>().into_iter().collect()
}

/// Returns the bytes as text, or why they are not.
pub(super) fn utf8(bytes: Vec<u8>) -> Result<String, CallFailure> {
    String::from_utf8(bytes).map_err(|error| {
        CallFailure::new(
            Failure::Decode,
            format!("the answer is not UTF-8: {}", error.utf8_error()),
        )
    })
}

/// Returns the bytes as JSON, or why they are not, with the beginning of what came.
pub(super) fn json(bytes: &[u8]) -> Result<Value, CallFailure> {
    serde_json::from_slice(bytes).map_err(|error| {
        CallFailure::new(
            Failure::Decode,
            format!(
                "the answer is not JSON ({error}): {}",
                excerpt(bytes, EXCERPT)
            ),
        )
    })
}

/// Returns an error event inside a stream as a failure.
pub(super) fn stream_error(data: &[u8]) -> CallFailure {
    CallFailure::new(
        Failure::StreamError,
        format!(
            "the stream holds an error event: {}",
            excerpt(data, EXCERPT)
        ),
    )
}

/// Returns the failure of a stream that stops before its end.
pub(super) fn cut() -> CallFailure {
    CallFailure::new(Failure::Reset, "the stream was cut before it was complete")
}

/// Returns a value as text: a string as it is, anything else as JSON.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

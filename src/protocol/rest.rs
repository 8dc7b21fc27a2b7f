//! What the kinds that speak plain HTTP share: a request from templates, one JSON (or text) answer, or a stream of
//! events whose content is at `output.delta`.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::body::{Body, whole_body};
use super::decode::{as_text, json, utf8};
use super::empty::Empty;
use super::event_stream::EventStream;
use super::failure::CallFailure;
use super::hit::Hit;
use super::output::{Outputs, is_truthy};
use super::reply::Reply;
use super::target::{Target, steps};
use super::{Call, ReplyReader, Request};
use crate::manifest::{KindTable, Problems};
use crate::template::{Scope, Template, TemplateError, ValueTemplate};

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
    /// Whether a stream without any content is an answer; a failure where this is not given.
    empty: Option<Empty>,
}

/// A stage that is called by one HTTP request.
#[derive(Debug)]
pub(super) struct Rest {
    target: Target,
    body: Option<ValueTemplate>,
    stream: bool,
    output: Outputs,
    hit: Option<Hit>,
    takes_empty: bool,
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
        takes_empty: spec.empty.is_some(),
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
        let (output, hit) = (self.output.clone(), self.hit.clone());
        if self.stream {
            return Box::new(EventStream::new(output, hit, self.takes_empty));
        }
        let by_header = hit.clone();
        whole_body(by_header, move |body| read(&output, hit.as_ref(), body))
    }

    fn needs_steps(&self) -> Vec<String> {
        let body = self.body.iter().flat_map(ValueTemplate::references);
        steps(self.target.references().chain(body))
    }
}

/// Reads a whole body: the outputs that are named, or all of it as text.
pub(super) fn read(outputs: &Outputs, hit: Option<&Hit>, body: Body) -> Result<Reply, CallFailure> {
    let by_body = hit.filter(|hit| hit.is_field());
    if outputs.is_empty() && by_body.is_none() {
        let text = utf8(body.bytes)?;
        return Ok(Reply {
            hit: body.hit,
            ..Reply::of_text(&text)
        });
    }
    let whole = json(&body.bytes)?;
    let found = outputs.select(&whole)?;
    let fallback = outputs.get("fallback");
    Ok(Reply {
        hit: by_body.map_or(body.hit, |hit| hit.in_body(&whole)),
        text: if outputs.is_empty() {
            Some(as_text(&whole))
        } else {
            found.get("text").map(as_text)
        },
        fallback: fallback.map(|_| found.get("fallback").is_some_and(is_truthy)),
        outputs: found,
        body: Some(whole),
        ..Reply::default()
    })
}

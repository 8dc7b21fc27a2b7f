//! What the kinds that speak plain HTTP share: a request from templates, one JSON (or text) answer,
//! or a stream whose content is at `output.delta`.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::body::whole_body;
use super::decode::utf8;
use super::empty::Empty;
use super::failure::CallFailure;
use super::output::{Answers, HitKey, Outputs, Shape, source_of};
use super::reply::Reply;
use super::stream::{Deltas, Framing, StreamKey, StreamReader};
use super::target::{Target, steps};
use super::{Brings, Call, ReplyReader, Request};
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
    stream: StreamKey,
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
    stream: Option<Framing>,
    output: Outputs,
    /// The step whose documents are sent, where the answer puts them in order.
    documents: Option<String>,
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
    let stream = spec.stream.0;
    let documents = spec.body.as_ref().map(ValueTemplate::references);
    let documents = documents.and_then(|references| source_of(&references));
    let right = can_be_found(&spec.output, required, table, problems)
        & spec.output.check(shape(stream), table, problems)
        & spec
            .output
            .check_order(documents.as_deref(), table, problems);
    if matches!(stream, Some(Framing::Sse | Framing::Ndjson)) && !spec.output.has("delta") {
        problems.at(
            table.span.clone(),
            "a streaming stage needs `output.delta`",
            Some("Say where an event holds its text: output = { delta = \"$.text\" }.".to_owned()),
        );
        return None;
    }
    if !right {
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
    let target = Target {
        method,
        url: spec.url,
        headers: spec.headers,
    };
    if !target.check(table, problems) {
        return None;
    }
    Some(Rest {
        target,
        body: spec.body,
        stream,
        documents: documents.filter(|_| spec.output.has("order")),
        output: spec.output,
        takes_empty: spec.empty.is_some(),
    })
}

/// Checks that an output is named without which the kind makes no sense.
fn can_be_found(
    output: &Outputs,
    required: Option<&str>,
    table: &KindTable,
    problems: &mut Problems,
) -> bool {
    let is_named = |name: &str| output.has(name) || name == "ids" && output.has("order");
    let Some(name) = required.filter(|name| !is_named(name)) else {
        return true;
    };
    let help = if table.kind == "rerank" {
        "Add output = { order = \"$.results[*].index\" }, or { ids = \"$.results[*].id\" } where it answers with ids.".to_owned()
    } else {
        format!("Add for instance output = {{ {name} = \"$.hits[*].id\" }}.")
    };
    let message = format!("a `{}` stage needs `output.{name}`", table.kind);
    problems.at(table.span.clone(), message, Some(help));
    false
}

/// Returns what the answers are like.
fn shape(stream: Option<Framing>) -> Shape {
    Shape {
        answers: match stream {
            None => Answers::Whole,
            Some(Framing::Sse) => Answers::NamedEvents,
            Some(Framing::Ndjson) => Answers::Events,
            Some(Framing::Text) => Answers::Chunks,
        },
        knows_its_text: false,
        has_text: true,
        has_headers: true,
    }
}

impl Rest {
    /// The same stage, whose answers tell a hit of a cache from a miss.
    pub(super) fn with_hit(self, hit: HitKey) -> Self {
        Self {
            output: self.output.with_hit(hit),
            ..self
        }
    }

    /// Returns whether an answer says whether a cache had it.
    pub(super) fn tells_hits(&self) -> bool {
        self.output.has("hit")
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
        self.stream.is_some()
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        let output = &self.output;
        if let Some(framing) = self.stream {
            let deltas = Deltas::new(framing, output.clone());
            return Box::new(StreamReader::new(framing, deltas, output, self.takes_empty));
        }
        whole_body(output, read(output))
    }

    fn needs_steps(&self) -> Vec<String> {
        let body = self.body.iter().flat_map(ValueTemplate::references);
        steps(self.target.references().chain(body))
    }

    fn brings(&self) -> Brings<'_> {
        Brings {
            always: text_of(&self.output, self.streams()),
            at_times: &[],
            named: Some(&self.output),
        }
    }

    fn documents_of(&self) -> Option<&str> {
        self.documents.as_deref()
    }
}

/// Returns what a whole answer or a stream brings besides the outputs that are named.
pub(super) fn text_of(output: &Outputs, streams: bool) -> &'static [&'static str] {
    if streams || output.take_it_as_text() {
        &["text"]
    } else {
        &[]
    }
}

/// Makes what reads a whole body: all of it is the text where no output names a part of it.
pub(super) fn read(
    output: &Outputs,
) -> impl FnOnce(&[u8]) -> Result<Reply, CallFailure> + Send + 'static {
    let is_text = output.take_it_as_text();
    move |bytes| {
        if is_text {
            let text = utf8(bytes.to_vec())?;
            return Ok(Reply {
                is_empty: text.trim().is_empty(),
                ..Reply::of_text(&text)
            });
        }
        Ok(Reply::default())
    }
}

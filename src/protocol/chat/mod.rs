//! `kind = "chat"`: a chat model, streaming or not, in the shape of either of two APIs.

mod anthropic;
mod openai;

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::rest::{Target, steps};
use super::{Call, Protocol, ReplyReader, Request};
use crate::manifest::{KindTable, Problems, Scope, Template, TemplateError, ValueTemplate};
use crate::registry::Entry;

/// The stage kind `chat`.
pub(super) struct Chat;

impl Entry for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn summary(&self) -> &'static str {
        "a chat model, OpenAI-compatible or with Anthropic's Messages API, streaming or not"
    }
}

/// Whose requests and answers a chat model speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Api {
    /// Chat completions.
    #[default]
    Openai,
    /// The Messages API.
    Anthropic,
}

/// The keys of a `chat` stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    url: Template,
    #[serde(default)]
    api: Api,
    model: Template,
    messages: ValueTemplate,
    /// The instructions before the conversation.
    system: Option<Template>,
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    #[serde(default)]
    stream: bool,
    max_tokens: Option<u32>,
    temperature: Option<f64>,
    /// Further keys of the request, for instance `{ top_p = 0.9 }`.
    body: Option<ValueTemplate>,
}

/// One chat model.
#[derive(Debug)]
struct ChatCall {
    target: Target,
    spec: Spec,
}

impl Protocol for Chat {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>> {
        let mut spec: Spec = table.parse(problems)?;
        let mut headers = std::mem::take(&mut spec.headers);
        let given = |name: &str| headers.keys().any(|key| key.eq_ignore_ascii_case(name));
        if spec.api == Api::Anthropic && !given(anthropic::VERSION.0) {
            let (name, version) = anthropic::VERSION;
            headers.insert(name.to_owned(), Template::plain(version));
        }
        let target = Target {
            method: "POST".to_owned(),
            url: spec.url.clone(),
            headers,
        };
        Some(Box::new(ChatCall { target, spec }))
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

impl Call for ChatCall {
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError> {
        let spec = &self.spec;
        let mut body = match spec.api {
            Api::Openai => openai::body(spec, scope)?,
            Api::Anthropic => anthropic::body(spec, scope)?,
        };
        if let Some(temperature) = spec.temperature {
            body.insert("temperature".to_owned(), json!(temperature));
        }
        if spec.stream {
            body.insert("stream".to_owned(), json!(true));
        }
        let more = spec.body.as_ref().map(|body| body.value(scope));
        if let Some(Value::Object(more)) = more.transpose()? {
            body.extend(more);
        }
        let bytes = Bytes::from(Value::Object(body).to_string());
        let request = self.target.request(scope, bytes, true, spec.stream)?;
        Ok(Request::Http(request))
    }

    fn streams(&self) -> bool {
        self.spec.stream
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        match self.spec.api {
            Api::Openai => openai::reader(self.spec.stream),
            Api::Anthropic => anthropic::reader(self.spec.stream),
        }
    }

    fn needs_steps(&self) -> Vec<String> {
        let spec = &self.spec;
        let templates = [Some(&spec.model), spec.system.as_ref()];
        let values = [Some(&spec.messages), spec.body.as_ref()];
        let texts = templates
            .into_iter()
            .flatten()
            .flat_map(Template::references);
        let values = values
            .into_iter()
            .flatten()
            .flat_map(ValueTemplate::references);
        steps(self.target.references().chain(texts).chain(values))
    }
}

//! `kind = "chat"`: a chat model, streaming or not, in the shape of one of three APIs.

mod anthropic;
mod content;
mod openai;
mod responses;
mod tools;

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::whole_body;
use super::empty::Empty;
use super::output::{Answers, Outputs, Shape, source_of};
use super::stream::{Events, Framing, StreamKey, StreamReader};
use super::target::{Target, steps};
use super::{Brings, Call, Protocol, ReplyReader, Request};
use crate::manifest::{KindTable, Problem, Problems};
use crate::registry::{Entry, did_you_mean};
use crate::template::{Scope, Template, TemplateError, ValueTemplate};

/// Makes the reader of a stream of OpenAI's API.
#[cfg(any(test, fuzzing))]
pub(crate) fn stream_reader() -> Box<dyn super::ReplyReader> {
    Reading::of(Api::Openai, true, false).reader()
}

/// Makes the reader of a stream of `OpenAI`'s Responses API.
#[cfg(any(test, fuzzing))]
pub(crate) fn responses_reader() -> Box<dyn super::ReplyReader> {
    Reading::of(Api::Responses, true, false).reader()
}

/// The stage kind `chat`.
pub(super) struct Chat;

impl Entry for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn summary(&self) -> &'static str {
        "a chat model, OpenAI-compatible, or with Anthropic's Messages or OpenAI's Responses API, streaming or not"
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
    /// The Responses API.
    Responses,
}

/// How the answers of a chat model are read.
#[derive(Clone, Debug)]
struct Reading {
    api: Api,
    streams: bool,
    takes_empty: bool,
    outputs: Outputs,
}

impl Reading {
    /// Makes one without outputs.
    #[cfg(any(test, fuzzing))]
    fn of(api: Api, streams: bool, takes_empty: bool) -> Self {
        Self {
            api,
            streams,
            takes_empty,
            outputs: Outputs::default(),
        }
    }

    /// Makes the reader of one answer.
    fn reader(&self) -> Box<dyn ReplyReader> {
        if self.streams {
            return match self.api {
                Api::Openai => self.stream(openai::Chunks::default()),
                Api::Anthropic => self.stream(anthropic::Message::default()),
                Api::Responses => self.stream(responses::Response::default()),
            };
        }
        let read = match self.api {
            Api::Openai => openai::read_body,
            Api::Anthropic => anthropic::read_body,
            Api::Responses => responses::read_body,
        };
        let takes_empty = self.takes_empty;
        whole_body(&self.outputs, move |body| read(body, takes_empty))
    }

    fn stream<E: Events + 'static>(&self, events: E) -> Box<dyn ReplyReader> {
        let (outputs, takes_empty) = (&self.outputs, self.takes_empty);
        Box::new(StreamReader::new(
            Framing::Sse,
            events,
            outputs,
            takes_empty,
        ))
    }
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
    stream: StreamKey,
    max_tokens: Option<u32>,
    /// What newer models of OpenAI's API take in place of `max_tokens`.
    max_completion_tokens: Option<u32>,
    temperature: Option<f64>,
    /// Further keys of the request, for instance `{ top_p = 0.9 }`.
    body: Option<ValueTemplate>,
    /// Whether an answer without any content is one; a failure where this is not given.
    empty: Option<Empty>,
    #[serde(default)]
    output: Outputs,
}

/// One chat model.
#[derive(Debug)]
struct ChatCall {
    target: Target,
    spec: Spec,
    reading: Reading,
    /// The step whose documents are sent, where the answer puts them in order.
    documents: Option<String>,
    /// Whether what was said before in a session is put before the messages; not where these name
    /// it themselves.
    carries: bool,
}

impl Protocol for Chat {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>> {
        let mut spec: Spec = table.parse(problems)?;
        if let Some(problem) = wrong(&spec, table) {
            problems.extend([problem]);
            return None;
        }
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
        if !target.check(table, problems) {
            return None;
        }
        let references = spec.messages.references();
        let carries = !references
            .iter()
            .any(|path| path.first().is_some_and(|root| root == "session"));
        let framing = spec.stream.0;
        let shape = Shape {
            answers: framing.map_or(Answers::Whole, |_| Answers::NamedEvents),
            knows_its_text: true,
            has_text: true,
            has_headers: true,
        };
        let documents = source_of(&references);
        let right = spec.output.check(shape, table, problems)
            && spec
                .output
                .check_order(documents.as_deref(), table, problems);
        let reading = Reading {
            api: spec.api,
            streams: framing.is_some(),
            takes_empty: spec.empty.is_some(),
            outputs: spec.output.clone(),
        };
        right.then(|| {
            Box::new(ChatCall {
                target,
                spec,
                documents: documents.filter(|_| reading.outputs.has("order")),
                reading,
                carries,
            }) as Box<dyn Call>
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

/// Returns what is wrong with the keys together, or with what they hold.
fn wrong(spec: &Spec, table: &KindTable) -> Option<Problem> {
    let what = table.what();
    if let Some(message) = slip(&spec.messages) {
        let help = "A message is like `{ role = \"user\", content = \"{{ input.question }}\" }`.";
        let message = format!("`messages` of {what}: {message}");
        return Some(Problem::new(
            &table.span_of("messages"),
            message,
            Some(help.to_owned()),
        ));
    }
    let (key, message, help) = if spec.max_tokens.is_some() && spec.max_completion_tokens.is_some()
    {
        (
            "max_completion_tokens",
            "`max_tokens` and `max_completion_tokens` are two names of one limit".to_owned(),
            "Keep the one that the model takes.",
        )
    } else if matches!(
        spec.messages,
        ValueTemplate::Table(_) | ValueTemplate::Literal(_)
    ) {
        (
            "messages",
            format!("`messages` of {what} is not a list"),
            "Write it like `messages = [{ role = \"user\", content = \"{{ input.question }}\" }]`.",
        )
    } else if spec.stream.0.is_some_and(|it| it != Framing::Sse) {
        (
            "stream",
            format!("{what} streams server-sent events, and nothing else"),
            "Write `stream = true`, or `kind = \"http\"` for another API.",
        )
    } else {
        return None;
    };
    Some(Problem::new(
        &table.span_of(key),
        message,
        Some(help.to_owned()),
    ))
}

/// Says what is wrong with the first message that nobody would take: one without a role that is no
/// item of another type either, or with a slip in the word `content` (stumbles S3).
fn slip(messages: &ValueTemplate) -> Option<String> {
    let ValueTemplate::Array(items) = messages else {
        return None;
    };
    items.iter().zip(1..).find_map(|(item, number)| {
        let ValueTemplate::Table(entries) = item else {
            return None;
        };
        let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
        let meant = |word: &str| {
            let mut slips = keys.iter().copied();
            slips.find(|key| did_you_mean(key, [word]).is_some())
        };
        let lacks =
            |word: &str, but: &str| format!("message {number} has no `{word}`, but `{but}`");
        if !keys.contains(&"role") && !keys.contains(&"type") {
            let no_role = || format!("message {number} has no `role`");
            return Some(meant("role").map_or_else(no_role, |but| lacks("role", but)));
        }
        if keys.contains(&"content") {
            return None;
        }
        meant("content").map(|but| lacks("content", but))
    })
}

/// Returns how many messages at the beginning are instructions and no part of the conversation.
fn instructions(messages: &[Value]) -> usize {
    let is_instruction =
        |message: &&Value| matches!(message["role"].as_str(), Some("system" | "developer"));
    messages.iter().take_while(is_instruction).count()
}

/// Puts what was said before in the session between the instructions and what is said now.
fn carry(scope: &Scope, messages: &mut Value) {
    if let (Value::Array(messages), Some(history)) = (messages, scope.session["history"].as_array())
    {
        let at = instructions(messages);
        messages.splice(at..at, history.iter().cloned());
    }
}

impl Call for ChatCall {
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError> {
        let spec = &self.spec;
        let mut body = match spec.api {
            Api::Openai => openai::body(spec, scope)?,
            Api::Anthropic => anthropic::body(spec, scope)?,
            Api::Responses => responses::body(spec, scope)?,
        };
        let messages = match spec.api {
            Api::Openai | Api::Anthropic => "messages",
            Api::Responses => "input",
        };
        if let (true, Some(messages)) = (self.carries, body.get_mut(messages)) {
            carry(scope, messages);
        }
        if let Some(temperature) = spec.temperature {
            body.insert("temperature".to_owned(), json!(temperature));
        }
        if self.streams() {
            body.insert("stream".to_owned(), json!(true));
        }
        let more = spec.body.as_ref().map(|body| body.value(scope));
        if let Some(Value::Object(more)) = more.transpose()? {
            body.extend(more);
        }
        let bytes = Bytes::from(Value::Object(body).to_string());
        let request = self.target.request(scope, bytes, true, spec.stream.0)?;
        Ok(Request::Http(request))
    }

    fn says(&self, scope: &Scope) -> Result<Option<Vec<Value>>, TemplateError> {
        let Value::Array(mut messages) = self.spec.messages.value(scope)? else {
            return Ok(None);
        };
        messages.drain(..instructions(&messages));
        Ok(Some(messages))
    }

    fn streams(&self) -> bool {
        self.reading.streams
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        self.reading.reader()
    }

    fn brings(&self) -> Brings<'_> {
        Brings {
            always: &["text"],
            at_times: &["refusal", "tool_calls"],
            named: Some(&self.reading.outputs),
        }
    }

    fn documents_of(&self) -> Option<&str> {
        self.documents.as_deref()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(keys: &str) -> Value {
        let keys = format!("url = \"http://127.0.0.1/v1\"\nmodel = \"m\"\n{keys}");
        let table = KindTable::from_toml("chat", &keys);
        let call = Chat.parse(&table, &mut Problems::default()).unwrap();
        let scope = Scope {
            session: json!({"id": "s", "turn": 2, "history": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b"},
            ]}),
            ..Scope::default()
        };
        let Request::Http(request) = call.request(&scope).unwrap() else {
            panic!("a chat model is reached by HTTP");
        };
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let messages = body["messages"].as_array().unwrap().iter();
        messages.map(|it| it["content"].clone()).collect()
    }

    #[test]
    fn what_was_said_before_stands_behind_the_instructions() {
        let now = "{ role = \"user\", content = \"c\" }";
        let given = format!(
            "messages = [{{ role = \"system\", content = \"i\" }}, {{ role = \"developer\", content = \"j\" }}, {now}]"
        );
        assert_eq!(sent(&given), json!(["i", "j", "a", "b", "c"]));
        let system = format!("system = \"i\"\nmessages = [{now}]");
        assert_eq!(sent(&system), json!(["i", "a", "b", "c"]));
        let other = format!("{system}\napi = \"anthropic\"\nmax_tokens = 9");
        assert_eq!(sent(&other), json!(["a", "b", "c"]));
        assert_eq!(
            sent("messages = \"{{ session.history }}\""),
            json!(["a", "b"])
        );
    }

    /// stumbles S3
    #[test]
    fn a_message_that_nobody_would_take_is_told() {
        let told = |messages: &str| {
            let keys =
                format!("url = \"http://127.0.0.1/v1\"\nmodel = \"m\"\nmessages = {messages}");
            let table = KindTable::from_toml("chat", &keys);
            let mut problems = Problems::default();
            let parsed = Chat.parse(&table, &mut problems).is_some();
            assert_eq!(parsed, problems.is_empty(), "{messages}");
            let messages = problems.iter().map(|it| it.message.clone());
            messages.collect::<Vec<_>>().join("\n")
        };
        for (messages, said) in [
            (
                "[{ rloe = \"user\", content = \"x\" }]",
                "has no `role`, but `rloe`",
            ),
            ("[{ content = \"x\" }]", "message 1 has no `role`"),
            (
                "[{ role = \"user\", content = \"x\" }, { role = \"user\", contnet = \"x\" }]",
                "message 2 has no `content`, but `contnet`",
            ),
        ] {
            assert!(
                told(messages).contains(said),
                "{messages}: {}",
                told(messages)
            );
        }
        for right in [
            "[{ role = \"assistant\", tool_calls = [{ id = \"a\" }] }, { role = \"tool\", tool_call_id = \"a\", content = \"1\" }]",
            "[{ type = \"function_call_output\", call_id = \"a\", output = \"1\" }]",
            "[\"{{ input.message }}\"]",
        ] {
            assert_eq!(told(right), "", "{right}");
        }
    }
}

//! Layer 3: how a stage is called. Every kind is sans-IO: it writes a request and reads a response,
//! whoever carries the bytes (the load engine's own sockets, or reqwest for probes and evals).

mod body;
mod bounded;
mod cache;
mod chat;
mod command;
mod decode;
mod embeddings;
mod empty;
mod event;
mod failure;
mod http;
mod output;
mod reply;
mod rerank;
mod rest;
mod retrieval;
mod said_error;
mod sse;
mod stream;
mod target;
mod text_json;
mod trace;

#[cfg(any(test, fuzzing))]
pub(crate) use chat::{responses_reader, stream_reader as chat_reader};
#[cfg(any(test, fuzzing, feature = "bench"))]
pub(crate) use sse::SseParser;

pub(crate) use bounded::weight;
pub(crate) use failure::CallFailure;
pub(crate) use output::{Documents, KNOWN as KNOWN_OUTPUTS, OutputPath};
pub(crate) use reply::{Head, Reply, Usage};
pub(crate) use text_json::TextJson;
pub(crate) use trace::{HEADER as TRACE_HEADER, TraceIds, TraceParent, VARIABLE as TRACE_VARIABLE};

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::manifest::{HttpVersion, KindTable, Problems};
use crate::registry::{Entry, Registry};
use crate::schema::KindSchema;
use crate::template::{Scope, TemplateError};

/// Every stage kind.
pub(crate) static PROTOCOLS: Registry<dyn Protocol> = Registry::new(
    "stage kind",
    &[
        &cache::Cache,
        &chat::Chat,
        &command::Command,
        &embeddings::Embeddings,
        &http::Http,
        &rerank::Rerank,
        &retrieval::Retrieval,
    ],
);

/// Describes the keys of every stage kind.
pub(crate) fn schemas(generator: &mut SchemaGenerator) -> Vec<KindSchema> {
    let kinds = PROTOCOLS.iter().map(|kind| KindSchema {
        name: kind.name().to_owned(),
        summary: kind.summary(),
        schema: kind.schema(generator),
    });
    kinds.collect()
}

/// A stage kind.
pub(crate) trait Protocol: Entry {
    /// Parses the kind's own keys. Everything that is wrong is added to `problems`; `None` when
    /// anything was.
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>>;

    /// Describes the kind's own keys.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
}

/// One stage, ready to be called.
pub(crate) trait Call: Send + Sync + std::fmt::Debug {
    /// Writes the request for one case.
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError>;

    /// Returns what a turn of a conversation says, as messages with `role` and `content`, without
    /// those before it; `None` where a request of this kind holds no messages.
    fn says(&self, _scope: &Scope) -> Result<Option<Vec<Value>>, TemplateError> {
        Ok(None)
    }

    /// Returns whether the answer is a stream of events.
    fn streams(&self) -> bool;

    /// Makes the reader of one answer.
    fn reader(&self) -> Box<dyn ReplyReader>;

    /// Returns the names of earlier steps that the request needs (`{{ steps.NAME… }}`).
    fn needs_steps(&self) -> Vec<String>;

    /// Returns what an answer brings.
    fn brings(&self) -> Brings<'_>;

    /// Returns the step whose documents a request carries, where the answer puts these in order by
    /// their positions.
    fn documents_of(&self) -> Option<&str> {
        None
    }
}

/// What an answer of a stage brings by name: what later steps, assertions, and limits can use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Brings<'a> {
    /// What every answer of its kind has.
    always: &'static [&'static str],
    /// What only some have.
    at_times: &'static [&'static str],
    /// Those that the manifest names; `None` where it cannot.
    named: Option<&'a output::Outputs>,
}

impl<'a> Brings<'a> {
    /// Returns every name under which something may be found, sorted.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        let named = self.named.into_iter().flat_map(output::Outputs::names);
        let named: Vec<&str> = named.filter(|name| *name != "delta").collect();
        let arranged: &[&str] = if named.contains(&"order") {
            &["ids", "texts"]
        } else {
            &[]
        };
        let own = [self.always, self.at_times, arranged].concat();
        let all: BTreeSet<&str> = named.into_iter().chain(own).collect();
        all.into_iter().collect()
    }

    /// Returns each output, by name, that an answer holds in two places of which the manifest names
    /// none, with what is to be said about it.
    pub(crate) fn in_both(&self, reply: &Reply, streams: bool) -> Vec<(String, String)> {
        let named = self.named.into_iter();
        named.flat_map(|it| it.in_both(reply, streams)).collect()
    }

    /// Returns the names of the manifest's own making, which have no meaning here.
    pub(crate) fn made_up(&self) -> Vec<&'a str> {
        let named = self.named.into_iter().flat_map(output::Outputs::names);
        let is_known = |name: &&str| {
            output::KNOWN.contains(name)
                || self.always.contains(name)
                || self.at_times.contains(name)
        };
        named.filter(|name| !is_known(name)).collect()
    }
}

/// A request, complete. Not `Debug`: it may hold secrets.
#[derive(Clone)]
pub(crate) enum Request {
    Http(HttpRequest),
    /// A program that is started for it.
    Process(ProcessRequest),
}

impl Request {
    /// Returns whether the stage may be asked twice: where it is not known whether the first time
    /// has acted.
    pub(crate) const fn may_repeat(&self) -> bool {
        match self {
            Self::Http(request) => request.may_repeat,
            Self::Process(_) => false,
        }
    }

    /// Gives it a `traceparent` of its own, where it is to have one.
    pub(crate) fn trace(&mut self, ids: &TraceIds) -> Option<TraceParent> {
        match self {
            Self::Http(request) if request.is_traced => {
                let trace = ids.next();
                request.headers.retain(|(name, _)| name != TRACE_HEADER);
                request.add_header(TRACE_HEADER, &trace.to_string());
                Some(trace)
            }
            Self::Process(request) if request.is_traced => {
                let trace = ids.next();
                request.variables.retain(|(name, _)| name != TRACE_VARIABLE);
                let variable = (TRACE_VARIABLE.to_owned(), trace.to_string());
                request.variables.push(variable);
                Some(trace)
            }
            _ => None,
        }
    }
}

/// An HTTP request.
#[derive(Clone)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) url: url::Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) version: HttpVersion,
    /// The documents that it carries, where the answer puts them in order.
    pub(crate) documents: Option<Arc<Documents>>,
    /// Whether the stage may be asked twice: where it is not known whether the first time has
    /// acted.
    pub(crate) may_repeat: bool,
    /// Whether whoever sends it gives it a `traceparent` of its own.
    pub(crate) is_traced: bool,
}

impl HttpRequest {
    /// Sends the user and the password of the address as they are meant, by Basic authentication
    /// (RFC 7617), where no header says who is asking.
    fn take_userinfo(&mut self) {
        let (user, password) = (self.url.username(), self.url.password());
        if user.is_empty() && password.is_none() {
            return;
        }
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let pair = [&decoded(user), &b":"[..], &decoded(password.unwrap_or(""))].concat();
        let value = format!("Basic {}", STANDARD.encode(pair));
        self.add_header("authorization", &value);
        // Both fail only for addresses without a host, which have none of either.
        let _: Result<(), ()> = self.url.set_username("");
        let _: Result<(), ()> = self.url.set_password(None);
    }

    /// Adds a header that the request does not bring itself.
    pub(crate) fn add_header(&mut self, name: &str, value: &str) {
        if !self.has_header(name) {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Returns whether the request brings a header.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        let mut headers = self.headers.iter();
        headers.any(|(key, _)| key.eq_ignore_ascii_case(name))
    }
}

/// A program, its arguments, and what it reads from its standard input.
#[derive(Clone)]
pub(crate) struct ProcessRequest {
    /// Never empty: the program and its arguments.
    pub(crate) command: Vec<String>,
    pub(crate) input: Bytes,
    /// Where it runs: the folder of the manifest.
    pub(crate) folder: std::path::PathBuf,
    /// The documents that it carries, where the answer puts them in order.
    pub(crate) documents: Option<Arc<Documents>>,
    /// Whether whoever starts it gives it a `TRACEPARENT` of its own.
    pub(crate) is_traced: bool,
    /// What its environment has besides that of this process.
    pub(crate) variables: Vec<(String, String)>,
}

/// Reads one answer, in pieces as they arrive.
pub(crate) trait ReplyReader: Send {
    /// Also brings what these paths select of a body that is not kept, as [`Reply::part`].
    fn listen(&mut self, _paths: &[OutputPath]) {}

    /// Takes the response head.
    fn head(&mut self, head: Head<'_>);

    /// Takes body bytes and returns how many content-bearing events they completed: 0 or more for a
    /// stream, 0 or 1 (any bytes at all) otherwise.
    fn data(&mut self, bytes: &[u8]) -> u32;

    /// Returns whether content of the answer itself has come, and not of its reasoning only; asked
    /// where there was content.
    fn has_answered(&self) -> bool {
        true
    }

    /// Ends the answer; `Err` when it breaks the stage's output contract.
    fn finish(self: Box<Self>) -> Result<Reply, CallFailure>;
}

//! Layer 3: how a stage is called. Every kind is sans-IO: it writes a request and reads a response, whoever carries
//! the bytes (the load engine's own sockets, or reqwest for probes and evals).

mod body;
mod cache;
mod chat;
mod command;
mod decode;
mod embeddings;
mod empty;
mod event_stream;
mod failure;
mod hit;
mod http;
mod output;
mod reply;
mod rerank;
mod rest;
mod retrieval;
mod sse;
mod target;
mod text_json;

#[cfg(any(test, fuzzing))]
pub(crate) use chat::stream_reader as chat_reader;
#[cfg(any(test, fuzzing, feature = "bench"))]
pub(crate) use sse::SseParser;

pub(crate) use failure::CallFailure;
pub(crate) use output::OutputPath;
pub(crate) use reply::{Head, Reply, Usage};
pub(crate) use text_json::TextJson;

use bytes::Bytes;
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
    /// Parses the kind's own keys. Everything that is wrong is added to `problems`; `None` when anything was.
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>>;

    /// Describes the kind's own keys.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
}

/// One stage, ready to be called.
pub(crate) trait Call: Send + Sync + std::fmt::Debug {
    /// Writes the request for one case.
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError>;

    /// Returns what a turn of a conversation says, as messages with `role` and `content`, without those before it; `None` where
    /// a request of this kind holds no messages.
    fn says(&self, _scope: &Scope) -> Result<Option<Vec<Value>>, TemplateError> {
        Ok(None)
    }

    /// Returns whether the answer is a stream of events.
    fn streams(&self) -> bool;

    /// Makes the reader of one answer.
    fn reader(&self) -> Box<dyn ReplyReader>;

    /// Returns the names of earlier steps that the request needs (`{{ steps.NAME… }}`).
    fn needs_steps(&self) -> Vec<String>;
}

/// A request, complete. Not `Debug`: it may hold secrets.
#[derive(Clone)]
pub(crate) enum Request {
    Http(HttpRequest),
    /// A program that is started for it.
    Process(ProcessRequest),
}

/// An HTTP request.
#[derive(Clone)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) url: url::Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) version: HttpVersion,
}

impl HttpRequest {
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
}

/// Reads one answer, in pieces as they arrive.
pub(crate) trait ReplyReader: Send {
    /// Takes the response head.
    fn head(&mut self, head: Head<'_>);

    /// Takes body bytes and returns how many content-bearing events they completed: 0 or more for a stream, 0 or 1
    /// (any bytes at all) otherwise.
    fn data(&mut self, bytes: &[u8]) -> u32;

    /// Ends the answer; `Err` when it breaks the stage's output contract.
    fn finish(self: Box<Self>) -> Result<Reply, CallFailure>;
}

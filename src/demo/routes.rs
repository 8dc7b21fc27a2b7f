//! What the demo server answers on each path.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::client::{CallError, Loopback};
use super::completion::{self, Completion};
use super::embed::DIMENSIONS;
use super::latency;
use super::pipeline::{Pipeline, SEARCHED, SOURCES, reorder};
use super::prompt::Found;
use super::release::Release;

/// The largest request body that is read, in bytes.
const MAX_BODY: usize = 1 << 20;
/// How long a request body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) type Body = Either<Full<Bytes>, Channel<Bytes>>;

/// The stages, the release they are in, and the orchestrator's client.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) pipeline: Pipeline,
    pub(super) release: Mutex<Release>,
    pub(super) client: Loopback,
}

/// A request that gets no answer.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the request body is not what this path takes: {0}")]
    Body(String),
    #[error("the request body is larger than 1 MiB")]
    TooLarge,
    #[error("the request body did not arrive in time")]
    Late,
    #[error("nothing is served here")]
    Path,
    #[error("this path takes {0}")]
    Method(&'static str),
    #[error("the stage `{stage}` did not answer: {source}")]
    Stage {
        stage: &'static str,
        source: CallError,
    },
}

#[derive(Deserialize)]
struct Question {
    question: String,
}

#[derive(Deserialize)]
struct Search {
    query: String,
    #[serde(default = "searched")]
    k: usize,
}

const fn searched() -> usize {
    SEARCHED
}

/// Documents are texts, or objects with `text` and perhaps `id`; `ids` names texts.
#[derive(Deserialize)]
struct Rerank {
    query: String,
    #[serde(alias = "texts")]
    documents: Vec<Value>,
    #[serde(default)]
    ids: Vec<String>,
}

#[derive(Deserialize)]
struct Embed {
    input: Value,
}

#[derive(Deserialize)]
struct Nearest {
    vector: Vec<f64>,
    #[serde(default = "searched")]
    k: usize,
}

#[derive(Deserialize)]
struct SetRelease {
    release: String,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Found>,
}

#[derive(Deserialize)]
struct Ranking {
    results: Vec<Ranked>,
}

#[derive(Deserialize)]
struct Ranked {
    index: usize,
    score: f64,
}

impl Deployment {
    /// Returns the release that is being served.
    pub(super) fn release(&self) -> Release {
        *self.release.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Switches to a release; requests that are under way end in the old one or the new one.
    pub(super) fn switch(&self, release: Release) {
        *self.release.lock().unwrap_or_else(PoisonError::into_inner) = release;
    }

    /// Answers one request.
    pub(super) async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        // Latencies count from here, so that the work itself is part of them.
        let start = Instant::now();
        let answer = self.route(start, request).await;
        answer.unwrap_or_else(|refusal| refuse(&refusal))
    }

    async fn route(
        &self,
        start: Instant,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        match (head.uri.path(), &head.method) {
            ("/chat", &Method::POST) => self.chat(read(body).await?).await,
            ("/search", &Method::POST) => Ok(self.search(start, &read(body).await?).await),
            ("/rerank", &Method::POST) => self.rerank(start, &read(body).await?).await,
            ("/v1/chat/completions", &Method::POST) => {
                Ok(self.complete(start, &read(body).await?).await)
            }
            ("/v1/embeddings", &Method::POST) => self.embed(start, &read(body).await?).await,
            ("/vectors", &Method::POST) => self.nearest(start, &read(body).await?).await,
            ("/healthz", &Method::GET) => Ok(document(&json!({"status": "ok"}))),
            ("/release", &Method::GET) => Ok(self.released()),
            ("/release", &Method::PUT) => {
                let wanted: SetRelease = read(body).await?;
                let release = wanted.release.parse();
                self.switch(
                    release.map_err(|e: super::release::UnknownRelease| {
                        Refusal::Body(e.to_string())
                    })?,
                );
                Ok(self.released())
            }
            (
                "/chat"
                | "/search"
                | "/rerank"
                | "/v1/chat/completions"
                | "/v1/embeddings"
                | "/vectors",
                _,
            ) => Err(Refusal::Method("POST")),
            ("/healthz", _) => Err(Refusal::Method("GET")),
            ("/release", _) => Err(Refusal::Method("GET, PUT")),
            _ => Err(Refusal::Path),
        }
    }

    fn released(&self) -> Response<Body> {
        document(&json!({"release": self.release().name()}))
    }

    /// The orchestrator: searches, reranks, and asks the model, each over HTTP.
    async fn chat(&self, Question { question }: Question) -> Result<Response<Body>, Refusal> {
        let release = self.release();
        let search = json!({"query": question, "k": SEARCHED});
        let hits: Hits = self.call("retrieve", "/search", &search).await?;
        let texts: Vec<_> = hits.hits.iter().map(|hit| hit.text.as_str()).collect();
        let rerank = json!({"query": question, "documents": texts});
        let ranking = self.call::<Ranking>("rerank", "/rerank", &rerank).await;
        // Without the reranker, the order of retrieval is better than no answer.
        let degraded = ranking.is_err();
        let ranked = match ranking {
            Ok(Ranking { results }) => {
                let order: Vec<_> = results.iter().map(|r| (r.index, r.score)).collect();
                reorder(&hits.hits, &order)
            }
            Err(_) => hits.hits,
        };
        let prompt = self.pipeline.prompt(release, &question, &ranked);
        let ask = json!({"model": "small", "messages": [{"role": "user", "content": prompt}]});
        let said: Value = self.call("llm", "/v1/chat/completions", &ask).await?;
        let sources: Vec<_> = ranked
            .iter()
            .take(SOURCES)
            .map(|source| json!({"id": source.id, "score": source.score}))
            .collect();
        Ok(document(&json!({
            "answer": said["choices"][0]["message"]["content"],
            "sources": sources,
            "degraded": degraded,
            "model": said["model"],
        })))
    }

    /// Calls another stage, through its own address.
    async fn call<T: DeserializeOwned>(
        &self,
        stage: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<T, Refusal> {
        let answer = self.client.post(path, body).await;
        answer
            .and_then(|value| serde_json::from_value(value).map_err(CallError::Json))
            .map_err(|source| Refusal::Stage { stage, source })
    }

    async fn search(&self, start: Instant, search: &Search) -> Response<Body> {
        let hits = self.pipeline.search(&search.query, search.k);
        sleep_until(start + latency::search(&search.query)).await;
        let mut response = document(&json!({"hits": hits}));
        let version = HeaderValue::from_str(self.pipeline.index_version())
            .expect("the index version is letters and digits");
        response.headers_mut().insert("x-index-version", version);
        response
    }

    async fn rerank(&self, start: Instant, wanted: &Rerank) -> Result<Response<Body>, Refusal> {
        let mut texts = Vec::with_capacity(wanted.documents.len());
        for document in &wanted.documents {
            let text = document.as_str().or_else(|| document["text"].as_str());
            texts.push(text.ok_or_else(|| Refusal::Body("a document without `text`".to_owned()))?);
        }
        let results: Vec<_> = self
            .pipeline
            .rerank(&wanted.query, &texts)
            .into_iter()
            .map(|(index, score)| {
                let id = wanted.documents[index]["id"].as_str();
                let id = id.or_else(|| wanted.ids.get(index).map(String::as_str));
                let id = id.map_or_else(|| index.to_string(), str::to_owned);
                json!({"index": index, "id": id, "score": score, "text": texts[index]})
            })
            .collect();
        sleep_until(start + latency::rerank(self.release(), &wanted.query)).await;
        Ok(document(
            &json!({"results": results, "model": "lumo-rerank-1"}),
        ))
    }

    /// An embedding model with OpenAI's shape.
    async fn embed(&self, start: Instant, wanted: &Embed) -> Result<Response<Body>, Refusal> {
        let texts: Vec<&str> = match &wanted.input {
            Value::String(text) => vec![text],
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if texts.is_empty() {
            let wrong = "`input` is neither a text nor an array of texts";
            return Err(Refusal::Body(wrong.to_owned()));
        }
        let data = texts.iter().enumerate().map(|(index, text)| {
            json!({"object": "embedding", "index": index, "embedding": self.pipeline.embed(text)})
        });
        let data: Vec<Value> = data.collect();
        let tokens: usize = texts
            .iter()
            .map(|text| text.split_whitespace().count())
            .sum();
        sleep_until(start + latency::search(texts[0])).await;
        Ok(document(&json!({
            "object": "list", "data": data, "model": "lumo-embed-1",
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        })))
    }

    /// A vector index over the corpus.
    async fn nearest(&self, start: Instant, wanted: &Nearest) -> Result<Response<Body>, Refusal> {
        if wanted.vector.len() != DIMENSIONS {
            let wrong = format!("`vector` must have {DIMENSIONS} dimensions");
            return Err(Refusal::Body(wrong));
        }
        let found = self.pipeline.nearest(&wanted.vector, wanted.k);
        let hits: Vec<Value> = found
            .into_iter()
            .map(|(id, score)| json!({"id": id, "score": score}))
            .collect();
        sleep_until(start + latency::search("vectors")).await;
        Ok(document(&json!({"hits": hits})))
    }

    async fn complete(&self, start: Instant, request: &completion::Request) -> Response<Body> {
        let prompt = request.prompt();
        let answer = self.pipeline.complete(&prompt);
        let completion = Completion::new(request, &prompt, &answer);
        if !request.stream {
            sleep_until(start + completion.duration()).await;
            return document(&completion.document());
        }
        // More than the longest answer has tokens: a slow reader delays nobody but itself.
        let (sender, body) = Channel::new(1024);
        tokio::spawn(completion.stream(start, sender));
        let mut response = Response::new(Either::Right(body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

/// Reads a JSON body.
async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, Refusal> {
    // A body that is too large by its own account is not waited for.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Refusal::TooLarge);
    }
    let body = timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await;
    let bytes = match body.map_err(|_| Refusal::Late)? {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Refusal::TooLarge),
        Err(error) => return Err(Refusal::Body(error.to_string())),
    };
    serde_json::from_slice(&bytes).map_err(|error| Refusal::Body(error.to_string()))
}

/// Returns a JSON response; hyper adds its length.
fn document(value: &Value) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(value.to_string()))));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn refuse(refusal: &Refusal) -> Response<Body> {
    let mut response = document(&json!({"error": {"message": refusal.to_string()}}));
    *response.status_mut() = match refusal {
        Refusal::Body(_) => StatusCode::BAD_REQUEST,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Late => StatusCode::REQUEST_TIMEOUT,
        Refusal::Path => StatusCode::NOT_FOUND,
        Refusal::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::Stage { .. } => StatusCode::BAD_GATEWAY,
    };
    if let Refusal::Method(allowed) = refusal {
        let allowed = HeaderValue::from_static(allowed);
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

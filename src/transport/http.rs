//! The reqwest transport, for everything but the load engine: probes, evals, and the steps before a
//! stage.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout_at};

use super::failure::{cut, unanswered};
use super::program::run as run_process;
use crate::manifest::{HttpVersion, Timeouts};
use crate::measure::{Exhausted as _, Failure, now_ns};
use crate::protocol::{
    CallFailure, Head, HttpRequest, ProcessRequest, Reply, Request, TraceIds, TraceParent,
};
use crate::stage::{AnswerReader, HTTP2, Stage, origin, tls_config, trusting_config};

/// How long connecting may take where the stage does not say.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the tasks of idle connections may take to close them, where this process can open
/// nothing more.
const CLOSING: Duration = Duration::from_secs(1);

/// So many files a run is stored with at once, at most.
const FILES: usize = 8;

/// Calls stages over HTTP, with pooled connections, no redirects, and no proxies but those of the
/// manifest.
#[derive(Default)]
pub(crate) struct Client {
    pools: Mutex<HashMap<Pool, reqwest::Client>>,
    /// Loading the machine's certificates takes tens of milliseconds, so plain HTTP never waits for
    /// it.
    trusted: OnceCell<ClientConfig>,
    /// Who has answered before: only their connections can be used ones.
    answered: Mutex<HashSet<String>>,
    traces: TraceIds,
}

/// What one reqwest client is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Pool {
    tls: bool,
    version: HttpVersion,
    connect: Duration,
    /// Whether connections are kept and used again.
    keeps: bool,
}

/// An answer that kept the stage's contract.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) reply: Reply,
    /// The HTTP status; `None` where no HTTP was spoken.
    pub(crate) status: Option<u16>,
    /// From the call to the last content; connecting counts.
    pub(crate) response_time: Duration,
    /// Whether it was sent a second time, because its connection turned out to be closed.
    pub(crate) is_resent: bool,
}

/// The moments after which an answer is late.
struct Deadlines {
    started: Instant,
    timeouts: Timeouts,
}

impl Client {
    /// Calls a stage: sends one request and reads its answer, within the stage's limits.
    pub(crate) async fn call(
        &self,
        stage: &Stage,
        request: Request,
    ) -> Result<Called, CallFailure> {
        self.call_traced(stage, request).await.0
    }

    /// Calls a stage, and says which trace the call began.
    pub(super) async fn call_traced(
        &self,
        stage: &Stage,
        mut request: Request,
    ) -> (Result<Called, CallFailure>, Option<TraceParent>) {
        let trace = request.trace(&self.traces);
        let outcome = match request {
            Request::Http(request) => self.fetch(stage, request).await,
            Request::Process(request) => execute(stage, &request).await,
        };
        (outcome, trace)
    }

    /// Closes the connections that nothing is waiting on, so that what comes after the calls has
    /// their descriptors.
    pub(crate) async fn rest(&self) {
        self.let_go();
        // Each is closed by a task of its own, which wakes now.
        let begun = Instant::now();
        while !has_room() && begun.elapsed() < CLOSING {
            sleep(Duration::from_millis(1)).await;
        }
    }

    fn let_go(&self) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.clear();
        drop(pools);
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.clear();
    }

    async fn fetch(&self, stage: &Stage, request: HttpRequest) -> Result<Called, CallFailure> {
        let from = origin(&request.url);
        let (version, may_repeat) = (request.version, request.may_repeat);
        let documents = request.documents.clone();
        let request = prepare(request)?;
        let pool = Pool {
            version,
            tls: request.url().scheme() == "https",
            connect: connect_limit(stage.timeouts),
            // A server may close a connection behind its answer without a word, and would lose the
            // next request on it. One that
            // must not be sent twice therefore has a connection to itself, where a connection
            // carries one at a time.
            keeps: may_repeat || version == HttpVersion::Two,
        };
        let client = self.client(pool).await?;
        let deadlines = Deadlines {
            started: Instant::now(),
            timeouts: stage.timeouts,
        };
        let send = async |client: reqwest::Client, request| match timeout_at(
            deadlines.until_content(),
            client.execute(request),
        )
        .await
        {
            Err(_) => Err(deadlines.late(&from, false)),
            Ok(sent) => sent.map_err(|it| unanswered(&it, &from, pool.tls, pool.connect)),
        };
        let again = request.try_clone().filter(|_| may_repeat);
        let is_used = self.has_answered(&from, false);
        let mut outcome = send(client, request).await;
        let mut is_resent = false;
        if let (Err(failure), Some(again)) = (&outcome, again.filter(|_| is_used))
            && failure.failure == Failure::Reset
        {
            // Not the pool's next one, which may be closed too.
            outcome = send(build(pool, self.config(pool).await)?, again).await;
            is_resent = true;
        }
        let response = outcome?;
        self.has_answered(&from, true);
        let answer = stage.answer(documents);
        let called = receive(response, answer, &deadlines, stage.max_answer, &from).await?;
        Ok(Called {
            is_resent,
            ..called
        })
    }

    /// Returns whether that origin has answered before; notes that it has, where it `does`.
    fn has_answered(&self, origin: &str, does: bool) -> bool {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if does && !answered.contains(origin) {
            answered.insert(origin.to_owned());
        }
        answered.contains(origin)
    }

    async fn config(&self, pool: Pool) -> ClientConfig {
        let mut config = if pool.tls {
            self.trusted.get_or_init(load_trusted).await.clone()
        } else {
            tls_config(RootCertStore::empty())
        };
        if pool.version == HttpVersion::Two {
            config.alpn_protocols = vec![HTTP2.to_vec()];
        }
        config
    }

    async fn client(&self, pool: Pool) -> Result<reqwest::Client, CallFailure> {
        let config = self.config(pool).await;
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = pools.get(&pool) {
            return Ok(client.clone());
        }
        let client = build(pool, config)?;
        pools.insert(pool, client.clone());
        Ok(client)
    }
}

/// Makes a client with connections of its own. By itself it sends a request a second time only
/// where it had not been begun to be
/// written. Its retries are off: they take any `GOAWAY` for the word that a request was not begun,
/// which servers that shut down
/// in good order say to requests that they answer.
fn build(pool: Pool, config: ClientConfig) -> Result<reqwest::Client, CallFailure> {
    let client = match pool.version {
        HttpVersion::One => reqwest::Client::builder().http1_only(),
        HttpVersion::Two => reqwest::Client::builder().http2_prior_knowledge(),
    };
    let most_idle = if pool.keeps { usize::MAX } else { 0 };
    let client = client
        .pool_max_idle_per_host(most_idle)
        .retry(reqwest::retry::never())
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(pool.connect)
        .build();
    client.map_err(|error| CallFailure::unsent(format!("the client cannot be set up: {error}")))
}

/// Returns whether this process can open as many files as storing a run takes.
fn has_room() -> bool {
    let Ok(own) = std::env::current_exe() else {
        return true;
    };
    let opened: io::Result<Vec<File>> = (0..FILES).map(|_| File::open(&own)).collect();
    !opened.is_err_and(|error| error.is_exhausted())
}

async fn execute(stage: &Stage, request: &ProcessRequest) -> Result<Called, CallFailure> {
    let before = now_ns();
    let finished = run_process(request, stage.timeouts, stage.max_answer).await?;
    let mut answer = stage.answer(request.documents.clone());
    answer.data(&finished.output);
    Ok(Called {
        reply: answer.finish(&request.command[0])?,
        status: None,
        response_time: Duration::from_nanos(finished.last_byte.saturating_sub(before)),
        is_resent: false,
    })
}

/// Shorter than the whole timeout, so that a connection that never came is told apart from an
/// answer that never came.
fn connect_limit(timeouts: Timeouts) -> Duration {
    let whole = timeouts.total.saturating_sub(timeouts.total / 20);
    timeouts.connect.unwrap_or(CONNECT).min(whole)
}

async fn load_trusted() -> ClientConfig {
    match tokio::task::spawn_blocking(trusting_config).await {
        Ok(config) => config,
        // Only when the runtime shuts down, and the call with it.
        Err(_) => tls_config(RootCertStore::empty()),
    }
}

fn prepare(request: HttpRequest) -> Result<reqwest::Request, CallFailure> {
    let wrong = |what: &str| CallFailure::unsent(format!("{what} cannot be written"));
    let method = reqwest::Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|_| wrong("the method"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        // They have been checked when the request was written.
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("a header"))?;
        headers.append(
            key,
            HeaderValue::from_str(value).map_err(|_| wrong("a header"))?,
        );
    }
    let mut ready = reqwest::Request::new(method, request.url);
    *ready.headers_mut() = headers;
    if !request.body.is_empty() {
        *ready.body_mut() = Some(request.body.into());
    }
    Ok(ready)
}

/// Reads an answer to its end, or as much of a refusal as is kept.
async fn receive(
    mut response: reqwest::Response,
    mut answer: AnswerReader,
    deadlines: &Deadlines,
    most: u64,
    from: &str,
) -> Result<Called, CallFailure> {
    let status = response.status().as_u16();
    give_head(&response, &mut answer);
    let (mut first, mut last) = (None, None);
    while !answer.has_enough() {
        let deadline = deadlines.next(first.is_some(), Instant::now());
        let read = if response.content_length().is_some_and(|it| it > most) {
            Err(CallFailure::too_large(from, most))
        } else {
            match timeout_at(deadline, response.chunk()).await {
                Err(_) => Err(deadlines.late(from, first.is_some())),
                Ok(read) => read.map_err(|error| cut(&error, from)),
            }
        };
        let chunk = match read {
            Ok(None) => break,
            Ok(Some(chunk)) => chunk,
            Err(failure) => return Err(answer.cut(failure, from)),
        };
        if answer.data(&chunk) > 0 {
            let now = Instant::now();
            first.get_or_insert(now);
            last = Some(now);
        }
    }
    let end = last.unwrap_or_else(Instant::now);
    Ok(Called {
        reply: answer.finish(from)?,
        status: Some(status),
        response_time: end - deadlines.started,
        is_resent: false,
    })
}

fn give_head(response: &reqwest::Response, answer: &mut AnswerReader) {
    let headers: Vec<(&str, &[u8])> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    answer.head(Head {
        status: response.status().as_u16(),
        headers: &headers,
    });
}

impl Deadlines {
    fn end(&self) -> Instant {
        self.started + self.timeouts.total
    }

    fn until_content(&self) -> Instant {
        let first = self.timeouts.first_token.map(|limit| self.started + limit);
        first.map_or(self.end(), |first| first.min(self.end()))
    }

    /// The deadline of the next piece, after the one before came at `now`.
    fn next(&self, began: bool, now: Instant) -> Instant {
        let whole = if began {
            self.end()
        } else {
            self.until_content()
        };
        let idle = self.timeouts.idle.map(|limit| now + limit);
        idle.map_or(whole, |idle| idle.min(whole))
    }

    /// Says which limit was passed.
    fn late(&self, from: &str, began: bool) -> CallFailure {
        let now = Instant::now();
        let Timeouts {
            first_token,
            idle,
            total,
            ..
        } = self.timeouts;
        let detail = |text: &str, limit: Duration| {
            let limit = crate::measure::show_duration(limit);
            CallFailure::new(Failure::Timeout, format!("{from} {text} {limit}"))
        };
        match (first_token, idle) {
            _ if now >= self.end() => detail("did not finish its answer within", total),
            (Some(limit), _) if !began && now >= self.started + limit => {
                detail("sent no content within", limit)
            }
            (_, Some(limit)) => detail("sent nothing more for", limit),
            _ => detail("did not finish its answer within", total),
        }
    }
}

#[cfg(test)]
mod tests;

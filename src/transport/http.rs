//! The reqwest transport, for everything but the load engine: probes, evals, and the steps before a stage.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use super::program::run as run_process;
use crate::manifest::{HttpVersion, Timeouts};
use crate::measure::{Failure, now_ns};
use crate::protocol::{Head, HttpRequest, ProcessRequest, Reply, ReplyReader, Request};
use crate::stage::{CallFailure, origin, retry_after};

/// The size limit of an answer where nothing else is said: far above any honest answer, far below the memory of any
/// machine.
pub(crate) const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How long connecting may take where the stage does not say.
const CONNECT: Duration = Duration::from_secs(10);

/// What HTTP/2 is called in a TLS handshake.
pub(crate) const HTTP2: &[u8] = b"h2";

/// How much of an error's body is read.
const ERROR_BYTES: usize = 4096;

/// Calls stages over HTTP, with pooled connections, no redirects, and no proxies but those of the manifest.
#[derive(Default)]
pub(crate) struct Client {
    pools: Mutex<HashMap<Pool, reqwest::Client>>,
    /// Loading the machine's certificates takes tens of milliseconds, so plain HTTP never waits for it.
    trusted: OnceCell<ClientConfig>,
}

/// What one reqwest client is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Pool {
    tls: bool,
    version: HttpVersion,
    connect: Duration,
}

/// An answer that kept the stage's contract.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) reply: Reply,
    /// The HTTP status; `None` where no HTTP was spoken.
    pub(crate) status: Option<u16>,
    /// From the call to the last content; connecting counts.
    pub(crate) response_time: Duration,
}

/// The moments after which an answer is late.
struct Deadlines {
    started: Instant,
    timeouts: Timeouts,
}

impl Client {
    /// Sends one request and reads its answer, within the stage's timeouts and at most `max_bytes` of body.
    pub(crate) async fn call(
        &self,
        request: Request,
        reader: Box<dyn ReplyReader>,
        timeouts: Timeouts,
        max_bytes: u64,
    ) -> Result<Called, CallFailure> {
        match request {
            Request::Http(request) => self.fetch(request, reader, timeouts, max_bytes).await,
            Request::Process(request) => execute(&request, reader, timeouts, max_bytes).await,
        }
    }

    async fn fetch(
        &self,
        request: HttpRequest,
        reader: Box<dyn ReplyReader>,
        timeouts: Timeouts,
        max_bytes: u64,
    ) -> Result<Called, CallFailure> {
        let from = origin(&request.url);
        let version = request.version;
        let request = prepare(request)?;
        let pool = Pool {
            version,
            tls: request.url().scheme() == "https",
            connect: connect_limit(timeouts),
        };
        let client = self.client(pool).await?;
        let deadlines = Deadlines {
            started: Instant::now(),
            timeouts,
        };
        let response = match timeout_at(deadlines.until_content(), client.execute(request)).await {
            Err(_) => return Err(deadlines.late(&from, false)),
            Ok(Err(error)) => {
                return Err(CallFailure::transport(
                    &error,
                    &from,
                    pool.tls,
                    pool.connect,
                ));
            }
            Ok(Ok(response)) => response,
        };
        if response.status().is_success() {
            receive(response, reader, &deadlines, max_bytes, &from).await
        } else {
            Err(refusal(response, &deadlines, &from).await)
        }
    }

    async fn client(&self, pool: Pool) -> Result<reqwest::Client, CallFailure> {
        let config = if pool.tls {
            self.trusted.get_or_init(load_trusted).await.clone()
        } else {
            tls_config(RootCertStore::empty())
        };
        let mut config = config;
        if pool.version == HttpVersion::Two {
            config.alpn_protocols = vec![HTTP2.to_vec()];
        }
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = pools.get(&pool) {
            return Ok(client.clone());
        }
        let client = match pool.version {
            HttpVersion::One => reqwest::Client::builder().http1_only(),
            HttpVersion::Two => reqwest::Client::builder().http2_prior_knowledge(),
        };
        let client = client
            .tls_backend_preconfigured(config)
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(pool.connect)
            .user_agent(concat!("stagegate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                CallFailure::unsent(format!("the client cannot be set up: {error}"))
            })?;
        pools.insert(pool, client.clone());
        Ok(client)
    }
}

async fn execute(
    request: &ProcessRequest,
    mut reader: Box<dyn ReplyReader>,
    timeouts: Timeouts,
    max_bytes: u64,
) -> Result<Called, CallFailure> {
    let before = now_ns();
    let finished = run_process(request, timeouts, max_bytes).await?;
    reader.data(&finished.output);
    Ok(Called {
        reply: reader.finish().map_err(CallFailure::from)?,
        status: None,
        response_time: Duration::from_nanos(finished.last_byte.saturating_sub(before)),
    })
}

/// Shorter than the whole timeout, so that a connection that never came is told apart from an answer that never came.
fn connect_limit(timeouts: Timeouts) -> Duration {
    let whole = timeouts.total.saturating_sub(timeouts.total / 20);
    timeouts.connect.unwrap_or(CONNECT).min(whole)
}

/// Returns a TLS configuration that trusts what this machine trusts; reads its certificates, so takes a while.
pub(crate) fn trusting_config() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be read are left out; a server that needs one fails its handshake and says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    tls_config(roots)
}

async fn load_trusted() -> ClientConfig {
    match tokio::task::spawn_blocking(trusting_config).await {
        Ok(config) => config,
        // Only when the runtime shuts down, and the call with it.
        Err(_) => tls_config(RootCertStore::empty()),
    }
}

fn tls_config(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn prepare(request: HttpRequest) -> Result<reqwest::Request, CallFailure> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes())
        .map_err(|_| CallFailure::unsent(format!("`{}` is not an HTTP method", request.method)))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        // The value may be a secret and is not repeated.
        let wrong = || CallFailure::unsent(format!("header `{name}` cannot be written"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        headers.append(key, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    let mut ready = reqwest::Request::new(method, request.url);
    *ready.headers_mut() = headers;
    if !request.body.is_empty() {
        *ready.body_mut() = Some(request.body.into());
    }
    Ok(ready)
}

async fn receive(
    mut response: reqwest::Response,
    mut reader: Box<dyn ReplyReader>,
    deadlines: &Deadlines,
    max_bytes: u64,
    from: &str,
) -> Result<Called, CallFailure> {
    let status = response.status().as_u16();
    let too_large = || CallFailure::too_large(from, max_bytes);
    if response
        .content_length()
        .is_some_and(|length| length > max_bytes)
    {
        return Err(too_large());
    }
    give_head(&response, reader.as_mut());
    let (mut first, mut last, mut bytes) = (None, None, 0);
    loop {
        let deadline = deadlines.next(first.is_some(), Instant::now());
        let chunk = match timeout_at(deadline, response.chunk()).await {
            Err(_) => return Err(deadlines.late(from, first.is_some())),
            Ok(Err(error)) => return Err(CallFailure::cut(&error, from)),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) => chunk,
        };
        bytes += chunk.len() as u64;
        if bytes > max_bytes {
            return Err(too_large());
        }
        if reader.data(&chunk) > 0 {
            let now = Instant::now();
            first.get_or_insert(now);
            last = Some(now);
        }
    }
    let end = last.unwrap_or_else(Instant::now);
    let reply = reader.finish().map_err(CallFailure::from)?;
    Ok(Called {
        reply,
        status: Some(status),
        response_time: end - deadlines.started,
    })
}

fn give_head(response: &reqwest::Response, reader: &mut dyn ReplyReader) {
    let headers: Vec<(&str, &[u8])> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    reader.head(Head {
        status: response.status().as_u16(),
        headers: &headers,
    });
}

/// Reads the beginning of an error's body; how that ends changes nothing.
async fn refusal(
    mut response: reqwest::Response,
    deadlines: &Deadlines,
    from: &str,
) -> CallFailure {
    let mut body = Vec::new();
    while body.len() < ERROR_BYTES {
        let deadline = deadlines.next(true, Instant::now());
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            _ => break,
        }
    }
    body.truncate(ERROR_BYTES);
    CallFailure::status(
        response.status().as_u16(),
        &body,
        from,
        retry_after(response.headers()),
    )
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

//! What a load run needs, resolved: nothing is left to look up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::ServerName;

use crate::load::arrival::Timing;
use crate::load::schedule::CaseSequence;
use crate::load::schedule::Shard;
use crate::manifest::{
    Connections, Cost, HttpVersion, LatencyMetric, ShareOfArrivals, Slo, SloTarget, Stat, Timeouts,
    Until,
};
use crate::measure::Failure;
use crate::protocol::{Call, HttpRequest, ProcessRequest, ReadError, Request};
use crate::template::Scope;

/// One load run. Every scenario receives the whole arrival process (or all users of a closed loop) for itself, or its share of the one
/// that all have.
#[derive(Clone)]
pub(crate) struct LoadPlan {
    /// Every stage that is sent to.
    pub(crate) targets: Vec<Target>,
    /// What an arrival starts.
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) timing: Timing,
    /// Whether a user of a closed loop waits as long as `Retry-After` says.
    pub(crate) honour_retry_after: bool,
    pub(crate) connections: Connections,
    /// Which shard of it this process sends.
    pub(crate) shard: Shard,
    /// t = 0 on the engine's clock; as soon as possible without.
    pub(crate) start: Option<u64>,
    pub(crate) until: Until,
    pub(crate) warmup: Duration,
    pub(crate) seed: u64,
    /// Stops the run before it sends more, warm-up included.
    pub(crate) max_requests: Option<u64>,
    /// Stops the run once its answers have cost so much, in USD, by the stages' `cost` and the tokens counted. What is
    /// in flight then still comes.
    pub(crate) max_cost: Option<f64>,
    /// The length of the intervals of the time series.
    pub(crate) interval: Duration,
}

impl LoadPlan {
    /// Returns what has figures of its own, in the order of the recorders: the stages, then what scenarios are measured as.
    pub(crate) fn measured(&self) -> impl Iterator<Item = &Measured> {
        let wholes = self
            .scenarios
            .iter()
            .filter_map(|scenario| scenario.whole.as_ref());
        let stages = self.targets.iter().map(|target| &target.measured);
        stages.chain(wholes)
    }

    /// Returns the number of the recorder that a scenario's arrivals count in.
    pub(crate) fn recorder(&self, scenario: usize) -> usize {
        if self.scenarios[scenario].whole.is_none() {
            return self.scenarios[scenario].steps[0];
        }
        let before = self.scenarios[..scenario].iter();
        self.targets.len() + before.filter(|scenario| scenario.whole.is_some()).count()
    }

    /// Returns the numbers of the recorders that hold the answers of a stage or pipeline: its own, and where only kinds of users call it,
    /// theirs.
    pub(crate) fn recorders_of(&self, name: &str) -> Vec<usize> {
        let own = self.measured().position(|measured| measured.name == name);
        let calls = |scenario: &usize| self.scenarios[*scenario].of == name;
        match own {
            Some(own) => vec![own],
            None => (0..self.scenarios.len())
                .filter(calls)
                .map(|scenario| self.recorder(scenario))
                .collect(),
        }
    }

    /// Returns the names of the scenarios, as the manifest's `target` has them.
    pub(crate) fn scenario_names(&self) -> impl Iterator<Item = &str> {
        (0..self.scenarios.len()).map(|scenario| self.name(self.recorder(scenario)))
    }

    /// Returns the name of what a recorder belongs to.
    pub(crate) fn name(&self, recorder: usize) -> &str {
        self.measured()
            .nth(recorder)
            .map_or("", |measured| measured.name.as_str())
    }
}

/// What one arrival starts: one request to a stage, or one request after another, each made of what came back before.
#[derive(Clone)]
pub(crate) struct Scenario {
    /// The stages that it calls, in order, by their numbers in [`LoadPlan::targets`]; never empty.
    pub(crate) steps: Vec<usize>,
    /// The stage or pipeline that this is.
    pub(crate) of: String,
    /// How its cases, or sessions, are chosen.
    pub(crate) sequence: CaseSequence,
    /// What the whole way is measured as, where it is a pipeline or one kind of user of a mix.
    pub(crate) whole: Option<Measured>,
    /// Which of the load's arrivals start it, where scenarios share them out; without, it has an arrival process of its own.
    pub(crate) share: Option<ShareOfArrivals>,
    pub(crate) cases: Arc<Cases>,
}

/// What the arrivals of a scenario send.
pub(crate) struct Cases {
    /// What the cases are called, in the order of the data.
    pub(crate) ids: Vec<String>,
    /// The first step's request for each case, in the order of the data; empty where a request is written when it is due.
    pub(crate) requests: Vec<Prepared>,
    /// What the templates of each case see, in the order of the data, without what comes back during the run; empty where all
    /// requests are ready.
    pub(crate) scopes: Vec<Scope>,
    /// Where an arrival begins a session, and not a single request.
    pub(crate) sessions: Option<Sessions>,
}

/// The conversations of a scenario.
pub(crate) struct Sessions {
    /// The cases of each, in the order in which they are sent; none is empty.
    pub(crate) turns: Vec<Vec<usize>>,
    /// Between an answer and the next turn.
    pub(crate) think_time: Duration,
    /// A number that no other run has.
    pub(crate) run: u64,
}

/// Something with figures of its own: a stage, a pipeline, or one kind of user.
#[derive(Clone)]
pub(crate) struct Measured {
    pub(crate) name: String,
    /// Whose limits a good request keeps.
    pub(crate) slo: Vec<Slo>,
    /// Whether the SLOs are its own, and not only those of the stage that it calls.
    pub(crate) is_judged: bool,
    pub(crate) cost: Option<Cost>,
    pub(crate) owner: Option<String>,
}

/// One stage under load.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) measured: Measured,
    pub(crate) call: Arc<dyn Call>,
    pub(crate) endpoint: Endpoint,
    pub(crate) timeouts: Timeouts,
}

impl Measured {
    /// Returns the limits in ns that a good request keeps: each latency with an SLO, whatever its percentile; the
    /// strictest where one metric has several.
    pub(crate) fn limits(&self) -> Vec<(LatencyMetric, u64)> {
        let mut limits: Vec<(LatencyMetric, u64)> = Vec::new();
        for slo in &self.slo {
            if let SloTarget::Latency {
                metric,
                stat,
                limit,
            } = &slo.target
                && *stat != Stat::Min
            {
                let limit = crate::load::arrival::nanos(*limit);
                match limits.iter_mut().find(|(known, _)| known == metric) {
                    Some((_, known)) => *known = (*known).min(limit),
                    None => limits.push((*metric, limit)),
                }
            }
        }
        limits
    }
}

/// Where a stage is, resolved once before the run.
#[derive(Clone)]
pub(crate) enum Endpoint {
    Http {
        address: SocketAddr,
        /// What the address was found by; `None` where the manifest has the address itself.
        name: Option<String>,
        tls: Option<Tls>,
        version: HttpVersion,
    },
    /// On this machine: a program is started for each request.
    Process,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http { address, .. } => address.fmt(f),
            Self::Process => f.write_str("this machine"),
        }
    }
}

/// How to speak TLS with a stage.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: Arc<rustls::ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// A request, ready to go.
#[derive(Clone)]
pub(crate) enum Prepared {
    Http(Written),
    Http2(Http2Request),
    Process(ProcessRequest),
}

impl Prepared {
    /// Makes a request ready.
    pub(crate) fn new(request: &Request, connections: Connections) -> Result<Self, ReadError> {
        Ok(match request {
            Request::Http(request) => match request.version {
                HttpVersion::One => Self::Http(Written::new(
                    request,
                    connections == Connections::PerRequest,
                )),
                HttpVersion::Two => Self::Http2(Http2Request::new(request)?),
            },
            Request::Process(request) => Self::Process(request.clone()),
        })
    }
}

/// A request of HTTP/2, whose bytes depend on what its connection has carried before.
#[derive(Clone)]
pub(crate) struct Http2Request {
    pub(crate) head: http::Request<()>,
    pub(crate) body: Bytes,
}

impl Http2Request {
    /// Writes it; fails where a header cannot be one.
    fn new(request: &HttpRequest) -> Result<Self, ReadError> {
        let wrong = |error: http::Error| ReadError {
            failure: Failure::Request,
            detail: error.to_string(),
        };
        let given = |name: &str| {
            let mut headers = request.headers.iter();
            headers.find(|(it, _)| it.eq_ignore_ascii_case(name))
        };
        // Where HTTP/1.1 has `host`; neither has the user that a URL may name.
        let host = request.url.host_str().unwrap_or_default();
        let port = request
            .url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        let authority = given("host").map_or_else(|| format!("{host}{port}"), |(_, it)| it.clone());
        let path = &request.url[url::Position::BeforePath..url::Position::AfterQuery];
        let uri = http::Uri::builder()
            .scheme(request.url.scheme())
            .authority(authority)
            .path_and_query(path)
            .build()
            .map_err(wrong)?;
        let mut head = http::Request::builder()
            .method(request.method.as_str())
            .uri(uri);
        let own = OWN_HEADERS
            .into_iter()
            .filter(|(name, _)| given(name).is_none());
        let headers = request
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()));
        for (name, value) in headers.chain(own) {
            let lower = name.to_ascii_lowercase();
            if !OF_HTTP1.contains(&lower.as_str()) {
                head = head.header(name, value);
            }
        }
        if !request.body.is_empty() {
            head = head.header("content-length", request.body.len());
        }
        Ok(Self {
            head: head.body(()).map_err(wrong)?,
            body: request.body.clone(),
        })
    }
}

/// Headers that belong to connections of HTTP/1.1, and that a request of HTTP/2 must not have, or has in another form.
const OF_HTTP1: [&str; 8] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The headers that every request has which does not bring them itself.
const OWN_HEADERS: [(&str, &str); 2] = [
    (
        "user-agent",
        concat!("stagegate/", env!("CARGO_PKG_VERSION")),
    ),
    // A compressed event stream is held back by the compressor; a compressed body costs client CPU.
    ("accept-encoding", "identity"),
];

/// A request as the bytes that go over the wire.
#[derive(Clone, Default)]
pub(crate) struct Written {
    pub(crate) bytes: Bytes,
    pub(crate) is_head: bool,
}

impl Written {
    /// Writes an HTTP/1.1 request, head and body in one piece, so that they leave in one write.
    fn new(request: &HttpRequest, closes: bool) -> Self {
        let mut target = request.url.path().to_owned();
        if let Some(query) = request.url.query() {
            target.push('?');
            target.push_str(query);
        }
        let mut head = format!("{} {target} HTTP/1.1\r\n", request.method);
        let given = |name: &str| {
            request
                .headers
                .iter()
                .any(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        if !given("host") {
            let host = request.url.host_str().unwrap_or_default();
            let host = request
                .url
                .port()
                .map_or_else(|| host.to_owned(), |p| format!("{host}:{p}"));
            line("host", &host);
        }
        for (name, value) in &request.headers {
            if !name.eq_ignore_ascii_case("content-length") {
                line(name, value);
            }
        }
        for (name, value) in OWN_HEADERS {
            if !given(name) {
                line(name, value);
            }
        }
        if closes && !given("connection") {
            line("connection", "close");
        }
        if !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
            line("content-length", &request.body.len().to_string());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&request.body);
        Self {
            bytes: Bytes::from(bytes),
            is_head: request.method == "HEAD",
        }
    }
}

//! Layer 4: a stage, ready to be called. Whoever calls it (check, eval, load, profile) writes its
//! requests and reads its answers by this one type, so that they differ in who calls and when, not
//! in what is sent, accepted, or said.

mod address;
mod answer;
mod failure;
mod retry;
mod steps;
mod tls;
mod versions;

pub(crate) use address::{Address, AddressError, HttpAddress, Tls, origin};
pub(crate) use answer::AnswerReader;
pub(crate) use retry::{Wait, is_busy};
pub(crate) use steps::Steps;
pub(crate) use tls::{HTTP2, tls_config, tls_words, trusting_config};
pub(crate) use versions::{Heard, Listener};

use std::sync::Arc;

use http::HeaderValue;

use crate::manifest::{Cost, HttpVersion, Slo, Timeouts};
use crate::metric::{Figure, LatencyMetric, Stat};
use crate::protocol::{Call, CallFailure, Documents, HttpRequest, Reply, Request, TRACE_HEADER};
use crate::template::Scope;

/// The size limit of an answer in bytes where nothing else is said: far above any honest answer,
/// far below the memory of any machine.
pub(crate) const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// The headers that every request has which does not bring them itself.
const OWN_HEADERS: [(&str, &str); 2] = [
    (
        "user-agent",
        concat!("stagegate/", env!("CARGO_PKG_VERSION")),
    ),
    // A compressed event stream is held back by the compressor; a compressed body costs client CPU.
    ("accept-encoding", "identity"),
];

/// The headers of `slo_headers`, in ms.
const SLO_HEADERS: [(LatencyMetric, &str); 2] = [
    (LatencyMetric::Ttft, "x-slo-ttft-ms"),
    (LatencyMetric::Tpot, "x-slo-tpot-ms"),
];

/// Returns the limits in ns that a good request keeps: each latency with an SLO, whatever its
/// percentile; the strictest where one
/// metric has several.
pub(crate) fn strictest(slos: &[Slo]) -> Vec<(LatencyMetric, u64)> {
    let mut limits: Vec<(LatencyMetric, u64)> = Vec::new();
    for slo in slos {
        if let Figure::Latency(metric, stat) = &slo.figure
            && *stat != Stat::Min
        {
            let limit = (slo.limit.value * 1e6).round() as u64;
            match limits.iter_mut().find(|(known, _)| known == metric) {
                Some((_, known)) => *known = (*known).min(limit),
                None => limits.push((*metric, limit)),
            }
        }
    }
    limits
}

/// A stage, ready to be called.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// What its kind writes and reads.
    pub(crate) call: Arc<dyn Call>,
    pub(crate) address: Address,
    pub(crate) http_version: HttpVersion,
    pub(crate) timeouts: Timeouts,
    /// The size limit of an answer, in bytes.
    pub(crate) max_answer: u64,
    /// Whether it may be asked twice, whatever the method, where it is not known whether the first
    /// time has acted.
    pub(crate) retry_stale: bool,
    /// Whether each request carries a `traceparent` of its own.
    pub(crate) trace: bool,
    /// Whether each request tells the limits of its SLOs.
    pub(crate) slo_headers: bool,
    /// Who is told; that of the deployment where the stage has none of its own.
    pub(crate) owner: Option<String>,
    /// `None` where the manifest does not say what tokens cost.
    pub(crate) cost: Option<Cost>,
    pub(crate) slo: Vec<Slo>,
    /// Who wants to hear which versions its answers tell; `None` where `[release]` does not name
    /// it.
    pub(crate) listener: Option<Listener>,
}

impl Stage {
    /// Makes a stage that is called as the URLs of its requests say, without limits, prices, and
    /// listeners.
    pub(crate) fn new(name: impl Into<String>, call: Arc<dyn Call>, timeouts: Timeouts) -> Self {
        Self {
            name: name.into(),
            call,
            address: Address::InUrl,
            http_version: HttpVersion::One,
            timeouts,
            max_answer: MAX_ANSWER,
            retry_stale: false,
            trace: false,
            slo_headers: false,
            owner: None,
            cost: None,
            slo: Vec::new(),
            listener: None,
        }
    }

    /// Writes the request for what the templates see.
    pub(crate) fn request(&self, scope: &Scope) -> Result<Request, CallFailure> {
        let written = self.write(scope);
        written.map_err(|unwritable| CallFailure::unsent(unwritable.to_string()))
    }

    /// Writes the request for what the templates see, and says what is in the way.
    pub(crate) fn write(&self, scope: &Scope) -> Result<Request, Unwritable> {
        let request = self.call.request(scope);
        let mut request = request.map_err(|error| Unwritable::Template(error.to_string()))?;
        match &mut request {
            Request::Process(request) => {
                request.documents = self.documents(scope);
                request.is_traced = self.trace;
            }
            Request::Http(request) => {
                request.version = self.http_version;
                request.documents = self.documents(scope);
                check_headers(request)?;
                for (name, value) in OWN_HEADERS {
                    request.add_header(name, value);
                }
                self.add_slo_headers(request);
                request.may_repeat |= self.retry_stale;
                request.is_traced = self.trace && !request.has_header(TRACE_HEADER);
            }
        }
        Ok(request)
    }

    /// Tells the stage how fast its answer is to be, in the headers that routers of model servers
    /// read.
    fn add_slo_headers(&self, request: &mut HttpRequest) {
        if !self.slo_headers {
            return;
        }
        for (metric, name) in SLO_HEADERS {
            let limits = strictest(&self.slo).into_iter();
            for (_, ns) in limits.filter(|(it, _)| *it == metric) {
                request.add_header(name, &(ns as f64 / 1e6).to_string());
            }
        }
    }

    /// Returns what is to be known about how the outputs of an answer were found, by their keys.
    pub(crate) fn doubts(&self, reply: &Reply) -> Vec<(String, String)> {
        self.call.brings().in_both(reply, self.call.streams())
    }

    /// Makes the reader of one answer, to a request that carried these documents.
    pub(crate) fn answer(&self, documents: Option<Arc<Documents>>) -> AnswerReader {
        AnswerReader::new(self, documents)
    }

    /// Returns the documents that a request carries for what the templates see, where its answer
    /// puts them in order.
    fn documents(&self, scope: &Scope) -> Option<Arc<Documents>> {
        let step = self.call.documents_of()?;
        let outputs = scope.steps.get(step)?;
        Some(Arc::new(Documents::of(step, outputs)))
    }
}

/// Why a request cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unwritable {
    #[error("{0}")]
    Template(String),
    /// The value may be a secret and is not repeated.
    #[error(
        "header `{0}` cannot be written: its value holds a line break or another control character"
    )]
    HeaderValue(String),
}

/// Checks that every value can be a header's; the names have been checked where they were written.
fn check_headers(request: &HttpRequest) -> Result<(), Unwritable> {
    for (name, value) in &request.headers {
        if HeaderValue::from_str(value).is_err() {
            return Err(Unwritable::HeaderValue(name.clone()));
        }
    }
    Ok(())
}

#[cfg(any(test, fuzzing))]
pub(crate) mod testing {
    //! Stages without a manifest.

    use std::time::Duration;

    use super::*;
    use crate::manifest::{KindTable, Problems};
    use crate::protocol::PROTOCOLS;

    /// Makes a stage `s` of that kind, whose whole answer may take half a second; keys are those of
    /// its table.
    pub(crate) fn stage(kind: &str, keys: &str) -> Stage {
        let mut problems = Problems::default();
        let call = PROTOCOLS.get(kind).expect("a kind of stage");
        let call = call.parse(&KindTable::from_toml(kind, keys), &mut problems);
        let timeouts = Timeouts {
            connect: None,
            first_token: None,
            idle: None,
            total: Duration::from_millis(500),
        };
        Stage::new("s", call.expect("the keys are right").into(), timeouts)
    }

    /// Makes a stage of kind `http` at a port where nothing is.
    pub(crate) fn http(keys: &str) -> Stage {
        stage("http", &format!("url = \"http://127.0.0.1:9/\"\n{keys}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Failure;

    #[test]
    fn every_request_says_who_asks_and_asks_for_no_compression() {
        let own = "headers = { User-Agent = \"me\", X-A = \"1\" }";
        let Ok(Request::Http(request)) = testing::http(own).request(&Scope::default()) else {
            panic!("an HTTP request");
        };
        let header = |name: &str| {
            let mut found = request.headers.iter();
            let found = found.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(header("user-agent"), Some("me"));
        assert_eq!(header("accept-encoding"), Some("identity"));
        assert_eq!(header("accept"), Some("*/*"));
        assert_eq!(request.headers.len(), 4);
    }

    #[test]
    fn a_header_that_cannot_be_written_is_ours_and_keeps_the_secret() {
        // What is written in the manifest is refused there.
        let keys = "headers = { authorization = \"Bearer {{ input }}\" }";
        for value in ["\u{0}", "a\nb"] {
            let scope = Scope::default().of(&value.into(), &serde_json::Value::Null);
            let failure = testing::http(keys).request(&scope);
            let failure = failure.err().unwrap();
            assert_eq!(failure.failure, Failure::Request);
            let said = "header `authorization` cannot be written: its value holds a line break or \
                        another control character";
            assert_eq!(failure.detail, said);
        }
    }

    /// field 29
    #[test]
    fn only_a_body_of_json_gets_a_content_type_that_was_not_written() {
        let content_type = |keys: &str| {
            let Ok(Request::Http(request)) = testing::http(keys).request(&Scope::default()) else {
                panic!("it is a request");
            };
            let mut found = request.headers.into_iter();
            let found = found.find(|(key, _)| key.eq_ignore_ascii_case("content-type"));
            found.map(|(_, value)| value)
        };
        assert_eq!(content_type("body = 'a text'"), None);
        assert_eq!(content_type("body = '{\"a\": 1}'"), None);
        assert_eq!(
            content_type("body = 7").as_deref(),
            Some("application/json")
        );
        assert_eq!(
            content_type("body = { a = 1 }").as_deref(),
            Some("application/json")
        );
        let own = "body = 'a text'\nheaders = { Content-Type = 'text/csv' }";
        assert_eq!(content_type(own).as_deref(), Some("text/csv"));
    }
}

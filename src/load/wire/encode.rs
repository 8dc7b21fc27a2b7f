//! Requests as they go over the wire, written before they are due where that can be.

use std::sync::Arc;

use bytes::Bytes;

use crate::manifest::{Connections, HttpVersion};
use crate::protocol::{
    CallFailure, Documents, HttpRequest, ProcessRequest, Request, TRACE_HEADER, TRACE_VARIABLE,
    TraceIds, TraceParent,
};

/// A request, ready to go. A copy shares the bytes.
#[derive(Clone)]
pub(crate) enum Prepared {
    Http(Written),
    Http2(Arc<Http2Request>),
    Process(Arc<ProcessRequest>),
}

impl Prepared {
    /// Makes a request ready.
    pub(crate) fn new(request: &Request, connections: Connections) -> Result<Self, CallFailure> {
        Ok(match request {
            Request::Http(request) => match request.version {
                HttpVersion::One => Self::Http(Written::new(
                    request,
                    connections == Connections::PerRequest,
                )),
                HttpVersion::Two => Self::Http2(Arc::new(Http2Request::new(request)?)),
            },
            Request::Process(request) => Self::Process(Arc::new(request.clone())),
        })
    }

    /// Returns the documents that it carries, where the answer puts them in order.
    pub(crate) fn documents(&self) -> Option<Arc<Documents>> {
        match self {
            Self::Http(request) => request.documents.clone(),
            Self::Http2(request) => request.documents.clone(),
            Self::Process(request) => request.documents.clone(),
        }
    }

    /// Returns the request with what differs from one to the next, where it has such a slot: its
    /// own `traceparent`.
    pub(crate) fn traced(self, ids: &TraceIds) -> (Self, Option<TraceParent>) {
        let trace = match &self {
            Self::Http(written) if written.slot.is_some() => ids.next(),
            Self::Http2(request) if request.is_traced => ids.next(),
            Self::Process(request) if request.is_traced => ids.next(),
            _ => return (self, None),
        };
        let filled = match self {
            Self::Http(written) => Self::Http(written.filled(trace)),
            Self::Http2(request) => Self::Http2(Arc::new(request.filled(trace))),
            Self::Process(request) => {
                let mut request = ProcessRequest::clone(&request);
                let variable = (TRACE_VARIABLE.to_owned(), trace.to_string());
                request.variables.push(variable);
                Self::Process(Arc::new(request))
            }
        };
        (filled, Some(trace))
    }

    /// Returns whether the stage may be asked twice where it is not known whether the first time
    /// has acted.
    pub(crate) fn may_repeat(&self) -> bool {
        match self {
            Self::Http(written) => written.may_repeat,
            Self::Http2(request) => request.may_repeat,
            Self::Process(_) => false,
        }
    }
}

/// A request of HTTP/2, whose bytes depend on what its connection has carried before.
#[derive(Clone)]
pub(crate) struct Http2Request {
    pub(crate) head: http::Request<()>,
    pub(crate) body: Bytes,
    documents: Option<Arc<Documents>>,
    is_traced: bool,
    may_repeat: bool,
}

impl Http2Request {
    /// Returns it with its `traceparent`.
    fn filled(&self, trace: TraceParent) -> Self {
        let mut filled = self.clone();
        if let Ok(value) = http::HeaderValue::from_str(&trace.to_string()) {
            filled.head.headers_mut().insert(TRACE_HEADER, value);
        }
        filled
    }

    /// Writes it; fails where a header cannot be one.
    fn new(request: &HttpRequest) -> Result<Self, CallFailure> {
        let wrong = |error: http::Error| CallFailure::unsent(error.to_string());
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
        for (name, value) in &request.headers {
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
            documents: request.documents.clone(),
            is_traced: request.is_traced,
            may_repeat: request.may_repeat,
        })
    }
}

/// Headers that belong to connections of HTTP/1.1, and that a request of HTTP/2 must not have, or
/// has in another form.
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

/// A request as the bytes that go over the wire.
#[derive(Clone, Default)]
pub(crate) struct Written {
    pub(crate) bytes: Bytes,
    pub(crate) is_head: bool,
    documents: Option<Arc<Documents>>,
    may_repeat: bool,
    /// Where the text of a `traceparent` begins, where each copy is to have its own.
    slot: Option<usize>,
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
        // Returns where the value begins.
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            let begin = head.len();
            head.push_str(value);
            head.push_str("\r\n");
            begin
        };
        if !request.has_header("host") {
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
        if closes && !request.has_header("connection") {
            line("connection", "close");
        }
        if !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
            line("content-length", &request.body.len().to_string());
        }
        let slot = request.is_traced.then(|| {
            let blank = "0".repeat(TraceParent::LENGTH);
            line(TRACE_HEADER, &blank)
        });
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&request.body);
        Self {
            bytes: Bytes::from(bytes),
            is_head: request.method == "HEAD",
            documents: request.documents.clone(),
            may_repeat: request.may_repeat,
            slot,
        }
    }

    /// Returns a copy with its `traceparent`.
    fn filled(&self, trace: TraceParent) -> Self {
        let mut bytes = self.bytes.to_vec();
        if let Some(slot) = self.slot {
            let text = trace.to_string();
            bytes[slot..slot + TraceParent::LENGTH].copy_from_slice(text.as_bytes());
        }
        Self {
            bytes: Bytes::from(bytes),
            ..self.clone()
        }
    }
}

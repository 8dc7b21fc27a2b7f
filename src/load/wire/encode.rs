//! Requests as they go over the wire, written before they are due where that can be.

use std::sync::Arc;

use bytes::Bytes;

use crate::manifest::{Connections, HttpVersion};
use crate::protocol::{CallFailure, Documents, HttpRequest, ProcessRequest, Request};

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
}

/// A request of HTTP/2, whose bytes depend on what its connection has carried before.
#[derive(Clone)]
pub(crate) struct Http2Request {
    pub(crate) head: http::Request<()>,
    pub(crate) body: Bytes,
    documents: Option<Arc<Documents>>,
}

impl Http2Request {
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

/// A request as the bytes that go over the wire.
#[derive(Clone, Default)]
pub(crate) struct Written {
    pub(crate) bytes: Bytes,
    pub(crate) is_head: bool,
    documents: Option<Arc<Documents>>,
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
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
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
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&request.body);
        Self {
            bytes: Bytes::from(bytes),
            is_head: request.method == "HEAD",
            documents: request.documents.clone(),
        }
    }
}

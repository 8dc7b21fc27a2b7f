//! The demo server: listens on loopback, serves every stage, stops when told.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::client::Loopback;
use super::error::DemoError;
use super::pipeline::Pipeline;
use super::release::Release;
use super::routes::Deployment;

/// The port of `demo --serve`, which the templates of `init` point at.
pub(crate) const DEFAULT_PORT: u16 = 8642;
/// How long the orchestrator waits for a stage.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests that are under way may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(2);
/// How long to wait after a connection could not be accepted, for instance because file descriptors
/// ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A running demo deployment. Dropped without [`DemoServer::shutdown`], it stops at once.
#[derive(Debug)]
pub(crate) struct DemoServer {
    addr: SocketAddr,
    deployment: Arc<Deployment>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl DemoServer {
    /// Starts serving release `v1` on 127.0.0.1; port 0 takes any free port. Needs a tokio runtime.
    pub(crate) async fn start(port: u16) -> Result<Self, DemoError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| refused(address, source))?;
        let addr = listener
            .local_addr()
            .map_err(|source| refused(address, source))?;
        let deployment = Arc::new(Deployment {
            pipeline: Pipeline::new(),
            release: Mutex::new(Release::V1),
            client: Loopback::new(addr, CALL_TIMEOUT),
        });
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&deployment), stopped));
        Ok(Self {
            addr,
            deployment,
            stop,
            accepting,
        })
    }

    /// Returns where it listens.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Switches to a release, as `PUT /release` does.
    pub(crate) fn switch(&self, release: Release) {
        self.deployment.switch(release);
    }

    /// Stops: no new connection, requests under way end within two seconds, then everything is
    /// closed.
    pub(crate) async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The task only ends; it has nothing to report, and a panic in it has been printed.
        (&mut self.accepting).await.ok();
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn refused(address: SocketAddr, source: std::io::Error) -> DemoError {
    if source.kind() == ErrorKind::AddrInUse {
        DemoError::PortInUse { address, source }
    } else {
        DemoError::Listen { address, source }
    }
}

/// Accepts connections until stopped, then waits for those that are open.
async fn accept(
    listener: TcpListener,
    deployment: Arc<Deployment>,
    mut stopped: watch::Receiver<bool>,
) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    let for_each = stopped.clone();
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&deployment), for_each.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(DRAIN, async {
        // The orchestrator's own connections are idle as soon as its requests have ended.
        while !connections.is_empty() {
            deployment.client.close();
            connections.join_next().await;
        }
    });
    if drained.await.is_err() {
        connections.shutdown().await;
    }
    deployment.client.close();
}

/// Returns when the server is told to stop, or is gone.
async fn told(stopped: &mut watch::Receiver<bool>) {
    stopped.wait_for(|stop| *stop).await.ok();
}

/// Serves one connection until it is closed or the server stops.
async fn serve(stream: TcpStream, deployment: Arc<Deployment>, mut stopped: watch::Receiver<bool>) {
    // Without it, a token may wait for the acknowledgement of the one before; a socket that refuses
    // is still served.
    stream.set_nodelay(true).ok();
    let service = service_fn(|request| {
        let deployment = Arc::clone(&deployment);
        async move { Ok::<_, Infallible>(deployment.respond(request).await) }
    });
    let mut connection =
        pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A client that hung up is no business of the server.
        _ = connection.as_mut() => return,
        () = told(&mut stopped) => connection.as_mut().graceful_shutdown(),
    }
    connection.await.ok();
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    use super::{DemoServer, Release};
    use crate::error::{Classify, Kind};

    const LONG: &str = "I forgot my password and asked for a reset link this morning; how long is that link valid?";

    /// Sends one request on a connection of its own and returns status line with headers, and body.
    fn exchange(addr: SocketAddr, method: &str, path: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    }

    fn post(addr: SocketAddr, path: &str, body: &Value) -> Value {
        let (head, answer) = exchange(addr, "POST", path, &body.to_string());
        assert!(head.starts_with("http/1.1 200"), "{head} {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// Runs a test against a server of its own, then stops that within its drain.
    fn with_server(test: impl FnOnce(SocketAddr) + Send + 'static) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = DemoServer::start(0).await.unwrap();
            let addr = server.addr();
            tokio::task::spawn_blocking(move || test(addr))
                .await
                .unwrap();
            server.shutdown().await;
            assert!(TcpStream::connect(addr).is_err(), "still listening");
        });
    }

    #[test]
    fn gateway_answers_with_sources() {
        with_server(|addr| {
            let answer = post(
                addr,
                "/chat",
                &json!({"question": "When does pairing mode end?"}),
            );
            assert_eq!(answer["answer"], "Pairing mode ends after ninety seconds.");
            assert_eq!(answer["sources"][0]["id"], "en-devices-03");
            assert_eq!(answer["degraded"], false);
            assert_eq!(answer["model"], "lumo-small-2026-03");
        });
    }

    #[test]
    fn stages_chain_as_the_manifest_does() {
        with_server(|addr| {
            let query = "When does pairing mode end?";
            let found = post(addr, "/search", &json!({"query": query, "k": 4}));
            let hits = found["hits"].as_array().unwrap();
            let take = |key: &str| hits.iter().map(|hit| hit[key].clone()).collect::<Vec<_>>();
            assert_eq!(hits.len(), 4);
            let (texts, ids) = (take("text"), take("id"));
            let request = json!({"query": query, "documents": texts, "ids": ids});
            let ranking = post(addr, "/rerank", &request);
            assert_eq!(ranking["results"][0]["id"], "en-devices-03");
            assert_ne!(
                ids[0], "en-devices-03",
                "retrieval alone puts another one first"
            );
            // The same with ids inside the documents.
            let inside = post(addr, "/rerank", &json!({"query": query, "documents": hits}));
            assert_eq!(inside, ranking);
        });
    }

    #[test]
    fn search_names_its_index() {
        with_server(|addr| {
            let (head, _) = exchange(addr, "POST", "/search", r#"{"query": "hub"}"#);
            assert!(head.contains("\r\nx-index-version: lumo-"), "{head}");
            assert!(head.contains("\r\ncontent-length: "), "{head}");
        });
    }

    #[test]
    fn completion_is_one_document_without_stream() {
        with_server(|addr| {
            let prompt = "The hub is blue.\nQuestion: Is the hub blue?";
            let request =
                json!({"model": "small", "messages": [{"role": "user", "content": prompt}]});
            let answer = post(addr, "/v1/chat/completions", &request);
            assert_eq!(
                answer["choices"][0]["message"]["content"],
                "The hub is blue."
            );
            assert_eq!(answer["choices"][0]["finish_reason"], "stop");
            assert_eq!(answer["usage"]["completion_tokens"], 4);
            let mut cut = request;
            cut["max_tokens"] = json!(2);
            let answer = post(addr, "/v1/chat/completions", &cut);
            assert_eq!(answer["choices"][0]["message"]["content"], "The hub");
            assert_eq!(answer["choices"][0]["finish_reason"], "length");
        });
    }

    #[test]
    fn stream_sends_each_token_when_it_is_due() {
        with_server(|addr| {
            let body = json!({
                "model": "small", "stream": true, "stream_options": {"include_usage": true},
                "messages": [{"role": "user", "content": "The hub is blue.\nIs the hub blue?"}],
            })
            .to_string();
            let mut stream = TcpStream::connect(addr).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            let length = body.len();
            let start = Instant::now();
            write!(
                stream,
                "POST /v1/chat/completions HTTP/1.1\r\nhost: demo\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .unwrap();
            let (mut text, mut role_at, mut first_at) = (String::new(), None, None);
            let mut buffer = [0; 4096];
            while !text.contains("[DONE]\n\n") {
                let read = stream.read(&mut buffer).unwrap();
                assert!(read > 0, "ended early: {text}");
                text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
                let now = start.elapsed();
                role_at = role_at.or_else(|| text.contains(r#""role""#).then_some(now));
                first_at = first_at.or_else(|| text.contains(r#""content":"The""#).then_some(now));
            }
            assert!(
                text.to_lowercase()
                    .contains("content-type: text/event-stream")
            );
            let events: Vec<Value> = text
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .filter(|data| *data != "[DONE]")
                .map(|data| serde_json::from_str(data).unwrap())
                .collect();
            let deltas: Vec<_> = events
                .iter()
                .map(|e| e["choices"][0]["delta"].clone())
                .collect();
            assert_eq!(
                deltas,
                [
                    json!({"role": "assistant", "content": ""}),
                    json!({"content": "The"}),
                    json!({"content": " hub"}),
                    json!({"content": " is"}),
                    json!({"content": " blue."}),
                    json!({}),
                    Value::Null,
                ]
            );
            assert_eq!(events[5]["choices"][0]["finish_reason"], "stop");
            assert_eq!(events[6]["choices"], json!([]));
            assert_eq!(events[6]["usage"]["completion_tokens"], 4);
            let (role, first) = (role_at.unwrap(), first_at.unwrap());
            assert!(first >= Duration::from_millis(35), "{first:?}");
            assert!(role < first, "the role came with the first token");
        });
    }

    #[test]
    fn release_is_switched_while_serving() {
        with_server(|addr| {
            let ask = |question: &str| {
                let start = Instant::now();
                let answer = post(addr, "/chat", &json!({"question": question}));
                (
                    answer["answer"].as_str().unwrap().to_owned(),
                    start.elapsed(),
                )
            };
            let german = "Welche Batterien brauchen Bewegungsmelder?";
            assert!(ask(german).0.contains("Größe AAA"));
            let (before, quick) = ask(LONG);
            let (_, body) = exchange(addr, "PUT", "/release", r#"{"release": "v2"}"#);
            assert_eq!(body, r#"{"release":"v2"}"#);
            assert_eq!(exchange(addr, "GET", "/release", "").1, body);
            assert!(!ask(german).0.contains("Größe AAA"));
            let (after, slow) = ask(LONG);
            assert_eq!(before, after);
            // The added pass is at least 60 ms; the rest leaves room for a busy machine.
            assert!(slow > quick.min(Duration::from_millis(130)) + Duration::from_millis(40));
        });
    }

    #[test]
    fn wrong_requests_are_refused_with_a_reason() {
        with_server(|addr| {
            let mut answers = String::new();
            for (method, path, body) in [
                ("GET", "/nowhere", ""),
                ("GET", "/chat", ""),
                ("POST", "/chat", "{"),
                ("POST", "/chat", "{}"),
                (
                    "POST",
                    "/rerank",
                    r#"{"query": "a", "documents": [{"id": "x"}]}"#,
                ),
                ("PUT", "/release", r#"{"release": "v3"}"#),
            ] {
                let (head, body) = exchange(addr, method, path, body);
                let status = head.lines().next().unwrap();
                answers.push_str(&[status, " ", &body, "\n"].concat());
            }
            insta::assert_snapshot!(answers, @r#"
            http/1.1 404 not found {"error":{"message":"nothing is served here"}}
            http/1.1 405 method not allowed {"error":{"message":"this path takes POST"}}
            http/1.1 400 bad request {"error":{"message":"the request body is not what this path takes: EOF while parsing an object at line 1 column 1"}}
            http/1.1 400 bad request {"error":{"message":"the request body is not what this path takes: missing field `question` at line 1 column 2"}}
            http/1.1 400 bad request {"error":{"message":"the request body is not what this path takes: a document without `text`"}}
            http/1.1 400 bad request {"error":{"message":"the request body is not what this path takes: no release `v3`; the demo has `v1` and `v2`"}}
            "#);
            assert_eq!(
                exchange(addr, "GET", "/healthz", "").1,
                r#"{"status":"ok"}"#
            );
        });
    }

    #[test]
    fn too_large_a_body_is_refused() {
        with_server(|addr| {
            let body = format!(r#"{{"question": "{}"}}"#, "a".repeat(2 << 20));
            let mut stream = TcpStream::connect(addr).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            let length = body.len();
            write!(
                stream,
                "POST /chat HTTP/1.1\r\nhost: demo\r\ncontent-length: {length}\r\n\r\n"
            )
            .unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).unwrap();
            assert_eq!(&status, b"HTTP/1.1 413");
        });
    }

    #[test]
    fn shutdown_does_not_wait_for_idle_connections() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let server = DemoServer::start(0).await.unwrap();
            server.switch(Release::V2);
            assert_eq!(server.deployment.release(), Release::V2);
            let idle = TcpStream::connect(server.addr()).unwrap();
            let start = Instant::now();
            server.shutdown().await;
            assert!(start.elapsed() < Duration::from_secs(1));
            drop(idle);
        });
    }

    #[test]
    fn busy_port_is_the_environments_fault() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let error = runtime.block_on(async {
            let first = DemoServer::start(0).await.unwrap();
            let error = DemoServer::start(first.addr().port()).await.unwrap_err();
            first.shutdown().await;
            error
        });
        assert_eq!(error.kind(), Kind::Environment);
        assert!(error.to_string().ends_with("is already in use"), "{error}");
    }
}

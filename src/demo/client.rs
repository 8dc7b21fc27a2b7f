//! How the demo's orchestrator calls the other stages: real requests over loopback, on connections
//! that are kept.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("status {0}")]
    Status(StatusCode),
    #[error("the answer is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("no answer in time")]
    Timeout,
}

type Connection = SendRequest<Full<Bytes>>;

/// A client of one server that keeps its connections.
#[derive(Debug)]
pub(super) struct Loopback {
    server: SocketAddr,
    timeout: Duration,
    /// Connections that wait for work; the last one is the warmest.
    idle: Mutex<Vec<Connection>>,
}

impl Loopback {
    /// Makes a client; nothing is connected yet.
    pub(super) const fn new(server: SocketAddr, timeout: Duration) -> Self {
        Self {
            server,
            timeout,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Posts JSON and returns the JSON that comes back.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        tokio::time::timeout(self.timeout, self.exchange(path, body))
            .await
            .map_err(|_| CallError::Timeout)?
    }

    /// Closes the connections that are idle.
    pub(super) fn close(&self) {
        self.idle().clear();
    }

    async fn exchange(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        let mut connection = self.connection().await?;
        let body = Full::new(Bytes::from(body.to_string()));
        let request = Request::post(path)
            .header(header::HOST, self.server.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .expect("the paths of the demo's stages are valid");
        let response = connection
            .send_request(request)
            .await
            .map_err(CallError::Broken)?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(CallError::Broken)?.to_bytes();
        self.idle().push(connection);
        if !status.is_success() {
            return Err(CallError::Status(status));
        }
        serde_json::from_slice(&body).map_err(CallError::Json)
    }

    /// Takes an idle connection that is still open, or opens one.
    async fn connection(&self) -> Result<Connection, CallError> {
        loop {
            let idle = self.idle().pop();
            let Some(mut connection) = idle else { break };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        let stream = TcpStream::connect(self.server).await;
        let stream = stream.map_err(CallError::Connect)?;
        stream.set_nodelay(true).map_err(CallError::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(CallError::Broken)?;
        // It ends when its sender is dropped; what went wrong is reported to the sender.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

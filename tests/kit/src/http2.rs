//! A stage that speaks HTTP/2, without TLS and with it, and counts what it sees.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

/// What the stage answers: pieces of a body, each after so many ms.
#[derive(Clone, Default)]
pub struct Answer {
    pub pieces: Vec<(u64, Vec<u8>)>,
    /// Whether the stream is reset behind them.
    pub resets: bool,
}

impl Answer {
    pub fn after(ms: u64, body: impl Into<Vec<u8>>) -> Self {
        Self {
            pieces: vec![(ms, body.into())],
            resets: false,
        }
    }
}

/// How the server behaves besides.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// So many requests at once on a connection.
    pub most_streams: Option<u32>,
    /// Says goodbye on a connection after so many requests.
    pub goodbye_after: Option<usize>,
}

/// The running stage; its thread ends with the test.
pub struct Http2Stub {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Requests of each connection.
    requests: Mutex<Vec<usize>>,
    bodies: Mutex<Vec<(String, Vec<u8>)>>,
    heads: Mutex<Vec<http::HeaderMap>>,
    /// Connections that are open, and how many were at most.
    open: Mutex<(usize, usize)>,
}

type Script = Arc<dyn Fn(&str, &[u8]) -> Answer + Send + Sync>;

impl Http2Stub {
    /// Serves what the script says for a path and a body.
    pub fn start(
        manner: Manner,
        tls: Option<Arc<rustls::ServerConfig>>,
        script: impl Fn(&str, &[u8]) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Seen> = Arc::default();
        let (script, counts): (Script, _) = (Arc::new(script), Arc::clone(&seen));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((socket, _)) = listener.accept().await {
                    socket.set_nodelay(true).unwrap();
                    let (script, seen) = (Arc::clone(&script), Arc::clone(&counts));
                    let acceptor = tls.clone().map(tokio_rustls::TlsAcceptor::from);
                    tokio::spawn(async move {
                        match acceptor {
                            None => serve(socket, manner, script, seen).await,
                            Some(acceptor) => {
                                // As real servers do, one that did not agree on HTTP/2 is not spoken to in it.
                                if let Ok(socket) = acceptor.accept(socket).await
                                    && socket.get_ref().1.alpn_protocol() == Some(b"h2")
                                {
                                    serve(socket, manner, script, seen).await;
                                }
                            }
                        }
                    });
                }
            });
        });
        Self { address, seen }
    }

    /// Returns how many requests each connection has brought.
    pub fn requests(&self) -> Vec<usize> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Returns how many connections were open at once.
    pub fn most_open(&self) -> usize {
        self.seen.open.lock().unwrap().1
    }

    /// Returns that header of each request.
    pub fn header(&self, name: &str) -> Vec<Option<String>> {
        let heads = self.seen.heads.lock().unwrap();
        let value = |head: &http::HeaderMap| Some(head.get(name)?.to_str().unwrap().to_owned());
        heads.iter().map(value).collect()
    }

    /// Returns what was asked: path and body.
    pub fn asked(&self) -> Vec<(String, Vec<u8>)> {
        self.seen.bodies.lock().unwrap().clone()
    }
}

async fn serve(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    manner: Manner,
    script: Script,
    seen: Arc<Seen>,
) {
    let mut builder = h2::server::Builder::new();
    if let Some(most) = manner.most_streams {
        builder.max_concurrent_streams(most);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(socket).await else {
        return;
    };
    let number = {
        let mut requests = seen.requests.lock().unwrap();
        requests.push(0);
        requests.len() - 1
    };
    {
        let mut open = seen.open.lock().unwrap();
        open.0 += 1;
        open.1 = open.1.max(open.0);
    }
    while let Some(Ok((request, respond))) = connection.accept().await {
        let count = {
            let mut requests = seen.requests.lock().unwrap();
            requests[number] += 1;
            requests[number]
        };
        if manner.goodbye_after == Some(count) {
            connection.graceful_shutdown();
        }
        let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
        tokio::spawn(async move {
            let path = request.uri().path().to_owned();
            seen.heads.lock().unwrap().push(request.headers().clone());
            let mut stream = request.into_body();
            let mut body = Vec::new();
            while let Some(Ok(bytes)) = stream.data().await {
                body.extend_from_slice(&bytes);
                stream.flow_control().release_capacity(bytes.len()).unwrap();
            }
            let answer = script(&path, &body);
            seen.bodies.lock().unwrap().push((path, body));
            say(answer, respond).await;
        });
    }
    seen.open.lock().unwrap().0 -= 1;
}

async fn say(answer: Answer, mut respond: SendResponse<Bytes>) {
    let first = answer.pieces.first().map_or(0, |(ms, _)| *ms);
    tokio::time::sleep(Duration::from_millis(first)).await;
    let head = http::Response::builder().header("content-type", "application/json");
    let Ok(mut body) = respond.send_response(head.body(()).unwrap(), false) else {
        return;
    };
    for (number, (ms, piece)) in answer.pieces.into_iter().enumerate() {
        if number > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        if body.send_data(Bytes::from(piece), false).is_err() {
            return;
        }
    }
    if answer.resets {
        tokio::time::sleep(Duration::from_millis(5)).await;
        body.send_reset(h2::Reason::INTERNAL_ERROR);
    } else {
        drop(body.send_data(Bytes::new(), true));
    }
}

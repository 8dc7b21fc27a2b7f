//! A scripted server of HTTP/1.1, plain or over TLS: real sockets, one thread a connection,
//! absolute pauses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Step {
    Wait(Duration),
    Send(Vec<u8>),
    Close,
}

/// A request as the server read it.
#[derive(Clone, Debug)]
pub struct Request {
    /// When it had been read.
    pub at: Instant,
    /// The number of its connection, in the order in which they were accepted.
    pub connection: usize,
    pub path: String,
    /// Header lines as they came.
    pub head: String,
    pub body: String,
}

/// A running server; it lives as long as the process.
pub struct Stub {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    /// Starts a server that follows `script`.
    pub fn start(script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    /// Serves with that listener.
    pub fn on(
        listener: TcpListener,
        script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::serve(listener, None, script)
    }

    /// Starts a server that follows `script` over TLS.
    pub fn over_tls(
        config: Arc<rustls::ServerConfig>,
        script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::serve(listener, Some(config), script)
    }

    fn serve(
        listener: TcpListener,
        tls: Option<Arc<rustls::ServerConfig>>,
        script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (script, requests) = (Arc::new(script), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for (number, socket) in listener.incoming().flatten().enumerate() {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                let tls = tls.clone();
                std::thread::spawn(move || {
                    socket.set_nodelay(true).unwrap();
                    let script = script.as_ref();
                    drop(match tls {
                        None => answer((number, socket), script, &log),
                        Some(config) => {
                            let connection = rustls::ServerConnection::new(config).unwrap();
                            let stream = rustls::StreamOwned::new(connection, socket);
                            answer((number, stream), script, &log)
                        }
                    });
                });
            }
        });
        Self { address, requests }
    }

    /// Returns every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(
    (number, stream): (usize, impl Read + Write),
    script: &dyn Fn(&Request) -> Vec<Step>,
    log: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader, number)? {
        log.lock().unwrap().push(request.clone());
        let mut due = request.at;
        for step in script(&request) {
            match step {
                Step::Wait(time) => {
                    due += time;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                Step::Send(bytes) => {
                    reader.get_mut().write_all(&bytes)?;
                    reader.get_mut().flush()?;
                }
                Step::Close => return Ok(()),
            }
        }
    }
    Ok(())
}

fn read(reader: &mut impl BufRead, connection: usize) -> std::io::Result<Option<Request>> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = head
        .split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Request {
        at: Instant::now(),
        connection,
        path,
        head,
        body,
    }))
}

/// Sends text as it is.
pub fn send(text: impl Into<Vec<u8>>) -> Step {
    Step::Send(text.into())
}

/// Sends a whole answer.
pub fn ok(body: &str) -> Step {
    send(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// Waits that many milliseconds, from the end of the wait before or from when the request had been read.
pub fn wait(millis: u64) -> Step {
    Step::Wait(Duration::from_millis(millis))
}

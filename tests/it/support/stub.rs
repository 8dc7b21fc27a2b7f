//! A scripted server: real sockets, one thread a connection, absolute pauses. Shared by the engine's own tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Wait(Duration),
    Send(Vec<u8>),
    Close,
}

/// A request as the server read it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// When it had been read.
    pub(crate) at: Instant,
    /// The number of its connection, in the order in which they were accepted.
    pub(crate) connection: usize,
    pub(crate) path: String,
    /// Header lines as they came.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A running server; it lives as long as the process.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    /// Starts a server that follows `script`.
    pub(crate) fn start(script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    /// Serves with that listener.
    pub(crate) fn on(
        listener: TcpListener,
        script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (script, requests) = (Arc::new(script), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                std::thread::spawn(move || drop(answer((number, &stream), script.as_ref(), &log)));
            }
        });
        Self { address, requests }
    }

    /// Returns every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(
    (number, stream): (usize, &TcpStream),
    script: &dyn Fn(&Request) -> Vec<Step>,
    log: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(request) = read(&mut reader, number)? {
        log.lock().unwrap().push(request.clone());
        let mut due = request.at;
        for step in script(&request) {
            match step {
                Step::Wait(time) => {
                    due += time;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                Step::Send(bytes) => writer.write_all(&bytes)?,
                Step::Close => return Ok(()),
            }
        }
    }
    Ok(())
}

fn read(reader: &mut BufReader<&TcpStream>, connection: usize) -> std::io::Result<Option<Request>> {
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
pub(crate) fn send(text: impl Into<Vec<u8>>) -> Step {
    Step::Send(text.into())
}

/// Sends a whole answer.
pub(crate) fn ok(body: &str) -> Step {
    send(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// Waits that many milliseconds, from the end of the wait before or from when the request had been read.
pub(crate) fn wait(millis: u64) -> Step {
    Step::Wait(Duration::from_millis(millis))
}

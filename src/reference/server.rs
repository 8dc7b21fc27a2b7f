//! The event loop of the reference server: one thread, an alarm for what is due, and nothing
//! between the alarm and the write.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use serde::Deserialize;
use serde_json::json;

use super::connection::{Connection, Request};
use super::statistics::Arrivals;
use crate::load::Pacer;
use crate::measure::{nanos, now_ns};

const TIMER: Token = Token(0);
const WAKER: Token = Token(1);
const LISTENER: Token = Token(2);
const FIRST_CONNECTION: usize = 3;

const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// Before a plain answer.
    pub(crate) delay: Duration,
    /// Before the first token of a chat completion.
    pub(crate) ttft: Duration,
    /// Between two tokens.
    pub(crate) gap: Duration,
    /// Tokens of a chat completion whose request does not limit them.
    pub(crate) tokens: u32,
    /// How long it stands still, and how often.
    pub(crate) freeze: Option<(Duration, Duration)>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            ttft: Duration::from_millis(50),
            gap: Duration::from_millis(5),
            tokens: 128,
            freeze: None,
        }
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Reference {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl Reference {
    /// Serves the script on 127.0.0.1; port 0 is a free one.
    pub(crate) fn start(script: Script, port: u16) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port).into())?;
        let address = listener.local_addr()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let pacer = Pacer::new(poll.registry(), TIMER)?;
        let stop = Arc::new(AtomicBool::new(false));
        let server = Server {
            script,
            poll,
            listener,
            pacer,
            connections: Vec::new(),
            vacant: Vec::new(),
            due: BinaryHeap::new(),
            accepted: 0,
            arrivals: Arrivals::default(),
            next_freeze: script.freeze.map(|(_, every)| now_ns() + nanos(every)),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("reference".to_owned())
            .spawn(move || server.run())?;
        Ok(Self {
            address,
            stop,
            waker,
            thread: Some(thread),
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Where it cannot be woken, its next connection or alarm ends it; waiting for that would be
        // worse.
        if self.waker.wake().is_ok()
            && let Some(thread) = self.thread.take()
        {
            drop(thread.join());
        }
    }
}

/// Returns when the tokens of an answer were handed to the kernel, in ns of this machine's
/// monotonic clock: each token is that time.
pub(crate) fn sent_times(text: &str) -> Vec<u64> {
    text.split_whitespace()
        .filter_map(|token| token.parse().ok())
        .collect()
}

/// What is due on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Plain,
    /// The token with this number, of so many, this long after one another.
    Token {
        number: u32,
        of: u32,
    },
    Whole {
        tokens: u32,
    },
}

type Due = Reverse<(u64, usize, u64, Act)>;

struct Server {
    script: Script,
    poll: Poll,
    listener: TcpListener,
    pacer: Pacer,
    connections: Vec<Option<Connection>>,
    vacant: Vec<usize>,
    due: BinaryHeap<Due>,
    accepted: u64,
    arrivals: Arrivals,
    next_freeze: Option<u64>,
    stop: Arc<AtomicBool>,
}

/// The parts of a chat completion's request that matter.
#[derive(Default, Deserialize)]
struct Ask {
    #[serde(default)]
    stream: bool,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
}

impl Server {
    fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 64 * 1024];
        while !self.stop.load(Ordering::Relaxed) {
            self.act_on_due();
            let next = self.due.peek().map_or(u64::MAX, |Reverse((at, ..))| *at);
            let next = next.min(self.next_freeze.unwrap_or(u64::MAX));
            if self.pacer.wait(&mut self.poll, &mut events, next).is_err() {
                return;
            }
            let now = now_ns();
            if let (Some(at), Some((length, every))) = (self.next_freeze, self.script.freeze)
                && now >= at
            {
                std::thread::sleep(length);
                self.next_freeze = Some(at + nanos(every));
            }
            for event in &events {
                match event.token() {
                    TIMER => self.pacer.fired(),
                    WAKER => {}
                    LISTENER => self.accept(),
                    Token(token) => {
                        let at = token - FIRST_CONNECTION;
                        if event.is_readable() {
                            self.readable(at, &mut buffer);
                        }
                        if event.is_writable() {
                            self.on(at, Connection::flush);
                        }
                    }
                }
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((mut socket, _)) = self.listener.accept() {
            // Without it, tokens would wait for acknowledgements.
            if socket.set_nodelay(true).is_err() {
                continue;
            }
            let at = self.vacant.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let interest = Interest::READABLE | Interest::WRITABLE;
            let token = Token(at + FIRST_CONNECTION);
            if self
                .poll
                .registry()
                .register(&mut socket, token, interest)
                .is_err()
            {
                self.vacant.push(at);
                continue;
            }
            self.accepted += 1;
            self.connections[at] = Some(Connection::new(socket, self.accepted));
        }
    }

    /// Does something to a connection, and closes it when that returns `false`.
    fn on(&mut self, at: usize, act: impl FnOnce(&mut Connection) -> bool) {
        let Some(connection) = self.connections.get_mut(at).and_then(Option::as_mut) else {
            return;
        };
        if !act(connection) {
            self.connections[at] = None;
            self.vacant.push(at);
        }
    }

    fn readable(&mut self, at: usize, buffer: &mut [u8]) {
        self.on(at, |connection| connection.fill(buffer));
        let now = now_ns();
        loop {
            let Some(connection) = self.connections.get_mut(at).and_then(Option::as_mut) else {
                return;
            };
            match connection.request() {
                Ok(Some(request)) => self.answer(at, &request, now),
                Ok(None) => return,
                Err(_) => self.on(at, |_| false),
            }
        }
    }

    fn answer(&mut self, at: usize, request: &Request, now: u64) {
        let Some(connection) = self.connections.get_mut(at).and_then(Option::as_mut) else {
            return;
        };
        connection.close_after = !request.keep_alive;
        let number = connection.number;
        let mut later = |after: Duration, act: Act| {
            self.due
                .push(Reverse((now + nanos(after), at, number, act)));
        };
        let path = request.path.split('?').next().unwrap_or_default();
        if path.ends_with("/chat/completions") {
            self.arrivals.take(now);
            let ask: Ask = serde_json::from_slice(&request.body).unwrap_or_default();
            let limit = ask.max_completion_tokens.or(ask.max_tokens);
            let of = limit.unwrap_or(self.script.tokens).max(1);
            if ask.stream {
                let first = Act::Token { number: 0, of };
                later(self.script.ttft, first);
                let role = event(
                    &json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
                );
                self.on(at, |connection| {
                    connection.send(&[STREAM_HEAD, &role].concat())
                });
            } else {
                later(
                    self.script.ttft + self.script.gap * (of - 1),
                    Act::Whole { tokens: of },
                );
            }
        } else if path.ends_with("/stats") {
            let body = self.arrivals.document().to_string();
            if request.path.ends_with("reset") {
                self.arrivals = Arrivals::default();
            }
            self.on(at, |connection| connection.send(&plain(&body)));
        } else if path.ends_with("/models") {
            let body = json!({"object": "list", "data": [{"id": "reference", "object": "model"}]});
            self.on(at, |connection| connection.send(&plain(&body.to_string())));
        } else {
            self.arrivals.take(now);
            if self.script.delay.is_zero() {
                self.on(at, |connection| connection.send(OK));
            } else {
                later(self.script.delay, Act::Plain);
            }
        }
    }

    fn act_on_due(&mut self) {
        while let Some(Reverse((due, at, number, act))) = self.due.peek().copied() {
            let now = now_ns();
            if due > now {
                return;
            }
            self.due.pop();
            let alive = self.connections.get(at).and_then(Option::as_ref);
            if alive.is_none_or(|connection| connection.number != number) {
                continue;
            }
            match act {
                Act::Plain => self.on(at, |connection| connection.send(OK)),
                Act::Whole { tokens } => self.on(at, |connection| connection.send(&whole(tokens))),
                Act::Token { number: token, of } => {
                    self.on(at, |connection| connection.send(&token_event(now)));
                    if token + 1 < of {
                        // From the time that was due, so that lateness does not add up.
                        let next = Act::Token {
                            number: token + 1,
                            of,
                        };
                        let after = due + nanos(self.script.gap);
                        self.due.push(Reverse((after, at, number, next)));
                    } else {
                        self.on(at, |connection| connection.send(&end(of)));
                    }
                }
            }
        }
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"text\":\"ok\"}";

fn plain(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn whole(tokens: u32) -> Vec<u8> {
    let text = format!("{} ", now_ns()).repeat(tokens as usize);
    plain(
        &json!({
            "object": "chat.completion", "model": "reference",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text.trim_end()}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1},
        })
        .to_string(),
    )
}

/// An event as a chunk of its own.
fn event(data: &serde_json::Value) -> Vec<u8> {
    chunk(&format!("data: {data}\n\n"))
}

fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

fn token_event(now: u64) -> Vec<u8> {
    chunk(&format!(
        "data: {{\"object\":\"chat.completion.chunk\",\"model\":\"reference\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{now} \"}}}}]}}\n\n"
    ))
}

/// The end of a stream: reason, usage, and the last chunk, in one write.
fn end(tokens: u32) -> Vec<u8> {
    let reason = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let usage = json!({
        "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1},
    });
    [
        event(&reason),
        event(&usage),
        chunk("data: [DONE]\n\n"),
        b"0\r\n\r\n".to_vec(),
    ]
    .concat()
}

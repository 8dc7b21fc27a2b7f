//! HTTP/2 on one connection, without I/O of its own: the bytes of a read go in with the read's
//! time, the bytes to be written come out. The protocol is the crate `h2`, polled by hand, because
//! only the engine may say when what was read.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::{Buf as _, Bytes, BytesMut};
use h2::RecvStream;
use h2::client::{Connection, ResponseFuture, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::encode::{Http2Request, Prepared};
use super::http1::Sink as _;
use super::{CUT, Standing, Wire};
use crate::load::id::StreamId;
use crate::load::worker::request::{Ended, Request};
use crate::measure::Failure;
use crate::protocol::Head;

/// Bytes that the server may send ahead on a stream, and on the connection: so many that its pace
/// is its own.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 1 << 30;

/// A connection that speaks HTTP/2.
pub(crate) struct Http2 {
    pipe: Arc<Mutex<Pipe>>,
    connection: Connection<PipeEnd, Bytes>,
    sender: SendRequest<Bytes>,
    streams: Vec<Option<Stream>>,
    vacant: Vec<usize>,
    /// The streams that have something new.
    woken: Arc<Mutex<Vec<usize>>>,
    /// The streams whose requests the kernel has not taken.
    unsent: Vec<usize>,
    /// Whether the server has said how many streams it takes.
    is_ready: bool,
    /// Whether it takes no more of them.
    is_closing: bool,
}

/// One request and its answer.
struct Stream {
    request: Box<Request>,
    waker: Waker,
    state: State,
}

enum State {
    Waiting(ResponseFuture),
    Body(RecvStream),
}

/// How a look at a stream ended.
enum Look {
    /// It goes on.
    More,
    Done,
    Failed(Failure, String),
    /// The server has said that it did not begin it.
    Untouched(String),
}

impl Http2 {
    /// Begins to speak; the first bytes to write are there at once.
    pub(crate) fn new() -> io::Result<Self> {
        let pipe: Arc<Mutex<Pipe>> = Arc::default();
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .enable_push(false);
        let mut handshake = Box::pin(builder.handshake(PipeEnd(Arc::clone(&pipe))));
        let mut context = Context::from_waker(Waker::noop());
        // The pipe takes what is written to it: there is nothing to wait for.
        let (sender, connection) = match handshake.as_mut().poll(&mut context) {
            Poll::Ready(Ok(both)) => both,
            Poll::Ready(Err(error)) => return Err(io::Error::other(error)),
            Poll::Pending => return Err(io::Error::other("HTTP/2 did not begin")),
        };
        drop(handshake);
        let mut http2 = Self {
            pipe,
            connection,
            sender,
            streams: Vec::new(),
            vacant: Vec::new(),
            woken: Arc::default(),
            unsent: Vec::new(),
            is_ready: false,
            is_closing: false,
        };
        http2.drive();
        Ok(http2)
    }

    /// Sends the head and the body of a request.
    fn send(&mut self, exchange: &Http2Request) -> Result<ResponseFuture, h2::Error> {
        let without_body = exchange.body.is_empty();
        let (response, mut body) = self
            .sender
            .send_request(exchange.head.clone(), without_body)?;
        if !without_body {
            // What the server's window does not take yet waits in `h2`.
            body.send_data(exchange.body.clone(), true)?;
        }
        Ok(response)
    }

    /// Puts a request whose head is on its way among the streams, and returns its number.
    fn enter(&mut self, request: Box<Request>, response: ResponseFuture) -> usize {
        let number = self.vacant.pop().unwrap_or_else(|| {
            self.streams.push(None);
            self.streams.len() - 1
        });
        let waker = Waker::from(Arc::new(StreamWaker {
            number,
            woken: Arc::clone(&self.woken),
        }));
        self.streams[number] = Some(Stream {
            request,
            waker,
            state: State::Waiting(response),
        });
        self.unsent.push(number);
        number
    }

    /// Takes what has come for the streams that were woken, or for all of a connection that ends.
    fn look_at_streams(&mut self, now: u64, ended: &mut Vec<Ended>) {
        // In the order in which they were woken, which is that of the bytes.
        let woken = std::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner));
        let open = if self.is_closing {
            0..self.streams.len()
        } else {
            0..0
        };
        for number in woken.into_iter().chain(open) {
            let look = self.look(number, now);
            ended.extend(self.conclude(number, look, now));
        }
    }

    /// Lets `h2` read what came and write what is to go.
    fn drive(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        if Pin::new(&mut self.connection).poll(&mut context).is_ready() {
            self.is_closing = true;
        }
        // A server that goes away finishes what it has begun, and takes nothing new.
        if matches!(self.sender.poll_ready(&mut context), Poll::Ready(Err(_))) {
            self.is_closing = true;
        }
    }

    fn look(&mut self, number: usize, now: u64) -> Look {
        match self.streams.get_mut(number) {
            Some(Some(stream)) => stream.look(now),
            _ => Look::More,
        }
    }

    fn conclude(&mut self, number: usize, look: Look, now: u64) -> Option<Ended> {
        if matches!(look, Look::More) {
            return None;
        }
        let stream = self.streams.get_mut(number)?.take()?;
        self.vacant.push(number);
        self.unsent.retain(|unsent| *unsent != number);
        Some(match look {
            Look::Failed(failure, detail) => stream.request.failed(failure, detail, now),
            Look::Untouched(it) => stream.request.failed(Failure::Reset, it, now).untouched(),
            Look::More | Look::Done => stream.request.answered(now),
        })
    }
}

impl Wire for Http2 {
    fn submit(&mut self, request: Box<Request>, now: u64) -> Option<Ended> {
        let begun = match &request.prepared {
            Prepared::Http2(exchange) => self.send(exchange).map_err(|error| error.to_string()),
            // A stage is spoken to in one way, and its requests are written for it.
            Prepared::Http(_) | Prepared::Process(_) => Err("it is not one of HTTP/2".to_owned()),
        };
        let response = match begun {
            Ok(response) => response,
            Err(detail) => return Some(request.failed(Failure::Reset, detail, now).untouched()),
        };
        let number = self.enter(request, response);
        self.drive();
        // The first look is what leaves the waker there; all that can have come is the end of the
        // connection.
        let look = self.look(number, now);
        self.conclude(number, look, now)
    }

    fn on_bytes(&mut self, bytes: &[u8], now: u64, ended: &mut Vec<Ended>) -> Standing {
        {
            let mut pipe = lock(&self.pipe);
            pipe.inbound.extend_from_slice(bytes);
            pipe.has_ended = bytes.is_empty();
        }
        let was_ready = self.is_ready;
        self.is_ready |= !bytes.is_empty();
        self.drive();
        self.look_at_streams(now, ended);
        // Windows are opened again.
        self.drive();
        if bytes.is_empty() {
            Standing::Broken(Failure::Reset, CUT.to_owned())
        } else if !was_ready && self.room() == 0 {
            let detail = "the server does not speak HTTP/2, or takes no requests";
            Standing::Broken(Failure::Connect, detail.to_owned())
        } else {
            Standing::Changed
        }
    }

    fn take_output(&mut self) -> Bytes {
        lock(&self.pipe).outbound.split().freeze()
    }

    fn sent(&mut self, now: u64) {
        for number in self.unsent.drain(..) {
            if let Some(Some(stream)) = self.streams.get_mut(number) {
                stream.request.stamps.sent.get_or_insert(now);
            }
        }
    }

    fn room(&self) -> usize {
        if self.is_closing || !self.is_ready {
            return 0;
        }
        self.sender
            .current_max_send_streams()
            .saturating_sub(self.busy())
    }

    fn busy(&self) -> usize {
        self.streams.len() - self.vacant.len()
    }

    fn is_greeting(&self) -> bool {
        !self.is_ready
    }

    fn is_closing(&self) -> bool {
        self.is_closing
    }

    fn each(&self, look: &mut dyn FnMut(StreamId, &Request)) {
        for (number, stream) in self.streams.iter().enumerate() {
            if let Some(stream) = stream {
                look(StreamId(number), &stream.request);
            }
        }
    }

    fn fail_one(
        &mut self,
        stream: StreamId,
        failure: Failure,
        detail: &str,
        now: u64,
    ) -> Option<Ended> {
        let look = Look::Failed(failure, detail.to_owned());
        let ended = self.conclude(stream.0, look, now);
        self.drive();
        ended
    }

    fn fail_all(&mut self, failure: &Failure, detail: &str, now: u64, ended: &mut Vec<Ended>) {
        for number in 0..self.streams.len() {
            let look = Look::Failed(failure.clone(), detail.to_owned());
            ended.extend(self.conclude(number, look, now));
        }
    }
}

impl Stream {
    /// Takes what has come for this stream, as read at `now`.
    fn look(&mut self, now: u64) -> Look {
        let mut context = Context::from_waker(&self.waker);
        if let State::Waiting(response) = &mut self.state {
            let response = match Pin::new(response).poll(&mut context) {
                Poll::Pending => return Look::More,
                // Of what it has begun, a server that goes away says nothing of the kind.
                Poll::Ready(Err(error)) if error.is_go_away() && error.is_remote() => {
                    return Look::Untouched(error.to_string());
                }
                Poll::Ready(Err(error)) => return Look::Failed(Failure::Reset, error.to_string()),
                Poll::Ready(Ok(response)) => response,
            };
            let (head, body) = response.into_parts();
            let headers: Vec<(&str, &[u8])> = head
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
                .collect();
            self.request.hear(now);
            self.request.sink(now).head(Head {
                status: head.status.as_u16(),
                headers: &headers,
            });
            self.state = State::Body(body);
        }
        let State::Body(body) = &mut self.state else {
            return Look::More;
        };
        loop {
            match body.poll_data(&mut context) {
                Poll::Pending => return Look::More,
                Poll::Ready(None) => return Look::Done,
                Poll::Ready(Some(Err(error))) => {
                    return Look::Failed(Failure::Reset, error.to_string());
                }
                Poll::Ready(Some(Ok(bytes))) => {
                    self.request.hear(now);
                    self.request.sink(now).body(&bytes);
                    if self.request.is_too_large() {
                        // What is said of it is the answer's own.
                        return Look::Failed(Failure::TooLarge, String::new());
                    }
                    // Fails only for bytes that were never taken.
                    drop(body.flow_control().release_capacity(bytes.len()));
                }
            }
        }
    }
}

/// Notes that a stream has something new.
struct StreamWaker {
    number: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for StreamWaker {
    fn wake(self: Arc<Self>) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if woken.last() != Some(&self.number) {
            woken.push(self.number);
        }
    }
}

/// The bytes between the socket and `h2`.
#[derive(Default)]
struct Pipe {
    inbound: BytesMut,
    outbound: BytesMut,
    has_ended: bool,
}

/// The side of a pipe that `h2` reads from and writes to.
struct PipeEnd(Arc<Mutex<Pipe>>);

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncRead for PipeEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.0);
        if pipe.inbound.is_empty() && !pipe.has_ended {
            return Poll::Pending;
        }
        let count = pipe.inbound.len().min(buffer.remaining());
        buffer.put_slice(&pipe.inbound[..count]);
        pipe.inbound.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PipeEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        lock(&self.0).outbound.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

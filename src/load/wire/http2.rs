//! HTTP/2 on one connection, without I/O of its own: the bytes of a read go in with the read's
//! time, the bytes to be written come out. The protocol is the crate `h2`, polled by hand, because
//! only the engine may say when what was read.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{Connection, ResponseFuture, SendRequest};

use super::encode::{Http2Request, Prepared};
use super::http1::Sink as _;
use super::pipe::Pipe;
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
    pipe: Pipe,
    connection: Connection<super::pipe::End, Bytes>,
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
        let pipe = Pipe::default();
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .enable_push(false);
        let mut handshake = Box::pin(builder.handshake(pipe.end()));
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
        self.pipe.push(bytes);
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
        } else if self.pipe.is_flooded() {
            let detail =
                "the server sends frames without end and does not read the answers to them";
            Standing::Broken(Failure::Reset, detail.to_owned())
        } else {
            Standing::Changed
        }
    }

    fn take_output(&mut self) -> Bytes {
        let (output, was_full) = self.pipe.pull();
        if was_full {
            self.drive();
        }
        output
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
            let at = self.request.hear(now);
            self.request.sink(at).head(Head {
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
                    let at = self.request.hear(now);
                    self.request.sink(at).body(&bytes);
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

/// Returns how one request ends when a server greets, sends these pieces, and closes: the text of
/// the answer, or why there is none.
#[cfg(any(test, fuzzing))]
pub(crate) fn answer(pieces: &[&[u8]]) -> Result<Option<String>, Failure> {
    use crate::load::worker::request::testing;

    let mut stage = testing::stage("output = { text = \"$.a\" }");
    stage.http_version = crate::manifest::HttpVersion::Two;
    let mut wire = Http2::new().map_err(|_| Failure::Connect)?;
    // A request is sent once the server has greeted with its SETTINGS.
    let mut ended = Vec::new();
    wire.on_bytes(&[0, 0, 0, 4, 0, 0, 0, 0, 0], 1, &mut ended);
    ended.extend(wire.submit(testing::of(&stage), 1));
    for piece in pieces.iter().filter(|it| !it.is_empty()).chain([&&b""[..]]) {
        wire.take_output();
        if let Standing::Broken(failure, detail) = wire.on_bytes(piece, 2, &mut ended) {
            wire.fail_all(&failure, &detail, 3, &mut ended);
            break;
        }
    }
    assert_eq!(
        (ended.len(), wire.busy()),
        (1, 0),
        "one request has one end"
    );
    let end = ended.pop().ok_or(Failure::Reset)?;
    let outcome = end.read(&stage).outcome;
    outcome.map(|it| it.text).map_err(|it| it.failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame without flags on the connection itself (RFC 9113, 4.1).
    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, 0], &[0; 4], payload].concat()
    }

    fn greeted() -> Http2 {
        let mut wire = Http2::new().unwrap();
        assert!(!wire.take_output().is_empty(), "the client speaks first");
        let mut ended = Vec::new();
        let standing = wire.on_bytes(&frame(4, &[]), 1, &mut ended);
        assert_eq!((standing, wire.is_greeting()), (Standing::Changed, false));
        wire
    }

    /// Sends frames in pieces as a read brings them, until the connection is given up; returns
    /// after how many bytes.
    fn flooded(wire: &mut Http2, frame: &[u8], answers_are_read: bool) -> Option<usize> {
        let piece = frame.repeat(64 * 1024 / frame.len());
        let mut sent = 0;
        while sent < 16 << 20 {
            sent += piece.len();
            if let Standing::Broken(failure, said) = wire.on_bytes(&piece, 2, &mut Vec::new()) {
                assert_eq!(failure, Failure::Reset);
                assert!(said.contains("does not read"), "{said}");
                return Some(sent);
            }
            while answers_are_read && !wire.take_output().is_empty() {}
        }
        None
    }

    // security 19
    #[test]
    fn a_server_that_floods_and_does_not_read_is_given_up_before_it_takes_much_memory() {
        for frame in [frame(6, &[7; 8]), frame(4, &[0, 3, 0, 0, 0, 100])] {
            let sent = flooded(&mut greeted(), &frame, false);
            assert!(sent.is_some_and(|it| it < 4 << 20), "{sent:?}");
        }
    }

    // security 19
    #[test]
    fn whoever_reads_its_answers_may_send_as_much_as_it_likes() {
        assert_eq!(flooded(&mut greeted(), &frame(6, &[7; 8]), true), None);
    }
}

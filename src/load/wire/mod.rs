//! How requests become bytes, and bytes answers: HTTP/1.1, HTTP/2, and programs. No room here opens
//! a socket: bytes that were read come in with the time of the read, bytes to be written are taken
//! out.

pub(crate) mod encode;
pub(crate) mod exchange;
pub(crate) mod http1;
pub(crate) mod http2;
mod pipe;
pub(crate) mod program;

use bytes::Bytes;

use crate::load::id::StreamId;
use crate::load::worker::request::{Ended, Request};
use crate::measure::Failure;

#[cfg(any(test, fuzzing))]
pub(crate) use http1::{Progress, ResponseParser, Sink};

/// What a connection is told to be that ends in the middle of an answer.
pub(crate) const CUT: &str = "the connection was closed before the answer was complete";

/// One way to carry requests: what is spoken on a connection, or a place where programs run.
pub(crate) trait Wire: Send {
    /// Begins a request, at `now`; where it cannot, the request comes back failed.
    fn submit(&mut self, request: Box<Request>, now: u64) -> Option<Ended>;

    /// Takes what one read brought, at `now`; no bytes are the end of the connection. Requests that
    /// have ended by it are added to `ended`.
    fn on_bytes(&mut self, bytes: &[u8], now: u64, ended: &mut Vec<Ended>) -> Standing;

    /// Returns the next bytes to be written; none when all have been taken.
    fn take_output(&mut self) -> Bytes {
        Bytes::new()
    }

    /// Notes that the kernel has taken all output, at `now`.
    fn sent(&mut self, _now: u64) {}

    /// Returns how many more requests it takes now.
    fn room(&self) -> usize;

    /// Returns how many requests are under way.
    fn busy(&self) -> usize;

    /// Returns whether the other side has yet to say that it is ready; until then there is no room.
    fn is_greeting(&self) -> bool {
        false
    }

    /// Returns whether it is of no more use once its requests have ended.
    fn is_closing(&self) -> bool {
        false
    }

    /// Shows every request under way.
    fn each(&self, look: &mut dyn FnMut(StreamId, &Request));

    /// Ends one request, and goes on with the others; `None` where there is no such request, or
    /// where the request takes the connection with it.
    fn fail_one(
        &mut self,
        _stream: StreamId,
        _failure: Failure,
        _detail: &str,
        _now: u64,
    ) -> Option<Ended> {
        None
    }

    /// Ends every request.
    fn fail_all(&mut self, failure: &Failure, detail: &str, now: u64, ended: &mut Vec<Ended>);
}

/// How a connection stands after a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As before: an answer goes on.
    Same,
    /// Its room, or whether it is of use, may have changed.
    Changed,
    /// Nothing that is on it will be answered.
    Broken(Failure, String),
}

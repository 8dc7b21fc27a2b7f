//! The bytes between a connection's socket and `h2`, which speaks over something asynchronous:
//! memory, bounded in both directions.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So many bytes wait to be written to a connection, and so many that came are kept unread while
/// they do.
const MOST_WAITING: usize = 1024 * 1024;

/// The socket's side.
#[derive(Default)]
pub(super) struct Pipe(Arc<Mutex<Held>>);

/// The side that `h2` reads from and writes to.
pub(super) struct End(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    inbound: BytesMut,
    outbound: BytesMut,
    has_ended: bool,
    /// There was more to write than may wait.
    is_full: bool,
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipe {
    /// Returns the other side.
    pub(super) fn end(&self) -> End {
        End(Arc::clone(&self.0))
    }

    /// Hands over what a read brought; no bytes are the end.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut held = lock(&self.0);
        held.inbound.extend_from_slice(bytes);
        held.has_ended = bytes.is_empty();
    }

    /// Takes what waits to be written, and says whether more would have.
    pub(super) fn pull(&self) -> (Bytes, bool) {
        let mut held = lock(&self.0);
        (
            held.outbound.split().freeze(),
            std::mem::take(&mut held.is_full),
        )
    }

    /// Returns whether the server keeps this side waiting and goes on sending: what it sends would
    /// be kept without bound.
    pub(super) fn is_flooded(&self) -> bool {
        let held = lock(&self.0);
        held.is_full && held.inbound.len() > MOST_WAITING
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut held = lock(&self.0);
        if held.inbound.is_empty() && !held.has_ended {
            return Poll::Pending;
        }
        let count = held.inbound.len().min(buffer.remaining());
        buffer.put_slice(&held.inbound[..count]);
        held.inbound.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut held = lock(&self.0);
        if held.outbound.len() >= MOST_WAITING {
            held.is_full = true;
            return Poll::Pending;
        }
        held.outbound.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn write(end: &mut End, bytes: &[u8]) -> Option<usize> {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(end).poll_write(&mut context, bytes) {
            Poll::Ready(count) => Some(count.unwrap()),
            Poll::Pending => None,
        }
    }

    fn read(end: &mut End, most: usize) -> Option<Vec<u8>> {
        let mut context = Context::from_waker(Waker::noop());
        let mut bytes = vec![0; most];
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(end).poll_read(&mut context, &mut buffer) {
            Poll::Ready(result) => {
                result.unwrap();
                Some(buffer.filled().to_vec())
            }
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_is_pushed_is_read_in_pieces_and_an_end_is_no_bytes() {
        let pipe = Pipe::default();
        let mut end = pipe.end();
        assert_eq!(read(&mut end, 4), None);
        pipe.push(b"abcdef");
        assert_eq!(read(&mut end, 4).unwrap(), b"abcd");
        assert_eq!(read(&mut end, 4).unwrap(), b"ef");
        assert_eq!(read(&mut end, 4), None);
        pipe.push(b"");
        assert_eq!(read(&mut end, 4).unwrap(), b"");
    }

    // security 19
    #[test]
    fn writing_waits_where_nobody_takes_what_was_written() {
        let pipe = Pipe::default();
        let mut end = pipe.end();
        let piece = vec![1; MOST_WAITING / 4];
        let taken = (0..100).take_while(|_| write(&mut end, &piece).is_some());
        assert_eq!(taken.count(), 4);
        let (output, was_full) = pipe.pull();
        assert_eq!((output.len(), was_full), (MOST_WAITING, true));
        assert_eq!(write(&mut end, b"x"), Some(1));
        let (output, was_full) = pipe.pull();
        assert_eq!((output.len(), was_full), (1, false));
    }

    /// A large body waits in `h2`, and the server may send meanwhile; both at once are a flood.
    #[test]
    fn much_in_one_direction_is_no_flood() {
        let pipe = Pipe::default();
        pipe.push(&vec![0; 2 * MOST_WAITING]);
        assert!(!pipe.is_flooded());
        let mut end = pipe.end();
        let piece = vec![1; MOST_WAITING];
        assert!(write(&mut end, &piece).is_some() && !pipe.is_flooded());
        assert!(write(&mut end, &piece).is_none() && pipe.is_flooded());
        assert_eq!(
            read(&mut end, 2 * MOST_WAITING).unwrap().len(),
            2 * MOST_WAITING
        );
        assert!(!pipe.is_flooded());
    }
}

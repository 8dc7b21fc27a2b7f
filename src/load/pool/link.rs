//! What a connection lies on: a socket, or in a test the two ends of a script.

use std::io::{self, Read, Write};

use crate::load::id::{ConnectionId, StageId};

/// Something that bytes can be read from and written to, without waiting.
pub(crate) trait Link: Read + Write {
    /// Returns how many addresses it may be connected to, which share the time that connecting may
    /// take; at least 1.
    fn addresses(&self) -> u32 {
        1
    }

    /// Returns whether the connection stands; an error says that it never will.
    fn is_connected(&mut self) -> io::Result<bool>;

    /// Drives the TLS handshake and returns whether it is over.
    fn handshake(&mut self) -> io::Result<bool>;

    /// Returns whether the server agreed to HTTP/2; without TLS there is nothing to agree on.
    fn agreed_to_http2(&self) -> bool;

    /// Returns whether TLS is spoken on it.
    fn is_tls(&self) -> bool;

    /// Returns whether a read that did not fill its buffer has taken everything there was.
    fn short_read_drains(&self) -> bool;

    /// Has the next read tell how long the kernel had held what it returns, where the link is one
    /// that can.
    fn ask_lag(&mut self);

    /// Returns for how long the kernel had held what the last reads returned, where they tell.
    fn take_lag(&mut self) -> Option<Lag>;
}

/// For how long the kernel had had what a read returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lag {
    /// In ns, of the newest bytes.
    pub(crate) ns: u64,
    /// Whether it stands for all reads, and not for those that are late.
    pub(crate) is_sample: bool,
}

/// Where links come from, and go.
pub(crate) trait Dialer {
    type Link: Link;

    /// Returns whether this machine may open one more connection.
    fn has_room(&self) -> bool;

    /// Begins to connect to a stage. An error that is [`Exhausted`](crate::measure::Exhausted) says
    /// that this machine has no socket for it.
    fn dial(&mut self, stage: StageId) -> io::Result<Dialed<Self::Link>>;

    /// Has the events of a link delivered under the connection's number.
    fn register(
        &mut self,
        link: &mut Self::Link,
        stage: StageId,
        connection: ConnectionId,
    ) -> io::Result<()>;

    /// Has a link that did not come to stand begin anew at the next of its addresses, in place;
    /// returns false where all have been tried.
    fn try_next(
        &mut self,
        _link: &mut Self::Link,
        _stage: StageId,
        _connection: ConnectionId,
    ) -> bool {
        false
    }

    /// Notes that a link has come to stand: its address is the first to be tried from now on.
    fn stands(&mut self, _link: &Self::Link, _stage: StageId) {}

    /// Takes a link back that is of no more use.
    fn hang_up(&mut self, link: Self::Link);
}

/// How a call to [`Dialer::dial`] ended.
pub(crate) enum Dialed<L> {
    Begun(L),
    /// The stage's name is being resolved; the pool hears of it by
    /// [`Pool::resolved`](super::Pool::resolved).
    Resolving,
}

/// Links without a socket.
#[cfg(test)]
pub(crate) mod testing {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::io::{self, ErrorKind, Read, Write};
    use std::rc::Rc;

    use super::{Lag, Link};

    /// What a read returns, and for how long the kernel says that it had it, in ns.
    pub(crate) type ScriptedRead = (io::Result<Vec<u8>>, Option<u64>);

    /// A link that is connected as soon as it is asked, reads what its script says, and keeps what
    /// is written.
    #[derive(Default)]
    pub(crate) struct FakeLink {
        pub(crate) written: Rc<RefCell<Vec<u8>>>,
        pub(crate) refused: bool,
        /// The next one first; after the last there is nothing to read.
        pub(crate) reads: VecDeque<ScriptedRead>,
        pub(crate) lag: Option<u64>,
        pub(crate) is_asked: bool,
    }

    impl Read for FakeLink {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let blocked = || (Err(ErrorKind::WouldBlock.into()), None);
            let (read, lag) = self.reads.pop_front().unwrap_or_else(blocked);
            let bytes = read?;
            buffer[..bytes.len()].copy_from_slice(&bytes);
            self.lag = lag.filter(|_| self.is_asked);
            Ok(bytes.len())
        }
    }

    impl Write for FakeLink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Link for FakeLink {
        fn is_connected(&mut self) -> io::Result<bool> {
            if self.refused {
                return Err(ErrorKind::ConnectionRefused.into());
            }
            Ok(true)
        }

        fn handshake(&mut self) -> io::Result<bool> {
            Ok(true)
        }

        fn agreed_to_http2(&self) -> bool {
            true
        }

        fn is_tls(&self) -> bool {
            false
        }

        fn short_read_drains(&self) -> bool {
            true
        }

        fn ask_lag(&mut self) {
            self.is_asked = true;
        }

        fn take_lag(&mut self) -> Option<Lag> {
            self.is_asked = false;
            let ns = self.lag.take()?;
            Some(Lag {
                ns,
                is_sample: false,
            })
        }
    }
}

//! One connection: what lies under it, what is spoken on it, and how far it is.

use std::io::{self, ErrorKind};

use bytes::Bytes;

use super::link::Link;
use crate::load::id::StreamId;
use crate::load::wire::Wire;
use crate::manifest::Timeouts;
use crate::measure::{Clock, Failure, nanos};

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Connecting,
    Handshaking,
    /// HTTP/2: the server has yet to say how many requests it takes at once.
    Greeting,
    Open,
}

/// One connection; idle when it is open and has no request, or room for one more.
pub(crate) struct Connection<L> {
    pub(crate) link: L,
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) phase: Phase,
    /// Tells it from those that had the same number before.
    pub(crate) serial: u64,
    /// What is still to be written.
    out: Bytes,
    /// Whether bytes were written since the link was last flushed.
    is_unflushed: bool,
    /// When it was begun.
    pub(crate) opened: u64,
    /// When its present address was begun to be tried.
    pub(crate) dialed: u64,
    /// When the TCP connection stood.
    pub(crate) connected: u64,
    /// Whose it is, where connections are kept for someone.
    pub(crate) owner: Option<u64>,
    /// How many requests have ended on it.
    pub(crate) answers: u64,
    /// When it was last read from, in ns.
    pub(crate) read_at: u64,
    /// How many bytes the link has taken since the last request was put on it.
    pub(crate) taken: usize,
    /// Whether it is among the idle ones.
    pub(crate) is_listed: bool,
}

/// What is past a deadline.
pub(crate) struct Overdue {
    /// One request of a connection; `None`: the connection itself.
    pub(crate) stream: Option<StreamId>,
    pub(crate) failure: Failure,
    pub(crate) said: &'static str,
}

impl<L: Link> Connection<L> {
    /// Makes a connection whose link was begun at `now`.
    pub(crate) fn new(link: L, wire: Box<dyn Wire>, serial: u64, now: u64) -> Self {
        Self {
            link,
            wire,
            phase: Phase::Connecting,
            serial,
            out: Bytes::new(),
            is_unflushed: false,
            opened: now,
            dialed: now,
            connected: now,
            owner: None,
            answers: 0,
            read_at: now,
            taken: 0,
            is_listed: false,
        }
    }

    /// Writes what there is to write, as far as the kernel takes it.
    pub(crate) fn write(&mut self, clock: &Clock) -> io::Result<()> {
        loop {
            if self.out.is_empty() {
                self.out = self.wire.take_output();
            }
            if self.out.is_empty() {
                break;
            }
            self.is_unflushed = true;
            match self.link.write(&self.out) {
                Ok(count) => {
                    self.taken += count;
                    drop(self.out.split_to(count));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if !self.is_unflushed {
            return Ok(());
        }
        // Under TLS the last record may still be on this side.
        match self.link.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                self.is_unflushed = false;
                self.wire.sent(clock.monotonic_ns());
                Ok(())
            }
        }
    }

    /// Looks whether the other side has closed it while it was idle, or has said something unasked.
    pub(crate) fn is_gone(&mut self) -> bool {
        let found = self.link.read(&mut [0; 1]).map_err(|error| error.kind());
        !matches!(found, Err(ErrorKind::WouldBlock | ErrorKind::Interrupted))
    }

    /// Returns whether one more request may be put on it.
    pub(crate) fn has_room(&self) -> bool {
        self.phase == Phase::Open && self.wire.room() > 0
    }

    /// Returns whether it is of no more use.
    pub(crate) fn is_over(&self) -> bool {
        self.wire.is_closing() && self.wire.busy() == 0
    }

    /// Adds the deadlines that the connection and what is on it are past.
    pub(crate) fn overdue(&self, now: u64, timeouts: &Timeouts, add: &mut dyn FnMut(Overdue)) {
        let (failure, said) = match self.phase {
            Phase::Connecting => (Failure::Connect, "no connection within its timeout"),
            Phase::Handshaking => (Failure::Tls, "no TLS handshake within its timeout"),
            Phase::Greeting => (Failure::Connect, "no HTTP/2 settings within its timeout"),
            Phase::Open => {
                return self.wire.each(&mut |stream, request| {
                    if let Some(said) = request.late(now, timeouts) {
                        add(Overdue {
                            stream: Some(stream),
                            failure: Failure::Timeout,
                            said,
                        });
                    }
                });
            }
        };
        let limit = nanos(timeouts.connect.unwrap_or(timeouts.total));
        let (since, limit) = match self.phase {
            Phase::Connecting => (self.dialed, limit / u64::from(self.link.addresses())),
            _ => (self.opened, limit),
        };
        if now > since.saturating_add(limit) {
            add(Overdue {
                stream: None,
                failure,
                said,
            });
        }
    }
}

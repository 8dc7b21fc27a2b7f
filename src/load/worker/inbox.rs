//! What was read and is yet to be parsed. All sockets that are ready are read first, each read with
//! its own stamp.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::Range;

use crate::load::id::{ConnectionId, StageId};
use crate::load::pool::Read;
use crate::load::pool::connection::Connection;
use crate::load::pool::link::Link;
use crate::measure::Clock;

/// Bytes of one read.
const READ_SIZE: usize = 64 * 1024;
/// Bytes that are read before what came is parsed.
const SIZE: usize = 256 * 1024;
/// Reads of one connection before the others have their turn.
const READS: usize = 4;

/// The reads since the last parse, and the connections that have more.
#[derive(Default)]
pub(crate) struct Inbox {
    buffer: Box<[u8]>,
    used: usize,
    reads: Vec<Taken>,
    unread: VecDeque<(StageId, ConnectionId)>,
    /// The connection that was read last, and how often in a row.
    turn: Option<(StageId, ConnectionId, usize)>,
}

/// One read.
struct Taken {
    stage: StageId,
    id: ConnectionId,
    serial: u64,
    at: u64,
    outcome: io::Result<Range<usize>>,
    has_more: bool,
}

/// One read, to be parsed.
pub(crate) struct Piece<'a> {
    pub(crate) stage: StageId,
    pub(crate) id: ConnectionId,
    /// Of the connection that it was read from.
    pub(crate) serial: u64,
    pub(crate) read: Result<Read<'a>, &'a io::Error>,
}

/// What a read says of those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There may be more.
    More,
    /// There is no more now.
    Drained,
}

impl Inbox {
    /// Returns whether connections wait to be read on.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Returns the connections that wait to be read on.
    pub(crate) fn take_unread(&mut self) -> VecDeque<(StageId, ConnectionId)> {
        self.turn = None;
        std::mem::take(&mut self.unread)
    }

    /// Has a connection read with those that wait, the next time.
    pub(crate) fn put_off(&mut self, stage: StageId, id: ConnectionId) {
        self.unread.push_back((stage, id));
    }

    /// Returns whether a connection may be read once more before the others; where not, it waits
    /// for its next turn.
    pub(crate) fn may_read(&mut self, stage: StageId, id: ConnectionId) -> bool {
        let reads = match self.turn {
            Some((last_stage, last, reads)) if (last_stage, last) == (stage, id) => reads,
            _ => 0,
        };
        if reads == READS {
            self.turn = None;
            self.unread.push_back((stage, id));
            return false;
        }
        self.turn = Some((stage, id, reads + 1));
        true
    }

    /// Returns whether what came must be parsed before the next read.
    pub(crate) fn is_full(&self) -> bool {
        !self.buffer.is_empty() && self.used + READ_SIZE > self.buffer.len()
    }

    /// Reads a connection once and stamps the read; with `short_drains`, a read that does not fill
    /// its room has taken everything there was, where the link is such.
    pub(crate) fn read<L: Link>(
        &mut self,
        connection: &mut Connection<L>,
        (stage, id): (StageId, ConnectionId),
        short_drains: bool,
        clock: &Clock,
    ) -> Outcome {
        if self.buffer.is_empty() {
            self.buffer = vec![0; SIZE].into_boxed_slice();
        }
        let room = self.used..self.used + READ_SIZE;
        let read = loop {
            match connection.link.read(&mut self.buffer[room.clone()]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let at = clock.monotonic_ns();
        let (outcome, next) = match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Outcome::Drained,
            Err(error) => (Err(error), Outcome::Drained),
            Ok(0) => (Ok(self.used..self.used), Outcome::Drained),
            Ok(count) => {
                let from = self.used;
                self.used += count;
                let drained = short_drains && count < READ_SIZE;
                let next = if drained && connection.link.short_read_drains() {
                    Outcome::Drained
                } else {
                    Outcome::More
                };
                (Ok(from..self.used), next)
            }
        };
        if let Some(last) = self.reads.last_mut() {
            last.has_more = (last.stage, last.id, last.serial) == (stage, id, connection.serial);
        }
        self.reads.push(Taken {
            stage,
            id,
            serial: connection.serial,
            at,
            outcome,
            has_more: false,
        });
        next
    }

    /// Returns what was read, in the order of the reads.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.reads.iter().map(|taken| Piece {
            stage: taken.stage,
            id: taken.id,
            serial: taken.serial,
            read: taken.outcome.as_ref().map(|range| Read {
                bytes: &self.buffer[range.clone()],
                at: taken.at,
                has_more: taken.has_more,
            }),
        })
    }

    /// Forgets what was read.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.reads.clear();
    }
}

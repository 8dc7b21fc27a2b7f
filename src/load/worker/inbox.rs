//! What was read and is yet to be parsed. All sockets that are ready are read first, each read with
//! its own stamp.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::Range;

use crate::load::id::{ConnectionId, StageId};
use crate::load::pool::Read;
use crate::load::pool::connection::Connection;
use crate::load::pool::link::{Lag, Link};
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

    /// Reads a connection once and stamps the read: with the time at which the kernel had received
    /// what it returns, where the link tells. With `short_drains`, a read that does not fill its
    /// room has taken everything there was, where the link is such.
    pub(crate) fn read<L: Link>(
        &mut self,
        connection: &mut Connection<L>,
        (stage, id): (StageId, ConnectionId),
        short_drains: bool,
        clock: &Clock,
    ) -> (Outcome, Option<Lag>) {
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
        let now = clock.monotonic_ns();
        let lag = connection.link.take_lag();
        let at = now.saturating_sub(lag.map_or(0, |lag| lag.ns));
        let (outcome, next) = match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (Outcome::Drained, lag),
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
        (next, lag)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::load::pool::link::testing::{FakeLink, ScriptedRead};
    use crate::load::wire::exchange::Http1;

    fn clock_at(ns: u64) -> Clock {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_nanos(ns));
        clock
    }

    fn connection(
        serial: u64,
        reads: impl IntoIterator<Item = ScriptedRead>,
    ) -> Connection<FakeLink> {
        let link = FakeLink {
            reads: reads.into_iter().collect(),
            ..FakeLink::default()
        };
        Connection::new(link, Box::new(Http1::default()), serial, 0)
    }

    fn bytes(text: &str) -> ScriptedRead {
        (Ok(text.as_bytes().to_vec()), None)
    }

    const FIRST: (StageId, ConnectionId) = (StageId(0), ConnectionId(0));
    const SECOND: (StageId, ConnectionId) = (StageId(0), ConnectionId(1));

    /// The pieces: of which connection, what, when, and whether more is behind it.
    fn pieces(inbox: &Inbox) -> Vec<(u64, Result<&str, ErrorKind>, u64, bool)> {
        fn piece<'a>(piece: &Piece<'a>) -> (u64, Result<&'a str, ErrorKind>, u64, bool) {
            match &piece.read {
                Ok(Read {
                    bytes,
                    at,
                    has_more,
                }) => {
                    let text = std::str::from_utf8(bytes).unwrap();
                    (piece.serial, Ok(text), *at, *has_more)
                }
                Err(error) => (piece.serial, Err(error.kind()), 0, false),
            }
        }
        inbox.pieces().map(|it| piece(&it)).collect()
    }

    #[test]
    fn what_is_read_is_kept_with_the_time_of_its_read_until_it_is_parsed() {
        let clock = clock_at(1_000);
        let mut inbox = Inbox::default();
        let mut one = connection(1, [bytes("ab")]);
        let mut two = connection(2, [bytes("c"), bytes("")]);
        let read = inbox.read(&mut one, FIRST, true, &clock);
        assert_eq!(read, (Outcome::Drained, None));
        clock.advance(Duration::from_nanos(500));
        // One whose end is waiting behind its bytes is not drained by a short read.
        let read = inbox.read(&mut two, SECOND, false, &clock);
        assert_eq!(read, (Outcome::More, None));
        clock.advance(Duration::from_nanos(500));
        let end = inbox.read(&mut two, SECOND, false, &clock);
        assert_eq!(end, (Outcome::Drained, None));
        let nothing = inbox.read(&mut one, FIRST, true, &clock);
        assert_eq!(nothing, (Outcome::Drained, None));
        assert_eq!(
            pieces(&inbox),
            [
                (1, Ok("ab"), 1_000, false),
                (2, Ok("c"), 1_500, true),
                (2, Ok(""), 2_000, false),
            ]
        );
        inbox.clear();
        assert!(pieces(&inbox).is_empty());
    }

    #[test]
    fn a_late_read_is_stamped_with_the_time_at_which_the_kernel_had_it() {
        let clock = clock_at(10_000);
        let mut inbox = Inbox::default();
        let late = |text: &str, lag| (bytes(text).0, Some(lag));
        let mut one = connection(1, [late("a", 700), late("b", 700), late("c", 20_000)]);
        for (is_asked, told) in [(true, Some(700)), (false, None), (true, Some(20_000))] {
            if is_asked {
                one.link.ask_lag();
            }
            let (_, lag) = inbox.read(&mut one, FIRST, false, &clock);
            assert_eq!(lag.map(|lag| lag.ns), told);
        }
        let at: Vec<u64> = pieces(&inbox).iter().map(|piece| piece.2).collect();
        assert_eq!(at, [9_300, 10_000, 0]);
    }

    #[test]
    fn a_link_that_breaks_says_so_in_its_place() {
        let clock = clock_at(1);
        let mut inbox = Inbox::default();
        let broken = (Err(ErrorKind::ConnectionReset.into()), None);
        let again = (Err(ErrorKind::Interrupted.into()), None);
        let mut one = connection(1, [again, bytes("a"), broken]);
        assert_eq!(inbox.read(&mut one, FIRST, false, &clock).0, Outcome::More);
        assert_eq!(
            inbox.read(&mut one, FIRST, false, &clock).0,
            Outcome::Drained
        );
        assert_eq!(
            pieces(&inbox),
            [
                (1, Ok("a"), 1, true),
                (1, Err(ErrorKind::ConnectionReset), 0, false)
            ]
        );
    }

    #[test]
    fn a_connection_that_always_has_more_waits_for_its_turn() {
        let mut inbox = Inbox::default();
        let turns = |inbox: &mut Inbox, (stage, id)| {
            (0..10).take_while(|_| inbox.may_read(stage, id)).count()
        };
        assert_eq!(turns(&mut inbox, FIRST), READS);
        assert!(inbox.may_read(SECOND.0, SECOND.1));
        assert!(inbox.has_unread());
        assert_eq!(inbox.take_unread(), [FIRST]);
        assert!(!inbox.has_unread());
        assert_eq!(turns(&mut inbox, FIRST), READS);
        inbox.put_off(SECOND.0, SECOND.1);
        assert_eq!(inbox.take_unread(), [FIRST, SECOND]);
    }

    #[test]
    fn what_fills_the_room_is_parsed_before_more_is_read() {
        let clock = clock_at(1);
        let mut inbox = Inbox::default();
        assert!(!inbox.is_full());
        let whole = || (Ok(vec![b'x'; READ_SIZE]), None);
        let mut one = connection(1, [whole(), whole(), whole(), whole()]);
        let mut reads = 0;
        while !inbox.is_full() {
            // A read that fills its room may have left something.
            assert_eq!(inbox.read(&mut one, FIRST, true, &clock).0, Outcome::More);
            reads += 1;
        }
        assert_eq!(reads * READ_SIZE, SIZE);
        inbox.clear();
        assert!(!inbox.is_full());
    }
}

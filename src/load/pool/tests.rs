//! Which connection a request takes, without a socket: links are scripts, and the clock is set by
//! hand.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::link::Dialed;
use super::link::testing::FakeLink;
use super::*;
use crate::load::worker::request::testing;
use crate::measure::Clock;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A machine that opens so many connections.
struct FakeDialer {
    room: usize,
    open: usize,
    refuses: bool,
    resolves: bool,
}

impl Dialer for FakeDialer {
    type Link = FakeLink;

    fn has_room(&self) -> bool {
        self.open < self.room
    }

    fn dial(&mut self, _stage: StageId) -> io::Result<Dialed<FakeLink>> {
        if self.resolves {
            return Ok(Dialed::Resolving);
        }
        Ok(Dialed::Begun(FakeLink {
            refused: self.refuses,
            ..FakeLink::default()
        }))
    }

    fn register(
        &mut self,
        _link: &mut FakeLink,
        _stage: StageId,
        _connection: ConnectionId,
    ) -> io::Result<()> {
        self.open += 1;
        Ok(())
    }

    fn hang_up(&mut self, _link: FakeLink) {
        self.open -= 1;
    }
}

struct Bench {
    pool: Pool<FakeDialer>,
    dialer: FakeDialer,
    clock: Clock,
    reports: Vec<Report>,
}

impl Bench {
    fn new(mode: Connections) -> Self {
        let stage = testing::stage("");
        Self {
            pool: Pool::new(PoolSettings {
                stage: StageId(0),
                mode,
                most: match mode {
                    Connections::Fixed(most) => most as usize,
                    _ => usize::MAX,
                },
                is_multiplexed: false,
                timeouts: stage.timeouts,
            }),
            dialer: FakeDialer {
                room: 10,
                open: 0,
                refuses: false,
                resolves: false,
            },
            clock: Clock::manual(jiff::Timestamp::UNIX_EPOCH),
            reports: Vec::new(),
        }
    }

    fn with<R>(
        &mut self,
        call: impl FnOnce(&mut Pool<FakeDialer>, &mut Outside<'_, FakeDialer>) -> R,
    ) -> R {
        call(
            &mut self.pool,
            &mut Outside {
                clock: &self.clock,
                dialer: &mut self.dialer,
                reports: &mut self.reports,
            },
        )
    }

    fn submit(&mut self, user: Option<u32>) {
        let mut request = testing::http("GET", "");
        request.intent.user = user;
        self.with(|pool, outside| pool.submit(request, outside));
    }

    /// Lets every connection that is on its way be opened.
    fn open_all(&mut self) {
        for id in 0..self.dialer.open {
            let phase = self.pool.connection(ConnectionId(id)).map(|it| it.phase);
            if phase == Some(Phase::Connecting) {
                self.with(|pool, outside| pool.ready(ConnectionId(id), true, outside));
            }
        }
    }

    /// Answers what is on a connection; `has_more`: and something has come behind it.
    fn answer(&mut self, id: usize, has_more: bool) {
        let serial = self.pool.connection(ConnectionId(id)).unwrap().serial;
        let at = self.clock.monotonic_ns();
        let read = Read {
            bytes: OK,
            at,
            has_more,
        };
        self.with(|pool, outside| pool.take((ConnectionId(id), serial), read, outside));
    }

    /// Returns what was reported since the last call, in words.
    fn told(&mut self) -> Vec<String> {
        let word = |report: Report| match report {
            Report::Ended(ended) => match ended.read(&testing::stage("")).outcome {
                Ok(reply) => reply.text.unwrap_or_default(),
                Err(error) => error.failure.to_string(),
            },
            Report::NotSent(_) => "not sent".to_owned(),
            Report::Dialed(_) => "dialed".to_owned(),
            Report::Opening { metric, .. } => format!("{metric:?}"),
        };
        self.reports.drain(..).map(word).collect()
    }

    /// Returns how many requests are on each connection, and how many wait.
    fn standing(&self) -> (Vec<usize>, usize) {
        let connections = self.pool.connections.iter();
        let busy = connections.map(|(_, it)| it.wire.busy()).collect();
        (busy, self.pool.waiting.len())
    }
}

#[test]
fn a_connection_that_is_free_is_taken_before_a_new_one() {
    let mut bench = Bench::new(Connections::Pooled);
    bench.submit(None);
    assert_eq!(bench.standing(), (vec![0], 1));
    bench.open_all();
    assert_eq!(bench.standing(), (vec![1], 0));
    bench.submit(None);
    bench.open_all();
    assert_eq!(bench.standing(), (vec![1, 1], 0));
    assert_eq!(
        bench.told(),
        ["dialed", "ConnectTime", "dialed", "ConnectTime"]
    );
    bench.answer(1, false);
    bench.answer(0, false);
    assert_eq!(bench.told(), ["ok", "ok"]);
    // The one used last.
    bench.submit(None);
    assert_eq!(bench.standing(), (vec![1, 0], 0));
    assert_eq!(bench.told(), [""; 0]);
}

#[test]
fn of_a_fixed_number_none_is_opened_beyond_it_and_requests_wait_in_turn() {
    let mut bench = Bench::new(Connections::Fixed(1));
    for _ in 0..3 {
        bench.submit(None);
    }
    bench.open_all();
    assert_eq!(bench.standing(), (vec![1], 2));
    bench.clock.advance(Duration::from_millis(20));
    bench.answer(0, false);
    assert_eq!(bench.standing(), (vec![1], 1));
    let mut sent = Vec::new();
    bench.pool.each(|it| sent.push(it.stamps.send_start));
    assert_eq!(sent, [Some(20_000_000), None]);
}

#[test]
fn a_connection_for_one_request_is_closed_behind_its_answer() {
    let mut bench = Bench::new(Connections::PerRequest);
    bench.submit(None);
    bench.open_all();
    bench.answer(0, false);
    assert_eq!((bench.standing(), bench.dialer.open), ((vec![], 0), 0));
    bench.submit(None);
    assert_eq!(bench.told(), ["dialed", "ConnectTime", "ok", "dialed"]);
}

#[test]
fn a_user_comes_back_to_the_own_connection_until_it_is_forgotten() {
    let mut bench = Bench::new(Connections::PerSession);
    for user in [1, 2] {
        bench.submit(Some(user));
    }
    bench.open_all();
    bench.answer(0, false);
    bench.answer(1, false);
    bench.submit(Some(2));
    assert_eq!(bench.standing(), (vec![0, 1], 0));
    let owner = bench.pool.connection(ConnectionId(0)).unwrap().owner;
    bench.with(|pool, outside| pool.forget(owner.unwrap(), outside));
    assert_eq!((bench.standing(), bench.dialer.open), ((vec![1], 0), 1));
}

#[test]
fn what_came_behind_an_answer_is_not_the_next_ones() {
    let mut bench = Bench::new(Connections::Fixed(1));
    bench.submit(None);
    bench.submit(None);
    bench.open_all();
    bench.answer(0, true);
    // The one that waits gets a connection of its own.
    assert_eq!(bench.standing(), (vec![0], 1));
    assert_eq!(bench.told(), ["dialed", "ConnectTime", "dialed", "ok"]);
}

#[test]
fn a_read_of_a_connection_that_is_gone_is_nobodys() {
    let mut bench = Bench::new(Connections::Pooled);
    bench.submit(None);
    bench.open_all();
    let stale = bench.pool.connection(ConnectionId(0)).unwrap().serial + 1;
    let read = Read {
        bytes: OK,
        at: 0,
        has_more: false,
    };
    bench.with(|pool, outside| pool.take((ConnectionId(0), stale), read, outside));
    assert_eq!(bench.standing(), (vec![1], 0));
}

#[test]
fn a_stage_that_is_not_there_fails_each_request_that_waits() {
    let mut bench = Bench::new(Connections::Pooled);
    bench.dialer.refuses = true;
    bench.submit(None);
    bench.submit(None);
    bench.open_all();
    bench.open_all();
    let told = bench.told();
    assert_eq!(told.iter().filter(|it| *it == "connect").count(), 2);
    assert_eq!(bench.standing(), (vec![], 0));
}

#[test]
fn without_a_socket_nothing_is_sent() {
    let mut bench = Bench::new(Connections::Pooled);
    bench.dialer.room = 0;
    bench.submit(None);
    assert_eq!(bench.told(), ["not sent"]);
}

#[test]
fn a_name_that_does_not_resolve_fails_the_request_that_waits_longest() {
    let mut bench = Bench::new(Connections::PerRequest);
    bench.dialer.resolves = true;
    bench.submit(None);
    bench.submit(None);
    bench.with(|pool, outside| pool.resolved(Err("no such name".to_owned()), outside));
    assert_eq!(bench.told(), ["dns"]);
    bench.with(|pool, outside| pool.resolved(Ok(Ok(FakeLink::default())), outside));
    bench.open_all();
    assert_eq!(bench.standing(), (vec![1], 0));
}

#[test]
fn what_is_late_ends_and_takes_its_connection_with_it() {
    let mut bench = Bench::new(Connections::Fixed(1));
    bench.submit(None);
    bench.submit(None);
    bench.open_all();
    bench.clock.advance(Duration::from_millis(499));
    bench.with(|pool, outside| pool.sweep(outside.clock.monotonic_ns(), outside));
    assert_eq!(bench.standing(), (vec![1], 1));
    bench.clock.advance(Duration::from_millis(2));
    bench.with(|pool, outside| pool.sweep(outside.clock.monotonic_ns(), outside));
    let told = bench.told();
    assert_eq!(told.iter().filter(|it| *it == "timeout").count(), 2);
    assert_eq!(bench.standing().1, 0);
}

#[test]
fn a_connection_is_written_to_as_soon_as_it_stands() {
    let mut bench = Bench::new(Connections::Pooled);
    bench.submit(None);
    bench.open_all();
    let written = Rc::clone(&bench.pool.connection(ConnectionId(0)).unwrap().link.written);
    assert!(written.borrow().starts_with(b"GET / HTTP/1.1\r\n"));
}

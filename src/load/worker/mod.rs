//! One thread of the engine: its own event loop, connections, and records; nothing shared on the hot path but
//! counters for the progress line.

mod capture;
mod complete;
mod exchange;
mod multiplexed;
pub(crate) mod request;
mod request_log;
mod send;
mod session;
mod steps;

pub(crate) use capture::Captured;
pub(crate) use request_log::RequestLog;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mio::{Events, Poll, Token, Waker};

use crate::load::arrival::nanos;
use crate::load::pacer::{Pacer, uninterrupted};
use crate::load::plan::{LoadPlan, Target};
use crate::load::pool::connection::OpenConnections;
use crate::load::pool::resolver::Resolver;
use crate::load::schedule::Schedule;
use crate::load::tally::recorder::Recorder;
use crate::load::wire::program::Processes;
use crate::load::worker::capture::Answers;
use crate::load::worker::request::{Intent, Request};
use crate::load::worker::request_log::RequestLogs;
use crate::measure::{Failure, Histogram, now_ns};

const TIMER: Token = Token(0);
pub(crate) const WAKER: Token = Token(1);
const FIRST_CONNECTION: usize = 2;

/// How often deadlines are looked at: one sweep for all connections instead of a timer for each.
const SWEEP_NS: u64 = 10_000_000;
/// Arrivals sent in one go before the sockets are looked at again.
const BATCH: usize = 64;
/// Reads of one connection before the others have their turn.
const READS: usize = 16;
/// Bytes of one read.
const READ_SIZE: usize = 64 * 1024;
/// The largest answer that is kept to be read.
pub(crate) const LARGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// What all workers see.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) stop: AtomicBool,
    pub(crate) sent: AtomicU64,
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    /// What the answers have cost, in 1e-9 USD.
    spent: AtomicU64,
}

/// What is kept besides the figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Ok answers of these recorders, for scoring once the clock has stopped.
    pub(crate) replies_of: Vec<usize>,
    /// Single requests with all their stamps.
    pub(crate) traces: bool,
}

/// What a worker brings back.
#[derive(Default)]
pub(crate) struct WorkerResult {
    pub(crate) recorders: Vec<Recorder>,
    pub(crate) captured: Vec<Captured>,
    pub(crate) traces: Vec<RequestLog>,
    pub(crate) exhausted: u64,
    pub(crate) over_budget: bool,
    /// By how much the regular sweep was late: what any answer may have waited to be read.
    pub(crate) stalls: Histogram,
    /// For how long the kernel had held what was read, on the connections that are watched.
    pub(crate) receive_lag: Histogram,
}

/// One thread's engine.
pub(crate) struct Worker<'a> {
    plan: &'a LoadPlan,
    shared: &'a Shared,
    poll: Poll,
    pacer: Pacer,
    connections: OpenConnections,
    processes: Processes,
    resolver: Resolver,
    schedules: Vec<Schedule>,
    pending: Vec<VecDeque<Request>>,
    /// Sessions between two turns, by when the next is due; the second number tells those of one moment apart.
    turns: BTreeMap<(u64, u64), Intent>,
    /// How many sessions have begun.
    sessions: u64,
    /// How many turns have been put off.
    departures: u64,
    /// The end of the measured phase, where it is a time.
    end: Option<u64>,
    recorders: Vec<Recorder>,
    captured: Answers,
    traces: Option<RequestLogs>,
    start: u64,
    in_flight: u64,
    next_sweep: u64,
    most_connections: usize,
    /// Of one target.
    most_of_one: usize,
    exhausted: u64,
    over_budget: bool,
    stalls: Histogram,
    receive_lag: Histogram,
    /// Whether requests were in flight when the loop last went to wait: only then is the alarm set for the sweep, and only
    /// they could be read late.
    watched: bool,
    /// Connections with more to read than one turn allows.
    unread: VecDeque<usize>,
    buffer: Box<[u8]>,
}

impl<'a> Worker<'a> {
    /// Makes a worker over its poll (whose waker stops it); `start` is t = 0 on the engine's clock.
    pub(crate) fn new(
        plan: &'a LoadPlan,
        shared: &'a Shared,
        (poll, waker): (Poll, Arc<Waker>),
        schedules: Vec<Schedule>,
        start: u64,
        (most_connections, most_of_one): (usize, usize),
    ) -> io::Result<Self> {
        let pacer = Pacer::new(poll.registry(), TIMER)?;
        let window = match plan.until {
            crate::manifest::Until::Duration(duration) => Some(nanos(duration)),
            crate::manifest::Until::Requests(_) => None,
        };
        let recorders = plan
            .measured()
            .map(|measured| Recorder::new(measured.limits(), window, plan.interval))
            .collect();
        Ok(Self {
            plan,
            shared,
            poll,
            pacer,
            connections: OpenConnections::new(plan.targets.len()),
            processes: Processes::new(Arc::clone(&waker)),
            resolver: Resolver::new(waker),
            schedules,
            pending: plan.targets.iter().map(|_| VecDeque::new()).collect(),
            turns: BTreeMap::new(),
            sessions: 0,
            departures: 0,
            end: window.map(|window| start + window),
            recorders,
            captured: Answers::default(),
            traces: None,
            start,
            in_flight: 0,
            next_sweep: 0,
            most_connections,
            most_of_one,
            exhausted: 0,
            over_budget: false,
            stalls: Histogram::default(),
            receive_lag: Histogram::default(),
            watched: false,
            unread: VecDeque::new(),
            buffer: vec![0; READ_SIZE].into_boxed_slice(),
        })
    }

    /// Says what of the measured phase is kept.
    pub(crate) fn keep(&mut self, keep: Keep) {
        self.captured = Answers::of(keep.replies_of);
        self.traces = keep.traces.then(RequestLogs::default);
    }

    /// Runs until every request has ended, or the run is stopped.
    pub(crate) fn run(mut self) -> io::Result<WorkerResult> {
        let mut events = Events::with_capacity(1024);
        while !self.shared.stop.load(Ordering::Relaxed) {
            let more_due = self.send_due();
            let now = now_ns();
            if now >= self.next_sweep {
                if self.watched && self.next_sweep > self.start {
                    self.stalls.record_ns(now - self.next_sweep);
                }
                self.sweep(now);
                self.next_sweep = now + SWEEP_NS;
            }
            let next = self.next_at();
            if next.is_none() && self.in_flight == 0 {
                break;
            }
            self.watched = self.in_flight > 0;
            let busy = more_due || !self.unread.is_empty();
            self.wait(&mut events, if busy { 0 } else { next.unwrap_or(u64::MAX) })?;
            for _ in 0..self.unread.len() {
                if let Some(at) = self.unread.pop_front() {
                    self.readable(at, false);
                }
            }
            for completion in self.processes.ended() {
                self.ended(completion);
            }
            for resolved in self.resolver.answered() {
                self.resolved(resolved);
            }
            for event in &events {
                match event.token() {
                    TIMER => self.pacer.fired(),
                    WAKER => {}
                    Token(token) => self.ready(token - FIRST_CONNECTION, event),
                }
            }
            self.shared
                .in_flight
                .fetch_max(self.in_flight, Ordering::Relaxed);
        }
        Ok(self.into_result())
    }

    /// Waits until something happens, or `next` is due; 0 does not wait.
    fn wait(&mut self, events: &mut Events, next: u64) -> io::Result<()> {
        if next == 0 {
            return uninterrupted(self.poll.poll(events, Some(std::time::Duration::ZERO)));
        }
        let sweep = if self.in_flight > 0 {
            self.next_sweep
        } else {
            u64::MAX
        };
        self.pacer.wait(&mut self.poll, events, next.min(sweep))
    }

    /// Fails what is past its deadline.
    fn sweep(&mut self, now: u64) {
        for (at, overdue) in self.connections.overdue(now, &self.plan.targets) {
            let detail = overdue.said.to_owned();
            match overdue.stream {
                Some(stream) => self.break_stream(at, stream, overdue.failure, detail),
                None => self.broken(at, overdue.failure, detail),
            }
        }
        for target in 0..self.pending.len() {
            let limit = total_ns(&self.plan.targets[target]);
            while let Some(request) =
                self.pending[target].pop_front_if(|request| now > request.stamps.dequeued + limit)
            {
                let detail = "no connection was free within the timeout".to_owned();
                self.ended(request.fail(Failure::Timeout, detail, now));
            }
        }
    }

    fn into_result(mut self) -> WorkerResult {
        let now = now_ns();
        for request in self
            .connections
            .requests()
            .chain(self.processes.requests())
            .chain(self.pending.iter().flatten())
        {
            let intent = &request.intent;
            let steps = intent.steps.as_ref();
            let whole = steps.map(|_| self.plan.recorder(intent.scenario));
            for recorder in whole.into_iter().chain([intent.target]) {
                let recorder = &mut self.recorders[recorder];
                recorder.attempted += u64::from(intent.measured);
                recorder.in_flight_at_end += u64::from(intent.measured);
            }
        }
        if !self.over_budget {
            for (scenario, schedule) in self.schedules.iter_mut().enumerate() {
                self.recorders[self.plan.recorder(scenario)].not_sent += schedule.overdue(now);
            }
            for ((due, _), intent) in self.turns.range(..=(now, u64::MAX)) {
                let recorder = &mut self.recorders[self.plan.recorder(intent.scenario)];
                recorder.not_sent += u64::from(*due >= self.start);
            }
        }
        self.recorders.iter_mut().for_each(Recorder::close);
        WorkerResult {
            recorders: self.recorders,
            captured: self.captured.into_vec(),
            traces: self.traces.map(RequestLogs::into_vec).unwrap_or_default(),
            exhausted: self.exhausted,
            over_budget: self.over_budget,
            stalls: self.stalls,
            receive_lag: self.receive_lag,
        }
    }
}

/// Returns the stage's whole timeout in ns.
pub(crate) fn total_ns(target: &Target) -> u64 {
    nanos(target.timeouts.total)
}

/// Returns whether an error means that this machine has run out of sockets, ports, or descriptors.
fn is_exhausted(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrNotAvailable
        || matches!(error.raw_os_error(), Some(code) if code == rustix::io::Errno::MFILE.raw_os_error()
            || code == rustix::io::Errno::NFILE.raw_os_error()
            || code == rustix::io::Errno::NOBUFS.raw_os_error())
}

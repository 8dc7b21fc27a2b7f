//! One thread of the engine: its own event loop, connections, and tallies; nothing shared on the
//! hot path but counters for the progress line.

mod capture;
mod dispatcher;
mod inbox;
mod pipeline;
pub(crate) mod request;
mod request_log;
mod session;
mod shared;

pub(crate) use capture::Captured;
#[cfg(test)]
pub(crate) use request_log::LoggedStep;
pub(crate) use request_log::RequestLog;
pub(crate) use shared::{Keep, Shared, WorkerResult};

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};

use crate::load::id::{ConnectionId, StageId};
use crate::load::pacer::{Pacer, uninterrupted};
use crate::load::plan::LoadPlan;
use crate::load::pool::dial::Sockets;
use crate::load::pool::link::Link as _;
use crate::load::pool::{Outside, Pool, PoolSettings, Report};
use crate::load::schedule::Schedule;
use crate::load::wire::Wire as _;
use crate::load::wire::program::Programs;
use crate::load::worker::dispatcher::{Dispatcher, Due};
use crate::load::worker::inbox::{Inbox, Outcome};
use crate::load::worker::request::Request;
use crate::manifest::HttpVersion;
use crate::measure::{Clock, Histogram};
use crate::metric::LatencyMetric;
use crate::stage::Address;

const TIMER: Token = Token(0);
pub(crate) const WAKER: Token = Token(1);
const FIRST_CONNECTION: usize = 2;

/// How often deadlines are looked at: one sweep for all connections instead of a timer for each.
const SWEEP_NS: u64 = 10_000_000;
/// Arrivals sent in one go before the sockets are looked at again.
const BATCH: usize = 64;

/// With so many connections to read at once, the kernel is asked when it received what they
/// return: that costs most of a µs for each, but they may have waited for longer.
const CROWD: usize = 4;

/// How one stage's requests leave.
enum Outlet<'a> {
    Pool(Box<Pool<Sockets<'a>>>),
    Programs(Box<Programs>),
}

/// One thread's engine.
pub(crate) struct Worker<'a> {
    shared: &'a Shared,
    poll: Poll,
    pacer: Pacer,
    sockets: Sockets<'a>,
    dispatcher: Dispatcher<'a>,
    /// By [`StageId`].
    outlets: Vec<Outlet<'a>>,
    reports: Vec<Report>,
    /// The room of reports that were taken, for those to come.
    taken: Vec<Report>,
    inbox: Inbox,
    /// Whether what is read in this pass may have waited for it.
    is_late: bool,
    clock: &'a Clock,
    start: u64,
    next_sweep: u64,
    stalls: Histogram,
    receive_lag: Histogram,
    /// Whether requests were in flight when the loop last went to wait: only then is the alarm set
    /// for the sweep, and only they could be read late.
    watched: bool,
}

impl<'a> Worker<'a> {
    /// Makes a worker over its poll (whose waker stops it); `start` is t = 0 on the engine's clock.
    pub(crate) fn new(
        plan: &'a LoadPlan,
        shared: &'a Shared,
        (poll, waker): (Poll, Arc<Waker>),
        (schedules, keep): (Vec<Schedule>, Keep),
        start: u64,
        (most_connections, most_of_one): (usize, usize),
    ) -> io::Result<Self> {
        let pacer = Pacer::new(poll.registry(), TIMER)?;
        let sockets = Sockets::new(
            plan,
            poll.registry(),
            Arc::clone(&waker),
            FIRST_CONNECTION,
            most_connections,
        )?;
        let outlets = plan.stages.iter().enumerate().map(|(number, stage)| {
            if matches!(stage.address, Address::Program) {
                let programs = Programs::new(Arc::clone(&waker), stage);
                return Outlet::Programs(Box::new(programs));
            }
            Outlet::Pool(Box::new(Pool::new(PoolSettings {
                stage: StageId(number),
                mode: plan.connections,
                most: most_of_one,
                is_multiplexed: stage.http_version == HttpVersion::Two,
                timeouts: stage.timeouts,
            })))
        });
        Ok(Self {
            shared,
            poll,
            pacer,
            sockets,
            dispatcher: Dispatcher::new(plan, shared, schedules, start, keep),
            outlets: outlets.collect(),
            reports: Vec::new(),
            taken: Vec::new(),
            inbox: Inbox::default(),
            is_late: false,
            clock: &plan.clock,
            start,
            next_sweep: 0,
            stalls: Histogram::default(),
            receive_lag: Histogram::default(),
            watched: false,
        })
    }

    /// Runs until every request has ended, or the run is stopped.
    pub(crate) fn run(mut self) -> io::Result<WorkerResult> {
        let mut events = Events::with_capacity(1024);
        while !self.shared.stop.load(Ordering::Relaxed) {
            let more_due = self.send_due();
            let now = self.clock.monotonic_ns();
            if now >= self.next_sweep {
                if self.watched && self.next_sweep > self.start {
                    self.stalls.record_ns(now - self.next_sweep);
                }
                self.sweep(now);
                self.next_sweep = now + SWEEP_NS;
            }
            let next = self.dispatcher.next_at();
            if next.is_none() && self.dispatcher.in_flight() == 0 {
                break;
            }
            self.watched = self.dispatcher.in_flight() > 0;
            let busy = more_due || self.inbox.has_unread();
            self.wait(&mut events, if busy { 0 } else { next.unwrap_or(u64::MAX) })?;
            self.take_events(&events);
            self.shared
                .in_flight
                .fetch_max(self.dispatcher.in_flight(), Ordering::Relaxed);
        }
        Ok(self.into_result())
    }

    /// Sends what is due and returns whether more is.
    fn send_due(&mut self) -> bool {
        for _ in 0..BATCH {
            match self.dispatcher.take_due(self.clock.monotonic_ns()) {
                Due::Nothing => return false,
                Due::Failed => {}
                Due::Send(request) => self.submit(request),
            }
            self.take_reports();
        }
        true
    }

    /// Waits until something happens, or `next` is due; 0 does not wait.
    fn wait(&mut self, events: &mut Events, next: u64) -> io::Result<()> {
        if next == 0 {
            return uninterrupted(self.poll.poll(events, Some(Duration::ZERO)));
        }
        let sweep = if self.dispatcher.in_flight() > 0 {
            self.next_sweep
        } else {
            u64::MAX
        };
        self.pacer.wait(&mut self.poll, events, next.min(sweep))
    }

    /// Takes what has happened, in two passes: first all that is ready is read and stamped, then it
    /// is parsed, so that no answer's time holds the parsing of another.
    fn take_events(&mut self, events: &Events) {
        let unread = self.inbox.take_unread();
        // Alone, an event is read as soon as it comes; of many, the last waits for the first, and
        // all for what kept this thread.
        self.is_late = unread.len() + events.iter().take(CROWD).count() >= CROWD;
        for (stage, id) in &unread {
            self.read(*stage, *id, false);
        }
        let mut is_woken = false;
        for event in events {
            match event.token() {
                TIMER => self.pacer.fired(),
                WAKER => is_woken = true,
                token => {
                    let (stage, id) = self.sockets.whose(token);
                    let is_readable = self.with_pool(stage, |pool, outside| {
                        pool.ready(id, event.is_writable(), outside)
                    });
                    if is_readable != Some(true) {
                        continue;
                    }
                    if unread.contains(&(stage, id)) {
                        // Once in a pass, so that the reads of one connection stand together.
                        self.inbox.put_off(stage, id);
                    } else {
                        // A short read does not drain a socket whose end is waiting behind the
                        // bytes.
                        self.read(stage, id, !event.is_read_closed());
                    }
                }
            }
        }
        self.parse();
        if is_woken {
            self.take_programs();
            self.take_names();
        }
        self.take_reports();
    }

    /// Reads what there is on a connection; with `short_drains`, a read that does not fill its
    /// buffer ends it.
    fn read(&mut self, stage: StageId, id: ConnectionId, short_drains: bool) {
        while self.inbox.may_read(stage, id) {
            if self.inbox.is_full() {
                self.parse();
            }
            let Outlet::Pool(pool) = &mut self.outlets[stage] else {
                return;
            };
            let Some(connection) = pool.connection(id) else {
                return;
            };
            if self.is_late {
                connection.link.ask_lag();
            }
            let (outcome, lag) = self
                .inbox
                .read(connection, (stage, id), short_drains, self.clock);
            let sample = lag.filter(|lag| lag.is_sample);
            if let Some(lag) = sample.filter(|_| self.clock.monotonic_ns() >= self.start) {
                self.receive_lag.record_ns(lag.ns);
            }
            if outcome == Outcome::Drained {
                return;
            }
        }
    }

    /// Hands what was read to the connections that it was read from.
    fn parse(&mut self) {
        let mut inbox = std::mem::take(&mut self.inbox);
        for piece in inbox.pieces() {
            self.with_pool(piece.stage, |pool, outside| match piece.read {
                Ok(read) => pool.take((piece.id, piece.serial), read, outside),
                Err(error) => pool.link_failed((piece.id, piece.serial), error, outside),
            });
        }
        inbox.clear();
        self.inbox = inbox;
    }

    fn submit(&mut self, request: Box<Request>) {
        let stage = request.intent.target;
        match &mut self.outlets[stage] {
            Outlet::Programs(programs) if programs.room() == 0 => {
                self.reports.push(Report::NotSent(request));
            }
            Outlet::Programs(programs) => {
                let refused = programs.submit(request, self.clock.monotonic_ns());
                self.reports.extend(refused.map(Report::Ended));
            }
            Outlet::Pool(_) => {
                self.with_pool(stage, |pool, outside| pool.submit(request, outside));
            }
        }
    }

    /// Calls a stage's pool; `None` where it has none.
    fn with_pool<R>(
        &mut self,
        stage: StageId,
        call: impl FnOnce(&mut Pool<Sockets<'a>>, &mut Outside<'_, Sockets<'a>>) -> R,
    ) -> Option<R> {
        let Outlet::Pool(pool) = &mut self.outlets[stage] else {
            return None;
        };
        let mut outside = Outside {
            clock: self.clock,
            dialer: &mut self.sockets,
            reports: &mut self.reports,
        };
        Some(call(pool, &mut outside))
    }

    /// Takes the programs that have ended.
    fn take_programs(&mut self) {
        let mut ended = Vec::new();
        for outlet in &mut self.outlets {
            if let Outlet::Programs(programs) = outlet {
                programs.on_bytes(&[], self.clock.monotonic_ns(), &mut ended);
            }
        }
        self.reports.extend(ended.into_iter().map(Report::Ended));
    }

    /// Goes on with the connections whose names have been resolved.
    fn take_names(&mut self) {
        for resolved in self.sockets.answered() {
            let (stage, asked, at) = (resolved.stage, resolved.asked, resolved.answered);
            let metric = LatencyMetric::DnsTime;
            self.dispatcher
                .opened(stage, metric, (asked, at), at - asked);
            let link = self.sockets.dial_resolved(resolved);
            self.with_pool(stage, |pool, outside| pool.resolved(link, outside));
        }
    }

    /// Fails what is past its deadline.
    fn sweep(&mut self, now: u64) {
        for stage in 0..self.outlets.len() {
            self.with_pool(StageId(stage), |pool, outside| pool.sweep(now, outside));
        }
        self.take_reports();
    }

    /// Takes what the pools have to tell, until they have no more.
    fn take_reports(&mut self) {
        while !self.reports.is_empty() {
            let mut reports = std::mem::replace(&mut self.reports, std::mem::take(&mut self.taken));
            for report in reports.drain(..) {
                self.take_report(report);
            }
            self.taken = reports;
            for (owner, stages) in self.dispatcher.take_over() {
                for stage in stages {
                    self.with_pool(*stage, |pool, outside| pool.forget(owner, outside));
                }
            }
        }
    }

    fn take_report(&mut self, report: Report) {
        match report {
            Report::Ended(ended) => {
                let completion = self.dispatcher.read(ended);
                let next = self
                    .dispatcher
                    .complete(completion, self.clock.monotonic_ns());
                if let Some(request) = next {
                    self.submit(request);
                }
            }
            Report::NotSent(request) => {
                self.dispatcher.not_sent(request, self.clock.monotonic_ns());
            }
            Report::Dialed(stage) => self.dispatcher.dialed(stage),
            Report::Opening {
                stage,
                metric,
                since,
                at,
                took,
            } => self.dispatcher.opened(stage, metric, (since, at), took),
        }
    }

    fn into_result(mut self) -> WorkerResult {
        let dispatcher = &mut self.dispatcher;
        for outlet in &self.outlets {
            match outlet {
                Outlet::Pool(pool) => pool.each(|request| dispatcher.still_open(request)),
                Outlet::Programs(programs) => {
                    programs.each(&mut |_, request| dispatcher.still_open(request));
                }
            }
        }
        WorkerResult {
            stalls: self.stalls,
            receive_lag: self.receive_lag,
            ..self.dispatcher.into_result(self.clock.monotonic_ns())
        }
    }
}

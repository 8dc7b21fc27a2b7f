//! What is sent: what is due, and the connection that it takes.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use mio::{Interest, Token};

use crate::load::plan::{Endpoint, Prepared};
use crate::load::pool::resolver::Resolved;
use crate::load::schedule::{Arrival, Schedule};
use crate::load::worker::request::{Intent, Request};
use crate::load::worker::session::Session;
use crate::load::worker::steps::Steps;
use crate::load::worker::{BATCH, FIRST_CONNECTION, Worker, is_exhausted};
use crate::manifest::{Connections, LatencyMetric};
use crate::measure::{Failure, now_ns};
use crate::protocol::ReadError;
use crate::template::TemplateError;

/// How many requests at once a server of HTTP/2 is expected to take, before it has said so: what RFC 9113 asks for at least.
const LIKELY_STREAMS: usize = 100;

impl Worker<'_> {
    /// Returns when something is due next, as far as that is known.
    pub(crate) fn next_at(&self) -> Option<u64> {
        if self.over_budget {
            return None;
        }
        let turn = self.turns.keys().next().map(|(at, _)| *at);
        self.schedules
            .iter()
            .filter_map(Schedule::next_at)
            .chain(turn)
            .min()
    }

    /// Sends what is due and returns whether more is.
    pub(crate) fn send_due(&mut self) -> bool {
        for _ in 0..BATCH {
            if self.over_budget {
                return false;
            }
            let now = now_ns();
            if let Some(entry) = self.turns.first_entry().filter(|it| it.key().0 <= now) {
                let ((due, _), intent) = entry.remove_entry();
                if !self.within_budget() {
                    return false;
                }
                self.send(intent, due, now);
                continue;
            }
            // The earliest over all scenarios: none waits behind another's backlog.
            let earliest = (0..self.schedules.len())
                .filter_map(|scenario| Some((self.schedules[scenario].next_at()?, scenario)))
                .min()
                .filter(|(at, _)| *at <= now);
            let Some((_, scenario)) = earliest else {
                return false;
            };
            if let Some(due) = self.schedules[scenario].take(now) {
                if !self.within_budget() {
                    return false;
                }
                let intent = self.first_intent(scenario, due);
                self.send(intent, due.intended, now);
            }
        }
        true
    }

    fn first_intent(&mut self, scenario: usize, due: Arrival) -> Intent {
        let cases = &self.plan.scenarios[scenario].cases;
        let sequence =
            self.plan.scenarios[scenario]
                .sequence
                .case(self.plan.seed, scenario as u64, due.index);
        let session = cases.sessions.as_ref().map(|sessions| {
            self.sessions += 1;
            let phase = if due.measured { "" } else { "w" };
            let name = format!("{scenario}-{phase}{}", due.index);
            let session = Session::new(sessions, self.sessions, &name, sequence, due.measured);
            (session.case(sessions), Box::new(session))
        });
        if due.measured && session.is_some() {
            self.recorders[self.plan.recorder(scenario)].sessions.begun += 1;
        }
        let (case, session) = session.map_or((sequence, None), |(case, it)| (case, Some(it)));
        Intent {
            scenario,
            target: self.plan.scenarios[scenario].steps[0],
            case,
            measured: due.measured,
            session,
            user: due.user,
            steps: None,
        }
    }

    /// Sends the first request of an arrival, or of a session's turn.
    fn send(&mut self, mut intent: Intent, intended: u64, now: u64) {
        let plan = self.plan;
        let scenario = &plan.scenarios[intent.scenario];
        let target = &plan.targets[intent.target];
        let scope = match &mut intent.session {
            Some(session) => Some(session.enter(plan, intent.scenario)),
            None => scenario.cases.scopes.get(intent.case).cloned(),
        };
        let written = if scenario.cases.requests.is_empty() {
            scope.as_ref().map(|scope| target.call.request(scope))
        } else {
            None
        };
        if scenario.whole.is_some() {
            intent.steps = scope.map(|scope| Box::new(Steps::new(scenario, scope)));
        }
        let mut request = Request::new(intent, intended, now, target);
        let prepared = written.map(|written| {
            let detail = |error: TemplateError| ReadError {
                failure: Failure::Request,
                detail: error.to_string(),
            };
            Prepared::new(&written.map_err(detail)?, plan.connections)
        });
        match prepared.transpose() {
            Ok(prepared) => {
                request.prepared = prepared;
                self.begin(request);
            }
            Err(ReadError { failure, detail }) => {
                self.in_flight += 1;
                self.ended(request.fail(failure, detail, now_ns()));
            }
        }
    }

    fn within_budget(&mut self) -> bool {
        let requests = self.shared.sent.fetch_add(1, Ordering::Relaxed);
        let usd = self.shared.spent.load(Ordering::Relaxed) as f64 / 1e9;
        if self.plan.max_requests.is_some_and(|most| requests >= most)
            || self.plan.max_cost.is_some_and(|most| usd >= most)
        {
            self.over_budget = true;
            return false;
        }
        true
    }

    pub(crate) fn begin(&mut self, request: Request) {
        let target = request.intent.target;
        if matches!(self.plan.targets[target].endpoint, Endpoint::Process) {
            return self.start_process(request);
        }
        if let Some(at) = self.free_for(&request.intent) {
            self.in_flight += 1;
            self.start_on(at, request);
            return;
        }
        if self.connections.of(target) >= self.most_of_one || self.will_have_room(target) {
            self.in_flight += 1;
            return self.pending[target].push_back(request);
        }
        if self.connections.open() >= self.most_connections {
            return self.not_sent(request);
        }
        match self.connect(target) {
            Ok(()) => {
                self.in_flight += 1;
                self.pending[target].push_back(request);
            }
            Err(error) if is_exhausted(&error) => self.not_sent(request),
            Err(error) => {
                self.in_flight += 1;
                let end = now_ns();
                self.ended(request.fail(Failure::Connect, error.to_string(), end));
            }
        }
    }

    /// Returns whether a connection that is on its way will take one more request than wait for it already.
    fn will_have_room(&self, target: usize) -> bool {
        let shared = matches!(self.plan.connections, Connections::Pooled);
        let coming = self.connections.opening(target) * LIKELY_STREAMS;
        shared && self.is_multiplexed(target) && self.pending[target].len() < coming
    }

    /// Takes the open connection that a request may use, if there is one.
    fn free_for(&mut self, intent: &Intent) -> Option<usize> {
        let target = intent.target;
        match self.plan.connections {
            // Requests are spread over all the connections there may be.
            Connections::Fixed(_) if self.is_multiplexed(target) => {
                let all_there = self.connections.of(target) >= self.most_of_one;
                self.connections.least_busy(target).filter(|_| all_there)
            }
            Connections::Pooled | Connections::Fixed(_) => self.connections.take_idle(target),
            Connections::PerSession => self.connections.take_kept(intent.owner()?, intent.target),
            Connections::PerRequest => None,
        }
    }

    /// Begins to open a connection.
    fn connect(&mut self, target: usize) -> io::Result<()> {
        let Endpoint::Http { address, name, .. } = &self.plan.targets[target].endpoint else {
            return Ok(());
        };
        // Clients that keep no connections ask for the address again; a pool is of one address.
        let keeps_none = matches!(
            self.plan.connections,
            Connections::PerRequest | Connections::PerSession
        );
        if let Some(name) = name.as_ref().filter(|_| keeps_none)
            && self.resolver.ask(target, name, *address)
        {
            self.connections.expect(target);
            return Ok(());
        }
        self.connect_to(target, *address)
    }

    /// Goes on with a connection whose name is resolved.
    pub(crate) fn resolved(&mut self, resolved: Resolved) {
        let Resolved {
            target,
            asked,
            answered,
            address,
        } = resolved;
        self.connections.unexpect(target);
        if asked >= self.start {
            let took = answered - asked;
            self.recorders[target].opened(LatencyMetric::DnsTime, answered - self.start, took);
        }
        let failed = match address.map(|address| self.connect_to(target, address)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) if is_exhausted(&error) => None,
            Ok(Err(error)) => Some((Failure::Connect, error.to_string())),
            Err(detail) => Some((Failure::Resolve, detail)),
        };
        let Some(request) = self.pending[target].pop_front() else {
            return;
        };
        if let Some((failure, detail)) = failed {
            self.ended(request.fail(failure, detail, now_ns()));
        } else {
            self.in_flight -= 1;
            self.not_sent(request);
        }
    }

    fn connect_to(&mut self, target: usize, address: SocketAddr) -> io::Result<()> {
        let Endpoint::Http { tls, .. } = &self.plan.targets[target].endpoint else {
            return Ok(());
        };
        let registry = self.poll.registry();
        self.connections.connect(
            (address, tls.as_ref()),
            target,
            now_ns(),
            |socket, token| {
                let token = Token(token + FIRST_CONNECTION);
                registry.register(socket, token, Interest::READABLE | Interest::WRITABLE)
            },
        )?;
        self.recorders[target].connections += 1;
        Ok(())
    }

    /// Opens a connection for the request that waits longest, where none is coming for it.
    pub(crate) fn replace_connection(&mut self, target: usize) {
        if self.is_multiplexed(target) && self.plan.connections == Connections::Pooled {
            // One on its way takes many.
            return self.open_more(target);
        }
        while self.connections.of(target) < self.pending[target].len() && self.may_open(target) {
            self.connect_for_one(target);
        }
    }

    /// Returns whether one more connection to a target is allowed.
    pub(crate) fn may_open(&self, target: usize) -> bool {
        self.connections.of(target) < self.most_of_one
            && self.connections.open() < self.most_connections
    }

    /// Opens a connection, or fails the request that waits longest for one.
    pub(crate) fn connect_for_one(&mut self, target: usize) {
        let Err(error) = self.connect(target) else {
            return;
        };
        if let Some(request) = self.pending[target].pop_front() {
            self.ended(request.fail(Failure::Connect, error.to_string(), now_ns()));
        }
    }
}

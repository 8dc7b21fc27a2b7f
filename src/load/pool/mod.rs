//! The connections of one stage in one worker, and the requests that wait for one. The pool decides
//! which connection a request takes; what has ended it reports, and never calls back.

pub(crate) mod connection;
pub(crate) mod dial;
pub(crate) mod kernel_time;
pub(crate) mod link;
mod open;
mod resend;
pub(crate) mod resolver;
mod settle;
pub(crate) mod socket;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;

use slab::Slab;

use crate::load::id::{ConnectionId, StageId};
use crate::load::wire::Standing;
use crate::load::worker::request::{Ended, Request};
use crate::manifest::{Connections, Timeouts};
use crate::measure::{Clock, Exhausted as _, Failure};
use crate::metric::LatencyMetric;

use connection::{Connection, Phase};
use link::Dialer;

/// How many requests at once a server of HTTP/2 is expected to take, before it has said so: what
/// RFC 9113 asks for at least.
const LIKELY_STREAMS: usize = 100;

/// What a pool is for, fixed before the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolSettings {
    pub(crate) stage: StageId,
    /// Which connection a request takes.
    pub(crate) mode: Connections,
    /// The most connections that the pool may have.
    pub(crate) most: usize,
    /// Whether its connections carry several requests at once (HTTP/2).
    pub(crate) is_multiplexed: bool,
    pub(crate) timeouts: Timeouts,
}

/// What a pool works with: handed in by each call.
pub(crate) struct Outside<'a, D> {
    pub(crate) clock: &'a Clock,
    pub(crate) dialer: &'a mut D,
    /// What the call has brought about.
    pub(crate) reports: &'a mut Vec<Report>,
}

impl<D> Outside<'_, D> {
    /// Ends a request that has no connection.
    fn fail(&mut self, request: Box<Request>, failure: Failure, detail: String) {
        let ended = request.failed(failure, detail, self.clock.monotonic_ns());
        self.reports.push(Report::Ended(ended));
    }
}

/// What one read of a connection brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read<'a> {
    pub(crate) bytes: &'a [u8],
    /// When it returned.
    pub(crate) at: u64,
    /// Whether another read of the same connection has already brought more.
    pub(crate) has_more: bool,
}

/// What a pool has to tell.
pub(crate) enum Report {
    Ended(Ended),
    /// This machine could not send it.
    NotSent(Box<Request>),
    /// A connection was begun.
    Dialed(StageId),
    /// A connection that was begun at `since` has taken so long for this part of its opening, in
    /// ns, until `at`.
    Opening {
        stage: StageId,
        metric: LatencyMetric,
        since: u64,
        at: u64,
        took: u64,
    },
}

/// The connections of one stage.
pub(crate) struct Pool<D: Dialer> {
    settings: PoolSettings,
    waiting: VecDeque<Box<Request>>,
    connections: Slab<Connection<D::Link>>,
    /// Those that have room, the one used last at the end; without those that are kept for someone.
    idle: Vec<ConnectionId>,
    /// Idle ones that are kept for their owner.
    kept: HashMap<u64, ConnectionId>,
    /// How many connections wait for a name to be resolved.
    resolving: usize,
    /// How many, these among them, are not open yet.
    opening: usize,
    /// How many were ever begun.
    begun: u64,
    /// Whether the server was seen to close a connection that it had not said it would close.
    closes_unsaid: bool,
    /// Room for what one read ends.
    ended: Vec<Ended>,
}

impl<D: Dialer> Pool<D> {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        Self {
            settings,
            waiting: VecDeque::new(),
            connections: Slab::new(),
            idle: Vec::new(),
            kept: HashMap::new(),
            resolving: 0,
            opening: 0,
            begun: 0,
            closes_unsaid: false,
            ended: Vec::new(),
        }
    }

    /// Sends a request: on an idle connection, on a new one, or as soon as one is free.
    pub(crate) fn submit(&mut self, request: Box<Request>, outside: &mut Outside<'_, D>) {
        while let Some(id) = self.free_for(&request) {
            if !self.is_gone(id, request.stamps.dequeued) {
                return self.put_on(id, request, outside);
            }
            self.close(id, outside);
        }
        if self.count() >= self.settings.most || self.will_have_room() {
            return self.waiting.push_back(request);
        }
        if !outside.dialer.has_room() {
            return outside.reports.push(Report::NotSent(request));
        }
        match self.dial(outside) {
            Ok(()) => self.waiting.push_back(request),
            Err(error) if error.is_exhausted() => outside.reports.push(Report::NotSent(request)),
            Err(error) => outside.fail(request, Failure::Connect, error.to_string()),
        }
    }

    /// Returns a connection that bytes are to be read from.
    pub(crate) fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection<D::Link>> {
        self.connections.get_mut(id.0)
    }

    /// Takes what one read of a connection brought; nothing is its end.
    pub(crate) fn take(
        &mut self,
        (id, serial): (ConnectionId, u64),
        read: Read<'_>,
        outside: &mut Outside<'_, D>,
    ) {
        let connection = self.connections.get_mut(id.0);
        let Some(connection) = connection.filter(|it| it.serial == serial) else {
            return;
        };
        let mut ended = std::mem::take(&mut self.ended);
        connection.read_at = read.at;
        let standing = connection.wire.on_bytes(read.bytes, read.at, &mut ended);
        let is_used = connection.answers > 0;
        let has_ended = !ended.is_empty();
        connection.answers += ended.len() as u64;
        match standing {
            Standing::Same => {}
            // Where more has come behind the answer, it is not of the next one: the connection's
            // end, most often.
            Standing::Changed if read.has_more && !self.settings.is_multiplexed => {
                self.closes_unsaid = true;
                self.retire(id, outside);
            }
            Standing::Changed => {
                if connection.phase == Phase::Greeting && !connection.wire.is_greeting() {
                    self.open_up(id);
                }
                self.write(id, outside);
                self.settle(id, has_ended, outside);
            }
            Standing::Broken(failure, detail) => self.broken(id, &failure, &detail, outside),
        }
        self.conclude(&mut ended, is_used, outside);
        self.ended = ended;
    }

    /// Closes a connection whose link has failed, and fails what is on it.
    pub(crate) fn link_failed(
        &mut self,
        (id, serial): (ConnectionId, u64),
        error: &io::Error,
        outside: &mut Outside<'_, D>,
    ) {
        if self
            .connections
            .get(id.0)
            .is_some_and(|it| it.serial == serial)
        {
            self.broken(id, &Failure::Reset, &error.to_string(), outside);
        }
    }

    /// Shows every request that is on a connection or waits for one.
    pub(crate) fn each(&self, mut look: impl FnMut(&Request)) {
        for (_, connection) in &self.connections {
            connection.wire.each(&mut |_, request| look(request));
        }
        self.waiting.iter().for_each(|request| look(request));
    }

    /// Returns how many connections there are, open or on their way.
    fn count(&self) -> usize {
        self.connections.len() + self.resolving
    }

    /// Returns the open connection that a request may use, if there is one.
    fn free_for(&mut self, request: &Request) -> Option<ConnectionId> {
        match self.settings.mode {
            // Requests are spread over all the connections there may be.
            Connections::Fixed(_) if self.settings.is_multiplexed => {
                let all_there = self.count() >= self.settings.most;
                let busy = |id: &ConnectionId| self.connections[id.0].wire.busy();
                let least = self.idle.iter().copied().min_by_key(busy);
                least.filter(|_| all_there)
            }
            // The one that was used last is the least likely to have been given up by the server.
            Connections::Pooled | Connections::Fixed(_) => self.idle.last().copied(),
            Connections::PerSession => self.kept.remove(&request.intent.owner()?),
            Connections::PerRequest => None,
        }
    }

    /// Returns whether a connection that is on its way will take one more request than wait for it
    /// already.
    fn will_have_room(&self) -> bool {
        let shared = self.settings.mode == Connections::Pooled && self.settings.is_multiplexed;
        shared && self.waiting.len() < self.opening * LIKELY_STREAMS
    }

    /// Puts a request on an open connection and begins to write it.
    fn put_on(
        &mut self,
        id: ConnectionId,
        mut request: Box<Request>,
        outside: &mut Outside<'_, D>,
    ) {
        let now = outside.clock.monotonic_ns();
        request.stamps.conn_ready = Some(now);
        request.stamps.send_start = Some(now);
        let Some(connection) = self.connections.get_mut(id.0) else {
            return self.waiting.push_front(request);
        };
        if self.settings.mode == Connections::PerSession {
            connection.owner = request.intent.owner();
        }
        let is_used = connection.answers > 0;
        connection.taken = 0;
        let refused = connection.wire.submit(request, now);
        self.list(id);
        self.write(id, outside);
        if let Some(refused) = refused {
            self.conclude(&mut vec![refused], is_used, outside);
        }
        // One that refused for the request's own sake goes on with what it carries.
        if self.connections.get(id.0).is_some_and(Connection::is_over) {
            self.retire(id, outside);
        }
    }

    fn write(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) {
        if let Some(connection) = self.connections.get_mut(id.0)
            && let Err(error) = connection.write(outside.clock)
        {
            self.broken(id, &Failure::Reset, &error.to_string(), outside);
        }
    }
}

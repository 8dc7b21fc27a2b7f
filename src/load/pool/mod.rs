//! The connections of one stage in one worker, and the requests that wait for one. The pool decides which connection a
//! request takes; what has ended it reports, and never calls back.

pub(crate) mod connection;
pub(crate) mod dial;
pub(crate) mod kernel_time;
pub(crate) mod link;
pub(crate) mod resolver;
pub(crate) mod socket;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;

use slab::Slab;

use crate::load::arrival::nanos;
use crate::load::id::{ConnectionId, StageId, StreamId};
use crate::load::wire::exchange::Http1;
use crate::load::wire::http2::Http2;
use crate::load::wire::{Standing, Wire};
use crate::load::worker::request::{Ended, Request};
use crate::manifest::{Connections, LatencyMetric, Timeouts};
use crate::measure::{Failure, Ticks};

use connection::{Connection, Overdue, Phase};
use link::{Dialed, Dialer, Link, is_exhausted};

/// How many requests at once a server of HTTP/2 is expected to take, before it has said so: what RFC 9113 asks for at
/// least.
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
    pub(crate) ticks: &'a dyn Ticks,
    pub(crate) dialer: &'a mut D,
    /// What the call has brought about.
    pub(crate) reports: &'a mut Vec<Report>,
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
    /// A connection that was begun at `since` has taken so long for this part of its opening, in ns, until `at`.
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
        }
    }

    /// Sends a request: on an idle connection, on a new one, or as soon as one is free.
    pub(crate) fn submit(&mut self, request: Box<Request>, outside: &mut Outside<'_, D>) {
        if let Some(id) = self.free_for(&request) {
            return self.put_on(id, request, outside);
        }
        if self.count() >= self.settings.most || self.will_have_room() {
            return self.waiting.push_back(request);
        }
        if !outside.dialer.has_room() {
            return outside.reports.push(Report::NotSent(request));
        }
        match self.dial(outside) {
            Ok(()) => self.waiting.push_back(request),
            Err(error) if is_exhausted(&error) => outside.reports.push(Report::NotSent(request)),
            Err(error) => fail(request, Failure::Connect, error.to_string(), outside),
        }
    }

    /// Goes on with a connection whose name has been resolved, or not.
    pub(crate) fn resolved(
        &mut self,
        link: Result<io::Result<D::Link>, String>,
        outside: &mut Outside<'_, D>,
    ) {
        self.resolving -= 1;
        self.opening -= 1;
        let link = match link {
            Ok(link) => link.and_then(|link| self.enter(link, outside)),
            Err(detail) => return self.fail_next(Failure::Resolve, detail, outside),
        };
        match link {
            Ok(()) => {}
            Err(error) if is_exhausted(&error) => {
                let next = self.waiting.pop_front();
                outside.reports.extend(next.map(Report::NotSent));
            }
            Err(error) => self.fail_next(Failure::Connect, error.to_string(), outside),
        }
    }

    /// Takes an event of a connection. Returns whether there may be something to read.
    pub(crate) fn ready(
        &mut self,
        id: ConnectionId,
        is_writable: bool,
        outside: &mut Outside<'_, D>,
    ) -> bool {
        match self.connections.get(id.0).map(|it| it.phase) {
            Some(Phase::Connecting) => self.connecting(id, outside),
            Some(Phase::Handshaking) => self.handshaking(id, outside),
            Some(Phase::Greeting | Phase::Open) => {
                if is_writable {
                    self.write(id, outside);
                }
                true
            }
            None => false,
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
        let mut ended = Vec::new();
        let standing = connection.wire.on_bytes(read.bytes, read.at, &mut ended);
        let was_used = !ended.is_empty();
        match standing {
            Standing::Same => {}
            // Where more has come behind the answer, it is not of the next one: the connection's end, most often.
            Standing::Changed if read.has_more && !self.settings.is_multiplexed => {
                self.retire(id, outside);
            }
            Standing::Changed => {
                if connection.phase == Phase::Greeting && !connection.wire.is_greeting() {
                    self.open_up(id);
                }
                self.write(id, outside);
                self.settle(id, was_used, outside);
            }
            Standing::Broken(failure, detail) => self.broken(id, &failure, &detail, outside),
        }
        outside.reports.extend(ended.into_iter().map(Report::Ended));
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

    /// Fails what is past its deadline.
    pub(crate) fn sweep(&mut self, now: u64, outside: &mut Outside<'_, D>) {
        let mut overdue: Vec<(ConnectionId, Overdue)> = Vec::new();
        for (id, connection) in &self.connections {
            let mut add = |it| overdue.push((ConnectionId(id), it));
            connection.overdue(now, &self.settings.timeouts, &mut add);
        }
        for (id, late) in overdue {
            match late.stream.filter(|_| self.settings.is_multiplexed) {
                Some(stream) => self.break_stream(id, stream, &late, outside),
                None => self.broken(id, &late.failure, late.said, outside),
            }
        }
        let limit = nanos(self.settings.timeouts.total);
        let is_late = |it: &mut Box<Request>| now > it.stamps.dequeued.saturating_add(limit);
        while let Some(request) = self.waiting.pop_front_if(is_late) {
            let detail = "no connection was free within the timeout".to_owned();
            outside
                .reports
                .push(Report::Ended(request.failed(Failure::Timeout, detail, now)));
        }
    }

    /// Closes the connection that is kept for someone who needs it no more.
    pub(crate) fn forget(&mut self, owner: u64, outside: &mut Outside<'_, D>) {
        if let Some(id) = self.kept.remove(&owner) {
            self.close(id, outside);
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

    /// Returns whether a connection that is on its way will take one more request than wait for it already.
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
        let now = outside.ticks.now_ns();
        request.stamps.conn_ready = Some(now);
        request.stamps.send_start = Some(now);
        let Some(connection) = self.connections.get_mut(id.0) else {
            return self.waiting.push_front(request);
        };
        if self.settings.mode == Connections::PerSession {
            connection.owner = request.intent.owner();
        }
        let refused = connection.wire.submit(request, now);
        self.list(id);
        self.write(id, outside);
        outside.reports.extend(refused.map(Report::Ended));
        // One that refused for the request's own sake goes on with what it carries.
        if self.connections.get(id.0).is_some_and(Connection::is_over) {
            self.retire(id, outside);
        }
    }

    /// Begins to open a connection.
    fn dial(&mut self, outside: &mut Outside<'_, D>) -> io::Result<()> {
        match outside.dialer.dial(self.settings.stage)? {
            Dialed::Resolving => {
                self.resolving += 1;
                self.opening += 1;
                Ok(())
            }
            Dialed::Begun(link) => self.enter(link, outside),
        }
    }

    /// Takes a connection in that was begun.
    fn enter(&mut self, mut link: D::Link, outside: &mut Outside<'_, D>) -> io::Result<()> {
        let wire: io::Result<Box<dyn Wire>> = if self.settings.is_multiplexed {
            Http2::new().map(|it| Box::new(it) as _)
        } else {
            Ok(Box::new(Http1::default()))
        };
        let slot = self.connections.vacant_entry();
        let id = ConnectionId(slot.key());
        let registered = outside
            .dialer
            .register(&mut link, self.settings.stage, id)
            .and(wire);
        match registered {
            Ok(wire) => {
                self.begun += 1;
                let now = outside.ticks.now_ns();
                slot.insert(Connection::new(link, wire, self.begun, now));
                self.opening += 1;
                outside.reports.push(Report::Dialed(self.settings.stage));
                Ok(())
            }
            Err(error) => {
                outside.dialer.hang_up(link);
                Err(error)
            }
        }
    }

    fn connecting(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) -> bool {
        let Some(connection) = self.connections.get_mut(id.0) else {
            return false;
        };
        match connection.link.is_connected() {
            Ok(false) => false,
            Ok(true) => {
                connection.phase = Phase::Handshaking;
                connection.connected = outside.ticks.now_ns();
                self.handshaking(id, outside)
            }
            Err(error) => {
                self.broken(id, &Failure::Connect, &error.to_string(), outside);
                false
            }
        }
    }

    fn handshaking(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) -> bool {
        let Some(connection) = self.connections.get_mut(id.0) else {
            return false;
        };
        match connection.link.handshake() {
            Ok(false) => false,
            Ok(true) => {
                report_opening(self.settings.stage, connection, outside);
                if !self.settings.is_multiplexed {
                    self.open_up(id);
                    self.settle(id, false, outside);
                    return false;
                }
                if !connection.link.agreed_to_http2() {
                    let detail = "the server does not speak HTTP/2";
                    self.broken(id, &Failure::Tls, detail, outside);
                    return false;
                }
                connection.phase = Phase::Greeting;
                self.write(id, outside);
                // The server's first words may have come with the end of the TLS handshake.
                true
            }
            Err(error) => {
                self.broken(id, &Failure::Tls, &error.to_string(), outside);
                false
            }
        }
    }

    fn open_up(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id.0)
            && connection.phase != Phase::Open
        {
            connection.phase = Phase::Open;
            self.opening -= 1;
        }
    }

    fn write(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) {
        if let Some(connection) = self.connections.get_mut(id.0)
            && let Err(error) = connection.write(outside.ticks)
        {
            self.broken(id, &Failure::Reset, &error.to_string(), outside);
        }
    }

    /// Gives a connection's room to the requests that wait longest, and puts it where it belongs.
    fn settle(&mut self, id: ConnectionId, was_used: bool, outside: &mut Outside<'_, D>) {
        let Some(connection) = self.connections.get(id.0) else {
            return;
        };
        if connection.is_over() || (was_used && self.settings.mode == Connections::PerRequest) {
            return self.retire(id, outside);
        }
        if connection.phase != Phase::Open {
            return;
        }
        let is_free = connection.wire.busy() == 0;
        match (self.settings.mode, connection.owner) {
            (Connections::PerSession, Some(owner)) => {
                if is_free {
                    self.kept.insert(owner, id);
                }
            }
            (Connections::PerSession | Connections::PerRequest, _) if !is_free => {}
            // One that has just opened, for the request that has waited longest; where it waits no more, for none.
            (Connections::PerSession | Connections::PerRequest, _) => {
                match self.waiting.pop_front() {
                    Some(request) => self.put_on(id, request, outside),
                    None => self.retire(id, outside),
                }
            }
            (Connections::Pooled | Connections::Fixed(_), _) => self.fill(id, outside),
        }
    }

    fn fill(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) {
        while self.connections.get(id.0).is_some_and(Connection::has_room) {
            match self.waiting.pop_front() {
                Some(request) => self.put_on(id, request, outside),
                None => break,
            }
        }
        self.list(id);
        if self.settings.is_multiplexed {
            self.open_more(outside);
        }
    }

    /// Keeps a connection among the idle ones as long as it has room, unless it is kept for someone.
    fn list(&mut self, id: ConnectionId) {
        let is_shared = matches!(
            self.settings.mode,
            Connections::Pooled | Connections::Fixed(_)
        );
        let Some(connection) = self.connections.get_mut(id.0).filter(|_| is_shared) else {
            return;
        };
        match (connection.has_room(), connection.is_listed) {
            (true, false) => self.idle.push(id),
            (false, true) => unlist(&mut self.idle, id),
            _ => {}
        }
        connection.is_listed = connection.has_room();
    }

    /// Opens connections for the requests that wait, where none is coming for them.
    fn replace(&mut self, outside: &mut Outside<'_, D>) {
        if self.settings.is_multiplexed && self.settings.mode == Connections::Pooled {
            // One on its way takes many.
            return self.open_more(outside);
        }
        while self.count() < self.waiting.len() && self.may_open(outside) {
            self.dial_for_one(outside);
        }
    }

    /// Opens a connection where requests wait and none is on its way.
    fn open_more(&mut self, outside: &mut Outside<'_, D>) {
        if !self.waiting.is_empty() && self.opening == 0 && self.may_open(outside) {
            self.dial_for_one(outside);
        }
    }

    fn may_open(&self, outside: &Outside<'_, D>) -> bool {
        self.count() < self.settings.most && outside.dialer.has_room()
    }

    /// Opens a connection, or fails the request that waits longest for one.
    fn dial_for_one(&mut self, outside: &mut Outside<'_, D>) {
        if let Err(error) = self.dial(outside) {
            self.fail_next(Failure::Connect, error.to_string(), outside);
        }
    }

    fn fail_next(&mut self, failure: Failure, detail: String, outside: &mut Outside<'_, D>) {
        if let Some(request) = self.waiting.pop_front() {
            fail(request, failure, detail, outside);
        }
    }

    /// Ends one request of a connection, which goes on without it.
    fn break_stream(
        &mut self,
        id: ConnectionId,
        stream: StreamId,
        late: &Overdue,
        outside: &mut Outside<'_, D>,
    ) {
        let now = outside.ticks.now_ns();
        let Some(connection) = self.connections.get_mut(id.0) else {
            return;
        };
        let ended = connection
            .wire
            .fail_one(stream, late.failure.clone(), late.said, now);
        self.write(id, outside);
        self.settle(id, true, outside);
        outside.reports.extend(ended.map(Report::Ended));
    }

    /// Closes a connection and fails the requests on it, or the one that waited for it.
    fn broken(
        &mut self,
        id: ConnectionId,
        failure: &Failure,
        detail: &str,
        outside: &mut Outside<'_, D>,
    ) {
        let Some(connection) = self.connections.get_mut(id.0) else {
            return;
        };
        let was_open = connection.phase == Phase::Open;
        let mut ended = Vec::new();
        connection
            .wire
            .fail_all(failure, detail, outside.ticks.now_ns(), &mut ended);
        self.close(id, outside);
        if ended.is_empty() && !was_open {
            self.fail_next(failure.clone(), detail.to_owned(), outside);
        }
        outside.reports.extend(ended.into_iter().map(Report::Ended));
        self.replace(outside);
    }

    /// Closes a connection that is of no more use, and opens another where one is needed.
    fn retire(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) {
        self.close(id, outside);
        self.replace(outside);
    }

    fn close(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) {
        let Some(connection) = self.connections.try_remove(id.0) else {
            return;
        };
        if connection.is_listed {
            unlist(&mut self.idle, id);
        }
        if let Some(owner) = connection.owner {
            self.kept.remove(&owner);
        }
        self.opening -= usize::from(connection.phase != Phase::Open);
        outside.dialer.hang_up(connection.link);
    }
}

/// Takes a connection out of the idle ones; most often it is the last.
fn unlist(idle: &mut Vec<ConnectionId>, id: ConnectionId) {
    if idle.last() == Some(&id) {
        idle.pop();
    } else {
        idle.retain(|it| *it != id);
    }
}

fn fail<D>(request: Box<Request>, failure: Failure, detail: String, outside: &mut Outside<'_, D>) {
    let now = outside.ticks.now_ns();
    let ended = request.failed(failure, detail, now);
    outside.reports.push(Report::Ended(ended));
}

/// Reports what a connection took to open.
fn report_opening<D: Dialer>(
    stage: StageId,
    connection: &Connection<D::Link>,
    outside: &mut Outside<'_, D>,
) {
    let at = outside.ticks.now_ns();
    let mut report = |metric, took| {
        outside.reports.push(Report::Opening {
            stage,
            metric,
            since: connection.opened,
            at,
            took,
        });
    };
    report(
        LatencyMetric::ConnectTime,
        connection.connected - connection.opened,
    );
    if connection.link.is_tls() {
        report(LatencyMetric::TlsTime, at - connection.connected);
    }
}

//! What becomes of a connection after a read, a failure, or a deadline: the next request, idleness,
//! or its end.

use super::connection::{Connection, Overdue, Phase};
use super::link::Dialer;
use super::{Outside, Pool, Report};
use crate::load::id::{ConnectionId, StreamId};
use crate::load::worker::request::{Ended, Request};
use crate::manifest::Connections;
use crate::measure::{Failure, nanos};

impl<D: Dialer> Pool<D> {
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
                None if self.try_next(id, outside) => {}
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

    /// Gives a connection's room to the requests that wait longest, and puts it where it belongs.
    pub(super) fn settle(
        &mut self,
        id: ConnectionId,
        was_used: bool,
        outside: &mut Outside<'_, D>,
    ) {
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
            // One that has just opened, for the request that has waited longest; where it waits no
            // more, for none.
            (Connections::PerSession | Connections::PerRequest, _) => match self.next_for(id) {
                Some(request) => self.put_on(id, request, outside),
                None => self.retire(id, outside),
            },
            (Connections::Pooled | Connections::Fixed(_), _) => self.fill(id, outside),
        }
    }

    fn fill(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) {
        while self.connections.get(id.0).is_some_and(Connection::has_room) {
            // What waits goes on right behind an answer: the connection has not been idle.
            if !self.waiting.is_empty() && self.is_gone(id, 0) {
                return self.retire(id, outside);
            }
            match self.next_for(id) {
                Some(request) => self.put_on(id, request, outside),
                None => break,
            }
        }
        self.list(id);
        if self.settings.is_multiplexed {
            self.open_more(outside);
        }
    }

    /// Keeps a connection among the idle ones as long as it has room, unless it is kept for
    /// someone.
    pub(super) fn list(&mut self, id: ConnectionId) {
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

    /// Ends one request of a connection, which goes on without it.
    fn break_stream(
        &mut self,
        id: ConnectionId,
        stream: StreamId,
        late: &Overdue,
        outside: &mut Outside<'_, D>,
    ) {
        let now = outside.clock.monotonic_ns();
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
    pub(super) fn broken(
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
        let is_used = connection.answers > 0;
        self.closes_unsaid |= is_used;
        let is_untouched = connection.taken == 0 && !self.settings.is_multiplexed;
        let mut ended = Vec::new();
        connection
            .wire
            .fail_all(failure, detail, outside.clock.monotonic_ns(), &mut ended);
        self.close(id, outside);
        if ended.is_empty() && !was_open {
            self.fail_next(failure.clone(), detail.to_owned(), outside);
        }
        let untouched = |ended: Ended| {
            if is_untouched {
                ended.untouched()
            } else {
                ended
            }
        };
        let mut ended = ended.into_iter().map(untouched).collect();
        self.conclude(&mut ended, is_used, outside);
        self.replace(outside);
    }

    /// Closes a connection that is of no more use, and opens another where one is needed.
    pub(super) fn retire(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) {
        self.close(id, outside);
        self.replace(outside);
    }

    pub(super) fn close(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) {
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

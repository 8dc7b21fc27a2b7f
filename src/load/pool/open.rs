//! Opening connections: from the dial to the moment they take requests.

use std::io;

use super::connection::{Connection, Phase};
use super::link::{Dialed, Dialer, Link as _};
use super::{Outside, Pool, Report};
use crate::load::id::{ConnectionId, StageId};
use crate::load::wire::Wire;
use crate::load::wire::exchange::Http1;
use crate::load::wire::http2::Http2;
use crate::manifest::Connections;
use crate::measure::{Exhausted as _, Failure};
use crate::metric::LatencyMetric;

impl<D: Dialer> Pool<D> {
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
            Err(error) if error.is_exhausted() => {
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

    /// Begins to open a connection.
    pub(super) fn dial(&mut self, outside: &mut Outside<'_, D>) -> io::Result<()> {
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
                let now = outside.clock.monotonic_ns();
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
                connection.connected = outside.clock.monotonic_ns();
                let stage = self.settings.stage;
                outside.dialer.stands(&connection.link, stage);
                self.handshaking(id, outside)
            }
            Err(_) if self.try_next(id, outside) => false,
            Err(error) => {
                self.broken(id, &Failure::Connect, &error.to_string(), outside);
                false
            }
        }
    }

    /// Has a connection that does not come to stand try the next address of its stage; returns
    /// false where there is none.
    pub(super) fn try_next(&mut self, id: ConnectionId, outside: &mut Outside<'_, D>) -> bool {
        let Some(connection) = self.connections.get_mut(id.0) else {
            return false;
        };
        let stage = self.settings.stage;
        let tries = connection.phase == Phase::Connecting
            && outside.dialer.try_next(&mut connection.link, stage, id);
        connection.dialed = outside.clock.monotonic_ns();
        tries
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

    pub(super) fn open_up(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id.0)
            && connection.phase != Phase::Open
        {
            connection.phase = Phase::Open;
            self.opening -= 1;
        }
    }

    /// Opens connections for the requests that wait, where none is coming for them.
    pub(super) fn replace(&mut self, outside: &mut Outside<'_, D>) {
        if self.settings.is_multiplexed && self.settings.mode == Connections::Pooled {
            // One on its way takes many.
            return self.open_more(outside);
        }
        while self.count() < self.waiting.len() && self.may_open(outside) {
            self.dial_for_one(outside);
        }
    }

    /// Opens a connection where requests wait and none is on its way.
    pub(super) fn open_more(&mut self, outside: &mut Outside<'_, D>) {
        if !self.waiting.is_empty() && self.opening == 0 && self.may_open(outside) {
            self.dial_for_one(outside);
        }
    }

    pub(super) fn may_open(&self, outside: &Outside<'_, D>) -> bool {
        self.count() < self.settings.most && outside.dialer.has_room()
    }

    /// Opens a connection, or fails the request that waits longest for one.
    pub(super) fn dial_for_one(&mut self, outside: &mut Outside<'_, D>) {
        if let Err(error) = self.dial(outside) {
            self.fail_next(Failure::Connect, error.to_string(), outside);
        }
    }

    pub(super) fn fail_next(
        &mut self,
        failure: Failure,
        detail: String,
        outside: &mut Outside<'_, D>,
    ) {
        if let Some(request) = self.waiting.pop_front() {
            outside.fail(request, failure, detail);
        }
    }
}

/// Reports what a connection took to open.
fn report_opening<D: Dialer>(
    stage: StageId,
    connection: &Connection<D::Link>,
    outside: &mut Outside<'_, D>,
) {
    let at = outside.clock.monotonic_ns();
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

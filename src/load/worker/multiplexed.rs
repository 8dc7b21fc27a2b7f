//! Connections that carry several requests at once: HTTP/2.

use crate::load::plan::Endpoint;
use crate::load::pool::connection::Phase;
use crate::load::wire::http2::Http2;
use crate::load::worker::Worker;
use crate::load::worker::request::Completion;
use crate::manifest::{Connections, HttpVersion};
use crate::measure::Failure;

impl Worker<'_> {
    /// Returns whether a target's connections carry several requests at once.
    pub(crate) fn is_multiplexed(&self, target: usize) -> bool {
        let endpoint = &self.plan.targets[target].endpoint;
        matches!(endpoint, Endpoint::Http { version, .. } if *version == HttpVersion::Two)
    }

    /// Begins to speak HTTP/2 on a connection that stands.
    pub(crate) fn greet(&mut self, at: usize) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        if !connection.socket.agreed_to_http2() {
            let detail = "the server does not speak HTTP/2".to_owned();
            return self.broken(at, Failure::Tls, detail);
        }
        match Http2::new() {
            Ok(http2) => {
                connection.http2 = Some(Box::new(http2));
                connection.phase = Phase::Greeting;
                self.write(at);
                // The server's first words may have come with the end of the TLS handshake.
                self.readable(at, false);
            }
            Err(error) => self.broken(at, Failure::Connect, error.to_string()),
        }
    }

    /// Sends off a request that was put on a connection, or ends it where the connection refused.
    pub(crate) fn begun(&mut self, at: usize, refused: Option<Completion>) {
        self.write(at);
        self.connections.list(at);
        let Some(completion) = refused else {
            return;
        };
        let connection = self.connections.get(at);
        let http2 = connection.and_then(|connection| connection.http2.as_ref());
        let is_over = http2.is_some_and(|http2| http2.is_over());
        self.ended(completion);
        // One that refused for the request's own sake goes on with what it carries.
        if is_over {
            self.retire(at);
        }
    }

    /// Takes what one read brought to a connection and returns whether it stays open.
    pub(crate) fn take_frames(&mut self, at: usize, count: usize, now: u64) -> bool {
        let Some(connection) = self.connections.get(at) else {
            return false;
        };
        let Some(http2) = &mut connection.http2 else {
            return false;
        };
        let was_greeting = connection.phase == Phase::Greeting;
        let ended = http2.take(&self.buffer[..count], now);
        let is_ready = http2.is_ready();
        if count == 0 {
            let detail = "the connection was closed before the answer was complete".to_owned();
            for completion in ended {
                self.ended(completion);
            }
            self.broken(at, Failure::Reset, detail);
            return false;
        }
        let (has_room, is_free) = (http2.has_room(), http2.busy() == 0);
        if was_greeting && is_ready {
            if !has_room {
                let detail = "the server does not speak HTTP/2, or takes no requests".to_owned();
                self.broken(at, Failure::Connect, detail);
                return false;
            }
            self.connections.open_up(at);
        }
        self.write(at);
        let was_used = !ended.is_empty();
        // A session that ends with this answer closes its connection where it finds it.
        if was_used && is_free && self.plan.connections == Connections::PerSession {
            self.connections.put_idle(at);
        }
        for completion in ended {
            self.ended(completion);
        }
        if was_used && self.plan.connections == Connections::PerRequest {
            self.retire(at);
        } else {
            self.settle(at);
        }
        self.connections.get(at).is_some()
    }

    /// Ends one request of a connection, which goes on without it.
    pub(crate) fn break_stream(
        &mut self,
        at: usize,
        stream: usize,
        failure: Failure,
        detail: String,
    ) {
        let connection = self.connections.get(at);
        let http2 = connection.and_then(|connection| connection.http2.as_mut());
        let completion = http2.and_then(|http2| http2.fail(stream, failure, detail));
        self.write(at);
        if let Some(completion) = completion {
            self.ended(completion);
        }
        if self.plan.connections == Connections::PerRequest {
            self.retire(at);
        } else {
            self.settle(at);
        }
    }

    /// Gives a connection's room to the requests that wait longest, and puts it where it belongs.
    fn settle(&mut self, at: usize) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        if connection.phase != Phase::Open {
            return;
        }
        let (target, is_owned) = (connection.target, connection.owner.is_some());
        let Some(http2) = &connection.http2 else {
            return;
        };
        let (is_over, busy) = (http2.is_over(), http2.busy());
        if is_over {
            return self.retire(at);
        }
        match self.plan.connections {
            Connections::PerSession if is_owned => self.connections.put_idle(at),
            Connections::PerSession | Connections::PerRequest if busy > 0 => {}
            // One that has just opened.
            Connections::PerSession | Connections::PerRequest => {
                match self.pending[target].pop_front() {
                    Some(request) => self.start_on(at, request),
                    None => self.retire(at),
                }
            }
            Connections::Pooled | Connections::Fixed(_) => {
                self.fill(at, target);
                self.connections.list(at);
                self.open_more(target);
            }
        }
    }

    fn fill(&mut self, at: usize, target: usize) {
        loop {
            let connection = self.connections.get(at);
            let http2 = connection.and_then(|connection| connection.http2.as_ref());
            if !http2.is_some_and(|http2| http2.has_room()) {
                return;
            }
            let Some(request) = self.pending[target].pop_front() else {
                return;
            };
            self.start_on(at, request);
        }
    }

    /// Opens a connection where requests wait and none is on its way.
    pub(crate) fn open_more(&mut self, target: usize) {
        let waits = !self.pending[target].is_empty();
        if waits && self.connections.opening(target) == 0 && self.may_open(target) {
            self.connect_for_one(target);
        }
    }

    fn retire(&mut self, at: usize) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        let target = connection.target;
        self.connections.close(at, self.poll.registry());
        self.replace_connection(target);
    }
}

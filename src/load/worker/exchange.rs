//! What happens on the connections: connecting, writing, reading, and where a request ends.

use std::io::{ErrorKind, Read as _, Write as _};

use mio::event::Event;

use crate::load::plan::Prepared;
use crate::load::pool::connection::{Connection, Phase};
use crate::load::wire::http1::Progress;
use crate::load::worker::request::{Intent, Request};
use crate::load::worker::{LARGEST_ANSWER, READ_SIZE, READS, Worker};
use crate::manifest::{Connections, LatencyMetric};
use crate::measure::{Failure, now_ns};

impl Worker<'_> {
    /// Puts a request on an open connection and begins to write it.
    pub(crate) fn start_on(&mut self, at: usize, mut request: Request) {
        let now = now_ns();
        request.stamps.conn_ready = Some(now);
        request.stamps.send_start = Some(now);
        let written = request.prepared.take();
        let Intent { scenario, case, .. } = request.intent;
        if let Some(connection) = self.connections.get(at) {
            if self.plan.connections == Connections::PerSession {
                connection.owner = request.intent.owner();
            }
            let written = written
                .as_ref()
                .unwrap_or_else(|| &self.plan.scenarios[scenario].cases.requests[case]);
            match (written, &mut connection.http2) {
                (Prepared::Http(written), _) => connection.begin(request, written),
                (Prepared::Http2(exchange), Some(http2)) => {
                    let refused = http2.begin(request, exchange);
                    return self.begun(at, refused);
                }
                // A stage is spoken to in one way, and its requests are written for it.
                (Prepared::Http2(_), None) | (Prepared::Process(_), _) => {}
            }
        }
        self.write(at);
    }

    /// Starts the program of a `command` stage.
    pub(crate) fn start_process(&mut self, mut request: Request) {
        let Intent {
            scenario,
            target,
            case,
            ..
        } = request.intent;
        let plan = &self.plan.targets[target];
        let written = request.prepared.take();
        let written = written
            .as_ref()
            .unwrap_or_else(|| &self.plan.scenarios[scenario].cases.requests[case]);
        let Prepared::Process(program) = written else {
            return;
        };
        let refused = self
            .processes
            .start(request, program.clone(), plan.timeouts, LARGEST_ANSWER);
        match refused {
            None => self.in_flight += 1,
            Some(request) => self.not_sent(request),
        }
    }

    pub(crate) fn write(&mut self, at: usize) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        while connection.has_output() {
            match connection.socket.write(&connection.out) {
                Ok(count) => drop(connection.out.split_to(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.broken(at, Failure::Reset, error.to_string()),
            }
        }
        // Under TLS the last record may still be on this side.
        match connection.socket.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => self.broken(at, Failure::Reset, error.to_string()),
            Ok(()) => {
                if let Some(request) = &mut connection.request {
                    request.stamps.sent.get_or_insert_with(now_ns);
                }
                if let Some(http2) = &mut connection.http2 {
                    http2.sent();
                }
            }
        }
    }

    /// Handles an event of a connection.
    pub(crate) fn ready(&mut self, at: usize, event: &Event) {
        match self.connections.get(at).map(|connection| connection.phase) {
            Some(Phase::Connecting) => self.connecting(at),
            Some(Phase::Handshaking) => self.handshaking(at),
            Some(Phase::Greeting | Phase::Open) => {
                if event.is_writable()
                    && self.connections.get(at).is_some_and(|c| !c.out.is_empty())
                {
                    self.write(at);
                }
                // A short read does not drain a socket whose end is waiting behind the bytes.
                self.readable(at, !event.is_read_closed());
            }
            None => {}
        }
    }

    fn connecting(&mut self, at: usize) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        match connection.socket.is_connected() {
            Ok(false) => {}
            Ok(true) => {
                connection.phase = Phase::Handshaking;
                connection.connected = now_ns();
                self.handshaking(at);
            }
            Err(error) => self.broken(at, Failure::Connect, error.to_string()),
        }
    }

    fn handshaking(&mut self, at: usize) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        match connection.socket.handshake() {
            Ok(false) => {}
            Ok(true) => {
                let target = connection.target;
                self.opened(at);
                if self.is_multiplexed(target) {
                    return self.greet(at);
                }
                self.connections.open_up(at);
                self.free(at);
            }
            Err(error) => self.broken(at, Failure::Tls, error.to_string()),
        }
    }

    /// Records what a connection took to open, if it was opened in the measured phase.
    fn opened(&mut self, at: usize) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        let Connection {
            opened, connected, ..
        } = *connection;
        if opened < self.start {
            return;
        }
        let (now, is_tls) = (now_ns(), connection.socket.is_tls());
        let recorder = &mut self.recorders[connection.target];
        let since_start = now - self.start;
        recorder.opened(LatencyMetric::ConnectTime, since_start, connected - opened);
        if is_tls {
            recorder.opened(LatencyMetric::TlsTime, since_start, now - connected);
        }
    }

    /// Gives a free connection to the request that waits longest, or puts it aside.
    fn free(&mut self, at: usize) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        let (target, is_owned) = (connection.target, connection.owner.is_some());
        if is_owned {
            return self.connections.put_idle(at);
        }
        match (self.pending[target].pop_front(), self.plan.connections) {
            (Some(request), _) => self.start_on(at, request),
            (None, Connections::Pooled | Connections::Fixed(_)) => self.connections.put_idle(at),
            // The one that it was for has not waited so long.
            (None, Connections::PerSession | Connections::PerRequest) => {
                self.connections.close(at, self.poll.registry());
            }
        }
    }

    /// Reads what there is; with `short_drains`, a read that does not fill the buffer ends it.
    pub(crate) fn readable(&mut self, at: usize, short_drains: bool) {
        for _ in 0..READS {
            let Some(connection) = self.connections.get(at) else {
                return;
            };
            let read = connection.socket.read(&mut self.buffer);
            let now = now_ns();
            match read {
                Ok(count) if connection.request.is_some() || connection.http2.is_some() => {
                    if let Some(lag) = connection.socket.take_lag().filter(|_| now >= self.start) {
                        self.receive_lag.record_ns(lag);
                    }
                    let drained =
                        short_drains && count < READ_SIZE && connection.socket.short_read_drains();
                    let is_open = if connection.http2.is_some() {
                        self.take_frames(at, count, now)
                    } else {
                        self.take_bytes(at, count, now)
                    };
                    if !is_open || drained {
                        return;
                    }
                }
                // Anything that an idle connection says means that it is of no more use.
                Ok(_) => return self.connections.close(at, self.poll.registry()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.broken(at, Failure::Reset, error.to_string()),
            }
        }
        self.unread.push_back(at);
    }

    /// Parses what one read brought and returns whether the connection stays with its request.
    fn take_bytes(&mut self, at: usize, count: usize, now: u64) -> bool {
        let Some(connection) = self.connections.get(at) else {
            return false;
        };
        let Connection {
            parser,
            request: Some(request),
            is_head,
            ..
        } = connection
        else {
            return false;
        };
        let progress = if count == 0 {
            parser.end()
        } else {
            request.stamps.first_byte.get_or_insert(now);
            parser.feed(&self.buffer[..count], *is_head, &mut request.sink(now))
        };
        match progress {
            Ok(Progress::More) if parser.received() > LARGEST_ANSWER => {
                let detail = "the answer is larger than 64 MiB".to_owned();
                self.broken(at, Failure::TooLarge, detail);
                false
            }
            Ok(Progress::More) => true,
            Ok(Progress::Done { reusable }) => {
                self.complete(at, reusable, now);
                false
            }
            Err(failure) => {
                let detail = match failure {
                    Failure::Decode => "the answer is not HTTP/1.1",
                    _ => "the connection was closed before the answer was complete",
                };
                self.broken(at, failure, detail.to_owned());
                false
            }
        }
    }

    fn complete(&mut self, at: usize, reusable: bool, now: u64) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        // An answer that comes before the request has left leaves a connection in an unknown state.
        let keeps = self.plan.connections != Connections::PerRequest;
        let reusable = reusable && keeps && connection.out.is_empty();
        let target = connection.target;
        let request = connection.request.take();
        if reusable {
            connection.parser.reset();
            self.free(at);
        } else {
            self.connections.close(at, self.poll.registry());
            self.replace_connection(target);
        }
        if let Some(request) = request {
            self.ended(request.finish(now));
        }
    }

    /// Closes a connection and fails the request on it, or the one that waited for it.
    pub(crate) fn broken(&mut self, at: usize, failure: Failure, detail: String) {
        let Some(connection) = self.connections.get(at) else {
            return;
        };
        let (target, was_open) = (connection.target, connection.phase == Phase::Open);
        let request = connection.request.take();
        let streams = connection.http2.as_mut();
        let streams = streams.map_or_else(Vec::new, |http2| http2.fail_all(&failure, &detail));
        self.connections.close(at, self.poll.registry());
        for completion in streams {
            self.ended(completion);
        }
        let request = request.or_else(|| {
            if was_open {
                None
            } else {
                self.pending[target].pop_front()
            }
        });
        if let Some(request) = request {
            self.ended(request.fail(failure, detail, now_ns()));
        }
        self.replace_connection(target);
    }
}

//! The connections of one shard: a slab with one stack of idle ones for each target.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use mio::Registry;
use mio::net::TcpStream;

use super::arrival::nanos;
use super::attempt::Attempt;
use super::http1::ResponseParser;
use super::plan::{Target, Tls, Written};
use super::socket::Socket;
use crate::measure::Failure;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Handshaking,
    Open,
}

/// One connection; idle when it is open and has no attempt.
pub(super) struct Connection {
    pub(super) socket: Socket,
    pub(super) target: usize,
    pub(super) phase: Phase,
    pub(super) attempt: Option<Attempt>,
    /// What of the request is still to be written.
    pub(super) out: Bytes,
    pub(super) parser: ResponseParser,
    /// Whether the request is a HEAD, whose answer has no body.
    pub(super) is_head: bool,
    pub(super) opened: u64,
    /// When the TCP connection stood.
    pub(super) connected: u64,
    /// Whose it is, where connections are kept for someone.
    pub(super) owner: Option<u64>,
}

impl Connection {
    /// Puts a request on the connection.
    pub(super) fn begin(&mut self, attempt: Attempt, request: &Written) {
        self.out = request.bytes.clone();
        self.is_head = request.is_head;
        self.attempt = Some(attempt);
    }

    /// Returns which deadline the connection is past, if any.
    fn overdue(&self, now: u64, target: &Target) -> Option<(Failure, &'static str)> {
        let past = |since: u64, limit: u64| now > since.saturating_add(limit);
        let timeouts = &target.timeouts;
        let total = nanos(timeouts.total);
        let Some(attempt) = &self.attempt else {
            let late = past(self.opened, timeouts.connect.map_or(total, nanos));
            return match self.phase {
                Phase::Connecting if late => {
                    Some((Failure::Connect, "no connection within its timeout"))
                }
                Phase::Handshaking if late => {
                    Some((Failure::Tls, "no TLS handshake within its timeout"))
                }
                Phase::Connecting | Phase::Handshaking | Phase::Open => None,
            };
        };
        let (first, idle) = (timeouts.first_token.map(nanos), timeouts.idle.map(nanos));
        let dequeued = attempt.stamps.dequeued;
        let said = if past(dequeued, total) {
            "no complete answer within the timeout"
        } else if attempt.stamps.first_content.is_none()
            && first.is_some_and(|first| past(dequeued, first))
        {
            "no content within `timeout.first_token`"
        } else if idle.is_some_and(|idle| past(attempt.last_sign(), idle)) {
            "nothing more for `timeout.idle`"
        } else {
            return None;
        };
        Some((Failure::Timeout, said))
    }
}

/// The connections of one shard.
pub(super) struct OpenConnections {
    slots: Vec<Option<Connection>>,
    vacant: Vec<usize>,
    idle: Vec<Vec<usize>>,
    /// Idle ones that are kept for their owner: by owner and target.
    kept: HashMap<(u64, usize), usize>,
    /// How many each target has, open or opening.
    counts: Vec<usize>,
}

impl OpenConnections {
    /// Makes an empty set for that many targets.
    pub(super) fn new(targets: usize) -> Self {
        Self {
            slots: Vec::new(),
            vacant: Vec::new(),
            idle: vec![Vec::new(); targets],
            kept: HashMap::new(),
            counts: vec![0; targets],
        }
    }

    /// Returns how many connections there are, open or opening.
    pub(super) fn open(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    /// Begins a connection; `register` gets its socket and its number.
    pub(super) fn connect(
        &mut self,
        (address, tls): (SocketAddr, Option<&Tls>),
        target: usize,
        now: u64,
        register: impl FnOnce(&mut TcpStream, usize) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut socket = Socket::connect(address, tls)?;
        let at = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Err(error) = register(socket.source(), at) {
            self.vacant.push(at);
            return Err(error);
        }
        self.counts[target] += 1;
        self.slots[at] = Some(Connection {
            socket,
            target,
            phase: Phase::Connecting,
            attempt: None,
            out: Bytes::new(),
            parser: ResponseParser::default(),
            is_head: false,
            opened: now,
            connected: now,
            owner: None,
        });
        Ok(())
    }

    /// Returns the connection of that number, unless it was closed.
    pub(super) fn get(&mut self, at: usize) -> Option<&mut Connection> {
        self.slots.get_mut(at)?.as_mut()
    }

    /// Takes the idle connection that was used last: the one least likely to have been given up by the server.
    pub(super) fn take_idle(&mut self, target: usize) -> Option<usize> {
        self.idle[target].pop()
    }

    /// Takes the idle connection that is kept for that owner.
    pub(super) fn take_kept(&mut self, owner: u64, target: usize) -> Option<usize> {
        self.kept.remove(&(owner, target))
    }

    /// Returns how many connections a target has, open or opening.
    pub(super) fn of(&self, target: usize) -> usize {
        self.counts[target]
    }

    /// Puts an open connection aside, for its owner or for all.
    pub(super) fn put_idle(&mut self, at: usize) {
        if let Some(Some(connection)) = self.slots.get(at) {
            match connection.owner {
                Some(owner) => drop(self.kept.insert((owner, connection.target), at)),
                None => self.idle[connection.target].push(at),
            }
        }
    }

    /// Closes a connection, idle or not.
    pub(super) fn close(&mut self, at: usize, registry: &Registry) {
        if let Some(mut connection) = self.slots.get_mut(at).and_then(Option::take) {
            self.idle[connection.target].retain(|idle| *idle != at);
            if let Some(owner) = connection.owner {
                self.kept.remove(&(owner, connection.target));
            }
            self.counts[connection.target] -= 1;
            self.vacant.push(at);
            // The descriptor is closed with the socket; that it could not be taken out of the set changes nothing.
            drop(registry.deregister(connection.socket.source()));
        }
    }

    /// Returns the numbers of the connections that are past a deadline, and which.
    pub(super) fn overdue(
        &self,
        now: u64,
        targets: &[Target],
    ) -> Vec<(usize, Failure, &'static str)> {
        let overdue = |(at, slot): (usize, &Option<Connection>)| {
            let connection = slot.as_ref()?;
            let (failure, said) = connection.overdue(now, &targets[connection.target])?;
            Some((at, failure, said))
        };
        self.slots.iter().enumerate().filter_map(overdue).collect()
    }

    /// Returns every attempt that has a connection.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.slots
            .iter()
            .flatten()
            .filter_map(|connection| connection.attempt.as_ref())
    }
}

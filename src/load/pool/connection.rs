//! The connections of one worker: a slab with one stack of idle ones for each target.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use mio::Registry;
use mio::net::TcpStream;

use crate::load::arrival::nanos;
use crate::load::plan::{Target, Tls, Written};
use crate::load::pool::socket::Socket;
use crate::load::wire::http1::ResponseParser;
use crate::load::wire::http2::Http2;
use crate::load::worker::request::Request;
use crate::manifest::Timeouts;
use crate::measure::Failure;

/// Of so many connections, one is read with the kernel's receive times: they cost most of a µs a read.
const WATCHED: usize = 32;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Connecting,
    Handshaking,
    /// HTTP/2: the server has yet to say how many requests it takes at once.
    Greeting,
    Open,
}

/// One connection; idle when it is open and has no request, or room for one more.
pub(crate) struct Connection {
    pub(crate) socket: Socket,
    pub(crate) target: usize,
    pub(crate) phase: Phase,
    pub(crate) request: Option<Request>,
    /// What of the request is still to be written.
    pub(crate) out: Bytes,
    pub(crate) parser: ResponseParser,
    /// Whether the request is a HEAD, whose answer has no body.
    pub(crate) is_head: bool,
    pub(crate) opened: u64,
    /// When the TCP connection stood.
    pub(crate) connected: u64,
    /// Whose it is, where connections are kept for someone.
    pub(crate) owner: Option<u64>,
    /// Where it speaks HTTP/2: its requests, in place of `request` and `parser`.
    pub(crate) http2: Option<Box<Http2>>,
}

impl Connection {
    /// Puts a request on the connection.
    pub(crate) fn begin(&mut self, request: Request, written: &Written) {
        self.out = written.bytes.clone();
        self.is_head = written.is_head;
        self.request = Some(request);
    }

    /// Returns whether there are bytes to be written, now in `out`.
    pub(crate) fn has_output(&mut self) -> bool {
        if let (true, Some(http2)) = (self.out.is_empty(), &mut self.http2) {
            self.out = http2.take_output();
        }
        !self.out.is_empty()
    }

    /// Returns whether one more request may be put on it.
    fn has_room(&self) -> bool {
        match &self.http2 {
            Some(http2) => self.phase == Phase::Open && http2.has_room(),
            None => self.phase == Phase::Open && self.request.is_none(),
        }
    }

    /// Returns how many requests are on it.
    fn busy(&self) -> usize {
        let streams = self.http2.as_ref().map(|http2| http2.busy());
        streams.unwrap_or(usize::from(self.request.is_some()))
    }

    /// Returns the requests on it, with the number of their stream where there are several.
    fn requests(&self) -> impl Iterator<Item = (Option<usize>, &Request)> {
        let streams = self.http2.iter().flat_map(|http2| http2.requests());
        let streams = streams.map(|(number, request)| (Some(number), request));
        streams.chain(self.request.iter().map(|request| (None, request)))
    }

    /// Returns the deadlines that the connection and what is on it are past.
    fn overdue(&self, now: u64, timeouts: &Timeouts) -> Vec<Overdue> {
        let limit = nanos(timeouts.connect.unwrap_or(timeouts.total));
        let late = now > self.opened.saturating_add(limit);
        let (failure, said) = match self.phase {
            Phase::Connecting => (Failure::Connect, "no connection within its timeout"),
            Phase::Handshaking => (Failure::Tls, "no TLS handshake within its timeout"),
            Phase::Greeting => (Failure::Connect, "no HTTP/2 settings within its timeout"),
            Phase::Open => {
                let late = self.requests().filter_map(|(stream, request)| {
                    Some(Overdue {
                        stream,
                        failure: Failure::Timeout,
                        said: request.late(now, timeouts)?,
                    })
                });
                return late.collect();
            }
        };
        let overdue = Overdue {
            stream: None,
            failure,
            said,
        };
        late.then_some(overdue).into_iter().collect()
    }
}

/// What is past a deadline.
pub(crate) struct Overdue {
    /// One request of a connection that has several; else the connection itself.
    pub(crate) stream: Option<usize>,
    pub(crate) failure: Failure,
    pub(crate) said: &'static str,
}

/// The connections of one worker.
pub(crate) struct OpenConnections {
    slots: Vec<Option<Connection>>,
    vacant: Vec<usize>,
    idle: Vec<Vec<usize>>,
    /// Idle ones that are kept for their owner: by owner and target.
    kept: HashMap<(u64, usize), usize>,
    /// How many each target has, open or opening.
    counts: Vec<usize>,
    /// How many were ever begun.
    begun: usize,
    /// How many of these are not open yet.
    opening: Vec<usize>,
}

impl OpenConnections {
    /// Makes an empty set for that many targets.
    pub(crate) fn new(targets: usize) -> Self {
        Self {
            slots: Vec::new(),
            vacant: Vec::new(),
            idle: vec![Vec::new(); targets],
            kept: HashMap::new(),
            counts: vec![0; targets],
            begun: 0,
            opening: vec![0; targets],
        }
    }

    /// Returns how many connections there are, open, opening, or expected.
    pub(crate) fn open(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Begins a connection; `register` gets its socket and its number.
    pub(crate) fn connect(
        &mut self,
        (address, tls): (SocketAddr, Option<&Tls>),
        target: usize,
        now: u64,
        register: impl FnOnce(&mut TcpStream, usize) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut socket = Socket::connect(address, tls)?;
        if self.begun.is_multiple_of(WATCHED) {
            socket.watch();
        }
        self.begun += 1;
        let at = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Err(error) = register(socket.source(), at) {
            self.vacant.push(at);
            return Err(error);
        }
        self.counts[target] += 1;
        self.opening[target] += 1;
        self.slots[at] = Some(Connection {
            socket,
            target,
            phase: Phase::Connecting,
            request: None,
            out: Bytes::new(),
            parser: ResponseParser::default(),
            is_head: false,
            opened: now,
            connected: now,
            owner: None,
            http2: None,
        });
        Ok(())
    }

    /// Counts a connection that will be begun when its address is known.
    pub(crate) fn expect(&mut self, target: usize) {
        self.counts[target] += 1;
        self.opening[target] += 1;
    }

    /// Takes that back: it is begun now, or never.
    pub(crate) fn unexpect(&mut self, target: usize) {
        self.counts[target] -= 1;
        self.opening[target] -= 1;
    }

    /// Returns the connection of that number, unless it was closed.
    pub(crate) fn get(&mut self, at: usize) -> Option<&mut Connection> {
        self.slots.get_mut(at)?.as_mut()
    }

    /// Takes the idle connection that was used last: the one least likely to have been given up by the server. One that carries
    /// several requests at once stays where it is while it has room.
    pub(crate) fn take_idle(&mut self, target: usize) -> Option<usize> {
        let last = *self.idle[target].last()?;
        if self.get(last).is_some_and(|it| it.http2.is_none()) {
            self.idle[target].pop();
        }
        Some(last)
    }

    /// Returns the idle connection that carries the fewest requests.
    pub(crate) fn least_busy(&self, target: usize) -> Option<usize> {
        let busy = |at: &usize| self.slots[*at].as_ref().map_or(0, Connection::busy);
        self.idle[target].iter().copied().min_by_key(busy)
    }

    /// Notes that a connection can be used.
    pub(crate) fn open_up(&mut self, at: usize) {
        if let Some(Some(connection)) = self.slots.get_mut(at)
            && connection.phase != Phase::Open
        {
            connection.phase = Phase::Open;
            self.opening[connection.target] -= 1;
        }
    }

    /// Returns how many connections of a target are on their way.
    pub(crate) fn opening(&self, target: usize) -> usize {
        self.opening[target]
    }

    /// Takes the idle connection that is kept for that owner.
    pub(crate) fn take_kept(&mut self, owner: u64, target: usize) -> Option<usize> {
        self.kept.remove(&(owner, target))
    }

    /// Returns how many connections a target has, open or opening.
    pub(crate) fn of(&self, target: usize) -> usize {
        self.counts[target]
    }

    /// Puts an open connection aside, for its owner or for all.
    pub(crate) fn put_idle(&mut self, at: usize) {
        if let Some(Some(connection)) = self.slots.get(at) {
            match connection.owner {
                Some(owner) => drop(self.kept.insert((owner, connection.target), at)),
                None => self.idle[connection.target].push(at),
            }
        }
    }

    /// Keeps a connection that carries several requests among the idle ones as long as it has room.
    pub(crate) fn list(&mut self, at: usize) {
        let Some(Some(connection)) = self.slots.get(at) else {
            return;
        };
        let idle = &mut self.idle[connection.target];
        match (connection.has_room(), idle.iter().position(|it| *it == at)) {
            (true, None) => idle.push(at),
            (false, Some(place)) => drop(idle.remove(place)),
            _ => {}
        }
    }

    /// Closes a connection, idle or not.
    pub(crate) fn close(&mut self, at: usize, registry: &Registry) {
        if let Some(mut connection) = self.slots.get_mut(at).and_then(Option::take) {
            self.idle[connection.target].retain(|idle| *idle != at);
            if let Some(owner) = connection.owner {
                self.kept.remove(&(owner, connection.target));
            }
            self.counts[connection.target] -= 1;
            self.opening[connection.target] -= usize::from(connection.phase != Phase::Open);
            self.vacant.push(at);
            // The descriptor is closed with the socket; that it could not be taken out of the set changes nothing.
            drop(registry.deregister(connection.socket.source()));
        }
    }

    /// Returns what is past a deadline, with the numbers of the connections.
    pub(crate) fn overdue(&self, now: u64, targets: &[Target]) -> Vec<(usize, Overdue)> {
        let slots = self.slots.iter().enumerate();
        let overdue = slots.filter_map(|(at, slot)| {
            let connection = slot.as_ref()?;
            let timeouts = &targets[connection.target].timeouts;
            let overdue = connection.overdue(now, timeouts).into_iter();
            Some(overdue.map(move |it| (at, it)))
        });
        overdue.flatten().collect()
    }

    /// Returns every request that has a connection.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        let connections = self.slots.iter().flatten();
        connections.flat_map(|it| it.requests().map(|(_, request)| request))
    }
}

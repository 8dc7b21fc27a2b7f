//! The sockets of one worker: opened within this machine's limit, their names resolved where nothing is kept.

use std::io;
use std::sync::Arc;

use mio::{Interest, Registry, Token, Waker};

use super::link::{Dialed, Dialer};
use super::resolver::{Resolved, Resolver};
use super::socket::Socket;
use crate::load::id::{ConnectionId, StageId};
use crate::load::plan::{Endpoint, LoadPlan};
use crate::manifest::Connections;

/// Of so many connections, one is read with the kernel's receive times: they cost most of a µs a read.
const WATCHED: usize = 32;

/// Opens sockets for every pool of a worker.
pub(crate) struct Sockets<'a> {
    plan: &'a LoadPlan,
    registry: Registry,
    resolver: Resolver,
    /// The first token that is a connection's.
    first: usize,
    open: usize,
    resolving: usize,
    most: usize,
    /// How many were ever begun.
    begun: usize,
}

impl<'a> Sockets<'a> {
    /// Makes sockets whose events go to that registry, at most `most` at a time; tokens below `first` are others'.
    pub(crate) fn new(
        plan: &'a LoadPlan,
        registry: &Registry,
        waker: Arc<Waker>,
        first: usize,
        most: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            plan,
            registry: registry.try_clone()?,
            resolver: Resolver::new(waker),
            first,
            open: 0,
            resolving: 0,
            most,
            begun: 0,
        })
    }

    /// Returns whose events a token stands for.
    pub(crate) fn whose(&self, Token(token): Token) -> (StageId, ConnectionId) {
        let stages = self.plan.targets.len();
        let number = token - self.first;
        (StageId(number % stages), ConnectionId(number / stages))
    }

    /// Returns the names that have been resolved since the last call.
    pub(crate) fn answered(&self) -> Vec<Resolved> {
        self.resolver.answered()
    }

    /// Begins to connect to what a name was resolved to.
    pub(crate) fn dial_resolved(
        &mut self,
        resolved: Resolved,
    ) -> Result<io::Result<Socket>, String> {
        self.resolving -= 1;
        resolved
            .address
            .map(|address| self.connect(resolved.stage, address))
    }

    fn connect(&mut self, stage: StageId, address: std::net::SocketAddr) -> io::Result<Socket> {
        let Endpoint::Http { tls, .. } = &self.plan.targets[stage].endpoint else {
            return Err(io::Error::other("a program is not connected to"));
        };
        let mut socket = Socket::connect(address, tls.as_ref())?;
        if self.begun.is_multiple_of(WATCHED) {
            socket.watch();
        }
        self.begun += 1;
        self.open += 1;
        Ok(socket)
    }
}

impl Dialer for Sockets<'_> {
    type Link = Socket;

    fn has_room(&self) -> bool {
        self.open + self.resolving < self.most
    }

    fn dial(&mut self, stage: StageId) -> io::Result<Dialed<Socket>> {
        let Endpoint::Http { address, name, .. } = &self.plan.targets[stage].endpoint else {
            return Err(io::Error::other("a program is not connected to"));
        };
        // Clients that keep no connections ask for the address again; a pool is of one address.
        let keeps_none = matches!(
            self.plan.connections,
            Connections::PerRequest | Connections::PerSession
        );
        if let Some(name) = name.as_ref().filter(|_| keeps_none)
            && self.resolver.ask(stage, name, *address)
        {
            self.resolving += 1;
            return Ok(Dialed::Resolving);
        }
        self.connect(stage, *address).map(Dialed::Begun)
    }

    fn register(
        &mut self,
        link: &mut Socket,
        stage: StageId,
        connection: ConnectionId,
    ) -> io::Result<()> {
        let number = connection.0 * self.plan.targets.len() + stage.0;
        let token = Token(self.first + number);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(link.source(), token, interest)
    }

    fn hang_up(&mut self, mut link: Socket) {
        self.open -= 1;
        // The descriptor is closed with the socket; that it could not be taken out of the set changes nothing.
        drop(self.registry.deregister(link.source()));
    }
}

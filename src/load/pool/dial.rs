//! The sockets of one worker: opened within this machine's limit, their names resolved where
//! nothing is kept.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mio::{Interest, Registry, Token, Waker};

use super::kernel_time::Watch;
use super::link::{Dialed, Dialer};
use super::resolver::{Resolved, Resolver};
use super::socket::Socket;
use crate::load::id::{ConnectionId, StageId};
use crate::load::plan::LoadPlan;
use crate::manifest::Connections;
use crate::stage::{Address, HttpAddress};

/// Of so many connections, one is read with the kernel's receive times always.
const SAMPLED: usize = 32;

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
    /// By stage: the address at which it was last reached.
    reached: Vec<Option<SocketAddr>>,
}

impl<'a> Sockets<'a> {
    /// Makes sockets whose events go to that registry, at most `most` at a time; tokens below
    /// `first` are others'.
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
            reached: vec![None; plan.stages.len()],
        })
    }

    /// Returns whose events a token stands for.
    pub(crate) fn whose(&self, Token(token): Token) -> (StageId, ConnectionId) {
        let stages = self.plan.stages.len();
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
        let stage = resolved.stage;
        resolved
            .addresses
            .map(|addresses| self.connect(stage, &addresses))
    }

    fn http(&self, stage: StageId) -> io::Result<&'a HttpAddress> {
        match &self.plan.stages[stage].address {
            Address::Http(http) => Ok(http),
            Address::Program => Err(io::Error::other("a program is not connected to")),
            Address::InUrl => Err(io::Error::other("the stage's address was not looked up")),
        }
    }

    /// Begins to connect to one of these addresses: first to the one at which the stage was reached
    /// before.
    fn connect(&mut self, stage: StageId, addresses: &[SocketAddr]) -> io::Result<Socket> {
        let tls = self.http(stage)?.tls.as_ref();
        let reached = self.reached[stage];
        let mut turn: Vec<SocketAddr> = addresses.iter().rev().copied().collect();
        // Stable: the others stay in the order of the resolver.
        turn.sort_by_key(|it| {
            (
                Some(*it) == reached,
                reached.map(|r| r.is_ipv4()) == Some(it.is_ipv4()),
            )
        });
        let mut socket = Socket::connect(turn, tls)?;
        socket.watch(if self.begun.is_multiple_of(SAMPLED) {
            Watch::Always
        } else if self.plan.stages[stage].call.streams() || self.plan.timing.is_open() {
            Watch::Asked
        } else {
            Watch::Never
        });
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
        let HttpAddress { name, sockets, .. } = self.http(stage)?;
        // Clients that keep no connections ask for the address again; a pool is of one address.
        let keeps_none = matches!(
            self.plan.connections,
            Connections::PerRequest | Connections::PerSession
        );
        if let Some(name) = name.as_ref().filter(|_| keeps_none)
            && self.resolver.ask(stage, name, sockets[0].port())
        {
            self.resolving += 1;
            return Ok(Dialed::Resolving);
        }
        self.connect(stage, sockets).map(Dialed::Begun)
    }

    fn register(
        &mut self,
        link: &mut Socket,
        stage: StageId,
        connection: ConnectionId,
    ) -> io::Result<()> {
        let number = connection.0 * self.plan.stages.len() + stage.0;
        let token = Token(self.first + number);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(link.source(), token, interest)
    }

    fn try_next(&mut self, link: &mut Socket, stage: StageId, connection: ConnectionId) -> bool {
        let Ok(http) = self.http(stage) else {
            return false;
        };
        let Some(mut next) = link.next(http.tls.as_ref()) else {
            return false;
        };
        // The old one is closed below; that it could not be taken out of the set changes nothing.
        drop(self.registry.deregister(link.source()));
        let is_registered = self.register(&mut next, stage, connection).is_ok();
        *link = next;
        is_registered
    }

    fn stands(&mut self, link: &Socket, stage: StageId) {
        self.reached[stage] = Some(link.address());
    }

    fn hang_up(&mut self, mut link: Socket) {
        self.open -= 1;
        // The descriptor is closed with the socket; that it could not be taken out of the set
        // changes nothing.
        drop(self.registry.deregister(link.source()));
    }
}

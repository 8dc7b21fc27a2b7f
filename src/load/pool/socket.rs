//! A non-blocking connection, with or without TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use rustls::ClientConnection;

use super::link::{Lag, Link};
use crate::load::pool::kernel_time::{Received, Watch};
use crate::measure::Exhausted as _;
use crate::stage::{HTTP2, Tls, tls_words};

/// A TCP connection that may have TLS on top.
pub(crate) struct Socket {
    tcp: Received,
    tls: Option<Box<ClientConnection>>,
    address: SocketAddr,
    /// The addresses that are tried where this one is not answered, the next one last.
    rest: Vec<SocketAddr>,
    /// How many addresses there were to try.
    addresses: u32,
}

impl Socket {
    /// Begins to connect to the last of these addresses; where that fails at once, to the one
    /// before it, and so on.
    pub(crate) fn connect(mut addresses: Vec<SocketAddr>, tls: Option<&Tls>) -> io::Result<Self> {
        let count = addresses.len() as u32;
        let mut failed = io::Error::other("there is no address");
        while let Some(address) = addresses.pop() {
            match TcpStream::connect(address) {
                Ok(tcp) => {
                    return Ok(Self {
                        tcp: Received::new(tcp),
                        tls: tls.map(begin_tls).transpose()?,
                        address,
                        rest: addresses,
                        addresses: count,
                    });
                }
                Err(error) if error.is_exhausted() => return Err(error),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Begins to connect to the next of its addresses; `None` where all have been tried.
    pub(crate) fn next(&mut self, tls: Option<&Tls>) -> Option<Self> {
        let next = Self::connect(std::mem::take(&mut self.rest), tls).ok()?;
        Some(Self {
            addresses: self.addresses,
            ..next
        })
    }

    /// Returns what it is connected to, or is to be.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what mio registers.
    pub(crate) fn source(&mut self) -> &mut TcpStream {
        self.tcp.tcp()
    }

    /// Says which reads are to tell the kernel's receive times.
    pub(crate) fn watch(&mut self, watch: Watch) {
        self.tcp.watch(watch);
    }
}

fn begin_tls(tls: &Tls) -> io::Result<Box<ClientConnection>> {
    ClientConnection::new(tls.config.clone(), tls.name.clone())
        .map(Box::new)
        .map_err(io::Error::other)
}

impl Link for Socket {
    fn addresses(&self) -> u32 {
        self.addresses
    }

    fn is_connected(&mut self) -> io::Result<bool> {
        let tcp = self.tcp.tcp();
        if let Some(error) = tcp.take_error()? {
            return Err(error);
        }
        match tcp.peer_addr() {
            Ok(_) => {
                // Small requests must leave at once.
                tcp.set_nodelay(true)?;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn handshake(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else {
            return Ok(true);
        };
        while tls.is_handshaking() {
            match tls.complete_io(&mut self.tcp) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(in_words(error)),
            }
        }
        Ok(true)
    }

    fn agreed_to_http2(&self) -> bool {
        let tls = self.tls.as_ref();
        tls.is_none_or(|tls| tls.alpn_protocol() == Some(HTTP2))
    }

    fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// So on a bare socket (epoll, edge-triggered), where another read would be a wasted call.
    fn short_read_drains(&self) -> bool {
        self.tls.is_none()
    }

    fn ask_lag(&mut self) {
        self.tcp.ask_lag();
    }

    fn take_lag(&mut self) -> Option<Lag> {
        self.tcp.take_lag()
    }
}

/// Says in words why TLS refused.
fn in_words(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|it| it.downcast_ref());
    inner.map(tls_words).map_or(error, io::Error::other)
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.tcp.read(buffer),
            Some(tls) => rustls::Stream::new(tls.as_mut(), &mut self.tcp).read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.tcp.write(buffer),
            Some(tls) => rustls::Stream::new(tls.as_mut(), &mut self.tcp).write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            None => Ok(()),
            Some(tls) => rustls::Stream::new(tls.as_mut(), &mut self.tcp).flush(),
        }
    }
}

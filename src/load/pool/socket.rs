//! A non-blocking connection, with or without TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use rustls::ClientConnection;

use super::link::Link;
use crate::load::plan::Tls;
use crate::load::pool::kernel_time::Received;
use crate::transport::HTTP2;

/// A TCP connection that may have TLS on top.
pub(crate) struct Socket {
    tcp: Received,
    tls: Option<Box<ClientConnection>>,
}

impl Socket {
    /// Begins to connect.
    pub(crate) fn connect(address: SocketAddr, tls: Option<&Tls>) -> io::Result<Self> {
        let tcp = Received::new(TcpStream::connect(address)?);
        let tls = tls
            .map(|tls| ClientConnection::new(tls.config.clone(), tls.name.clone()))
            .transpose()
            .map_err(io::Error::other)?
            .map(Box::new);
        Ok(Self { tcp, tls })
    }

    /// Returns what mio registers.
    pub(crate) fn source(&mut self) -> &mut TcpStream {
        self.tcp.tcp()
    }

    /// Asks for the kernel's receive times.
    pub(crate) fn watch(&mut self) {
        self.tcp.watch();
    }
}

impl Link for Socket {
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
                Err(error) => return Err(error),
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

    fn take_lag(&mut self) -> Option<u64> {
        self.tcp.take_lag()
    }
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

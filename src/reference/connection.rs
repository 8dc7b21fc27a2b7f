//! One connection of the reference server: requests in, bytes out.

use std::io::{self, ErrorKind, Read as _, Write as _};

use mio::net::TcpStream;

/// The longest request that is taken.
const LONGEST: usize = 16 * 1024 * 1024;

/// A request, as far as the server looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    pub(super) keep_alive: bool,
}

pub(super) struct Connection {
    pub(super) socket: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Tells a connection from one that had its number before.
    pub(super) number: u64,
    pub(super) close_after: bool,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, number: u64) -> Self {
        Self {
            socket,
            input: Vec::new(),
            output: Vec::new(),
            number,
            close_after: false,
        }
    }

    /// Reads what has come; `false` when the peer has gone.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> bool {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return false,
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Takes one whole request; `Err` when it is none.
    pub(super) fn request(&mut self) -> io::Result<Option<Request>> {
        match parse(&self.input)? {
            None => Ok(None),
            Some((request, length)) => {
                self.input.drain(..length);
                Ok(Some(request))
            }
        }
    }

    /// Writes bytes, behind those that the kernel has not taken yet; `false` when the peer has
    /// gone.
    pub(super) fn send(&mut self, bytes: &[u8]) -> bool {
        if !self.output.is_empty() {
            self.output.extend_from_slice(bytes);
            return self.flush();
        }
        match self.socket.write(bytes) {
            Ok(count) => {
                self.output.extend_from_slice(&bytes[count..]);
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.output.extend_from_slice(bytes);
                true
            }
            Err(_) => false,
        }
    }

    /// Writes what is left; `false` when the peer has gone.
    pub(super) fn flush(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.socket.write(&self.output) {
                Ok(0) => return false,
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        !self.close_after
    }
}

/// Parses one request and returns it with its length in bytes; `None` while it is not whole.
fn parse(bytes: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let wrong = |what: &str| io::Error::new(ErrorKind::InvalidData, what.to_owned());
    if bytes.len() > LONGEST {
        return Err(wrong("too long"));
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(bytes).map_err(|_| wrong("no request"))?;
    let httparse::Status::Complete(head) = parsed else {
        return Ok(None);
    };
    let header = |name: &str| {
        let found = request
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok().map(str::trim)
    };
    if header("transfer-encoding").is_some() {
        return Err(wrong("chunked requests are not read"));
    }
    let length = header("content-length").map_or(Ok(0), str::parse::<usize>);
    let length = length.map_err(|_| wrong("no length"))?;
    let Some(body) = bytes.get(head..head + length) else {
        return Ok(None);
    };
    let closes = header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"));
    let keeps = header("connection").is_some_and(|it| it.eq_ignore_ascii_case("keep-alive"));
    let found = Request {
        path: request.path.unwrap_or("/").to_owned(),
        body: body.to_vec(),
        keep_alive: !closes && (request.version == Some(1) || keeps),
    };
    Ok(Some((found, head + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_taken_when_they_are_whole() {
        let text =
            b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n";
        assert!(parse(&text[..45]).unwrap().is_none());
        let (first, length) = parse(text).unwrap().unwrap();
        assert_eq!(
            (first.path.as_str(), first.body.as_slice()),
            ("/v1/x", &b"abc"[..])
        );
        assert!(first.keep_alive);
        let (second, _) = parse(&text[length..]).unwrap().unwrap();
        assert!(!second.keep_alive);
        assert!(parse(b"nonsense\r\n\r\n").is_err());
    }
}

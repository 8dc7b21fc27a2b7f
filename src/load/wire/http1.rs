//! HTTP/1.1 responses, read in pieces: head by httparse, bodies by length, by chunks, or to the
//! end.

use crate::measure::Failure;
use crate::protocol::Head;

/// The longest head that is taken for one.
const LONGEST_HEAD: usize = 256 * 1024;
/// How many header lines are read.
const MOST_HEADERS: usize = 128;
/// As many as nearly all answers have: room for more of them is made where there are more.
const FEW_HEADERS: usize = 24;

/// What a piece of bytes meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The response goes on.
    More,
    /// The response is complete; whether the connection may be used again.
    Done { reusable: bool },
}

/// Where the bytes of a response go.
pub(crate) trait Sink {
    /// Takes the head of the final response (not of a 1xx).
    fn head(&mut self, head: Head<'_>);
    /// Takes body bytes.
    fn body(&mut self, bytes: &[u8]);
}

/// Reads one response after the other from one connection.
#[derive(Debug, Default)]
pub(crate) struct ResponseParser {
    state: State,
    /// A head that has not come whole.
    carry: Vec<u8>,
    keep_alive: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Length(u64),
    ToEnd,
    ChunkSize {
        size: u64,
        digits: u8,
    },
    /// After the digits: extensions, then CR and LF.
    ChunkExtension(u64),
    /// Before the LF that ends the line of a chunk's size.
    ChunkLineEnd(u64),
    Chunk(u64),
    /// Before the CR behind a chunk, and before the LF.
    ChunkEnd,
    ChunkLf,
    /// Trailer lines; how many bytes the present one has.
    Trailer(u32),
}

/// Why a head was not read.
enum NotRead {
    TooManyHeaders,
    Nonsense,
}

impl From<httparse::Error> for NotRead {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooManyHeaders,
            _ => Self::Nonsense,
        }
    }
}

impl ResponseParser {
    /// Gets ready for the next response.
    pub(crate) fn reset(&mut self) {
        self.state = State::Head;
        self.carry.clear();
    }

    /// Takes bytes. Bytes after the end of the response make the connection not reusable.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        to_head: bool,
        sink: &mut impl Sink,
    ) -> Result<Progress, Failure> {
        let mut rest = bytes;
        if self.state == State::Head {
            let used = if self.carry.is_empty() {
                self.head(rest, to_head, sink)?
            } else {
                let held = self.carry.len();
                let mut carry = std::mem::take(&mut self.carry);
                carry.extend_from_slice(rest);
                self.head(&carry, to_head, sink)?.map(|used| used - held)
            };
            match used {
                Some(used) => rest = &rest[used..],
                None => {
                    // `head` has put everything into the carry.
                    return Ok(Progress::More);
                }
            }
        }
        self.body(rest, sink)
    }

    /// Takes the end of the connection.
    pub(crate) fn end(&mut self) -> Result<Progress, Failure> {
        match self.state {
            State::ToEnd => Ok(Progress::Done { reusable: false }),
            _ => Err(Failure::Reset),
        }
    }

    /// Reads a head and returns how many bytes it took, 1xx responses before it included.
    fn head(
        &mut self,
        bytes: &[u8],
        to_head: bool,
        sink: &mut impl Sink,
    ) -> Result<Option<usize>, Failure> {
        match self.head_with::<FEW_HEADERS>(bytes, to_head, sink) {
            Err(NotRead::TooManyHeaders) => self.head_with::<MOST_HEADERS>(bytes, to_head, sink),
            read => read,
        }
        .map_err(|_| Failure::Decode)
    }

    /// Reads a head that has at most `MOST` header lines. Room for them is written before each
    /// read, which takes longer than the reading where there is much of it.
    fn head_with<const MOST: usize>(
        &mut self,
        bytes: &[u8],
        to_head: bool,
        sink: &mut impl Sink,
    ) -> Result<Option<usize>, NotRead> {
        let mut from = 0;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MOST];
            let mut response = httparse::Response::new(&mut headers);
            let status = response.parse(&bytes[from..])?;
            let httparse::Status::Complete(length) = status else {
                if bytes.len() - from > LONGEST_HEAD {
                    return Err(NotRead::Nonsense);
                }
                self.carry.clear();
                self.carry.extend_from_slice(&bytes[from..]);
                return Ok(None);
            };
            from += length;
            let code = response.code.unwrap_or(0);
            if (100..200).contains(&code) && code != 101 {
                continue;
            }
            self.start_body(code, response.version == Some(1), response.headers, to_head)?;
            let mut pairs = [("", &b""[..]); MOST];
            for (pair, header) in pairs.iter_mut().zip(response.headers.iter()) {
                *pair = (header.name, header.value);
            }
            let headers = &pairs[..response.headers.len()];
            sink.head(Head {
                status: code,
                headers,
            });
            return Ok(Some(from));
        }
    }

    fn start_body(
        &mut self,
        code: u16,
        is_11: bool,
        headers: &[httparse::Header<'_>],
        to_head: bool,
    ) -> Result<(), NotRead> {
        let mut length = None;
        let mut chunked = false;
        self.keep_alive = is_11;
        for header in headers {
            let holds = |word: &str| {
                std::str::from_utf8(header.value).is_ok_and(|value| {
                    value
                        .split(',')
                        .any(|part| part.trim().eq_ignore_ascii_case(word))
                })
            };
            if header.name.eq_ignore_ascii_case("content-length") {
                length = Some(content_length(header.value, length).ok_or(NotRead::Nonsense)?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                chunked |= holds("chunked");
            } else if header.name.eq_ignore_ascii_case("connection") {
                if holds("close") {
                    self.keep_alive = false;
                } else if holds("keep-alive") {
                    self.keep_alive = true;
                }
            }
        }
        if code < 100 || (chunked && !is_11) {
            return Err(NotRead::Nonsense);
        }
        self.state = if to_head || code == 204 || code == 304 {
            State::Length(0)
        } else if chunked {
            State::ChunkSize { size: 0, digits: 0 }
        } else {
            length.map_or(State::ToEnd, State::Length)
        };
        Ok(())
    }

    fn body(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<Progress, Failure> {
        let mut rest = bytes;
        loop {
            match self.state {
                State::Head => return Ok(Progress::More),
                State::Length(0) => {
                    return Ok(Progress::Done {
                        reusable: self.keep_alive && rest.is_empty(),
                    });
                }
                _ if rest.is_empty() => return Ok(Progress::More),
                State::Length(left) => {
                    let used = pass(&mut rest, left, sink);
                    self.state = State::Length(left - used);
                }
                State::ToEnd => {
                    pass(&mut rest, u64::MAX, sink);
                }
                State::Chunk(0) => self.state = State::ChunkEnd,
                State::Chunk(left) => {
                    let used = pass(&mut rest, left, sink);
                    self.state = State::Chunk(left - used);
                }
                _ => {
                    let byte = rest[0];
                    rest = &rest[1..];
                    if self.framing(byte)? {
                        return Ok(Progress::Done {
                            reusable: self.keep_alive && rest.is_empty(),
                        });
                    }
                }
            }
        }
    }

    /// Takes one byte of chunk framing and returns whether the body has ended.
    fn framing(&mut self, byte: u8) -> Result<bool, Failure> {
        self.state = match (self.state, byte) {
            (State::ChunkSize { size, digits }, _) if byte.is_ascii_hexdigit() => {
                // Zeros may stand before it; a number that is too large may not.
                if size >> 60 != 0 {
                    return Err(Failure::Decode);
                }
                let digit = u64::from((byte as char).to_digit(16).unwrap_or(0));
                State::ChunkSize {
                    size: size * 16 + digit,
                    digits: digits.saturating_add(1),
                }
            }
            (State::ChunkSize { digits: 0, .. }, _) | (State::ChunkExtension(_), b'\n') => {
                return Err(Failure::Decode);
            }
            (State::ChunkSize { size, .. } | State::ChunkExtension(size), b'\r') => {
                State::ChunkLineEnd(size)
            }
            (State::ChunkLineEnd(0), b'\n') => State::Trailer(0),
            (State::ChunkLineEnd(size), b'\n') => State::Chunk(size),
            (State::ChunkSize { size, .. }, b';' | b' ' | b'\t')
            | (State::ChunkExtension(size), _) => State::ChunkExtension(size),
            (State::ChunkEnd, b'\r') => State::ChunkLf,
            (State::ChunkLf, b'\n') => State::ChunkSize { size: 0, digits: 0 },
            (State::Trailer(0), b'\n') => return Ok(true),
            (State::Trailer(_), b'\n') => State::Trailer(0),
            (State::Trailer(length), b'\r') => State::Trailer(length),
            (State::Trailer(length), _) if length < 65_536 => State::Trailer(length + 1),
            _ => return Err(Failure::Decode),
        };
        Ok(false)
    }
}

/// Hands on at most so many bytes, takes them off the rest, and returns how many they were.
fn pass(rest: &mut &[u8], most: u64, sink: &mut impl Sink) -> u64 {
    let used = most.min(rest.len() as u64);
    let (now, later) = rest.split_at(used as usize);
    sink.body(now);
    *rest = later;
    used
}

/// Reads a length: digits alone. Equal ones, in a list or in several lines, are one; `None` where
/// they differ, as nobody knows then where the answer ends (RFC 9112, 6.3).
fn content_length(value: &[u8], known: Option<u64>) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    let mut length = known;
    for part in text.split(',') {
        let part = part.trim_matches([' ', '\t']);
        // A number may have a sign where a length may not.
        let is_length = part.bytes().all(|byte| byte.is_ascii_digit());
        let found = part.parse().ok().filter(|_| is_length)?;
        if *length.get_or_insert(found) != found {
            return None;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Seen {
        status: u16,
        body: Vec<u8>,
    }

    impl Sink for Seen {
        fn head(&mut self, head: Head<'_>) {
            self.status = head.status;
        }

        fn body(&mut self, bytes: &[u8]) {
            self.body.extend_from_slice(bytes);
        }
    }

    fn read(pieces: &[&[u8]]) -> (Result<Progress, Failure>, Seen) {
        let mut parser = ResponseParser::default();
        let mut seen = Seen::default();
        let mut last = Ok(Progress::More);
        for piece in pieces {
            last = parser.feed(piece, false, &mut seen);
            if last != Ok(Progress::More) {
                return (last, seen);
            }
        }
        if last == Ok(Progress::More) && pieces.last().is_some_and(|piece| piece.is_empty()) {
            last = parser.end();
        }
        (last, seen)
    }

    const DONE: Result<Progress, Failure> = Ok(Progress::Done { reusable: true });
    const CLOSED: Result<Progress, Failure> = Ok(Progress::Done { reusable: false });

    #[test]
    fn bodies_end_by_length_by_chunks_and_by_closing() {
        for (text, end, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", DONE, "ab"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", DONE, ""),
            // security 22
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\ncontent-length: 02\r\n\r\nab",
                DONE,
                "ab",
            ),
            ("HTTP/1.1 204 No\r\n\r\n", DONE, ""),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                DONE,
                "x",
            ),
            (
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
                CLOSED,
                "x",
            ),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", CLOSED, "x"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
                DONE,
                "abcd",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n",
                DONE,
                "a",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000000002\r\nok\r\n00\r\n\r\n",
                DONE,
                "ok",
            ),
            ("HTTP/1.1 200 OK\r\n\r\nabc", CLOSED, "abc"),
        ] {
            let (last, seen) = read(&[text.as_bytes(), b""]);
            assert_eq!(
                (last, String::from_utf8(seen.body).unwrap().as_str()),
                (end, body),
                "{text}"
            );
        }
    }

    #[test]
    fn a_body_that_ends_early_and_nonsense_are_failures() {
        for (text, failure) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
                Failure::Reset,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
                Failure::Reset,
            ),
            ("HTTP/1.1 200 OK\r\n", Failure::Reset),
            ("", Failure::Reset),
            ("nonsense\r\n\r\n", Failure::Decode),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                Failure::Decode,
            ),
            // security 22
            (
                "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab",
                Failure::Decode,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
                Failure::Decode,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nabc",
                Failure::Decode,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                Failure::Decode,
            ),
            // As suites read them: chunks end with CR and LF, and HTTP/1.0 has none.
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n",
                Failure::Decode,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\nok\r\n0\r\n\r\n",
                Failure::Decode,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\n0\r\n\r\n",
                Failure::Decode,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
                Failure::Decode,
            ),
            (
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                Failure::Decode,
            ),
            (
                "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n",
                Failure::Decode,
            ),
        ] {
            assert_eq!(read(&[text.as_bytes(), b""]).0, Err(failure), "{text}");
        }
    }

    #[test]
    fn heads_of_many_lines_are_read_and_of_too_many_are_nonsense() {
        let lines = |count: usize| "x-line: value\r\n".repeat(count);
        for (count, end) in [
            (FEW_HEADERS, DONE),
            (MOST_HEADERS - 1, DONE),
            (MOST_HEADERS, Err(Failure::Decode)),
        ] {
            let text = format!(
                "HTTP/1.1 200 OK\r\n{}content-length: 2\r\n\r\nab",
                lines(count)
            );
            let (first, rest) = text.as_bytes().split_at(text.len() / 2);
            for pieces in [&[text.as_bytes()][..], &[first, rest]] {
                assert_eq!(read(pieces).0, end, "{count}");
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cuts in proptest::collection::vec(1_usize..120, 0..8)) {
            let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                3\r\nabc\r\n10;q\r\n0123456789abcdef\r\n0\r\nT: 1\r\n\r\n";
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let mut pieces: Vec<&[u8]> = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&text[from..cut]);
                from = cut;
            }
            pieces.push(&text[from..]);
            let (last, seen) = read(&pieces);
            prop_assert_eq!(last, DONE);
            prop_assert_eq!(seen.body, b"abc0123456789abcdef");
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            whole.extend_from_slice(&bytes);
            drop(read(&[&bytes, b""]));
            drop(read(&[&whole, b""]));
        }
    }

    // security 22
    #[test]
    fn a_length_is_digits_and_every_one_the_same() {
        let read = |text: &str| content_length(text.as_bytes(), None);
        for (text, length) in [
            ("0", Some(0)),
            (" 12\t", Some(12)),
            ("007", Some(7)),
            ("5,5 , 5", Some(5)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("5,", None),
            (",5", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1_0", None),
            ("0x5", None),
            ("5.0", None),
            ("5 5", None),
            ("5,6", None),
        ] {
            assert_eq!(read(text), length, "{text:?}");
        }
        assert_eq!(content_length(b"5", Some(5)), Some(5));
        assert_eq!(content_length(b"5", Some(6)), None);
        assert_eq!(content_length(b"\xff", None), None);
    }
}

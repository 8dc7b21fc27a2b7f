//! HTTP/1.1 on one connection: one request after the other, each answered before the next.

use bytes::Bytes;

use super::encode::Prepared;
use super::http1::{Progress, ResponseParser};
use super::{CUT, Standing, Wire};
use crate::load::id::StreamId;
use crate::load::worker::request::{Ended, Request};
use crate::measure::Failure;

/// A connection that speaks HTTP/1.1.
#[derive(Default)]
pub(crate) struct Http1 {
    parser: ResponseParser,
    request: Option<Box<Request>>,
    /// Whether the request is a HEAD, whose answer has no body.
    is_head: bool,
    out: Bytes,
    /// Whether the kernel has yet to take some of the request.
    is_unsent: bool,
    is_closing: bool,
}

/// The one request of a connection.
const ONLY: StreamId = StreamId(0);

impl Wire for Http1 {
    fn submit(&mut self, request: Box<Request>, now: u64) -> Option<Ended> {
        // A stage is spoken to in one way, and its requests are written for it.
        let Prepared::Http(written) = &request.prepared else {
            let detail = "the request is not one of HTTP/1.1".to_owned();
            return Some(request.failed(Failure::Request, detail, now));
        };
        self.out = written.bytes.clone();
        self.is_head = written.is_head;
        self.is_unsent = true;
        self.request = Some(request);
        None
    }

    fn on_bytes(&mut self, bytes: &[u8], now: u64, ended: &mut Vec<Ended>) -> Standing {
        let Some(request) = &mut self.request else {
            // Anything that an idle connection says means that it is of no more use.
            self.is_closing = true;
            return Standing::Changed;
        };
        let progress = if bytes.is_empty() {
            self.parser.end()
        } else {
            let at = request.hear(now);
            let mut sink = request.sink(at);
            self.parser.feed(bytes, self.is_head, &mut sink)
        };
        match progress {
            // What is said of it is the answer's own.
            Ok(Progress::More) if request.is_too_large() => {
                Standing::Broken(Failure::TooLarge, String::new())
            }
            Ok(Progress::More) => Standing::Same,
            Ok(Progress::Done { reusable }) => {
                // An answer that comes before the request has left leaves a connection in an
                // unknown state.
                self.is_closing = !reusable || self.is_unsent;
                self.parser.reset();
                ended.extend(self.request.take().map(|request| request.answered(now)));
                Standing::Changed
            }
            Err(Failure::Decode) => {
                Standing::Broken(Failure::Decode, "the answer is not HTTP/1.1".to_owned())
            }
            Err(failure) => Standing::Broken(failure, CUT.to_owned()),
        }
    }

    fn take_output(&mut self) -> Bytes {
        std::mem::take(&mut self.out)
    }

    fn sent(&mut self, now: u64) {
        self.is_unsent = false;
        if let Some(request) = &mut self.request {
            request.stamps.sent.get_or_insert(now);
        }
    }

    fn room(&self) -> usize {
        usize::from(self.request.is_none() && !self.is_closing)
    }

    fn busy(&self) -> usize {
        usize::from(self.request.is_some())
    }

    fn is_closing(&self) -> bool {
        self.is_closing
    }

    fn each(&self, look: &mut dyn FnMut(StreamId, &Request)) {
        if let Some(request) = &self.request {
            look(ONLY, request);
        }
    }

    fn fail_all(&mut self, failure: &Failure, detail: &str, now: u64, ended: &mut Vec<Ended>) {
        let failed =
            |request: Box<Request>| request.failed(failure.clone(), detail.to_owned(), now);
        ended.extend(self.request.take().map(failed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::worker::request::testing;

    fn begun() -> Http1 {
        let mut wire = Http1::default();
        assert!(wire.submit(testing::http("GET", ""), 5).is_none());
        wire
    }

    /// Feeds bytes at a time in ms, and returns how the connection stands and what has ended.
    fn feed(wire: &mut Http1, bytes: &[u8], ms: u64) -> (Standing, Vec<Ended>) {
        let mut ended = Vec::new();
        let standing = wire.on_bytes(bytes, ms * 1_000_000, &mut ended);
        (standing, ended)
    }

    #[test]
    fn an_answer_is_stamped_by_its_reads_and_leaves_room() {
        let mut wire = begun();
        assert!(wire.take_output().starts_with(b"GET / HTTP/1.1\r\n"));
        assert!(wire.take_output().is_empty());
        wire.sent(1_000_000);
        assert_eq!((wire.room(), wire.busy()), (0, 1));
        let (standing, ended) = feed(&mut wire, b"HTTP/1.1 200 OK\r\ncontent-len", 7);
        assert_eq!((standing, ended.len()), (Standing::Same, 0));
        let (standing, ended) = feed(&mut wire, b"gth: 2\r\n\r\nok", 9);
        assert_eq!(standing, Standing::Changed);
        let completion = ended.into_iter().next().unwrap().read(&testing::stage(""));
        let stamps = completion.stamps;
        assert_eq!(
            (
                stamps.sent,
                stamps.first_byte,
                stamps.first_content,
                stamps.end
            ),
            (
                Some(1_000_000),
                Some(7_000_000),
                Some(9_000_000),
                Some(9_000_000)
            )
        );
        assert_eq!(completion.outcome.unwrap().text.as_deref(), Some("ok"));
        assert_eq!((wire.room(), wire.busy(), wire.is_closing()), (1, 0, false));
    }

    /// The kernel says when bytes came, by a clock that can be set.
    #[test]
    fn an_answer_comes_after_its_request_and_its_bytes_in_order() {
        let mut wire = begun();
        wire.take_output();
        wire.sent(6_000_000);
        feed(
            &mut wire,
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na",
            4,
        );
        feed(&mut wire, b"b", 9);
        let (_, ended) = feed(&mut wire, b"c", 8);
        let stamps = ended.into_iter().next().unwrap();
        let stamps = stamps.read(&testing::stage("")).stamps;
        assert_eq!(
            [stamps.first_byte, stamps.first_content, stamps.end],
            [Some(6_000_000), Some(6_000_000), Some(9_000_000)]
        );
        assert_eq!(stamps.last_content, Some(9_000_000));
    }

    #[test]
    fn an_answer_before_the_request_has_left_ends_the_connection() {
        let mut wire = begun();
        let (_, ended) = feed(
            &mut wire,
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            1,
        );
        assert_eq!(ended.len(), 1);
        assert_eq!((wire.room(), wire.is_closing()), (0, true));
    }

    #[test]
    fn each_way_to_break_is_told_apart() {
        for (bytes, failure) in [
            (&b""[..], Failure::Reset),
            (b"SSH-2.0-OpenSSH\r\n", Failure::Decode),
        ] {
            let mut wire = begun();
            let (standing, ended) = feed(&mut wire, bytes, 1);
            let Standing::Broken(found, detail) = standing else {
                panic!("{standing:?}");
            };
            assert_eq!((found, ended.len()), (failure.clone(), 0));
            let mut ended = Vec::new();
            wire.fail_all(&failure, &detail, 2, &mut ended);
            let completion = ended.pop().unwrap().read(&testing::stage(""));
            assert_eq!(completion.outcome.unwrap_err().failure, failure);
            assert_eq!(wire.busy(), 0);
        }
    }

    #[test]
    fn a_connection_that_speaks_unasked_is_of_no_more_use() {
        let mut wire = Http1::default();
        assert_eq!(wire.room(), 1);
        assert_eq!(feed(&mut wire, b"", 1).0, Standing::Changed);
        assert_eq!((wire.room(), wire.is_closing()), (0, true));
    }
}

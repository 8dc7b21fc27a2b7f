//! What servers send: a parser says the same however the bytes are cut into reads.

use super::pieces::pieces;
use crate::load::{Progress, ResponseParser, Sink, http2_answer};
use crate::protocol::{
    CallFailure, Head, Reply, ReplyReader, SseParser, chat_reader, responses_reader,
};

/// Event streams.
pub(super) fn sse(input: &[u8]) {
    let pieces = pieces(input);
    let events = |pieces: &[&[u8]]| {
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece, |event| {
                events.push((event.name.to_vec(), event.data.to_vec()));
            });
        }
        (events, parser.is_inside_event())
    };
    assert_eq!(events(&pieces), events(&[&pieces.concat()]));
}

/// Responses of HTTP/1.1.
pub(super) fn http1(input: &[u8]) {
    let pieces = pieces(input);
    let (cut, cut_seen) = response(&pieces);
    let (whole, whole_seen) = response(&[&pieces.concat()]);
    // Bytes behind the answer that come with a later read are not seen any more; all else is the
    // same.
    let ends = |progress| match progress {
        Ok(Progress::Done { .. }) => Ok(true),
        Ok(Progress::More) => Ok(false),
        Err(failure) => Err(failure),
    };
    assert_eq!(ends(cut), ends(whole));
    assert_eq!(cut_seen, whole_seen);
}

#[derive(Debug, Default, PartialEq)]
struct Seen {
    heads: Vec<(u16, usize)>,
    body: Vec<u8>,
}

impl Sink for Seen {
    fn head(&mut self, head: Head<'_>) {
        self.heads.push((head.status, head.headers.len()));
    }

    fn body(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }
}

fn response(pieces: &[&[u8]]) -> (Result<Progress, crate::measure::Failure>, Seen) {
    let mut parser = ResponseParser::default();
    let mut seen = Seen::default();
    for piece in pieces {
        match parser.feed(piece, false, &mut seen) {
            Ok(Progress::More) => {}
            end => return (end, seen),
        }
    }
    (parser.end(), seen)
}

/// Streams of chat completions, and of the Responses API.
pub(super) fn chat(input: &[u8]) {
    stream(input, chat_reader);
    stream(input, responses_reader);
}

fn stream(input: &[u8], reader: fn() -> Box<dyn ReplyReader>) {
    let pieces = pieces(input);
    let read = |pieces: &[&[u8]]| -> (u32, Result<Reply, CallFailure>) {
        let mut reader = reader();
        let contents = pieces.iter().map(|piece| reader.data(piece)).sum();
        (contents, reader.finish())
    };
    let ((contents, cut), (all, whole)) = (read(&pieces), read(&[&pieces.concat()]));
    assert_eq!(contents, all);
    match (cut, whole) {
        (Ok(cut), Ok(whole)) => {
            assert_eq!((cut.text, cut.chunks), (whole.text, whole.chunks));
            assert_eq!(cut.usage, whole.usage);
        }
        (Err(cut), Err(whole)) => assert_eq!(cut.failure, whole.failure),
        (cut, whole) => panic!("{cut:?} in pieces, {whole:?} at once"),
    }
}

/// The frames of an HTTP/2 server that answers one request.
pub(super) fn http2(input: &[u8]) {
    let pieces = pieces(input);
    let (cut, whole) = (http2_answer(&pieces), http2_answer(&[&pieces.concat()]));
    assert_eq!(cut, whole);
}

//! What must hold for any bytes that a server may send: a parser says the same however they are cut
//! into reads, and never panics. Called by the fuzzers under `tests/fuzz`, and by tests.

use crate::load::{Progress, ResponseParser, Sink};
use crate::protocol::{
    CallFailure, Head, Reply, ReplyReader, SseParser, chat_reader, responses_reader,
};

/// Takes an input apart: how it is cut, and what is cut. The first byte says how many cuts there
/// are, as many bytes where they lie.
fn pieces(input: &[u8]) -> Vec<&[u8]> {
    let Some((count, rest)) = input.split_first() else {
        return Vec::new();
    };
    let cuts = usize::from(count % 8).min(rest.len());
    let (cuts, mut rest) = rest.split_at(cuts);
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    for cut in cuts {
        // Most inputs are short: small distances are the likely ones.
        let (piece, after) = rest.split_at(usize::from(*cut).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    // A read that brings nothing is the end of a connection.
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Event streams.
pub fn sse(input: &[u8]) {
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
pub fn http1(input: &[u8]) {
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
pub fn chat(input: &[u8]) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every seed of the fuzzers, with every byte cut off, and cut in two at every place.
    fn all_of(name: &str, check: fn(&[u8])) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
        let seeds = std::fs::read_dir(folder.join(name)).unwrap();
        let mut count = 0;
        for seed in seeds {
            let bytes = std::fs::read(seed.unwrap().path()).unwrap();
            for length in 0..=bytes.len() {
                check(&bytes[..length]);
                let cut = u8::try_from(length % 256).unwrap();
                check(&[&[1, cut], &bytes[bytes.len().min(1)..]].concat());
            }
            count += 1;
        }
        assert!(count > 0, "no seeds of {name}");
    }

    #[test]
    fn the_seeds_of_the_fuzzers_hold() {
        all_of("sse", sse);
        all_of("http1", http1);
        all_of("chat", chat);
    }

    proptest! {
        #[test]
        fn random_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            sse(&bytes);
            http1(&bytes);
            chat(&bytes);
        }
    }
}

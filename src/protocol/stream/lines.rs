//! Lines of JSON, read in pieces of any size.

use memchr::memchr;
use serde::de::IgnoredAny;

/// Splits bytes into lines; empty ones are none. The last line may lack its end: an object that is
/// complete is taken at once, because nothing but spaces can follow it.
#[derive(Debug, Default)]
pub(super) struct LineParser {
    line: Vec<u8>,
    /// Whether the line so far has been taken as it is.
    taken: bool,
}

impl LineParser {
    /// Takes bytes and calls `each` for every line that they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            self.line.extend_from_slice(&rest[..end]);
            self.end_line(&mut each);
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
        if !self.taken && is_object(&self.line) {
            each(&self.line);
            self.line.clear();
            self.taken = true;
        }
    }

    fn end_line(&mut self, each: &mut impl FnMut(&[u8])) {
        let line = self.line.trim_ascii();
        if !line.is_empty() {
            each(line);
        }
        self.line.clear();
        self.taken = false;
    }

    /// Returns whether a line has begun whose end is not known.
    pub(super) fn is_inside_line(&self) -> bool {
        !self.line.trim_ascii().is_empty()
    }
}

/// Returns whether these bytes are one complete JSON object.
fn is_object(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii();
    // Looked at first, as nearly no piece of a line ends so.
    bytes.starts_with(b"{")
        && bytes.ends_with(b"}")
        && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<String>, bool) {
        let mut parser = LineParser::default();
        let mut found = Vec::new();
        for piece in pieces {
            parser.feed(piece, |line| {
                found.push(String::from_utf8_lossy(line).trim().to_owned());
            });
        }
        (found, parser.is_inside_line())
    }

    #[test]
    fn an_object_is_taken_when_it_is_complete() {
        let (found, open) = lines(&[b"{\"a\":1}\r\n\n", b"{\"b\":", b"2}"]);
        assert_eq!((found.len(), open), (2, false));
        // What is cut, or may go on, is not.
        assert_eq!(lines(&[b"{\"a\":{}"]), (Vec::new(), true));
        assert_eq!(lines(&[b"12"]), (Vec::new(), true));
        // The end of the line comes later, and is no line of its own.
        let (found, open) = lines(&[b"{\"a\":1}", b" \n{\"b\":2}\n"]);
        assert_eq!((found.len(), open), (2, false));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            text in "(\\{\"a\":(1|\\{\\}|\"[a-z}]{0,3}\")\\} ?(\r\n|\n)|\n|\\[1\\]\n){0,8}",
            cuts in proptest::collection::vec(0_usize..60, 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(lines(&pieces), lines(&[bytes]));
        }
    }
}

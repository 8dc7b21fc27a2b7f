//! Server-sent events, read in pieces of any size.

use memchr::memchr2;

use super::said_error::{names_error, says_error};

/// One event, complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SseEvent<'a> {
    /// The `event:` field; empty when there was none.
    pub(crate) name: &'a [u8],
    /// The `data:` fields, joined by line feeds.
    pub(crate) data: &'a [u8],
}

/// Splits bytes into events as the WHATWG HTML standard says: lines end with LF, CR, or CR LF; an
/// empty line ends an event; lines that begin with a colon are comments; fields other than `data`
/// and `event` are ignored here, and so is one mark of the byte order at the beginning. Two things
/// count that the standard passes over: an event whose name is that of an error, without data, and
/// a bare line of JSON that tells one.
#[derive(Debug, Default)]
pub(crate) struct SseParser {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    /// Whether the first line is past.
    has_begun: bool,
}

impl SseParser {
    /// Takes bytes and calls `each` for every event that they complete.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(SseEvent<'_>)) {
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            if rest[0] == b'\n' {
                rest = &rest[1..];
            }
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            if self.line.is_empty() {
                self.take_line(&rest[..end], &mut each);
            } else {
                self.line.extend_from_slice(&rest[..end]);
                let line = std::mem::take(&mut self.line);
                self.take_line(&line, &mut each);
                self.line = line;
                self.line.clear();
            }
            let is_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if is_cr {
                match rest.first() {
                    Some(b'\n') => rest = &rest[1..],
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
        }
        self.line.extend_from_slice(rest);
    }

    /// Returns whether an event has begun that no empty line has ended.
    pub(crate) fn is_inside_event(&self) -> bool {
        self.has_data || !self.line.is_empty()
    }

    fn take_line(&mut self, line: &[u8], each: &mut impl FnMut(SseEvent<'_>)) {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let line = match line.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) if is_first => rest,
            _ => line,
        };
        if line.is_empty() {
            if self.has_data || names_error(&self.name) {
                each(SseEvent {
                    name: &self.name,
                    data: &self.data,
                });
            }
            self.data.clear();
            self.name.clear();
            self.has_data = false;
        } else if let Some(value) = field(line, b"data") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
            self.has_data = true;
        } else if let Some(value) = field(line, b"event") {
            self.name.clear();
            self.name.extend_from_slice(value);
        } else if is_stray_error(line) {
            each(SseEvent {
                name: b"error",
                data: line,
            });
        }
    }
}

/// Returns whether a line that is no field is a document that tells an error: what a server writes
/// that has begun a stream and cannot go on with it.
fn is_stray_error(line: &[u8]) -> bool {
    let holds = |word: &[u8]| memchr::memmem::find(line, word).is_some();
    let may_be = matches!(line.first(), Some(b'{' | b'[')) && holds(b"error");
    may_be && serde_json::from_slice(line).is_ok_and(|it: serde_json::Value| says_error(&it))
}

/// Returns the value of the line's field, one leading space removed, when it is the named one.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(rest);
    }
    let value = rest.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut parser = SseParser::default();
        let mut found = Vec::new();
        for piece in pieces {
            parser.feed(piece, |event| {
                found.push((
                    String::from_utf8_lossy(event.name).into_owned(),
                    String::from_utf8_lossy(event.data).into_owned(),
                ));
            });
        }
        found
    }

    #[test]
    fn comments_and_other_fields_are_no_events() {
        let text: &[u8] =
            b": keep-alive\n\nid: 3\nretry: 5\n\ndata: a\n\nevent: error\ndata:b\ndata: c\n\n";
        assert_eq!(
            events(&[text]),
            [
                (String::new(), "a".to_owned()),
                ("error".to_owned(), "b\nc".to_owned())
            ]
        );
    }

    #[test]
    fn a_mark_of_the_byte_order_is_no_part_of_the_first_line() {
        let text = b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n";
        let only_first = [(String::new(), "a".to_owned())];
        assert_eq!(events(&[text]), only_first);
        assert_eq!(events(&[&text[..2], &text[2..9], &text[9..]]), only_first);
    }

    /// field 4: servers that fail in the middle of a stream do not always keep to its form.
    #[test]
    fn an_error_counts_without_data_and_without_a_frame() {
        let text = b"data: a\n\nevent: error\n\nevent: ping\n\n{\"error\": \"full\"}\n{\"a\": \"error\"}\n";
        assert_eq!(
            events(&[text]),
            [
                (String::new(), "a".to_owned()),
                ("error".to_owned(), String::new()),
                ("error".to_owned(), "{\"error\": \"full\"}".to_owned()),
            ]
        );
    }

    #[test]
    fn every_line_end_is_one() {
        for text in [
            "data: a\r\n\r\ndata: b\r\n\r\n",
            "data: a\r\rdata: b\r\r",
            "data: a\n\ndata: b\n\n",
        ] {
            assert_eq!(events(&[text.as_bytes()]).len(), 2, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            text in "(data: [a-z]{0,4}(\r\n|\n|\r)|: c(\r\n|\n)|event: e\n|\n|\r\n|\r){0,20}",
            cuts in proptest::collection::vec(0_usize..200, 0..6),
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
            prop_assert_eq!(events(&pieces), events(&[bytes]));
        }
    }
}

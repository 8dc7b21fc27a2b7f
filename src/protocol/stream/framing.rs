//! What makes events of the bytes of a stream.

use super::lines::LineParser;
use crate::protocol::sse::SseParser;

/// What frames the events of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON document a line.
    Ndjson,
    /// A text that grows; each piece is an event as it comes.
    Text,
}

impl Framing {
    pub(super) const ALL: [Self; 3] = [Self::Sse, Self::Ndjson, Self::Text];

    /// Returns its word in the manifest.
    pub(in crate::protocol) const fn key(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Ndjson => "ndjson",
            Self::Text => "text",
        }
    }

    /// Returns what a request says that it accepts.
    pub(in crate::protocol) const fn accept(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::Ndjson => "application/x-ndjson",
            Self::Text => "*/*",
        }
    }

    /// Returns whether a stream may begin so, as far as that is to be seen.
    pub(super) fn may_begin(self, beginning: &[u8]) -> bool {
        let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
        let beginning = beginning.trim_ascii_start();
        match self {
            Self::Sse => [&b"data"[..], b"event", b"id", b"retry", b":"]
                .iter()
                .any(|field| beginning.starts_with(field) || field.starts_with(beginning)),
            Self::Ndjson => beginning
                .first()
                .is_none_or(|first| b"{[\"-0123456789tfn".contains(first)),
            Self::Text => true,
        }
    }

    /// Returns the framing that a content type names; `None` for types that name none, or any.
    pub(super) fn named_by(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/event-stream" => Some(Self::Sse),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines"
            | "application/json-lines"
            | "application/stream+json"
            | "application/json-seq" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

/// Splits the bytes of a stream into events.
pub(super) enum Parser {
    Sse(SseParser),
    Lines(LineParser),
    Chunks,
}

impl Parser {
    pub(super) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::Sse(SseParser::default()),
            Framing::Ndjson => Self::Lines(LineParser::default()),
            Framing::Text => Self::Chunks,
        }
    }

    /// Takes bytes and calls `each` with the name and the data of every event that they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8], &[u8])) {
        match self {
            Self::Sse(parser) => parser.feed(bytes, |event| each(event.name, event.data)),
            Self::Lines(parser) => parser.feed(bytes, |line| each(b"", line)),
            Self::Chunks if bytes.is_empty() => {}
            Self::Chunks => each(b"", bytes),
        }
    }

    /// Returns whether an event has begun and not ended.
    pub(super) fn is_inside_event(&self) -> bool {
        match self {
            Self::Sse(parser) => parser.is_inside_event(),
            Self::Lines(parser) => parser.is_inside_line(),
            Self::Chunks => false,
        }
    }
}

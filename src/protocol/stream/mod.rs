//! Answers that come as a stream: what frames its events, who reads them, and what is said of one
//! that is none.

mod delta;
mod framing;
mod lines;
mod reader;

pub(super) use delta::Deltas;
pub(super) use framing::Framing;
pub(super) use reader::{End, Events, StreamReader};

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// The key `stream`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StreamKey(pub(super) Option<Framing>);

impl<'de> Deserialize<'de> for StreamKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = StreamKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false`, `\"sse\"`, `\"ndjson\"`, or `\"text\"`")
            }

            fn visit_bool<E: de::Error>(self, streams: bool) -> Result<StreamKey, E> {
                Ok(StreamKey(streams.then_some(Framing::Sse)))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<StreamKey, E> {
                let mut all = Framing::ALL.iter();
                match all.find(|framing| framing.key() == word) {
                    Some(framing) => Ok(StreamKey(Some(*framing))),
                    None => Err(E::unknown_variant(word, &["sse", "ndjson", "text"])),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

schema_is!(StreamKey, "Stream", {
    "anyOf": [{"type": "boolean"}, {"enum": ["sse", "ndjson", "text"]}],
    "description": "whether the answer is a stream, and of what: server-sent events (`true`), lines of JSON, or plain text"
});

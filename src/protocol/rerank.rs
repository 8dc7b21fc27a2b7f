//! `kind = "rerank"`: documents put into a better order.

use schemars::{Schema, SchemaGenerator};

use super::{Call, Protocol, rest};
use crate::manifest::{KindTable, Problems};
use crate::registry::Entry;

/// The stage kind `rerank`.
pub(super) struct Rerank;

impl Entry for Rerank {
    fn name(&self) -> &'static str {
        "rerank"
    }

    fn summary(&self) -> &'static str {
        "a reranker whose `output.ids` are the documents, best first"
    }
}

impl Protocol for Rerank {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>> {
        Some(Box::new(rest::parse(table, problems, Some("ids"))?))
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        rest::schema(generator)
    }
}

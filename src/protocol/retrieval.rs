//! `kind = "retrieval"`: a search that answers with documents in the order of their rank.

use schemars::{Schema, SchemaGenerator};

use super::{Call, Protocol, rest};
use crate::manifest::{KindTable, Problems};
use crate::registry::Entry;

/// The stage kind `retrieval`.
pub(super) struct Retrieval;

impl Entry for Retrieval {
    fn name(&self) -> &'static str {
        "retrieval"
    }

    fn summary(&self) -> &'static str {
        "a search whose `output.ids` are the documents found, best first"
    }
}

impl Protocol for Retrieval {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>> {
        Some(Box::new(rest::parse(table, problems, Some("ids"))?))
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        rest::schema(generator)
    }
}

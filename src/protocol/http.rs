//! `kind = "http"`: any HTTP service, one request and one answer, or a stream of events.

use schemars::{Schema, SchemaGenerator};

use super::{Call, Protocol, rest};
use crate::manifest::{KindTable, Problems};
use crate::registry::Entry;

/// The stage kind `http`.
pub(super) struct Http;

impl Entry for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn summary(&self) -> &'static str {
        "any HTTP service; without `output`, the text is the whole body"
    }
}

impl Protocol for Http {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>> {
        Some(Box::new(rest::parse(table, problems, None)?))
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        rest::schema(generator)
    }
}

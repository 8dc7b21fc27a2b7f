//! `kind = "cache"`: a cache in front of something dear, whose answers tell a hit from a miss.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::output::HitKey;
use super::{Call, Protocol, rest};
use crate::manifest::{KindTable, Problems};
use crate::registry::Entry;

/// The stage kind `cache`.
pub(super) struct Cache;

impl Entry for Cache {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn summary(&self) -> &'static str {
        "a cache that tells a hit from a miss by a header or a field"
    }
}

/// The kind's one key of its own; the others are those of `http`.
#[derive(Deserialize)]
struct Spec {
    hit: Option<HitKey>,
}

/// Adds a key to the schema of a table.
fn with_key(mut table: Schema, key: &str, schema: &Schema) -> Schema {
    if let Some(properties) = table.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(key.to_owned(), schema.as_value().clone());
    }
    table
}

impl Protocol for Cache {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>> {
        let spec: Option<Spec> = table.only("hit").parse(problems);
        let rest = rest::parse(&table.without("hit"), problems, None);
        let (hit, rest) = (spec?.hit, rest?);
        let message = match (&hit, rest.tells_hits()) {
            (Some(_), false) => return Some(Box::new(rest.with_hit(hit?))),
            (None, true) => return Some(Box::new(rest)),
            (None, false) => "does not say how to tell a hit: `hit` is missing",
            (Some(_), true) => "says twice how to tell a hit: in `hit` and in `output.hit`",
        };
        let help =
            "Add `hit = { header = \"x-cache\" }`, or a JSONPath as in `hit = \"$.cached\"`.";
        let message = format!("{} {message}", table.what());
        problems.at(table.span.clone(), message, Some(help.to_owned()));
        None
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let hit = HitKey::json_schema(generator);
        with_key(rest::schema(generator), "hit", &hit)
    }
}

//! The schema of a manifest: its tables, with the keys of every kind of stage and assertion.

use schemars::SchemaGenerator;
use serde_json::Value;

use crate::{eval, manifest, protocol};

/// Returns the JSON Schema of a manifest.
pub(crate) fn manifest_schema(mut generator: SchemaGenerator) -> Value {
    let kinds = protocol::schemas(&mut generator);
    let asserts = eval::assertion_schemas(&mut generator);
    manifest::schema(&mut generator, kinds, asserts)
}

//! `stagegate schema`: made from the types of the documents themselves.

use clap::{Args, ValueEnum};

use super::Context;
use crate::exit::Status;
use crate::plan::manifest_schema;
use crate::record::{DiffDocument, RunRecord};
use crate::schema::generator;

/// Print the JSON Schema of the manifest, a run, or a comparison
#[derive(Args, Clone, Debug)]
pub(crate) struct SchemaArgs {
    /// Which document
    #[arg(value_name = "DOCUMENT", value_enum, default_value_t)]
    document: Document,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Document {
    /// `stagegate.toml`
    #[default]
    Manifest,
    /// `stagegate/run`: what `load`, `profile`, and `eval` print
    Run,
    /// `stagegate/diff`: what `diff` and `gate` print
    Diff,
}

/// Prints a schema.
pub(crate) fn schema(context: &Context, args: &SchemaArgs) -> Status {
    let generator = generator();
    let schema = match args.document {
        Document::Manifest => manifest_schema(generator),
        Document::Run => generator.into_root_schema_for::<RunRecord>().to_value(),
        Document::Diff => generator.into_root_schema_for::<DiffDocument>().to_value(),
    };
    context.emit_json(format!("{schema:#}\n"), Status::Passed)
}

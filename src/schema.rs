//! JSON Schemas for types that read themselves from text.

/// Says what a type looks like in a document. For types whose `Deserialize` is written by hand.
macro_rules! schema_is {
    ($type:ty, $name:literal, $schema:tt) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

/// What a table with a `kind` may hold besides what every such table holds.
pub(crate) struct KindSchema {
    pub(crate) name: String,
    pub(crate) summary: &'static str,
    /// Of the kind's own keys.
    pub(crate) schema: schemars::Schema,
}

/// Returns the generator of every schema: draft 7, which editors and their TOML plug-ins
/// understand, with no references, so that tables can be put together.
pub(crate) fn generator() -> schemars::SchemaGenerator {
    let mut settings = schemars::generate::SchemaSettings::draft07();
    settings.inline_subschemas = true;
    settings.into_generator()
}

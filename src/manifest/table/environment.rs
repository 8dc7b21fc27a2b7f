//! `[env.NAME]`.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::manifest::checker::Checker;
use crate::manifest::document::{self, Section, Table};
use crate::name::Name;
use crate::template::{Scope, Template, ValueTemplate};

/// `[env.NAME]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Every key, `region` and `protected` too; what `{{ env.KEY }}` reads.
    pub(crate) values: Map<String, Value>,
    pub(crate) region: Option<String>,
}

impl Environment {
    /// Checks every environment.
    pub(in crate::manifest) fn check_all(
        sections: Vec<Section>,
        manifest: &mut Checker<'_>,
    ) -> BTreeMap<Name, Self> {
        let environments = sections.into_iter().map(|section| {
            let environment = Self::check(section.table, manifest);
            (section.name, environment)
        });
        environments.collect()
    }

    fn check(table: Table, manifest: &mut Checker<'_>) -> Self {
        manifest.idle(&table, &["protected"]);
        let mut checker = manifest.inside(table.what, table.span);
        let entries = table.entries;
        let values = values(&entries, &mut checker);
        let region = typed(&entries, "region", "text", DeValue::as_str, &mut checker);
        typed(
            &entries,
            "protected",
            "`true` or `false`",
            DeValue::as_bool,
            &mut checker,
        );
        Self {
            values,
            region: region.map(str::to_owned),
        }
    }
}

fn values(entries: &DeTable<'static>, checker: &mut Checker<'_>) -> Map<String, Value> {
    let mut values = Map::new();
    for (key, value) in entries {
        let literal = literal(value).unwrap_or_else(|reason| {
            let message = format!("{}: {reason}", checker.key(key.get_ref()));
            checker.at(value.span(), message, None);
            // The key is there, so that nobody reports it as missing.
            Value::Null
        });
        values.insert(key.get_ref().to_string(), literal);
    }
    values
}

/// Environments are what templates are filled with, not templates: one that stands here would be
/// sent as it stands.
fn literal(value: &document::Value) -> Result<Value, String> {
    if holds_template(value.get_ref()) {
        return Err("templates are not filled in here; put them into the stage".to_owned());
    }
    let value = ValueTemplate::deserialize(ValueDeserializer::from(value.clone()))
        .map_err(|error| error.message().to_owned())?;
    value
        .value(&Scope::default())
        .map_err(|error| error.to_string())
}

fn holds_template(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(text) => Template::is_in(text),
        DeValue::Array(items) => items.iter().any(|item| holds_template(item.get_ref())),
        DeValue::Table(table) => table.values().any(|item| holds_template(item.get_ref())),
        _ => false,
    }
}

/// Reads one of the keys that every environment may have.
fn typed<'a, T>(
    entries: &'a DeTable<'static>,
    key: &str,
    expected: &str,
    read: impl Fn(&'a DeValue<'static>) -> Option<T>,
    checker: &mut Checker<'_>,
) -> Option<T> {
    let value = entries.get(key)?;
    let typed = read(value.get_ref());
    if typed.is_none() {
        let message = format!("{}: expected {expected}", checker.key(key));
        checker.at(value.span(), message, None);
    }
    typed
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::spoilt;

    #[test]
    fn environments_hold_plain_values() {
        insta::assert_snapshot!(
            spoilt("[env.eu]\napi = \"https://eu.example\"", "[env.eu]\napi = \"{{ secret.HOST }}\"\nprotected = \"yes\""),
            @r#"
x 2 problems in `stagegate.toml`

Error:
  x `api` of environment `eu`: templates are not filled in here; put them into
  | the stage
    ,-[stagegate.toml:12:7]
 11 | [env.eu]
 12 | api = "{{ secret.HOST }}"
    :       ^^^^^^^^^^^^^^^^^^^
 13 | protected = "yes"
    `----

Error:
  x `protected` of environment `eu`: expected `true` or `false`
    ,-[stagegate.toml:13:13]
 12 | api = "{{ secret.HOST }}"
 13 | protected = "yes"
    :             ^^^^^
 14 |
    `----
"#
        );
    }

    /// field 29
    #[test]
    fn whatever_looks_like_a_template_is_refused_and_never_filled_in() {
        for value in [
            "\"{{ name }}\"",
            "\"{{ 1 + 1 }}\"",
            "\"a{# b #}c\"",
            "[\"{{ secret.KEY }}\"]",
            "{ deep = \"{% if x %}\" }",
        ] {
            let text = format!("[env.eu]\napi = \"https://eu.example\"\nnote = {value}");
            let shown = spoilt("[env.eu]\napi = \"https://eu.example\"", &text);
            assert!(
                shown.contains("templates are not filled in here"),
                "{shown}"
            );
        }
    }
}

//! A TOML value of any shape whose strings may hold templates: request bodies, messages, expected
//! values.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Number, Value};

use super::scope::Scope;
use super::syntax::Reference;
use super::text::{Template, TemplateError};

/// The key under which the `toml` crate hands out a date.
const DATE_KEY: &str = "$__toml_private_datetime";

/// A TOML value whose strings may hold templates. `Deserialize`s from any value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValueTemplate {
    Literal(Value),
    Text(Template),
    Array(Vec<ValueTemplate>),
    Table(Vec<(String, ValueTemplate)>),
}

impl ValueTemplate {
    /// Fills in every template of the value.
    pub(crate) fn value(&self, scope: &Scope) -> Result<Value, TemplateError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Text(template) => template.value(scope),
            Self::Array(items) => items.iter().map(|item| item.value(scope)).collect(),
            Self::Table(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), item.value(scope)?)));
                Ok(Value::Object(entries.collect::<Result<Map<_, _>, _>>()?))
            }
        }
    }

    /// Returns whether it holds no template at all: only then may it be looked at before anything
    /// runs, as a template may do anything.
    pub(crate) fn is_literal(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Text(template) => !Template::is_in(template.source()),
            Self::Array(items) => items.iter().all(Self::is_literal),
            Self::Table(entries) => entries.iter().all(|(_, value)| value.is_literal()),
        }
    }

    /// Returns every reference of every template in the value.
    pub(crate) fn references(&self) -> BTreeSet<Reference> {
        match self {
            Self::Literal(_) => BTreeSet::new(),
            Self::Text(template) => template.references(),
            Self::Array(items) => items.iter().flat_map(Self::references).collect(),
            Self::Table(entries) => {
                let values = entries.iter().map(|(_, value)| value);
                values.flat_map(Self::references).collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for ValueTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = ValueTemplate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ValueTemplate, E> {
        Template::parse(text)
            .map(ValueTemplate::Text)
            .map_err(E::custom)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<ValueTemplate, E> {
        Ok(ValueTemplate::Literal(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<ValueTemplate, E> {
        Ok(ValueTemplate::Literal(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<ValueTemplate, E> {
        Ok(ValueTemplate::Literal(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<ValueTemplate, E> {
        Number::from_f64(value)
            .map(|number| ValueTemplate::Literal(Value::Number(number)))
            .ok_or_else(|| E::custom(format!("`{value}` cannot be written as JSON")))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<ValueTemplate, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(ValueTemplate::Array(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<ValueTemplate, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == DATE_KEY {
                let date = map.next_value::<String>()?;
                return Ok(ValueTemplate::Literal(Value::String(date)));
            }
            entries.push((key, map.next_value()?));
        }
        Ok(ValueTemplate::Table(entries))
    }
}

schema_is!(ValueTemplate, "ValueTemplate", {
    "description": "any value; its texts may hold `{{ … }}` templates"
});

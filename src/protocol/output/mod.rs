//! `output = { … }`: what a stage's answer is read into. The same for every kind, for every caller,
//! and for answers that come whole and as a stream.

mod brackets;
mod check;
mod doubt;
mod effort;
mod found;
mod hit;
mod order;
mod path;
mod place;
mod truth;

pub(super) use check::{Answers, Shape};
pub(super) use found::{Found, Whole};
pub(crate) use order::Documents;
pub(super) use order::source_of;
pub(crate) use path::OutputPath;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;

use super::bounded::Step;
use place::{Named, Output, Place, is_yes_or_no};

/// The outputs that have a meaning of their own; any other name is there for later steps.
pub(crate) const KNOWN: [&str; 10] = [
    "delta",
    "error",
    "fallback",
    "hit",
    "ids",
    "input_tokens",
    "order",
    "output_tokens",
    "text",
    "texts",
];

/// The outputs of a stage by name. A copy shares them.
#[derive(Clone, Debug, Default)]
pub(super) struct Outputs(Arc<BTreeMap<String, Output>>);

impl Outputs {
    fn get(&self, name: &str) -> Option<&Output> {
        self.0.get(name)
    }

    /// Returns whether an output is named.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the same outputs with one more.
    pub(super) fn with_hit(&self, hit: HitKey) -> Self {
        let mut all = BTreeMap::clone(&self.0);
        all.insert("hit".to_owned(), hit.0);
        Self(Arc::new(all))
    }

    /// Returns whether `delta` is the data itself, or not named.
    pub(super) fn takes_data(&self) -> bool {
        let delta = self.get("delta");
        delta.is_none_or(|delta| matches!(delta.place, Place::Data { .. }))
    }

    /// Returns the text of an event of that name and content, for `delta`; `None` where it is not
    /// there. `data` is the text itself where the event is to be taken as it is.
    pub(super) fn delta(&self, name: &[u8], body: &Value) -> Option<Value> {
        let Place::Path { path, event, .. } = &self.get("delta")?.place else {
            return None;
        };
        let is_named = event.as_ref().is_none_or(|it| it.as_bytes() == name);
        is_named.then(|| path.select(body)).flatten()
    }

    /// Returns whether an event of that name holds content where `delta` is the data itself.
    pub(super) fn takes_data_of(&self, name: &[u8]) -> bool {
        match self.get("delta").map(|delta| &delta.place) {
            Some(Place::Data { event: Some(event) }) => event.as_bytes() == name,
            Some(Place::Path { .. } | Place::Header(_)) => false,
            Some(Place::Data { event: None }) | None => true,
        }
    }

    /// Returns where `delta` is looked for, as messages name it.
    pub(super) fn delta_text(&self) -> String {
        self.get("delta")
            .map(Output::place_text)
            .unwrap_or_default()
    }

    /// Returns whether the whole answer is its text: no output names a part of it, or one looks
    /// into the text, and none says where that is.
    pub(super) fn take_it_as_text(&self) -> bool {
        let is_part = |(name, output): (&String, &Output)| {
            let is_path = matches!(&output.place, Place::Path { .. });
            is_path && !output.is_in_text() && !is_yes_or_no(name)
        };
        let says_where = self.get("text").is_some_and(|text| !text.is_in_text());
        !says_where && (self.0.values().any(Output::is_in_text) || !self.0.iter().any(is_part))
    }

    /// Returns whether anything is looked for in the body, so that it must be JSON.
    pub(super) fn read_the_body(&self) -> bool {
        let mut all = self.0.values();
        all.any(|output| matches!(&output.place, Place::Path { .. }) && !output.is_in_text())
    }

    /// Returns where in a body it is looked: all that is of use is below one of these.
    pub(super) fn stems(&self) -> Vec<&[Step]> {
        let places = self.0.values().filter(|output| !output.is_in_text());
        let stems = places.filter_map(|output| match &output.place {
            Place::Path { path, .. } => Some(path.stem()),
            _ => None,
        });
        stems.collect()
    }

    /// Begins to read an answer.
    pub(super) fn reader(&self) -> Found {
        Found::new(self.clone())
    }
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Outputs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table of outputs, for instance `{ text = \"$.answer\" }`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outputs, A::Error> {
                let mut all = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let seed = Named {
                        name: &name,
                        is_key: false,
                    };
                    let output = map.next_value_seed(seed)?;
                    all.insert(name, output);
                }
                Ok(Outputs(Arc::new(all)))
            }
        }

        deserializer.deserialize_map(All)
    }
}

impl JsonSchema for Outputs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Outputs".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = place::schema(generator);
        let known = KNOWN.map(|name| format!("`{name}`")).join(", ");
        schemars::json_schema!({
            "type": "object",
            "additionalProperties": one,
            "description": format!("what the answer holds, by name: {known}, or any other name")
        })
    }
}

/// The key `hit` of a cache.
#[derive(Clone, Debug)]
pub(super) struct HitKey(Output);

impl<'de> Deserialize<'de> for HitKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seed = Named {
            name: "hit",
            is_key: true,
        };
        Ok(Self(de::DeserializeSeed::deserialize(seed, deserializer)?))
    }
}

schema_is!(HitKey, "Hit", {
    "anyOf": [
        {"type": "string", "pattern": "^\\$"},
        {
            "type": "object",
            "properties": {
                "header": {"type": "string"},
                "path": {"type": "string", "pattern": "^\\$"},
                "value": {"type": "string"},
                "equals": {},
                "not": {},
                "absent": {"const": "no"}
            },
            "additionalProperties": false
        }
    ],
    "description": "how a hit is told from a miss: a JSONPath, a header, or as an output that is yes or no"
});

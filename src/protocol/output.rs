//! `output = { … }`: named paths (`JSONPath`, RFC 9535) into an answer, and what counts as a broken output contract.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use serde_json_path::JsonPath;

use super::failure::CallFailure;

/// A JSONPath with what its text promises.
#[derive(Clone, Debug)]
pub(crate) struct OutputPath {
    text: String,
    path: JsonPath,
    /// A path with wildcards, slices, or filters selects any number of values, also none; but what it walks through
    /// must be there: `$.hits[*].id` promises `$.hits`.
    many: Option<JsonPath>,
}

impl OutputPath {
    /// Parses a path; the error says what RFC 9535 does not allow in it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parse = |text: &str| {
            JsonPath::parse(text)
                .map_err(|error| format!("`{text}` is not a JSONPath (RFC 9535): {error}"))
        };
        let path = parse(text)?;
        let is_many = ["*", "..", "?", ":", ","]
            .iter()
            .any(|mark| text.contains(mark));
        let stem = text
            .split(['*', '?'])
            .next()
            .unwrap_or("$")
            .trim_end_matches(['[', '.']);
        let many = is_many
            .then(|| parse(stem).or_else(|_| parse("$")))
            .transpose()?;
        Ok(Self {
            text: text.to_owned(),
            path,
            many,
        })
    }

    /// Returns the path as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Selects from a body: one value for a singular path, an array otherwise; `None` when what it promises is not
    /// there.
    pub(crate) fn select(&self, body: &Value) -> Option<Value> {
        let nodes = self.path.query(body);
        match &self.many {
            None => nodes.first().cloned(),
            Some(stem) if nodes.is_empty() && stem.query(body).is_empty() => None,
            Some(_) => Some(Value::Array(
                nodes.iter().map(|node| (*node).clone()).collect(),
            )),
        }
    }
}

impl<'de> Deserialize<'de> for OutputPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The outputs of a stage by name. `text`, `ids`, `texts`, `fallback`, and `delta` have a meaning of their own; any
/// other name is there for later steps.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Outputs(BTreeMap<String, OutputPath>);

impl Outputs {
    /// Returns the path of an output.
    pub(crate) fn get(&self, name: &str) -> Option<&OutputPath> {
        self.0.get(name)
    }

    /// Returns whether no output is named, so that the answer's body is its text.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Selects every output. `fallback` may be missing, which means no; every other one is a promise.
    pub(crate) fn select(&self, body: &Value) -> Result<Map<String, Value>, CallFailure> {
        let mut found = Map::new();
        for (name, path) in self.0.iter().filter(|(name, _)| *name != "delta") {
            match path.select(body) {
                Some(Value::Null) | None if name != "fallback" => {
                    return Err(CallFailure::contract(format!(
                        "the answer has nothing at `output.{name}` = `{}`",
                        path.as_str()
                    )));
                }
                Some(value) => drop(found.insert(name.clone(), value)),
                None => {}
            }
        }
        Ok(found)
    }
}

/// Returns whether a value counts as true: not null, false, 0, or empty.
pub(crate) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

schema_is!(OutputPath, "JsonPath", {
    "type": "string",
    "pattern": "^\\$",
    "description": "a JSONPath (RFC 9535) into the answer"
});
schema_is!(Outputs, "Outputs", {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": "^\\$"},
    "description": "named JSONPaths: `text`, `ids`, `texts`, `fallback`, `delta`, or any other name"
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measure::Failure;

    fn select(path: &str, body: &Value) -> Option<Value> {
        OutputPath::parse(path).unwrap().select(body)
    }

    #[test]
    fn a_singular_path_selects_one_value() {
        let body = json!({"answer": "yes", "n": null});
        assert_eq!(select("$.answer", &body), Some(json!("yes")));
        assert_eq!(select("$.missing", &body), None);
    }

    #[test]
    fn a_path_with_wildcards_may_select_nothing_but_not_from_nothing() {
        assert_eq!(
            select("$.hits[*].id", &json!({"hits": [{"id": 1}]})),
            Some(json!([1]))
        );
        assert_eq!(
            select("$.hits[*].id", &json!({"hits": []})),
            Some(json!([]))
        );
        assert_eq!(
            select("$.hits[*].id", &json!({"error": "overloaded"})),
            None
        );
        assert_eq!(
            select("$.hits[?@.ok].id", &json!({"hits": []})),
            Some(json!([]))
        );
        assert_eq!(select("$.a.*", &json!({"b": 1})), None);
    }

    #[test]
    fn a_missing_fallback_means_no_and_anything_else_breaks_the_contract() {
        let outputs: Outputs =
            serde_json::from_value(json!({"text": "$.answer", "fallback": "$.degraded"})).unwrap();
        assert_eq!(outputs.select(&json!({"answer": "x"})).unwrap().len(), 1);
        let error = outputs.select(&json!({"degraded": true})).unwrap_err();
        assert_eq!(error.failure, Failure::Contract);
        assert_eq!(
            error.detail,
            "the answer has nothing at `output.text` = `$.answer`"
        );
    }
}

//! How a hit of a cache is told from a miss.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::output::{OutputPath, is_truthy};
use super::reply::Head;

/// Where an answer says whether it came from the cache.
#[derive(Clone, Debug)]
pub(super) enum Hit {
    /// A header; without `value`, one that begins with `hit`, whatever the case.
    Header { name: String, value: Option<String> },
    /// A field of the body that is truthy for a hit.
    Field(OutputPath),
}

impl Hit {
    /// Returns what the head says; `None` when the header is missing, or the body is to say it.
    pub(super) fn in_head(&self, head: Head<'_>) -> Option<bool> {
        let Self::Header { name, value } = self else {
            return None;
        };
        let found = head.header(name)?;
        let found = String::from_utf8_lossy(found).trim().to_ascii_lowercase();
        Some(match value {
            Some(value) => found == value.to_ascii_lowercase(),
            None => found.starts_with("hit"),
        })
    }

    /// Returns what the body says; a missing field is a miss. `None` when the head was to say it.
    pub(super) fn in_body(&self, body: &Value) -> Option<bool> {
        match self {
            Self::Header { .. } => None,
            Self::Field(path) => Some(path.select(body).is_some_and(|value| is_truthy(&value))),
        }
    }

    /// Returns whether the body must be read as JSON.
    pub(super) fn is_field(&self) -> bool {
        matches!(self, Self::Field(_))
    }
}

impl<'de> Deserialize<'de> for Hit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Header {
            header: String,
            value: Option<String>,
        }
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Hit;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSONPath such as `\"$.cached\"`, or `{ header = \"x-cache\" }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hit, E> {
                OutputPath::parse(text).map(Hit::Field).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Hit, A::Error> {
                let Header { header, value } =
                    Header::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Hit::Header {
                    name: header,
                    value,
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

schema_is!(Hit, "Hit", {
    "anyOf": [
        {"type": "string", "pattern": "^\\$"},
        {
            "type": "object",
            "properties": {"header": {"type": "string"}, "value": {"type": "string"}},
            "required": ["header"],
            "additionalProperties": false
        }
    ],
    "description": "how a hit is told from a miss: a JSONPath, or a header"
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hit(value: Value) -> Hit {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_header_tells_a_hit_with_and_without_a_value() {
        let said = |hit: &Hit, text: &str| {
            let headers = [("X-Cache", text.as_bytes())];
            let head = Head {
                status: 200,
                headers: &headers,
            };
            hit.in_head(head)
        };
        let any = hit(json!({"header": "x-cache"}));
        assert_eq!(said(&any, "HIT from edge"), Some(true));
        assert_eq!(said(&any, "Miss"), Some(false));
        let exact = hit(json!({"header": "x-cache", "value": "stale"}));
        assert_eq!(
            (said(&exact, "STALE"), said(&exact, "hit")),
            (Some(true), Some(false))
        );
        assert_eq!(said(&hit(json!({"header": "age"})), "hit"), None);
        assert_eq!(any.in_body(&json!({})), None);
    }

    #[test]
    fn a_field_tells_a_hit_and_a_missing_one_is_a_miss() {
        let field = hit(json!("$.cached"));
        assert_eq!(field.in_body(&json!({"cached": true})), Some(true));
        assert_eq!(field.in_body(&json!({"cached": 0})), Some(false));
        assert_eq!(field.in_body(&json!({})), Some(false));
        assert!(serde_json::from_value::<Hit>(json!("no path")).is_err());
    }
}

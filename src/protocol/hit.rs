//! How a hit of a cache is told from a miss.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::output::{OutputPath, is_truthy};
use super::reply::Head;

/// Where an answer says whether it came from the cache.
#[derive(Clone, Debug)]
pub(super) enum Hit {
    /// A header; without `value`, one whose last node says the word `hit`, whatever the case.
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
        let lines = head.headers.iter();
        let lines = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let lines: Vec<_> = lines
            .map(|(_, line)| String::from_utf8_lossy(line))
            .collect();
        let said = (!lines.is_empty()).then(|| lines.join(", "))?;
        Some(match value {
            Some(value) => [said.as_str(), nearest(&said)]
                .iter()
                .any(|said| said.trim().eq_ignore_ascii_case(value)),
            None => is_hit(nearest(&said)),
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

/// Returns what the node nearest to us says, which is the last of a list: `MISS, HIT`. Commas in parentheses and in quotes
/// separate nothing.
fn nearest(said: &str) -> &str {
    let (mut depth, mut quoted) = (0_u32, false);
    let last = said.rsplit(|c| {
        match c {
            '"' => quoted = !quoted,
            ')' => depth += 1,
            '(' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0 && !quoted
    });
    let mut said = last.filter(|said| !said.trim().is_empty());
    said.next().unwrap_or_default()
}

/// Returns whether the first word that is `hit` or `miss` is `hit`, and is not denied: `TCP_MEM_HIT from a1`, `RefreshHit`,
/// but not `hitless`, `no-hit`, or `hit=false`.
fn is_hit(said: &str) -> bool {
    let words = words(&without_asides(said));
    let Some(at) = words
        .iter()
        .position(|word| word == "hit" || word == "miss")
    else {
        return false;
    };
    let before = at.checked_sub(1).map(|at| words[at].as_str());
    let after = words.get(at + 1).map(String::as_str);
    let is_denied =
        matches!(before, Some("no" | "not" | "non")) || matches!(after, Some("false" | "no" | "0"));
    words[at] == "hit" && !is_denied
}

/// Leaves out what stands in parentheses and in quotes: versions, and names of caches.
fn without_asides(said: &str) -> String {
    let (mut depth, mut quoted) = (0_u32, false);
    let kept = said.chars().filter(|c| {
        match c {
            '"' => quoted = !quoted,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0 && !quoted,
        }
        true
    });
    kept.collect()
}

/// Splits at everything that is no letter or digit, and where the case changes: `RefreshHit` is two words.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase()
            && (previous.is_lowercase() || previous.is_uppercase() && next_is_lower);
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
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

    /// field 14
    #[test]
    fn headers_are_read_as_vendors_write_them() {
        let any = hit(json!({"header": "x-cache"}));
        let said = |lines: &[&str]| {
            let headers: Vec<_> = lines.iter().map(|it| ("X-Cache", it.as_bytes())).collect();
            let head = Head {
                status: 200,
                headers: &headers,
            };
            any.in_head(head)
        };
        for text in [
            "HIT",
            "MISS, HIT",
            "TCP_HIT from a1 (AkamaiGHost/10, x) (-)",
            "TCP_MEM_HIT",
            "RefreshHit from cloudfront",
            "Hit from cloudfront",
            "cache-hit",
            "HIT (3)",
            "TCPHit",
            "ExampleCache; hit; ttl=376",
            "origin; fwd=miss, \"Miss, Inc.\"; hit",
            "MISS, HIT,",
        ] {
            assert_eq!(said(&[text]), Some(true), "{text}");
        }
        for text in [
            "HIT, MISS",
            "TCP_MISS",
            "TCP_REFRESH_MISS",
            "Miss from cloudfront",
            "hitless",
            "HITless",
            "white",
            "no-hit",
            "hit=false",
            "HIT, BYPASS",
            "origin; hit, edge; fwd=uri-miss",
            "MISS from a1 (last hit, 3 s ago)",
            "",
        ] {
            assert_eq!(said(&[text]), Some(false), "{text}");
        }
        assert_eq!(said(&["MISS", "HIT"]), Some(true));
        assert_eq!(said(&["HIT", "MISS"]), Some(false));
        assert_eq!(said(&[]), None);
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

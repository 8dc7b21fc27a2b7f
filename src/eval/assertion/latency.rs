//! `latency`: the answer to this case came in time.

use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};

use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::measure::{parse_duration, show_duration};
use crate::name::Name;
use crate::registry::Entry;

pub(super) struct Latency;

impl Entry for Latency {
    fn name(&self) -> &'static str {
        "latency"
    }

    fn summary(&self) -> &'static str {
        "The answer came within `max`"
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    max: Limit,
}

#[derive(Clone, Copy, Debug)]
struct Limit(Duration);

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(de::Error::custom)
    }
}

impl Assertion for Latency {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        Some(Parsed {
            name: spec.name,
            check: Box::new(spec.max),
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

impl Check for Limit {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let took = subject.response_time_ms;
        Scored::binary(took <= self.0.as_secs_f64() * 1e3, || {
            format!("took {took:.1} ms, more than {}", show_duration(self.0))
        })
    }
}

schema_is!(Limit, "Limit", {"type": "string", "description": "a duration such as `2s`"});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{on_text, passed, problems, why};

    #[test]
    fn an_answer_is_in_time_or_late() {
        assert!(passed(&on_text(
            "latency",
            "max = '13ms'",
            json!(null),
            "x"
        )));
        let late = on_text("latency", "max = '12ms'", json!(null), "x");
        assert_eq!(why(&late), "took 12.5 ms, more than 12ms");
        assert_eq!(problems("latency", "max = 12").len(), 1);
        assert_eq!(problems("latency", "").len(), 1);
    }
}

//! What may be written in each table, one to one; what an error may point at is `Spanned`. Nothing is required here:
//! what is missing is reported together with everything else that is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::model::Span;
use crate::measure::{AnyRate, Rate, Share, parse_duration};
use crate::name::Name;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    pub(super) name: Option<String>,
    pub(super) owner: Option<String>,
    #[schemars(with = "Option<Name>")]
    pub(super) entry: Option<Spanned<Name>>,
    #[schemars(with = "Option<Name>")]
    pub(super) env: Option<Spanned<Name>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionSource {
    pub(super) files: Option<String>,
    #[schemars(with = "Option<Name>")]
    pub(super) stage: Option<Spanned<Name>>,
    pub(super) response: Option<String>,
    pub(super) header: Option<String>,
}

/// The keys of a stage that every kind has, but for `kind`, `timeout`, and `slo`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    #[serde(default)]
    #[schemars(with = "Vec<Name>")]
    pub(super) calls: Vec<Spanned<Name>>,
    #[serde(default)]
    #[schemars(with = "Vec<Name>")]
    pub(super) fallback: Vec<Spanned<Name>>,
    pub(super) owner: Option<String>,
    #[schemars(with = "Option<Cost>")]
    pub(super) cost: Option<Spanned<Cost>>,
    #[schemars(with = "Option<String>")]
    pub(super) proxy: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    pub(super) http_version: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cost {
    pub(super) input: f64,
    pub(super) output: f64,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeouts {
    pub(super) connect: Option<Time>,
    pub(super) first_token: Option<Time>,
    pub(super) idle: Option<Time>,
    pub(super) total: Option<Time>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pipeline {
    #[schemars(with = "Option<Vec<Name>>")]
    pub(super) steps: Option<Vec<Spanned<Name>>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Load {
    #[schemars(with = "Option<OneOrMany>")]
    pub(super) target: Option<Spanned<OneOrMany>>,
    #[schemars(with = "Option<Arrivals>")]
    pub(super) arrivals: Option<Spanned<Arrivals>>,
    #[schemars(with = "Option<Time>")]
    pub(super) duration: Option<Spanned<Time>>,
    #[schemars(with = "Option<u64>")]
    pub(super) requests: Option<Spanned<u64>>,
    pub(super) warmup: Option<Time>,
    pub(super) seed: Option<u64>,
    pub(super) data: Option<PathBuf>,
    #[schemars(with = "Option<Prompts>")]
    pub(super) prompts: Option<Spanned<Prompts>>,
    #[schemars(with = "Option<String>")]
    pub(super) order: Option<Spanned<String>>,
    #[schemars(with = "Option<Name>")]
    pub(super) score_with: Option<Spanned<Name>>,
    #[schemars(with = "Option<u64>")]
    pub(super) max_requests: Option<Spanned<u64>>,
    #[schemars(with = "Option<f64>")]
    pub(super) max_cost: Option<Spanned<f64>>,
    #[schemars(with = "Option<bool>")]
    pub(super) honour_retry_after: Option<Spanned<bool>>,
    #[schemars(with = "Option<WordOrCount>")]
    pub(super) connections: Option<Spanned<WordOrCount>>,
    #[schemars(with = "Option<Sessions>")]
    pub(super) sessions: Option<Spanned<Sessions>>,
    #[schemars(with = "Option<BTreeMap<Name, Scenario>>")]
    pub(super) mix: Option<Spanned<BTreeMap<Name, Spanned<Scenario>>>>,
}

/// One kind of user beside others.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    #[schemars(with = "Option<f64>")]
    pub(super) weight: Option<Spanned<f64>>,
    #[schemars(with = "Option<Name>")]
    pub(super) target: Option<Spanned<Name>>,
    pub(super) data: Option<PathBuf>,
    #[schemars(with = "Option<Prompts>")]
    pub(super) prompts: Option<Spanned<Prompts>>,
    #[schemars(with = "Option<String>")]
    pub(super) order: Option<Spanned<String>>,
    #[schemars(with = "Option<Sessions>")]
    pub(super) sessions: Option<Spanned<Sessions>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Prompts {
    #[schemars(with = "Option<Lengths>")]
    pub(super) tokens: Option<Spanned<Lengths>>,
    #[schemars(with = "Option<Lengths>")]
    pub(super) output_tokens: Option<Spanned<Lengths>>,
    #[schemars(with = "Option<u32>")]
    pub(super) cases: Option<Spanned<u32>>,
    #[schemars(with = "Option<u32>")]
    pub(super) turns: Option<Spanned<u32>>,
    pub(super) prefix: Option<Prefix>,
    pub(super) input: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Prefix {
    #[schemars(with = "u32")]
    pub(super) tokens: Spanned<u32>,
    #[schemars(with = "Option<u32>")]
    pub(super) of: Option<Spanned<u32>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sessions {
    pub(super) think_time: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrivals {
    #[schemars(with = "Option<String>")]
    pub(super) process: Option<Spanned<String>>,
    #[schemars(with = "Option<Rate>")]
    pub(super) rate: Option<Spanned<Rate>>,
    #[schemars(with = "Option<f64>")]
    pub(super) cv: Option<Spanned<f64>>,
    #[schemars(with = "Option<String>")]
    pub(super) gaps: Option<Spanned<String>>,
    #[schemars(with = "Option<AnyRate>")]
    pub(super) from: Option<Spanned<AnyRate>>,
    #[schemars(with = "Option<AnyRate>")]
    pub(super) to: Option<Spanned<AnyRate>>,
    #[schemars(with = "Option<Time>")]
    pub(super) over: Option<Spanned<Time>>,
    #[schemars(with = "Option<String>")]
    pub(super) shape: Option<Spanned<String>>,
    #[schemars(with = "Option<Vec<Step>>")]
    pub(super) steps: Option<Spanned<Vec<Step>>>,
    #[schemars(with = "Option<Rate>")]
    pub(super) peak: Option<Spanned<Rate>>,
    #[schemars(with = "Option<Time>")]
    pub(super) at: Option<Spanned<Time>>,
    #[schemars(with = "Option<Time>")]
    pub(super) length: Option<Spanned<Time>>,
    #[schemars(with = "Option<Share>")]
    pub(super) amplitude: Option<Spanned<Share>>,
    #[schemars(with = "Option<Time>")]
    pub(super) period: Option<Spanned<Time>>,
    #[schemars(with = "Option<Time>")]
    pub(super) on: Option<Spanned<Time>>,
    #[schemars(with = "Option<Time>")]
    pub(super) off: Option<Spanned<Time>>,
    #[schemars(with = "Option<PathBuf>")]
    pub(super) file: Option<Spanned<PathBuf>>,
    #[schemars(with = "Option<f64>")]
    pub(super) scale: Option<Spanned<f64>>,
    #[schemars(with = "Option<Vec<Time>>")]
    pub(super) window: Option<Spanned<Vec<Time>>>,
    #[schemars(with = "Option<u32>")]
    pub(super) concurrency: Option<Spanned<u32>>,
    #[schemars(with = "Option<Time>")]
    pub(super) think_time: Option<Spanned<Time>>,
    #[schemars(with = "Option<Rate>")]
    pub(super) user_rate: Option<Spanned<Rate>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) rate: AnyRate,
    pub(super) duration: Time,
}

impl Arrivals {
    /// Returns the keys that are there, with their places.
    pub(super) fn keys(&self) -> Vec<(&'static str, Span)> {
        fn at<T>(key: &'static str, value: Option<&Spanned<T>>) -> Option<(&'static str, Span)> {
            Some((key, value?.span()))
        }
        let keys = [
            at("process", self.process.as_ref()),
            at("rate", self.rate.as_ref()),
            at("cv", self.cv.as_ref()),
            at("gaps", self.gaps.as_ref()),
            at("from", self.from.as_ref()),
            at("to", self.to.as_ref()),
            at("over", self.over.as_ref()),
            at("shape", self.shape.as_ref()),
            at("steps", self.steps.as_ref()),
            at("peak", self.peak.as_ref()),
            at("at", self.at.as_ref()),
            at("length", self.length.as_ref()),
            at("amplitude", self.amplitude.as_ref()),
            at("period", self.period.as_ref()),
            at("on", self.on.as_ref()),
            at("off", self.off.as_ref()),
            at("scale", self.scale.as_ref()),
            at("window", self.window.as_ref()),
            at("concurrency", self.concurrency.as_ref()),
            at("think_time", self.think_time.as_ref()),
            at("user_rate", self.user_rate.as_ref()),
            at("file", self.file.as_ref()),
        ];
        keys.into_iter().flatten().collect()
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Eval {
    #[schemars(with = "Option<Name>")]
    pub(super) stage: Option<Spanned<Name>>,
    pub(super) golden: Option<PathBuf>,
    #[schemars(with = "Option<u32>")]
    pub(super) repeats: Option<Spanned<u32>>,
    #[schemars(with = "Option<u32>")]
    pub(super) concurrency: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) slice_by: Vec<String>,
    #[serde(default)]
    pub(super) must_pass: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    #[schemars(with = "Option<Name>")]
    pub(super) stage: Option<Spanned<Name>>,
    #[schemars(with = "Option<Name>")]
    pub(super) load: Option<Spanned<Name>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    #[schemars(with = "Option<String>")]
    pub(super) mode: Option<Spanned<String>>,
    #[schemars(with = "Option<u32>")]
    pub(super) rounds: Option<Spanned<u32>>,
    #[serde(default)]
    #[schemars(with = "Vec<Name>")]
    pub(super) loads: Vec<Spanned<Name>>,
    #[serde(default)]
    #[schemars(with = "Vec<Name>")]
    pub(super) evals: Vec<Spanned<Name>>,
    #[serde(default)]
    #[schemars(with = "Vec<Name>")]
    pub(super) faults: Vec<Spanned<Name>>,
    #[schemars(with = "Option<f64>")]
    pub(super) alpha: Option<Spanned<f64>>,
    #[schemars(with = "Option<f64>")]
    pub(super) eval_alpha: Option<Spanned<f64>>,
    pub(super) floor: Option<Share>,
    pub(super) abs_floor: Option<Time>,
    pub(super) margin: Option<Share>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[schemars(with = "Option<String>")]
    pub(super) metric: Option<Spanned<String>>,
    #[schemars(with = "Option<Number>")]
    pub(super) min: Option<Spanned<Number>>,
    #[schemars(with = "Option<Number>")]
    pub(super) max: Option<Spanned<Number>>,
    #[schemars(with = "Option<Share>")]
    pub(super) max_increase: Option<Spanned<Share>>,
    #[schemars(with = "Option<Share>")]
    pub(super) max_drop: Option<Spanned<Share>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Accept {
    #[schemars(with = "Option<String>")]
    pub(super) metric: Option<Spanned<String>>,
    pub(super) up_to: Option<Share>,
    pub(super) until: Option<String>,
    pub(super) reason: Option<String>,
}

/// A duration such as `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as `250ms`, `2s`, or `5m`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
                parse_duration(text).map(Time).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `"gateway"` or `["gateway", "retrieve"]`.
#[derive(Clone, Debug)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or an array of names")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(OneOrMany::Many(names))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `512`, `[100, 900]`, or `{ mean = 512, cv = 0.5 }`.
#[derive(Clone, Debug)]
pub(super) enum Lengths {
    Fixed(i64),
    Between(Vec<i64>),
    Skewed { mean: f64, cv: f64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkewedLengths {
    mean: f64,
    cv: f64,
}

impl<'de> Deserialize<'de> for Lengths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Lengths;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length such as `512`, `[100, 900]`, or `{ mean = 512, cv = 0.5 }`")
            }

            fn visit_i64<E: de::Error>(self, tokens: i64) -> Result<Lengths, E> {
                Ok(Lengths::Fixed(tokens))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Lengths, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = seq.next_element()? {
                    numbers.push(number);
                }
                Ok(Lengths::Between(numbers))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Lengths, A::Error> {
                let deserializer = de::value::MapAccessDeserializer::new(map);
                let SkewedLengths { mean, cv } = SkewedLengths::deserialize(deserializer)?;
                Ok(Lengths::Skewed { mean, cv })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A word, or a number of something.
#[derive(Clone, Debug)]
pub(super) enum WordOrCount {
    Word(String),
    Count(i64),
}

impl<'de> Deserialize<'de> for WordOrCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = WordOrCount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a whole number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<WordOrCount, E> {
                Ok(WordOrCount::Word(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<WordOrCount, E> {
                Ok(WordOrCount::Count(count))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A limit as it was written; what it means depends on the metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Number {
    Text(String),
    Plain(f64),
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a limit such as `2s`, `90%`, or `0.9`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                Ok(Number::Text(text.to_owned()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number::Plain(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number::Plain(value as f64))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

schema_is!(Time, "Duration", {
    "type": "string",
    "pattern": "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h)$",
    "description": "a duration such as `250ms`, `2s`, or `5m`"
});
schema_is!(OneOrMany, "OneOrMany", {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "description": "a name or an array of names"
});
schema_is!(Lengths, "Lengths", {
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2},
        {
            "type": "object",
            "properties": {"mean": {"type": "number", "minimum": 1}, "cv": {"type": "number", "exclusiveMinimum": 0}},
            "required": ["mean", "cv"],
            "additionalProperties": false
        }
    ],
    "description": "a length in tokens such as `512`, `[100, 900]`, or `{ mean = 512, cv = 0.5 }`"
});
schema_is!(WordOrCount, "WordOrCount", {
    "type": ["string", "integer"],
    "minimum": 1,
    "description": "a word or a whole number"
});
schema_is!(Number, "Limit", {
    "type": ["string", "number"],
    "description": "a limit such as `2s`, `90%`, or `0.9`"
});

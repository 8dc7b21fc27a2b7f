//! What may be written in each table, one to one; what an error may point at is `Spanned`. Nothing is required here:
//! what is missing is reported together with everything else that is wrong.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::name::Name;
use crate::measure::{Rate, Share, parse_duration};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    pub(super) name: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) entry: Option<Spanned<Name>>,
    pub(super) env: Option<Spanned<Name>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionSource {
    pub(super) files: Option<String>,
    pub(super) stage: Option<Spanned<Name>>,
    pub(super) response: Option<String>,
    pub(super) header: Option<String>,
}

/// The keys of a stage that every kind has, but for `kind`, `timeout`, and `slo`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    #[serde(default)]
    pub(super) calls: Vec<Spanned<Name>>,
    #[serde(default)]
    pub(super) fallback: Vec<Spanned<Name>>,
    pub(super) owner: Option<String>,
    pub(super) cost: Option<Spanned<Cost>>,
    pub(super) proxy: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cost {
    pub(super) input: f64,
    pub(super) output: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeouts {
    pub(super) connect: Option<Time>,
    pub(super) first_token: Option<Time>,
    pub(super) idle: Option<Time>,
    pub(super) total: Option<Time>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pipeline {
    pub(super) steps: Option<Vec<Spanned<Name>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Load {
    pub(super) target: Option<Spanned<OneOrMany>>,
    pub(super) arrivals: Option<Spanned<Arrivals>>,
    pub(super) duration: Option<Spanned<Time>>,
    pub(super) requests: Option<Spanned<u64>>,
    pub(super) warmup: Option<Time>,
    pub(super) seed: Option<u64>,
    pub(super) data: Option<PathBuf>,
    pub(super) score_with: Option<Spanned<Name>>,
    pub(super) max_requests: Option<Spanned<u64>>,
    pub(super) max_cost: Option<Spanned<f64>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrivals {
    pub(super) process: Option<Spanned<String>>,
    pub(super) rate: Option<Spanned<Rate>>,
    pub(super) concurrency: Option<Spanned<u32>>,
    pub(super) think_time: Option<Spanned<Time>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Eval {
    pub(super) stage: Option<Spanned<Name>>,
    pub(super) golden: Option<PathBuf>,
    pub(super) repeats: Option<Spanned<u32>>,
    pub(super) concurrency: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) slice_by: Vec<String>,
    #[serde(default)]
    pub(super) must_pass: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    pub(super) stage: Option<Spanned<Name>>,
    pub(super) load: Option<Spanned<Name>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    pub(super) mode: Option<Spanned<String>>,
    pub(super) rounds: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) loads: Vec<Spanned<Name>>,
    #[serde(default)]
    pub(super) evals: Vec<Spanned<Name>>,
    #[serde(default)]
    pub(super) faults: Vec<Spanned<Name>>,
    pub(super) alpha: Option<Spanned<f64>>,
    pub(super) eval_alpha: Option<Spanned<f64>>,
    pub(super) floor: Option<Share>,
    pub(super) abs_floor: Option<Time>,
    pub(super) margin: Option<Share>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) metric: Option<Spanned<String>>,
    pub(super) min: Option<Spanned<Number>>,
    pub(super) max: Option<Spanned<Number>>,
    pub(super) max_increase: Option<Spanned<Share>>,
    pub(super) max_drop: Option<Spanned<Share>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accept {
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

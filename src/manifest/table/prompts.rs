//! `prompts` of a load: made-up texts of given lengths, where there is no golden set to send.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::manifest::checker::Checker;
use crate::manifest::span::Spanned;
use crate::stats::normal_quantile;

/// How many different prompts there are where the manifest does not say: so many that a cache of
/// answers is no help, and few enough to write before the run.
const CASES: u32 = 1000;
/// The key that the scaffolded stages read.
const INPUT: &str = "question";
/// All prompts of a load together: some hundred MB of text.
const MOST_TOKENS: f64 = 5e7;

// What may be written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPrompts {
    tokens: Option<Spanned<RawTokens>>,
    output_tokens: Option<Spanned<RawTokens>>,
    cases: Option<Spanned<u32>>,
    turns: Option<Spanned<u32>>,
    prefix: Option<RawPrefix>,
    input: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawPrefix {
    tokens: Spanned<u32>,
    of: Option<Spanned<u32>>,
}

/// `512`, `[100, 900]`, or `{ mean = 512, cv = 0.5 }`.
#[derive(Clone, Debug)]
enum RawTokens {
    Fixed(i64),
    Between(Vec<i64>),
    Skewed { mean: f64, cv: f64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkewedTokens {
    mean: f64,
    cv: f64,
}

impl<'de> Deserialize<'de> for RawTokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RawTokens;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length such as `512`, `[100, 900]`, or `{ mean = 512, cv = 0.5 }`")
            }

            fn visit_i64<E: de::Error>(self, tokens: i64) -> Result<RawTokens, E> {
                Ok(RawTokens::Fixed(tokens))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<RawTokens, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = seq.next_element()? {
                    numbers.push(number);
                }
                Ok(RawTokens::Between(numbers))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RawTokens, A::Error> {
                let deserializer = de::value::MapAccessDeserializer::new(map);
                let SkewedTokens { mean, cv } = SkewedTokens::deserialize(deserializer)?;
                Ok(RawTokens::Skewed { mean, cv })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

schema_is!(RawTokens, "Lengths", {
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2},
        {
            "type": "object",
            "properties": {
                "mean": {"type": "number", "minimum": 1},
                "cv": {"type": "number", "exclusiveMinimum": 0}
            },
            "required": ["mean", "cv"],
            "additionalProperties": false
        }
    ],
    "description": "a length in tokens such as `512`, `[100, 900]`, or `{ mean = 512, cv = 0.5 }`"
});

/// Prompts that are made for a load.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prompts {
    /// How long each is, its prefix not counted.
    pub(crate) tokens: Tokens,
    /// How many tokens each asks for, if it says.
    pub(crate) output_tokens: Option<Tokens>,
    /// How many different ones there are.
    pub(crate) cases: u32,
    /// How many of them follow each other in one session.
    pub(crate) turns: u32,
    pub(crate) prefix: Option<Prefix>,
    /// The key of a case's input under which its prompt stands.
    pub(crate) input: String,
}

/// A text that several prompts begin with, as system prompts and documents are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) tokens: u32,
    /// How many different ones there are; prompts take them in turn.
    pub(crate) of: u32,
}

/// A distribution of lengths in tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tokens {
    Fixed(u32),
    /// Each length between the two, both included, is as likely.
    Uniform {
        from: u32,
        to: u32,
    },
    /// Log-normal, as the lengths of real prompts are skewed: few are much longer than most.
    Skewed {
        mean: f64,
        /// Standard deviation / mean.
        cv: f64,
    },
}

impl Prompts {
    /// Checks the table; `None` where the lengths of its prompts cannot be told.
    pub(super) fn check(written: &Spanned<RawPrompts>, owner: &mut Checker<'_>) -> Option<Self> {
        let what = format!("`prompts` of {}", owner.what);
        let mut checker = owner.inside(what, written.span.clone());
        let raw = &written.value;
        let Some(tokens) = &raw.tokens else {
            let message = format!("{} has no `tokens`", checker.what);
            let help = "For instance `tokens = 512` or `tokens = { mean = 512, cv = 0.5 }`.";
            checker.here(message, Some(help.to_owned()));
            return None;
        };
        let tokens = Tokens::check("tokens", tokens, &mut checker);
        let output_tokens = raw.output_tokens.as_ref();
        let output_tokens =
            output_tokens.map(|it| Tokens::check("output_tokens", it, &mut checker));
        let mut positive = |key: &str, written: Option<&Spanned<u32>>, otherwise: u32| {
            let number = written.map_or(otherwise, |it| it.value);
            if let (0, Some(written)) = (number, written) {
                checker.bad(key, &written.span, "must be above zero", None);
            }
            number.max(1)
        };
        let cases = positive("cases", raw.cases.as_ref(), CASES);
        let turns = positive("turns", raw.turns.as_ref(), 1);
        let prefix = raw.prefix.as_ref().map(|prefix| Prefix {
            tokens: positive("prefix.tokens", Some(&prefix.tokens), 1),
            of: positive("prefix.of", prefix.of.as_ref(), 1),
        });
        let prompts = Self {
            tokens: tokens?,
            output_tokens: output_tokens.map_or(Some(None), |it| it.map(Some))?,
            cases,
            turns,
            prefix,
            input: raw.input.clone().unwrap_or_else(|| INPUT.to_owned()),
        };
        let all = prompts.all_tokens();
        if all > MOST_TOKENS {
            let message = format!(
                "{} are {:.0} million tokens together",
                checker.what,
                all / 1e6
            );
            let help =
                "They are written before the run. Lower `cases`: prompts are sent again and again.";
            checker.here(message, Some(help.to_owned()));
        }
        Some(prompts)
    }

    /// Returns the expected length of all of them, prefixes included.
    fn all_tokens(&self) -> f64 {
        let prefix = self.prefix.map_or(0.0, |it| f64::from(it.tokens));
        (self.tokens.mean() + prefix) * f64::from(self.cases)
    }
}

impl Tokens {
    fn check(key: &str, written: &Spanned<RawTokens>, checker: &mut Checker<'_>) -> Option<Self> {
        let whole = |number: i64| u32::try_from(number).ok().filter(|it| *it > 0);
        let found = match &written.value {
            RawTokens::Fixed(number) => whole(*number).map(Self::Fixed),
            RawTokens::Between(numbers) => match numbers.as_slice() {
                [from, to] if from <= to => whole(*from)
                    .zip(whole(*to))
                    .map(|(from, to)| Self::Uniform { from, to }),
                _ => None,
            },
            RawTokens::Skewed { mean, cv } => {
                let right = mean.is_finite() && *mean >= 1.0 && cv.is_finite() && *cv > 0.0;
                let (mean, cv) = (*mean, *cv);
                right.then_some(Self::Skewed { mean, cv })
            }
        };
        if found.is_none() {
            let help = "A length is a whole number above zero, two of them (`[100, 900]`), or \
                        `{ mean = 512, cv = 0.5 }`.";
            checker.bad(key, &written.span, "is not a length", Some(help.to_owned()));
        }
        found
    }

    /// Returns the length at `share` in (0, 1) of the distribution; at least 1.
    ///
    /// For a log-normal one: exp(μ + σ z), with σ² = ln(1 + cv²) and μ = ln(mean) − σ²/2, so that
    /// its mean and coefficient of variation are those given.
    pub(crate) fn quantile(self, share: f64) -> u32 {
        let length = match self {
            Self::Fixed(tokens) => return tokens,
            Self::Uniform { from, to } => {
                f64::from(from) - 0.5 + share * (f64::from(to) - f64::from(from) + 1.0)
            }
            Self::Skewed { mean, cv } => {
                // Not ln(1 + cv²), whose square is infinite from 1e154 on.
                let variance = 2.0 * cv.hypot(1.0).ln();
                (mean.ln() - variance / 2.0 + variance.sqrt() * normal_quantile(share)).exp()
            }
        };
        length.round().clamp(1.0, f64::from(u32::MAX)) as u32
    }

    /// Returns the mean length.
    pub(crate) fn mean(self) -> f64 {
        match self {
            Self::Fixed(tokens) => f64::from(tokens),
            Self::Uniform { from, to } => f64::midpoint(f64::from(from), f64::from(to)),
            Self::Skewed { mean, .. } => mean,
        }
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(tokens) => tokens.fmt(f),
            Self::Uniform { from, to } => write!(f, "{from} to {to}"),
            Self::Skewed { mean, cv } => write!(f, "mean {mean}, cv {cv}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(tokens: Tokens) -> (f64, f64) {
        const N: u32 = 20_000;
        let lengths =
            (0..N).map(|i| f64::from(tokens.quantile((f64::from(i) + 0.5) / f64::from(N))));
        let lengths: Vec<f64> = lengths.collect();
        let mean = lengths.iter().sum::<f64>() / f64::from(N);
        let square = lengths.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / f64::from(N);
        (mean, square.sqrt() / mean)
    }

    #[test]
    fn lengths_have_the_mean_and_the_spread_that_were_asked_for() {
        for cv in [0.1, 0.5, 1.5] {
            let (mean, found) = moments(Tokens::Skewed { mean: 800.0, cv });
            assert!((mean / 800.0 - 1.0).abs() < 0.01, "{mean}");
            // The far tail, which stratified lengths cut, holds a part of a large spread.
            assert!((found / cv - 1.0).abs() < 0.03, "{found} for {cv}");
        }
        let (mean, _) = moments(Tokens::Uniform { from: 10, to: 20 });
        assert!((mean - 15.0).abs() < 0.01, "{mean}");
        assert_eq!(moments(Tokens::Fixed(7)), (7.0, 0.0));
    }

    #[test]
    fn a_uniform_length_reaches_both_ends_and_none_is_empty() {
        let ends = Tokens::Uniform { from: 3, to: 5 };
        assert_eq!((ends.quantile(0.001), ends.quantile(0.999)), (3, 5));
        let short = Tokens::Skewed { mean: 1.0, cv: 2.0 };
        assert_eq!(short.quantile(0.001), 1);
    }
}

//! Text forms of the manifest's units: durations `250ms`, rates `20/s`, shares `5%`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// What is wrong with a written duration, rate, or share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{written}` is not a {what}; write it like {example}")]
pub(crate) struct UnitError {
    written: String,
    what: &'static str,
    example: &'static str,
}

/// Parses a duration: a non-negative number directly followed by `ns`, `us`, `ms`, `s`, `m`, or
/// `h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = || UnitError {
        written: text.to_owned(),
        what: "duration",
        example: "`250ms`, `2s`, or `5m`",
    };
    let split = text.find(char::is_alphabetic).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let scale = match unit {
        "ns" => 1e-9,
        // Unicode has two of them: the micro sign, and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(number * scale).map_err(|_| wrong())
}

/// Writes a duration in the manifest's form, in the largest unit that keeps it short: `250ms`,
/// `1.5s`, `5m`.
pub(crate) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) =
        if seconds >= 60.0 && duration.subsec_nanos() == 0 && duration.as_secs().is_multiple_of(60)
        {
            (seconds / 60.0, "m")
        } else if seconds >= 1.0 {
            (seconds, "s")
        } else if seconds >= 1e-3 || seconds == 0.0 {
            (seconds * 1e3, "ms")
        } else {
            (seconds * 1e6, "us")
        };
    format!("{}{unit}", (value * 1e3).round() / 1e3)
}

/// An arrival rate, per second; finite and positive.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Rate(f64);

impl Rate {
    /// Makes a rate; `None` unless it is finite and positive.
    pub(crate) fn new(per_second: f64) -> Option<Self> {
        (per_second.is_finite() && per_second > 0.0).then_some(Self(per_second))
    }

    /// Returns the rate per second.
    pub(crate) const fn per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || no_rate(text, "`20/s`, `600/m`, or `1000/h`");
        let rate = per_second(text).and_then(Self::new).ok_or_else(wrong)?;
        within_reach(text, rate.0)?;
        Ok(rate)
    }
}

/// A rate below this is written with four significant digits, so that none is written as 0.
const SMALL_RATE: f64 = 0.1;
/// Below this, once in thirty years, it is left of the arithmetic.
const NO_RATE: f64 = 1e-9;

/// Writes a rate per second in the manifest's form, with four decimals at most: `20/s`.
pub(crate) fn show_rate(per_second: f64) -> String {
    if per_second.abs() >= SMALL_RATE || per_second.abs() < NO_RATE {
        return format!("{}/s", (per_second * 1e4).round() / 1e4);
    }
    let rounded = format!("{per_second:.3e}").parse::<f64>();
    format!("{}/s", rounded.unwrap_or(per_second))
}

/// A rate at a moment, per second; finite, and 0 where nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct AnyRate(f64);

impl AnyRate {
    /// Returns the rate per second.
    pub(crate) const fn per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for AnyRate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let valid = |rate: &f64| rate.is_finite() && *rate >= 0.0;
        let rate = per_second(text).filter(valid).map(Self);
        let rate = rate.ok_or_else(|| no_rate(text, "`0/s`, `20/s`, or `600/m`"))?;
        within_reach(text, rate.0)?;
        Ok(rate)
    }
}

/// The highest rate that can be asked for, per second. No machine sends at it, and what was due can
/// still be counted.
const HIGHEST_RATE: f64 = 1e7;

/// Refuses a rate that no machine can send at.
fn within_reach(written: &str, per_second: f64) -> Result<(), UnitError> {
    if per_second > HIGHEST_RATE {
        return Err(no_rate(written, "at most `10000000/s`"));
    }
    Ok(())
}

fn no_rate(written: &str, example: &'static str) -> UnitError {
    UnitError {
        written: written.to_owned(),
        what: "rate",
        example,
    }
}

/// Reads `20/s`, `600/m`, or `1000/h`.
fn per_second(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once('/')?;
    let number: f64 = number.trim().parse().ok()?;
    match unit.trim() {
        "s" => Some(number),
        "m" | "min" => Some(number / 60.0),
        "h" => Some(number / 3600.0),
        _ => None,
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_rate(self.0))
    }
}

/// A share in [0, 1], written `5%` or `0.05`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Share(f64);

impl Share {
    /// Makes a share; `None` outside [0, 1].
    pub(crate) fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// Returns the share in [0, 1].
    pub(crate) const fn value(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError {
            written: text.to_owned(),
            what: "share between 0 and 1",
            example: "`5%` or `0.05`",
        };
        part(text).and_then(Self::new).ok_or_else(wrong)
    }
}

/// Reads `5%` or `0.05`.
fn part(text: &str) -> Option<f64> {
    match text.trim().strip_suffix('%') {
        Some(percent) => Some(percent.trim().parse::<f64>().ok()? / 100.0),
        None => text.trim().parse().ok(),
    }
}

/// By how much something may grow, as a part of what it was; written `12%`, `150%`, or `0.12`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Growth(f64);

impl Growth {
    /// A hundredfold more.
    pub(crate) const MOST: f64 = 100.0;

    /// Makes a growth; `None` where it is negative, or more than a hundredfold.
    pub(crate) fn new(value: f64) -> Option<Self> {
        (0.0..=Self::MOST).contains(&value).then_some(Self(value))
    }

    /// Returns it as a part of what there was: 1 is twice as much.
    pub(crate) const fn value(self) -> f64 {
        self.0
    }
}

impl FromStr for Growth {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        part(text).and_then(Self::new).ok_or_else(|| UnitError {
            written: text.to_owned(),
            what: "growth",
            example: "`12%`, `150%`, or `0.12`",
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e6).round() / 1e4)
    }
}

/// A unit that is written as text.
struct Written<T>(&'static str, std::marker::PhantomData<T>);

impl<T: FromStr<Err = UnitError>> de::Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = Written("a rate such as `20/s` or `600/m`", std::marker::PhantomData);
        deserializer.deserialize_any(visitor)
    }
}

impl<'de> Deserialize<'de> for AnyRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = Written("a rate such as `20/s` or `0/s`", std::marker::PhantomData);
        deserializer.deserialize_any(visitor)
    }
}

/// A unit that is written as text or as a number.
struct Part<T> {
    what: &'static str,
    within: &'static str,
    new: fn(f64) -> Option<T>,
}

impl<T: FromStr<Err = UnitError>> de::Visitor<'_> for Part<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        let wrong = || E::custom(format!("`{value}` is not between {}", self.within));
        (self.new)(value).ok_or_else(wrong)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Part {
            what: "a share such as `5%` or `0.05`",
            within: "0 and 1",
            new: Self::new,
        })
    }
}

impl<'de> Deserialize<'de> for Growth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Part {
            what: "a growth such as `12%`, `150%`, or `0.12`",
            within: "0 and 100",
            new: Self::new,
        })
    }
}

schema_is!(Rate, "Rate", {
    "type": "string",
    "pattern": "^[0-9]+(\\.[0-9]+)?/(s|m|h)$",
    "description": "a rate such as `20/s` or `600/m`"
});
schema_is!(AnyRate, "AnyRate", {
    "type": "string",
    "pattern": "^[0-9]+(\\.[0-9]+)?/(s|m|h)$",
    "description": "a rate such as `20/s` or `0/s`"
});
schema_is!(Share, "Share", {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%?$"}
    ],
    "description": "a share such as `5%` or `0.05`"
});
schema_is!(Growth, "Growth", {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 100},
        {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%?$"}
    ],
    "description": "a growth such as `12%`, `150%`, or `0.12`"
});

#[cfg(test)]
mod tests;

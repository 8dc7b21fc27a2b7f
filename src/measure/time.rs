//! Durations as they are written.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::unit::parse_duration;

/// A duration such as `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Duration);

impl Time {
    /// Returns the duration, unless it is zero.
    pub(crate) fn above_zero(self) -> Option<Duration> {
        Some(self.0).filter(|time| !time.is_zero())
    }
}

/// Returns a duration in ns; every duration of a manifest fits.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

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

schema_is!(Time, "Duration", {
    "type": "string",
    "pattern": "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h)$",
    "description": "a duration such as `250ms`, `2s`, or `5m`"
});

//! Sizes as they are written.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// What is expected, for messages.
const EXPECTED: &str = "a size such as `64MiB`, `500kB`, or a number of bytes";

/// The units, in bytes; case counts in none of them.
const UNITS: [(&str, u64); 7] = [
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// A number of bytes, written as one or as `64MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl Size {
    fn parse(text: &str) -> Option<Self> {
        let split = text.find(|c: char| c.is_ascii_alphabetic());
        let (number, unit) = text.split_at(split.unwrap_or(text.len()));
        let unit = unit.to_ascii_lowercase();
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let number = number.trim();
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(*scale).map(Self);
        }
        let part = number.bytes().all(|c| c.is_ascii_digit() || c == b'.');
        let bytes = number.parse::<f64>().ok().filter(|_| part)? * *scale as f64;
        (bytes < u64::MAX as f64).then_some(Self(bytes as u64))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                let wrong = || E::custom(format!("`{text}` is not {EXPECTED}"));
                Size::parse(text.trim()).ok_or_else(wrong)
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                let wrong = |_| E::custom(format!("`{bytes}` is not {EXPECTED}"));
                u64::try_from(bytes).map(Size).map_err(wrong)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

schema_is!(Size, "Size", {
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?([kKmMgG][iI]?)?[bB]$"}
    ],
    "description": "a size such as `64MiB`, `500kB`, or a number of bytes"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("64 MiB", 64 << 20),
            ("1.5kib", 1536),
            ("500kB", 500_000),
            ("2GB", 2_000_000_000),
            ("7B", 7),
        ] {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
        for wrong in [
            "",
            "64",
            "MiB",
            "-1B",
            "1e3B",
            "5m",
            "1TiB",
            "99999999999GiB",
            "nanB",
        ] {
            assert_eq!(Size::parse(wrong), None, "{wrong}");
        }
    }
}

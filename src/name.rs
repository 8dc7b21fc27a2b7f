//! Names of stages, suites, and so on.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

/// A name of `[A-Za-z0-9_-]+`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Name(String);

/// What is wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("`{0}` is not a name: use letters, digits, `_` and `-`")]
    Letters(String),
    #[error("`{0}…` is not a name: it has more than {LONGEST_NAME} characters")]
    Long(String),
}

/// Characters of a name.
pub(crate) const LONGEST_NAME: usize = 64;

impl Name {
    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if let Some((end, _)) = text.char_indices().nth(LONGEST_NAME) {
            return Err(NameError::Long(text[..end].to_owned()));
        }
        if !text.is_empty() && text.chars().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Letters(text.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            // The error is made here and not by the caller, so that it points at the string itself.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

schema_is!(Name, "Name", {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 64});

/// Splits a dotted name at the dots outside double quotes, and takes the quotes away; within them a
/// backslash stands before a quote or a backslash. `None` when one is not closed.
pub(crate) fn split_dotted(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => parts.last_mut()?.push(chars.next()?),
            '.' if !quoted => parts.push(String::new()),
            _ => parts.last_mut()?.push(c),
        }
    }
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_has_letters_digits_and_two_signs() {
        for text in ["a", "retrieve-2", "LLM_small", "0", "-"] {
            assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
        }
        for text in ["", "a b", "a.b", "ä", "a/b", "a\n", "a\u{200b}"] {
            let error = text.parse::<Name>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{text}` is not a name")),
                "{error}"
            );
        }
    }

    // security 20
    #[test]
    fn a_name_is_short() {
        assert!("a".repeat(64).parse::<Name>().is_ok());
        for long in ["a".repeat(65), "ä".repeat(65), "a".repeat(2000)] {
            let error = long.parse::<Name>().unwrap_err().to_string();
            assert!(error.ends_with("it has more than 64 characters"), "{error}");
            assert!(error.len() < 250, "{error}");
        }
    }

    #[test]
    fn a_document_with_a_wrong_name_is_refused() {
        let name: Name = serde_json::from_value("gateway".into()).unwrap();
        assert!(name == *"gateway");
        assert_eq!(serde_json::to_value(&name).unwrap(), "gateway");
        assert!(serde_json::from_value::<Name>("a b".into()).is_err());
        assert!(serde_json::from_value::<Name>(7.into()).is_err());
    }

    #[test]
    fn dots_in_quotes_do_not_part() {
        let split = |text: &str| split_dotted(text).map(|parts| parts.join("|"));
        for (text, parts) in [
            ("a.b.c", "a|b|c"),
            ("a.\"b.c\".d", "a|b.c|d"),
            (r#"a."b\"c\\d""#, r#"a|b"c\d"#),
            ("", ""),
            (".", "|"),
            ("a.\"\".b", "a||b"),
            ("x\"y.z\"w", "xy.zw"),
            (r"a\b", r"a\b"),
        ] {
            assert_eq!(split(text).as_deref(), Some(parts), "{text}");
        }
        for open in ["\"", "a.\"b", "a.\"b\\\"", "\"\\"] {
            assert_eq!(split_dotted(open), None, "{open}");
        }
    }

    proptest! {
        #[test]
        fn quoted_parts_come_back(parts in proptest::collection::vec("\\PC{0,6}", 1..5)) {
            let quoted = parts.iter().map(|part| {
                format!("\"{}\"", part.replace('\\', "\\\\").replace('"', "\\\""))
            });
            let text = quoted.collect::<Vec<_>>().join(".");
            prop_assert_eq!(split_dotted(&text), Some(parts));
        }
    }
}

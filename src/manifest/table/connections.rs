//! `connections` of a load: which connection a request takes.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::manifest::checker::Checker;
use crate::manifest::span::Spanned;

/// A word, or a number of connections.
#[derive(Clone, Debug)]
pub(in crate::manifest) enum RawConnections {
    Word(String),
    Count(i64),
}

impl<'de> Deserialize<'de> for RawConnections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = RawConnections;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a whole number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawConnections, E> {
                Ok(RawConnections::Word(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<RawConnections, E> {
                Ok(RawConnections::Count(count))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

schema_is!(RawConnections, "WordOrCount", {
    "type": ["string", "integer"],
    "minimum": 1,
    "description": "a word or a whole number"
});

/// Which connection a request of a load takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// One that is free, else a new one.
    Pooled,
    /// One of so many for each stage; where none is free, the request waits for one.
    Fixed(u32),
    /// Each session, or user of a closed loop, has one of its own for each stage.
    PerSession,
    /// A new one, closed behind the answer.
    PerRequest,
}

impl Connections {
    /// Those that are written as a word.
    const WORDS: [(&'static str, Self); 3] = [
        ("pooled", Self::Pooled),
        ("per_session", Self::PerSession),
        ("per_request", Self::PerRequest),
    ];

    /// Checks the key. `begins_each`: every arrival begins anew, without a session or a user.
    pub(super) fn check(
        written: Option<&Spanned<RawConnections>>,
        begins_each: bool,
        load: &mut Checker<'_>,
    ) -> Option<Self> {
        const KEY: &str = "connections";
        let Some(written) = written else {
            return Some(Self::Pooled);
        };
        let span = &written.span;
        match &written.value {
            RawConnections::Count(count) => match u32::try_from(*count) {
                Ok(count) if count > 0 => Some(Self::Fixed(count)),
                _ => {
                    load.bad(KEY, span, "must be above zero", None);
                    None
                }
            },
            RawConnections::Word(word) => {
                let word = Spanned {
                    value: word.clone(),
                    span: span.clone(),
                };
                let found = load.choice(KEY, &word, &Self::WORDS)?;
                if found == Self::PerSession && begins_each {
                    let what = &load.what;
                    let message =
                        format!("{what} has no sessions that `connections` could be kept for");
                    let help = "Add `sessions`, or use `per_request`.".to_owned();
                    load.at(span.clone(), message, Some(help));
                    return None;
                }
                Some(found)
            }
        }
    }
}

impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(_, it)| it == self);
        match (self, word) {
            (Self::Fixed(number), _) => number.fmt(f),
            (_, Some((word, _))) => f.write_str(word),
            (_, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{SMALL, parse, wrong};

    #[test]
    fn a_load_says_which_connections_it_takes() {
        let written = |text: &str| {
            let length = format!("duration = \"60s\"\nconnections = {text}");
            let text = SMALL
                .replacen(
                    "process = \"poisson\", rate = \"20/s\"",
                    "concurrency = 4",
                    1,
                )
                .replacen("duration = \"60s\"", &length, 1);
            parse(&text).unwrap().loads[0].connections
        };
        assert_eq!(written("\"pooled\""), Connections::Pooled);
        assert_eq!(written("\"per_session\""), Connections::PerSession);
        assert_eq!(written("\"per_request\""), Connections::PerRequest);
        assert_eq!(written("8"), Connections::Fixed(8));
        let refused = |text: &str| {
            let line = format!("duration = \"60s\"\nconnections = {text}");
            let said = wrong(&SMALL.replacen("duration = \"60s\"", &line, 1));
            let help = said.split("help: ").nth(1).unwrap_or_default();
            format!(
                "{} | {}",
                said.lines().next().unwrap_or_default(),
                help.trim()
            )
        };
        insta::assert_snapshot!(refused("\"per_sesion\""), @"x `connections` of load `peak` cannot be `per_sesion` | Did you mean `per_session`?");
        insta::assert_snapshot!(refused("\"per_session\""), @"x load `peak` has no sessions that `connections` could be kept for | Add `sessions`, or use `per_request`.");
        insta::assert_snapshot!(refused("0"), @"x `connections` of load `peak` must be above zero |");
        insta::assert_snapshot!(refused("true"), @"x `connections` of load `peak`: expected a word or a whole number, found |");
    }
}

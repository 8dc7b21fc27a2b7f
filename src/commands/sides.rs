//! Which runs a command line means: one, or two releases, as `BASE..HEAD` or as two words.

use miette::Diagnostic;

use crate::error::{Classify, Kind};
use crate::store::RunRef;

/// A word that names nothing.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("`{written}`: {reason}")]
#[diagnostic(help("Write a run, for instance `latest`, or two releases as `v1.0.0..latest`."))]
pub(crate) struct NoReference {
    written: String,
    reason: String,
}

impl Classify for NoReference {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// What was named.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sides {
    One(RunRef),
    Two(RunRef, RunRef),
}

impl Sides {
    /// Reads one or two words; nothing after the dots is `latest`.
    pub(super) fn read(first: &str, second: Option<&str>) -> Result<Self, NoReference> {
        let split = match second {
            Some(second) => Some((first, second)),
            None => split(first),
        };
        Ok(match split {
            Some((base, "")) => Self::Two(reference(base)?, RunRef::Latest(0)),
            Some((base, head)) => Self::Two(reference(base)?, reference(head)?),
            None => Self::One(reference(first)?),
        })
    }
}

fn reference(written: &str) -> Result<RunRef, NoReference> {
    let parsed = written.parse::<RunRef>();
    parsed.map_err(|error| NoReference {
        written: written.to_owned(),
        reason: error.to_string(),
    })
}

/// Splits `BASE..HEAD`; `None` for a single reference. The dots of a path such as `../run.json`
/// split nothing.
fn split(written: &str) -> Option<(&str, &str)> {
    let mut places = written.match_indices("..").map(|(at, _)| at);
    let at = places.find(|at| {
        let (before, after) = (&written[..*at], &written[at + 2..]);
        !before.is_empty() && !before.ends_with('/') && !after.starts_with('/')
    })?;
    Some((&written[..at], &written[at + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_between_two_references_split_and_those_of_a_path_do_not() {
        assert_eq!(split("v1.0.0..v1.1.0"), Some(("v1.0.0", "v1.1.0")));
        assert_eq!(split("latest~1.."), Some(("latest~1", "")));
        assert_eq!(split("../a.json..b.json"), Some(("../a.json", "b.json")));
        for one in ["latest", "../a.json", "a/../b.json", "v1.0.0", "..", "..b"] {
            assert_eq!(split(one), None, "{one}");
        }
    }

    /// stumbles S21
    #[test]
    fn two_words_and_two_dots_mean_the_same() {
        let named = |it: &str| RunRef::Named(it.to_owned());
        let two = Sides::Two(named("v1"), named("v2"));
        assert_eq!(Sides::read("v1..v2", None).unwrap(), two);
        assert_eq!(Sides::read("v1", Some("v2")).unwrap(), two);
        let open = Sides::Two(named("v1"), RunRef::Latest(0));
        assert_eq!(Sides::read("v1..", None).unwrap(), open);
        assert_eq!(Sides::read("v1", None).unwrap(), Sides::One(named("v1")));
        assert!(Sides::read("latest~x", None).is_err());
    }
}

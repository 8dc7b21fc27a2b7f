//! Ids of runs: UUID v7 text, so that they sort by time, shown as short unique prefixes.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::timestamp::context::ContextV7;

/// The shortest prefix that is taken for an id.
pub(crate) const MIN_PREFIX: usize = 4;

/// A text that cannot be the name of a run's folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run id: use letters, digits, `_` and `-`")]
pub(crate) struct NotARunId(String);

/// The id of a run. Ours are UUID v7; a foreign one is any text that can be the name of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunId(String);

impl RunId {
    /// Makes a new id for a run that starts at that time; later ones sort after earlier ones (to
    /// 0.25 µs).
    pub(crate) fn new(started: Timestamp) -> Self {
        let seconds = u64::try_from(started.as_second()).unwrap_or(0);
        let nanoseconds = u32::try_from(started.subsec_nanosecond()).unwrap_or(0);
        // A context of its own: a shared one would never let the time go back, which tests and
        // `--start-at` do.
        let context = ContextV7::new().with_additional_precision();
        let time = uuid::Timestamp::from_unix(&context, seconds, nanoseconds);
        Self(uuid::Uuid::new_v7(time).to_string())
    }

    /// Bytes of an id that we give.
    pub(crate) const LENGTH: usize = uuid::fmt::Hyphenated::LENGTH;

    /// Returns whether a text is an id as we give them.
    pub(crate) fn is_ours(text: &str) -> bool {
        text.len() == Self::LENGTH && uuid::Uuid::parse_str(text).is_ok()
    }

    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = NotARunId;

    fn from_str(text: &str) -> Result<Self, NotARunId> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if (1..=128).contains(&text.len()) && text.chars().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotARunId(text.to_owned()))
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether what was written is the start of that id; hyphens may be left out.
pub(crate) fn is_prefix(written: &str, id: &str) -> bool {
    let bare = written.replace('-', "");
    if bare.len() < MIN_PREFIX {
        return false;
    }
    id.starts_with(written) || id.replace('-', "").starts_with(&bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_at(ms: i64) -> RunId {
        RunId::new(Timestamp::from_millisecond(ms).unwrap())
    }

    #[test]
    fn later_runs_have_greater_ids() {
        let start = 1_700_000_000_000;
        let ids: Vec<RunId> = (0..50).map(|ms| id_at(start + ms)).collect();
        assert!(ids.is_sorted());
        let close = Timestamp::from_nanosecond(1_700_000_000_000_001_000).unwrap();
        let closer = Timestamp::from_nanosecond(1_700_000_000_000_002_000).unwrap();
        assert!(RunId::new(close) < RunId::new(closer));
    }

    #[test]
    fn ids_of_the_same_moment_differ() {
        assert_ne!(id_at(1_700_000_000_000), id_at(1_700_000_000_000));
    }

    #[test]
    fn an_id_cannot_leave_its_folder() {
        for text in ["", "../x", "a/b", ".", "a b"] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
        assert!("0193-abc_D".parse::<RunId>().is_ok());
    }

    #[test]
    fn hyphens_may_be_left_out_of_a_prefix() {
        assert!(is_prefix("01939a2b3f", "01939a2b-3f10-7"));
        assert!(is_prefix("01939a2b-3", "01939a2b-3f10-7"));
        assert!(!is_prefix("019", "01939a2b-3f10-7"));
        assert!(!is_prefix("01939a2c", "01939a2b-3f10-7"));
        // Hyphens alone are the start of every id, and of none.
        for hyphens in ["----", "--------", "0---", "01-9"] {
            assert!(!is_prefix(hyphens, "01939a2b-3f10-7"), "{hyphens}");
        }
    }
}

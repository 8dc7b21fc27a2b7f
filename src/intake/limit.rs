//! Every limit of what is taken from outside, in one table, which `docs/limits.md` shows.

use std::fmt;
use std::io;

/// A limit of what is taken from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    most: u64,
    unit: Unit,
    /// What is limited, as the table says it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the manual's table is made of it")
    )]
    what: &'static str,
    /// What happens beyond it, as the table says it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the manual's table is made of it")
    )]
    beyond: &'static str,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Bytes,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Makes the constants, and the list of them all.
macro_rules! limits {
    ($($name:ident = $most:expr, $unit:ident, $what:literal, $beyond:literal;)*) => {
        $(
            #[doc = concat!("The limit of: ", $what, ".")]
            pub(crate) const $name: Limit = Limit {
                most: $most,
                unit: Unit::$unit,
                what: $what,
                beyond: $beyond,
            };
        )*

        #[cfg(test)]
        const ALL: &[Limit] = &[$($name),*];
    };
}

limits! {
    MANIFEST = 16 * MIB, Bytes, "a manifest", "refused, 3";
    GOLDEN_LINE = 64 * MIB, Bytes, "a line of a golden set", "refused, 3";
    SCHEMA_FILE = 16 * MIB, Bytes, "a JSON Schema in a file of its own", "refused, 3";
    TRACE = 256 * MIB, Bytes, "a log of arrivals", "refused, 3";
    RUN = 256 * MIB, Bytes, "`run.json`, `histograms.json`, `diff.json`, and an exported run", "the run is not readable, 3";
    RUN_LINE = 64 * MIB, Bytes, "a line of `cases.jsonl`", "the run is not readable, 3";
    JOURNAL_HEADER = 64 * KIB, Bytes, "the first line of a journal", "it is no journal, and left alone";
    SMALL_RECORD = MIB, Bytes, "`calibration.json`", "as if there were none";
}

impl Limit {
    /// Returns the most that is taken.
    pub(crate) const fn most(&self) -> u64 {
        self.most
    }

    /// Returns whether so much is too much.
    pub(crate) const fn is_passed_by(&self, amount: u64) -> bool {
        amount > self.most
    }

    /// Returns the error of a reader that met too much.
    pub(super) fn exceeded(&self, what: &str) -> io::Error {
        io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{what} larger than {self}"),
        )
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Bytes if self.most.is_multiple_of(MIB) => write!(f, "{} MiB", self.most / MIB),
            Unit::Bytes => write!(f, "{} KiB", self.most / KIB),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the manual keeps the table.
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/limits.md");

    fn table() -> String {
        let head = "| what | limit | beyond it |\n| --- | --- | --- |\n".to_owned();
        ALL.iter().fold(head, |table, limit| {
            table + &format!("| {} | {limit} | {} |\n", limit.what, limit.beyond)
        })
    }

    #[test]
    fn the_manuals_table_is_fresh() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, _) = page
            .split_once("\n| what |")
            .expect("the page has the table");
        let fresh = format!("{before}\n{}", table());
        if std::env::var_os("STAGEGATE_REFRESH").is_some() {
            std::fs::write(PAGE, fresh).unwrap();
        } else {
            assert!(
                page == fresh,
                "refresh docs/limits.md with: STAGEGATE_REFRESH=1 cargo test fresh"
            );
        }
    }

    #[test]
    fn a_limit_is_said_in_the_unit_that_fits() {
        assert_eq!(MANIFEST.to_string(), "16 MiB");
        assert_eq!(JOURNAL_HEADER.to_string(), "64 KiB");
    }

    #[test]
    fn a_limit_itself_is_allowed() {
        assert!(!MANIFEST.is_passed_by(MANIFEST.most()));
        assert!(MANIFEST.is_passed_by(MANIFEST.most() + 1));
    }
}

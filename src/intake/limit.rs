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
    Count,
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
    MANIFEST_KEYS = 100, Count, "the parts of a dotted key, and how deep tables nest", "refused, 2";
    MANIFEST_TABLES = 1000, Count, "tables in one table or list of a manifest: stages, suites, rules, …", "refused, 2";
    MANIFEST_ENTRIES = 10_000, Count, "keys of a table, or values of a list, in a manifest", "refused, 2";
    PROBLEMS = 20, Count, "problems of a manifest that are shown", "the others are counted";
    OVERRIDE = 16 * KIB, Bytes, "`--set KEY=VALUE`", "refused, 2";
    TEMPLATE = 16 * KIB, Bytes, "a template with filters, conditions, or loops", "refused, 2";
    FUEL = 1_000_000, Count, "steps of a template; 64 bytes of its text are one, too", "the request cannot be filled";
    JSONPATH = 16 * KIB, Bytes, "a JSONPath", "refused, 2";
    JSONPATH_BRACKETS = 100, Count, "brackets in a JSONPath", "refused, 2";
    JSONPATH_DEPTH = 6, Count, "square brackets inside each other in a JSONPath", "refused, 2";
    JSONPATH_NODES = 100_000, Count, "values that a JSONPath with several `..` may walk through", "it selects nothing";
    JSONPATH_VISITS = 10_000_000, Count, "values that one with filters in filters, `$` in filters, or several selectors may", "it selects nothing";
    REPEATS = 1000, Count, "`repeats` of a suite", "refused, 2";
    CONCURRENCY = 1_000_000, Count, "`concurrency` of a load or a suite", "refused, 2";
    GLOB = KIB, Bytes, "a glob in `[release]`", "refused, 2";
    RELEASE_FILES = 100_000, Count, "files and folders that a glob of `[release]` looks at", "refused, 3";
    GRADE = 64, Count, "a grade in `expected.ids`", "refused, 2";
    SCHEMA_FILE = 16 * MIB, Bytes, "a JSON Schema in a file of its own", "refused, 3";
    PATTERNS = 256 * MIB, Bytes, "the regular expressions of all assertions, compiled; one, 10 MiB", "refused, 2";
    SCHEMA_STEPS = 2_000_000, Count, "steps by which a JSON Schema is held against one answer", "the assertion is unscored";
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
            Unit::Count => f.write_str(&grouped(self.most)),
            Unit::Bytes if self.most.is_multiple_of(MIB) => write!(f, "{} MiB", self.most / MIB),
            Unit::Bytes => write!(f, "{} KiB", self.most / KIB),
        }
    }
}

/// Writes a number with a comma between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes()[first..].chunks(3);
    let groups = groups.map(|it| String::from_utf8_lossy(it).into_owned());
    let first = (first > 0).then(|| digits[..first].to_owned());
    first
        .into_iter()
        .chain(groups)
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits of what lies below, where they are needed.
    fn below() -> [(&'static str, String, &'static str); 3] {
        let histogram = crate::measure::LONGEST_HISTOGRAM as u64 / MIB;
        let count = grouped(crate::measure::MOST_COUNTED);
        let name = grouped(crate::name::LONGEST_NAME as u64);
        [
            (
                "a name: of a stage, a suite, an environment, …",
                name,
                "refused, 2",
            ),
            (
                "a histogram, encoded and decoded",
                format!("{histogram} MiB"),
                "the run is not readable, 3",
            ),
            (
                "what a histogram has counted",
                count,
                "the run is not readable, 3",
            ),
        ]
    }

    fn table() -> String {
        let head = "| what | limit | beyond it |\n| --- | --- | --- |\n".to_owned();
        let own = ALL.iter().map(|it| (it.what, it.to_string(), it.beyond));
        own.chain(below())
            .fold(head, |table, (what, limit, beyond)| {
                table + &format!("| {what} | {limit} | {beyond} |\n")
            })
    }

    #[test]
    fn the_manuals_table_is_fresh() {
        crate::text::ends_with_table("limits.md", &table());
    }

    #[test]
    fn a_limit_is_said_in_the_unit_that_fits() {
        assert_eq!(MANIFEST.to_string(), "16 MiB");
        assert_eq!(JOURNAL_HEADER.to_string(), "64 KiB");
        for (number, said) in [
            (0, "0"),
            (64, "64"),
            (100, "100"),
            (1000, "1,000"),
            (16_384, "16,384"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(grouped(number), said);
        }
    }

    #[test]
    fn a_limit_itself_is_allowed() {
        assert!(!MANIFEST.is_passed_by(MANIFEST.most()));
        assert!(MANIFEST.is_passed_by(MANIFEST.most() + 1));
    }
}

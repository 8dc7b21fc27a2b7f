//! Layer 0: the one way in for what others wrote. Only regular files are opened, and whatever is
//! read has a limit.

mod file;
mod glob;
mod integers;
mod limit;

pub(crate) use file::{is_link, open, open_own, read, read_line, read_own_text, read_text};
pub(crate) use glob::{GlobError, glob};
pub(crate) use integers::{is_long_integer, with_long_integers_as_texts};
pub(crate) use limit::{
    CONCURRENCY, FUEL, GOLDEN_LINE, GRADE, JOURNAL_HEADER, JSONPATH, JSONPATH_BRACKETS,
    JSONPATH_DEPTH, JSONPATH_NODES, JSONPATH_VISITS, Limit, MANIFEST, MANIFEST_ENTRIES,
    MANIFEST_KEYS, MANIFEST_TABLES, OVERRIDE, PATTERNS, PROBLEMS, RELEASE_FILES, REPEATS, RUN,
    RUN_LINE, SCHEMA_FILE, SCHEMA_STEPS, SMALL_RECORD, TEMPLATE, TRACE,
};

//! Layer 0: the one way in for what others wrote. Only regular files are opened, and whatever is
//! read has a limit.

mod file;
mod limit;

pub(crate) use file::{is_link, open, open_own, read, read_line, read_own_text, read_text};
pub(crate) use limit::{
    GOLDEN_LINE, GRADE, JOURNAL_HEADER, MANIFEST, RUN, RUN_LINE, SCHEMA_FILE, SMALL_RECORD, TRACE,
};

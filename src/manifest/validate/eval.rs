//! `[eval.NAME]` and its assertions.

use super::stage::{kind_table, target};
use super::{Heading, Known, positive, read, required};
use crate::manifest::document::{self, Section};
use crate::manifest::error::Problems;
use crate::manifest::kind::KindTable;
use crate::manifest::model::Eval;
use crate::manifest::raw;

/// The keys that every assertion has.
const SHARED: [&str; 1] = ["kind"];

/// One answer a case, unless the suite says that answers vary.
const DEFAULT_REPEATS: u32 = 1;

/// Enough to hide the latency of a chat model, few enough not to trip its rate limit.
const DEFAULT_CONCURRENCY: u32 = 8;

pub(super) fn eval(section: Section, known: &Known, problems: &mut Problems) -> Eval {
    let mut table = section.table;
    let asserts = table.entries.remove_entry("assert");
    let has_asserts = asserts.is_some();
    let (raw, heading) = read::<raw::Eval>(table, &["assert"], problems);
    let asserts = asserts.map_or_else(Vec::new, |(key, value)| {
        let what = format!("assertion of {}", heading.what);
        let tables = document::tables(&key, value, &what, problems);
        let tables = tables.into_iter();
        tables
            .filter_map(|table| kind_table(table, &SHARED, problems))
            .collect::<Vec<KindTable>>()
    });
    let what = &heading.what;
    if !has_asserts {
        let message = format!("{what} has no assertion, so that every answer would pass");
        let help = format!("Add `[[eval.{}.assert]]` with a `kind`.", section.name);
        problems.at(heading.span.clone(), message, Some(help));
    }
    if let Some(raw) = &raw {
        required(raw.stage.as_ref(), "stage", &heading, problems);
        required(raw.golden.as_ref(), "golden", &heading, problems);
    }
    // What is wrong has been reported; the suite is kept so that the owners of its assertions can report the rest.
    let raw = raw.unwrap_or_default();
    let written = raw.stage.as_ref().map(|stage| stage.get_ref().clone());
    let stage = raw.stage.and_then(|stage| {
        let by = format!("`stage` of {what}");
        target(
            stage.get_ref().as_str(),
            &stage.span(),
            known,
            &by,
            problems,
        )
    });
    no_repetition(&raw.slice_by, "slice_by", &heading, problems);
    no_repetition(&raw.must_pass, "must_pass", &heading, problems);
    let repeats = positive(raw.repeats, "repeats", what, problems);
    let concurrency = positive(raw.concurrency, "concurrency", what, problems);
    Eval {
        stage: stage.or(written).unwrap_or_else(|| section.name.clone()),
        golden: raw.golden.unwrap_or_default(),
        repeats: repeats.unwrap_or(DEFAULT_REPEATS),
        concurrency: concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        slice_by: raw.slice_by,
        must_pass: raw.must_pass,
        asserts,
        name: section.name,
        span: heading.span,
    }
}

/// A word that stands in a list twice is a slip of the hand.
fn no_repetition(words: &[String], key: &str, heading: &Heading, problems: &mut Problems) {
    for (at, word) in words.iter().enumerate() {
        if words[..at].contains(word) {
            let message = format!("`{key}` of {} names `{word}` twice", heading.what);
            problems.at(heading.span.clone(), message, None);
        }
    }
}

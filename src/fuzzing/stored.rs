//! What lies in files that others may have written: runs, histograms, journals, golden sets.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::eval::journal_answers;
use crate::golden::GoldenSet;
use crate::measure::Histogram;
use crate::palette::Palette;
use crate::record::RunSummary;
use crate::report::{Checkout, Doubt, Page, Places, RENDERERS, View, rendered};
use crate::store::{export, parse_run};

/// Exported runs: whatever can be read is written so that it is read as the same again, and can be
/// rendered in every format.
pub(super) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(run) = parse_run(Path::new("run.json"), text) else {
        return;
    };
    let written = export(&run);
    let again = parse_run(Path::new("run.json"), &written).expect("what was written is readable");
    assert_eq!(export(&again), written);
    let summary = [RunSummary::of(&run)];
    for renderer in RENDERERS.iter() {
        for view in [View::Run(&run), View::Runs(&summary)] {
            rendered(renderer, &view, &page());
        }
    }
}

fn page() -> Page {
    Page {
        width: 80,
        unicode: true,
        palette: Palette::default(),
        places: Places::default(),
        checkout: Checkout::default(),
        doubt: Doubt::Open,
        next: None,
        brief: None,
        is_read_by_a_runner: true,
    }
}

/// Histograms: what can be read is written so that it holds the same counts, and can be added to.
pub(super) fn histogram(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(mut histogram) = Histogram::decode(text) else {
        return;
    };
    let again = Histogram::decode(&histogram.encode()).expect("what was written is readable");
    assert_eq!(again.count(), histogram.count());
    assert_eq!(again.quantile_ms(0.95), histogram.quantile_ms(0.95));
    histogram.merge(&again);
    histogram.record_us(1_000_000);
    assert_eq!(histogram.count(), 2 * again.count() + 1);
    assert_eq!(histogram.pack().unpack().count(), histogram.count());
}

thread_local! {
    static JOURNAL: RefCell<File> = RefCell::new(tempfile::tempfile().expect("a file"));
}

/// Journals of eval suites: what is read once is there when it is read again, and what a kill has
/// left of a last line is cut off once.
pub(super) fn journal(input: &[u8]) {
    JOURNAL.with_borrow_mut(|file| {
        let mut write = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(input)
        };
        write().expect("a temporary file is writable");
        let first = journal_answers(file).expect("it is readable");
        let mended = content(file);
        let second = journal_answers(file).expect("it is readable");
        assert_eq!(first, second);
        assert_eq!(content(file), mended);
    });
}

fn content(file: &mut File) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut read = || -> std::io::Result<usize> {
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)
    };
    read().expect("a temporary file is readable");
    bytes
}

/// Golden sets: every case that was read has an id of its own, by which it is found.
pub(super) fn golden(input: &[u8]) {
    let Ok(set) = GoldenSet::of(input) else {
        return;
    };
    assert!(!set.cases.is_empty());
    for case in &set.cases {
        let found = set.case(&case.id).expect("it is in the set");
        assert!(
            std::ptr::eq(found, case),
            "two cases have the id `{}`",
            case.id
        );
    }
}

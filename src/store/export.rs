//! A run as one JSON document.

use serde::Serialize;
use serde_json::Value;

use super::split;
use crate::record::{ReleaseDocument, RunRecord};

/// The program that writes, kept in each document so that an older one can say which version to
/// install.
const WRITER: &str = concat!("stagegate ", env!("CARGO_PKG_VERSION"));

/// Returns the self-contained document that `runs export` writes: with cases, histograms,
/// intervals, and the comparison of a gate.
pub(crate) fn export(run: &RunRecord) -> String {
    document(run)
}

/// Returns the document that `--format json` prints: with cases, without histograms and intervals.
pub(crate) fn printed(run: &RunRecord) -> String {
    let mut run = run.clone();
    split::take_histograms(&mut run);
    document(&run)
}

/// Returns the document of a release that has several runs.
pub(crate) fn export_release(release: &ReleaseDocument) -> String {
    indented(release)
}

/// Returns the run as indented JSON with a final newline.
pub(super) fn document(run: &RunRecord) -> String {
    indented(run)
}

fn indented(document: &impl Serialize) -> String {
    let mut value = serde_json::to_value(document).expect("a run has text keys only");
    if let Value::Object(keys) = &mut value {
        keys.insert("written_by".to_owned(), WRITER.into());
    }
    let mut text = serde_json::to_string_pretty(&value).expect("a value is always serialisable");
    text.push('\n');
    text
}

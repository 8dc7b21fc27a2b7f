//! `json`: exactly one document, as the contract spells it.

use serde::Serialize;
use serde_json::Value;

use super::view::View;
use super::{Page, Renderer};
use crate::record::{CALIBRATION_SCHEMA, FormatVersion, RUNS_SCHEMA, RunRecord, RunsDocument};
use crate::registry::Entry;
use crate::store::printed;
use crate::text::{Disarm, visible_json};

/// The `json` format.
pub(super) struct Json;

impl Entry for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn summary(&self) -> &'static str {
        "one JSON document, for programs"
    }
}

impl Renderer for Json {
    fn render(&self, view: &View<'_>, _: &Page) -> Vec<u8> {
        match *view {
            // One run alone is its own document; several need a list round them.
            View::Run(run) | View::Session([run]) => visible_json(printed(run)).into_bytes(),
            View::Session(runs) => document(&List {
                schema: RUNS_SCHEMA,
                version: FormatVersion::CURRENT,
                runs: runs.iter().map(value).collect(),
            }),
            View::Diff(diff) => document(diff),
            View::Runs(runs) => document(&RunsDocument {
                schema: RUNS_SCHEMA.to_owned(),
                version: FormatVersion::CURRENT,
                runs: runs.to_vec(),
            }),
            View::Check(check) => document(check),
            View::Error(error) => document(error),
            View::Calibration(calibration) => document(&Versioned {
                schema: CALIBRATION_SCHEMA,
                version: FormatVersion::CURRENT,
                body: calibration,
            }),
        }
    }

    fn disarm(&self, _: &Page) -> Disarm {
        Disarm::JSON
    }
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    schema: &'static str,
    version: FormatVersion,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct List {
    schema: &'static str,
    version: FormatVersion,
    runs: Vec<Value>,
}

/// Returns the very document that the run alone would be.
fn value(run: &RunRecord) -> Value {
    serde_json::from_str(&printed(run)).expect("the store prints JSON")
}

/// `serde_json` writes a number that JSON cannot hold (NaN, infinity) as null.
fn document(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(value)
        .expect("our documents have text keys, and writing to memory cannot fail");
    text.push('\n');
    visible_json(text).into_bytes()
}

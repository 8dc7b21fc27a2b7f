//! What can be rendered: the results that commands produce.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::manifest::IdleKey;
use crate::record::{
    Calibration, DiffDocument, ErrorDocument, FormatVersion, RunRecord, RunSummary,
};

/// A result to be rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    /// One run.
    Run(&'a RunRecord),
    /// Several runs of one command, in the order they were made.
    Session(&'a [RunRecord]),
    /// Two releases, compared and judged.
    Diff(&'a DiffDocument),
    /// The stored runs, newest first.
    Runs(&'a [RunSummary]),
    /// The manifest and, where asked for, one call of each stage.
    Check(&'a CheckReport),
    /// What this machine can measure.
    Calibration(&'a Calibration),
    /// A command that failed.
    Error(&'a ErrorDocument),
}

impl<'a> View<'a> {
    /// Returns the view of what one command ran: a single run stands for itself, a gate for the
    /// comparison that it was decided by.
    pub(crate) const fn of_runs(runs: &'a [RunRecord]) -> Self {
        match runs {
            [
                RunRecord {
                    diff: Some(diff), ..
                },
            ] => Self::Diff(diff),
            [one] => Self::Run(one),
            many => Self::Session(many),
        }
    }
}

/// The schema name of a check's document.
pub(crate) const CHECK_SCHEMA: &str = "stagegate/check";

/// What `check` found in a manifest that is right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CheckReport {
    pub(crate) schema: &'static str,
    pub(crate) version: FormatVersion,
    /// Where the manifest was read from, as the user would write it.
    pub(crate) manifest: String,
    pub(crate) deployment: String,
    pub(crate) env: Option<String>,
    /// In the order of the manifest.
    pub(crate) stages: Vec<StageCheck>,
    /// Names by family (`load`, `eval`, …), for the overview.
    pub(crate) suites: BTreeMap<String, Vec<String>>,
    /// Environment variables that `{{ secret.NAME }}` asks for, and whether each is set.
    pub(crate) secrets: BTreeMap<String, bool>,
    /// Keys that are accepted and do nothing yet.
    pub(crate) warnings: Vec<IdleKey>,
    /// Files that the manifest names and that are not there yet.
    pub(crate) missing: Vec<IdleKey>,
    /// Somebody stopped it before every stage had been called; absent where nobody did.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) interrupted: bool,
}

/// One stage of the manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct StageCheck {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// As written in the manifest, so that no secret is shown.
    pub(crate) url: String,
    pub(crate) owner: Option<String>,
    pub(crate) calls: Vec<String>,
    /// Each SLO in the manifest's words, for instance `response_time.p95 ≤ 150ms`.
    pub(crate) slo: Vec<String>,
    /// What came back; null without `--probe`.
    pub(crate) probe: Option<ProbeResult>,
}

/// One call of one stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ProbeResult {
    pub(crate) ok: bool,
    /// Whether anything came back; false too where the stage could not be called.
    pub(crate) reached: bool,
    /// The HTTP status; null when the stage was never reached.
    pub(crate) status: Option<u16>,
    pub(crate) response_time_ms: Option<f64>,
    /// The beginning of the text that came back.
    pub(crate) text: Option<String>,
    /// How many ids came back; null where the stage has no such output.
    pub(crate) ids: Option<u64>,
    /// Why the call failed.
    pub(crate) error: Option<String>,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// What is to be known about how its outputs were found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

impl CheckReport {
    /// Returns an empty report of a manifest.
    pub(crate) fn new(manifest: impl Into<String>, deployment: impl Into<String>) -> Self {
        Self {
            schema: CHECK_SCHEMA,
            version: FormatVersion::CURRENT,
            manifest: manifest.into(),
            deployment: deployment.into(),
            env: None,
            stages: Vec::new(),
            suites: BTreeMap::new(),
            secrets: BTreeMap::new(),
            warnings: Vec::new(),
            missing: Vec::new(),
            interrupted: false,
        }
    }
}

//! Runs for the tests of the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::layout::Store;
use crate::measure::Clock;
use crate::record::FormatVersion;
use crate::record::{RunKind, RunRecord, Validity, ValidityVerdict};

pub(crate) use crate::git::testing::TestRepo;

impl TestRepo {
    pub(crate) fn store(&self) -> Store {
        Store::open(self.path(), &Clock::System)
    }
}

/// Returns a complete, valid run of kind `load` named `peak`, started that many seconds after the
/// epoch of the tests; its id is `run-` and these seconds.
pub(crate) fn run_at(seconds: u32, commit: Option<&str>) -> RunRecord {
    let mut run = fixture("v1.0", "load");
    run.id = format!("run-{seconds:04}");
    run.started_at = format!(
        "2026-01-01T{:02}:{:02}:{:02}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    run.release.commit = commit.map(str::to_owned);
    run.release.tag = None;
    run.release.dirty = false;
    run
}

pub(crate) fn eval_at(seconds: u32, commit: Option<&str>) -> RunRecord {
    let load = run_at(seconds, commit);
    RunRecord {
        id: load.id,
        started_at: load.started_at,
        release: load.release,
        ..fixture("v1.0", "eval")
    }
}

pub(crate) fn gate_at(seconds: u32, commit: Option<&str>, runs: &[&str]) -> RunRecord {
    RunRecord {
        kind: RunKind::Gate,
        name: "gate".to_owned(),
        stages: BTreeMap::new(),
        generator: None,
        runs: runs.iter().map(|id| (*id).to_owned()).collect(),
        version: FormatVersion::CURRENT,
        ..run_at(seconds, commit)
    }
}

pub(crate) fn invalid(run: RunRecord) -> RunRecord {
    judged(run, ValidityVerdict::Invalid)
}

pub(crate) fn degraded(run: RunRecord) -> RunRecord {
    judged(run, ValidityVerdict::Degraded)
}

fn judged(run: RunRecord, verdict: ValidityVerdict) -> RunRecord {
    RunRecord {
        validity: Validity {
            verdict,
            reasons: Vec::new(),
        },
        ..run
    }
}

pub(crate) fn dirty(mut run: RunRecord) -> RunRecord {
    run.release.dirty = true;
    run
}

pub(crate) fn incomplete(run: RunRecord) -> RunRecord {
    RunRecord {
        complete: false,
        ..run
    }
}

pub(crate) fn in_env(run: RunRecord, env: &str) -> RunRecord {
    RunRecord {
        env: env.to_owned(),
        ..run
    }
}

/// Returns the path of a document that the program of that format version wrote.
pub(crate) fn fixture_path(version: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/fixtures/records/{version}/{name}.json"))
}

pub(crate) fn fixture(version: &str, name: &str) -> RunRecord {
    super::read::read_exported(&fixture_path(version, name))
        .unwrap()
        .remove(0)
}

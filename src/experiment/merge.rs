//! The shards of one load, put together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use miette::Diagnostic;
use serde_json::Value;

use super::recording::{Ending, verdict};
use crate::error::{Classify, Kind};
use crate::exit::Status;
use crate::load::{merge_generators, merge_stages};
use crate::plan::SHARD;
use crate::record::{RunId, RunKind, RunRecord, Shard, Validity};

/// Why runs cannot be put together.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum MergeError {
    #[error("run {id} is no part of a load")]
    #[diagnostic(help("Merge runs of `load --shard I/N`."))]
    NoPart { id: String },
    #[error("runs {first} and {second} are not parts of one load: their {what} differs")]
    #[diagnostic(help("Give every part the same manifest, release, load, and flags."))]
    Different {
        first: String,
        second: String,
        what: &'static str,
    },
    #[error("runs {first} and {second} are both part {part}")]
    Twice {
        first: String,
        second: String,
        part: Shard,
    },
    #[error("{missing} of {of} parts missing: {parts}")]
    Missing {
        missing: usize,
        of: u32,
        parts: String,
    },
    #[error("the parts cannot be put together: {0}")]
    Unreadable(String),
}

impl Classify for MergeError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// Puts all parts of a load together, in any order. The merged run is a run like one that a single process made.
pub(crate) fn merge(runs: &[RunRecord], now: Timestamp) -> Result<(RunRecord, Status), MergeError> {
    let parts = parts(runs)?;
    let parts: Vec<&RunRecord> = parts.into_values().collect();
    let first = parts[0];
    let duration_s = parts.iter().map(|run| run.duration_s).fold(0.0, f64::max);
    let stages = merge_stages(&parts, duration_s).map_err(MergeError::Unreadable)?;
    let complete = parts.iter().all(|run| run.complete);
    let validity = validity(&parts);
    let status = Ending {
        complete,
        // A part that had reached its stage would have a verdict.
        never_reached: parts
            .iter()
            .all(|run| run.complete && run.verdict.is_none()),
        validity: validity.verdict,
        stages: &stages,
    }
    .of_load();
    // From then on all parts were sent.
    let started = parts.iter().map(|run| run.started_at.clone()).max();
    let merged = RunRecord {
        id: RunId::new(now).to_string(),
        started_at: started.unwrap_or_else(|| first.started_at.clone()),
        duration_s,
        complete,
        generator: merge_generators(&parts, &stages),
        validity,
        stages,
        plan: whole_plan(first),
        // Answers were graded part by part; grades of different parts are not repeats of one run.
        eval: None,
        quality: None,
        runs: parts.iter().map(|run| run.id.clone()).collect(),
        verdict: verdict(status),
        ..first.clone()
    };
    Ok((merged, status))
}

/// Finds each run's part, and that they are all parts of one load.
fn parts(runs: &[RunRecord]) -> Result<BTreeMap<u32, &RunRecord>, MergeError> {
    let mut found: BTreeMap<u32, &RunRecord> = BTreeMap::new();
    let mut whole: Option<(Shard, &RunRecord)> = None;
    for run in runs {
        let no_part = || MergeError::NoPart { id: run.id.clone() };
        let part = run.plan.get(SHARD).and_then(Value::as_str);
        let part: Shard = part.and_then(|it| it.parse().ok()).ok_or_else(no_part)?;
        if run.kind != RunKind::Load {
            return Err(no_part());
        }
        if let Some((first_part, first)) = whole {
            if let Some(what) = difference(first, run, first_part.of == part.of) {
                return Err(MergeError::Different {
                    first: first.id.clone(),
                    second: run.id.clone(),
                    what,
                });
            }
        } else {
            whole = Some((part, run));
        }
        if let Some(other) = found.insert(part.index, run) {
            return Err(MergeError::Twice {
                first: other.id.clone(),
                second: run.id.clone(),
                part,
            });
        }
    }
    let of = whole.map_or(0, |(part, _)| part.of);
    let missing: Vec<String> = (0..of)
        .filter(|index| !found.contains_key(index))
        .map(|index| Shard { index, of }.to_string())
        .collect();
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(MergeError::Missing {
            missing: missing.len(),
            of,
            parts: missing.join(", "),
        })
    }
}

fn difference(first: &RunRecord, second: &RunRecord, same_number: bool) -> Option<&'static str> {
    let differences = [
        ("number of parts", !same_number),
        ("name", first.name != second.name),
        ("environment", first.env != second.env),
        ("seed", first.seed != second.seed),
        ("commit", first.release.commit != second.release.commit),
        ("plan", whole_plan(first) != whole_plan(second)),
    ];
    differences
        .into_iter()
        .find_map(|(what, differs)| differs.then_some(what))
}

/// Returns the plan of the load that a run is a part of.
fn whole_plan(run: &RunRecord) -> Value {
    let mut plan = run.plan.clone();
    if let Some(plan) = plan.as_object_mut() {
        plan.remove(SHARD);
    }
    plan
}

/// A merged run is as good as its worst part.
fn validity(parts: &[&RunRecord]) -> Validity {
    let mut validity = Validity::default();
    for run in parts {
        validity.verdict = validity.verdict.max(run.validity.verdict);
        let part = run.plan.get(SHARD).and_then(Value::as_str).unwrap_or("?");
        let reasons = run.validity.reasons.iter();
        validity
            .reasons
            .extend(reasons.map(|reason| format!("part {part}: {reason}")));
    }
    validity
}

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
use crate::record::{FormatVersion, RunId, RunKind, RunRecord, Shard, Validity, Warning};

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
    #[error("runs {first} and {second} are both part {shard}")]
    Twice {
        first: String,
        second: String,
        shard: Shard,
    },
    #[error("{missing} of {of} parts missing: {shards}")]
    Missing {
        missing: usize,
        of: u32,
        shards: String,
    },
    #[error("the parts cannot be put together: {0}")]
    Unreadable(String),
}

impl Classify for MergeError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// Puts all shards of a load together, in any order. The merged run is a run like one that a single
/// process made.
pub(crate) fn merge(runs: &[RunRecord], now: Timestamp) -> Result<(RunRecord, Status), MergeError> {
    let shards: Vec<&RunRecord> = all_shards(runs)?.into_values().collect();
    let first = shards[0];
    let duration_s = shards.iter().map(|run| run.duration_s).fold(0.0, f64::max);
    let stages = merge_stages(&shards, duration_s).map_err(MergeError::Unreadable)?;
    let complete = shards.iter().all(|run| run.complete);
    let named = shards.iter().map(|run| {
        let shard = run.plan.get(SHARD).and_then(Value::as_str);
        (format!("part {}", shard.unwrap_or("?")), *run)
    });
    let validity = validity(named);
    let status = Ending {
        complete,
        // A shard that had reached its stage would have a verdict.
        never_reached: shards
            .iter()
            .all(|run| run.complete && run.verdict.is_none()),
        validity: validity.verdict,
        stages: &stages,
    }
    .of_load();
    // From then on all shards were sent.
    let started = shards.iter().map(|run| run.started_at.clone()).max();
    let merged = RunRecord {
        version: FormatVersion::CURRENT,
        id: RunId::new(now).to_string(),
        started_at: started.unwrap_or_else(|| first.started_at.clone()),
        duration_s,
        complete,
        generator: merge_generators(&shards, &stages),
        validity,
        stages,
        plan: whole_plan(first),
        // Answers were graded shard by shard; grades of different shards are not repeats of one
        // run.
        eval: None,
        quality: None,
        runs: shards.iter().map(|run| run.id.clone()).collect(),
        verdict: verdict(status),
        warnings: Some(warnings(&shards)),
        ..first.clone()
    };
    Ok((merged.with_warnings(), status))
}

/// Returns what the parts' engines noticed and the merged figures do not give away.
pub(super) fn warnings(shards: &[&RunRecord]) -> Vec<Warning> {
    let mut found: Vec<Warning> = Vec::new();
    for warning in shards.iter().flat_map(|run| run.warnings()) {
        if matches!(warning, Warning::OverBudget { .. }) && !found.contains(&warning) {
            found.push(warning.clone());
        }
    }
    found
}

/// Finds each run's shard, and that they are all shards of one load.
fn all_shards(runs: &[RunRecord]) -> Result<BTreeMap<u32, &RunRecord>, MergeError> {
    let mut found: BTreeMap<u32, &RunRecord> = BTreeMap::new();
    let mut whole: Option<(Shard, &RunRecord)> = None;
    for run in runs {
        let shard = shard_of(run).ok_or_else(|| MergeError::NoPart { id: run.id.clone() })?;
        let (first_shard, first) = *whole.get_or_insert((shard, run));
        if let Some(what) = difference(first, run, first_shard.of == shard.of) {
            return Err(MergeError::Different {
                first: first.id.clone(),
                second: run.id.clone(),
                what,
            });
        }
        if let Some(other) = found.insert(shard.index, run) {
            return Err(MergeError::Twice {
                first: other.id.clone(),
                second: run.id.clone(),
                shard,
            });
        }
    }
    let of = whole.map_or(0, |(shard, _)| shard.of);
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
            shards: missing.join(", "),
        })
    }
}

fn shard_of(run: &RunRecord) -> Option<Shard> {
    let shard = run.plan.get(SHARD).and_then(Value::as_str)?.parse().ok()?;
    (run.kind == RunKind::Load).then_some(shard)
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

/// Returns the plan of the load that a run is a shard of.
fn whole_plan(run: &RunRecord) -> Value {
    let mut plan = run.plan.clone();
    if let Some(plan) = plan.as_object_mut() {
        plan.remove(SHARD);
    }
    plan
}

/// A whole is as good as its worst part; each part comes with what it is called.
pub(super) fn validity<'a>(parts: impl Iterator<Item = (String, &'a RunRecord)>) -> Validity {
    let mut validity = Validity::default();
    for (name, run) in parts {
        validity.verdict = validity.verdict.max(run.validity.verdict);
        let reasons = run.validity.reasons.iter();
        let reasons = reasons.map(|reason| format!("{name}: {reason}"));
        validity.reasons.extend(reasons);
    }
    validity
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::experiment::testing::invalid;
    use crate::record::VerdictKind;
    use crate::store::testing::run_at;

    /// A shard that was begun at that second; what its stages measured is for the engine's tests.
    fn shard(second: u32, shard: &str) -> RunRecord {
        RunRecord {
            stages: BTreeMap::new(),
            plan: json!({"warmup": "1s", SHARD: shard}),
            duration_s: 10.0 + f64::from(second),
            verdict: Some(VerdictKind::Passed),
            ..run_at(second, Some("c0ffee"))
        }
    }

    fn merged(runs: &[RunRecord]) -> Result<(RunRecord, Status), MergeError> {
        merge(runs, "2026-11-24T12:00:00Z".parse().unwrap())
    }

    fn refused(runs: &[RunRecord]) -> String {
        merged(runs).unwrap_err().to_string()
    }

    #[test]
    fn the_whole_is_as_long_as_its_longest_shard_and_begins_with_its_last() {
        let (whole, status) = merged(&[shard(3, "2/3"), shard(1, "0/3"), shard(2, "1/3")]).unwrap();
        assert_eq!(status, Status::Passed);
        assert_eq!(whole.runs, ["run-0001", "run-0002", "run-0003"]);
        assert_eq!(whole.started_at, "2026-01-01T00:00:03Z");
        assert!((whole.duration_s - 13.0).abs() < 1e-9 && whole.complete);
        assert_eq!(whole.plan, json!({"warmup": "1s"}));
        assert_eq!(whole.version, FormatVersion::CURRENT);
        assert!(!whole.runs.contains(&whole.id));
    }

    #[test]
    fn the_whole_is_as_good_as_its_worst_shard() {
        let bad = RunRecord {
            validity: invalid(),
            ..shard(2, "1/2")
        };
        let (whole, status) = merged(&[shard(1, "0/2"), bad]).unwrap();
        assert_eq!(status, Status::Invalid);
        assert_eq!(whole.verdict, Some(VerdictKind::Inconclusive));
        assert_eq!(whole.validity.reasons, ["part 1/2: too late"]);
        let interrupted = RunRecord {
            complete: false,
            ..shard(2, "1/2")
        };
        let (whole, status) = merged(&[shard(1, "0/2"), interrupted]).unwrap();
        assert_eq!((status, whole.verdict), (Status::Interrupted, None));
        let unreached = |second, of| RunRecord {
            verdict: None,
            ..shard(second, of)
        };
        let (_, status) = merged(&[unreached(1, "0/2"), unreached(2, "1/2")]).unwrap();
        assert_eq!(status, Status::Unmeasured);
        let (_, status) = merged(&[shard(1, "0/2"), unreached(2, "1/2")]).unwrap();
        assert_eq!(status, Status::Passed);
    }

    #[test]
    fn what_is_not_one_whole_load_is_refused() {
        let twice = [shard(1, "0/2"), shard(2, "0/2")];
        assert_eq!(
            refused(&twice),
            "runs run-0001 and run-0002 are both part 0/2"
        );
        let missing = [shard(1, "0/4"), shard(2, "2/4")];
        assert_eq!(refused(&missing), "2 of 4 parts missing: 1/4, 3/4");
        let other_number = [shard(1, "0/2"), shard(2, "1/3")];
        assert!(refused(&other_number).ends_with("their number of parts differs"));
        let whole = RunRecord {
            plan: json!({}),
            ..shard(1, "0/2")
        };
        assert_eq!(refused(&[whole]), "run run-0001 is no part of a load");
        let profile = RunRecord {
            kind: RunKind::Profile,
            ..shard(1, "0/1")
        };
        assert_eq!(refused(&[profile]), "run run-0001 is no part of a load");
    }

    #[test]
    fn shards_of_different_loads_are_refused_by_what_differs() {
        let other = |change: fn(&mut RunRecord)| {
            let mut other = shard(2, "1/2");
            change(&mut other);
            refused(&[shard(1, "0/2"), other])
        };
        for (what, message) in [
            ("seed", other(|it| it.seed += 1)),
            ("name", other(|it| it.name.push('x'))),
            ("environment", other(|it| it.env.push('x'))),
            ("commit", other(|it| it.release.commit = None)),
            ("plan", other(|it| it.plan["warmup"] = json!("2s"))),
        ] {
            let end = format!("their {what} differs");
            assert!(message.ends_with(&end), "{message}");
        }
    }
}

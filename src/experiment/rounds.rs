//! A load that is measured several times: its rounds, and what they make together.

use miette::Diagnostic;

use super::Experiment;
use super::load::{Measured, measure_load};
use super::merge::{validity, warnings};
use super::recording::{Ending, Recorded};
use crate::error::{Classify, Kind, Result};
use crate::load::{join_rounds, merge_generators};
use crate::manifest::Load;
use crate::plan::Portion;
use crate::record::{Generator, Round, RunRecord, StageResult};

/// Rounds of one load do not add up: a bug.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("the rounds cannot be put together: {0}")]
pub(super) struct NoSum(String);

impl Classify for NoSum {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
}

/// Runs a load so many times, one after another, and stores it as one run.
pub(super) async fn run_rounds(
    experiment: &Experiment,
    load: &Load,
    rounds: u32,
) -> Result<Recorded> {
    let mut measured = Vec::new();
    for round in 1..=rounds {
        if rounds > 1 {
            experiment.note(format!("`{}`: round {round} of {rounds}", load.name));
        }
        let load = in_round(load, measured.is_empty());
        measured.push(measure_load(experiment, &load, &Portion::default()).await?);
        if experiment.is_interrupted() {
            break;
        }
    }
    let Measured { record, status, .. } = match measured.pop() {
        Some(only) if rounds == 1 => only,
        last => joined(measured.into_iter().chain(last).collect())?,
    };
    Ok(experiment.finish(record, status).await)
}

/// Returns a load as it is measured in a round: its answers are scored in the first one that
/// counts, as grades of several rounds are no repeats of one suite.
pub(super) fn in_round(load: &Load, is_first: bool) -> Load {
    Load {
        score_with: load.score_with.clone().filter(|_| is_first),
        ..load.clone()
    }
}

/// Puts the rounds of one load together, at least one, into one run that began with the first.
pub(super) fn joined(measured: Vec<Measured>) -> Result<Measured, NoSum> {
    let never_reached = measured.iter().all(|it| it.never_reached);
    let runs: Vec<RunRecord> = measured.into_iter().map(|it| it.record).collect();
    let stages = join_rounds(&runs).map_err(NoSum)?;
    let refs: Vec<&RunRecord> = runs.iter().collect();
    let complete = runs.iter().all(|run| run.complete);
    let named = (1..).zip(&runs);
    let validity = validity(named.map(|(number, run)| (format!("round {number}"), run)));
    let status = Ending {
        complete,
        never_reached,
        validity: validity.verdict,
        stages: &stages,
    }
    .of_load();
    let first = &runs[0];
    let calibration = first
        .generator
        .as_ref()
        .and_then(|it| it.calibration.clone());
    let record = RunRecord {
        duration_s: runs.iter().map(|run| run.duration_s).sum(),
        complete,
        validity,
        generator: merge_generators(&refs, &stages).map(|it| Generator { calibration, ..it }),
        stages,
        warnings: Some(warnings(&refs)),
        rounds: runs.iter().map(round).collect(),
        ..first.clone()
    };
    Ok(Measured {
        record,
        never_reached,
        status,
    })
}

/// Returns what is kept of a round: its figures and histograms, but not their time series, which
/// the whole has.
fn round(run: &RunRecord) -> Round {
    let bare = |(name, stage): (&String, &StageResult)| {
        let mut stage = stage.clone();
        stage.tally = None;
        for summary in stage.metrics.values_mut() {
            summary.intervals.clear();
        }
        (name.clone(), stage)
    };
    Round {
        stages: run.stages.iter().map(bare).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Status;
    use crate::experiment::testing::invalid;
    use crate::record::ValidityVerdict;
    use crate::store::testing::run_at;

    fn measured(second: u32, change: impl FnOnce(&mut RunRecord)) -> Measured {
        let mut record = RunRecord {
            duration_s: 10.0,
            stages: std::collections::BTreeMap::new(),
            ..run_at(second, Some("c0ffee"))
        };
        change(&mut record);
        Measured {
            record,
            never_reached: false,
            status: Status::Passed,
        }
    }

    #[test]
    fn rounds_are_one_run_that_began_with_the_first() {
        let whole = joined(vec![
            measured(1, |_| ()),
            measured(2, |_| ()),
            measured(3, |_| ()),
        ]);
        let record = whole.unwrap().record;
        assert_eq!(record.id, "run-0001");
        assert!((record.duration_s - 30.0).abs() < 1e-9);
        assert_eq!(record.rounds.len(), 3);
        let one = joined(vec![measured(1, |_| ())]).unwrap().record;
        assert_eq!(one.rounds.len(), 1);
    }

    #[test]
    fn the_whole_is_as_good_as_its_worst_round() {
        let bad = measured(2, |run| run.validity = invalid());
        let whole = joined(vec![measured(1, |_| ()), bad]).unwrap();
        assert_eq!(whole.status, Status::Invalid);
        assert_eq!(whole.record.validity.verdict, ValidityVerdict::Invalid);
        assert_eq!(whole.record.validity.reasons, ["round 2: too late"]);
        let cut = measured(2, |run| run.complete = false);
        let whole = joined(vec![measured(1, |_| ()), cut]).unwrap();
        assert_eq!(whole.status, Status::Interrupted);
        let unreached = |second| Measured {
            never_reached: true,
            ..measured(second, |_| ())
        };
        let whole = joined(vec![unreached(1), unreached(2)]).unwrap();
        assert_eq!(whole.status, Status::Unmeasured);
    }
}

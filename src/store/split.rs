//! Takes a run apart into the files it is kept in, and joins them again.

use std::collections::BTreeMap;
use std::mem;

use serde::{Deserialize, Serialize};

use crate::measure::Histogram;
use crate::metric::LatencyMetric;
use crate::record::{
    CaseResult, DiffDocument, IntervalRecord, RunRecord, StageResult, TallyRecord,
};

/// The distribution of one metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Series {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    histogram: Option<Histogram>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    intervals: Vec<IntervalRecord>,
}

/// Stage to metric to distribution.
type StageSeries = BTreeMap<String, BTreeMap<String, Series>>;

/// What `histograms.json` holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Histograms {
    #[serde(default)]
    stages: StageSeries,
    /// What was counted, by stage; from format 1.1 on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tallies: BTreeMap<String, TallyRecord>,
    /// One entry a round, also where a round has no histograms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rounds: Vec<StageSeries>,
}

impl Histograms {
    /// Returns whether there is nothing to keep.
    pub(super) fn is_empty(&self) -> bool {
        self.stages.is_empty()
            && self.tallies.is_empty()
            && self.rounds.iter().all(BTreeMap::is_empty)
    }
}

/// A run in the parts it is kept in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    /// The run without its distributions, cases, and comparison: small, so that lists are fast.
    pub(super) header: RunRecord,
    pub(super) histograms: Histograms,
    pub(super) cases: Vec<CaseResult>,
    pub(super) diff: Option<DiffDocument>,
}

/// Takes a run apart.
pub(super) fn split(mut run: RunRecord) -> Parts {
    let histograms = take_histograms(&mut run);
    let cases = match &mut run.eval {
        Some(eval) => mem::take(&mut eval.cases),
        None => Vec::new(),
    };
    Parts {
        diff: run.diff.take(),
        header: run,
        histograms,
        cases,
    }
}

/// Takes the histograms and intervals out of every metric, and the tally out of every stage.
pub(super) fn take_histograms(run: &mut RunRecord) -> Histograms {
    let tally =
        |(stage, result): (&String, &mut StageResult)| Some((stage.clone(), result.tally.take()?));
    Histograms {
        tallies: run.stages.iter_mut().filter_map(tally).collect(),
        stages: take(&mut run.stages),
        rounds: run
            .rounds
            .iter_mut()
            .map(|round| take(&mut round.stages))
            .collect(),
    }
}

/// Joins the parts of a run.
pub(super) fn join(parts: Parts) -> RunRecord {
    let Parts {
        header: mut run,
        histograms,
        cases,
        diff,
    } = parts;
    give(&mut run.stages, histograms.stages);
    for (stage, tally) in histograms.tallies {
        if let Some(result) = run.stages.get_mut(&stage) {
            result.tally = Some(tally);
        }
    }
    for (round, series) in run.rounds.iter_mut().zip(histograms.rounds) {
        give(&mut round.stages, series);
    }
    if let Some(eval) = &mut run.eval {
        eval.cases.extend(cases);
    }
    run.diff = diff.or(run.diff);
    run
}

fn take(stages: &mut BTreeMap<String, StageResult>) -> StageSeries {
    let mut found = StageSeries::new();
    for (stage, result) in stages {
        for (metric, summary) in &mut result.metrics {
            let series = Series {
                histogram: summary.histogram.take(),
                intervals: mem::take(&mut summary.intervals),
            };
            if series != Series::default() {
                found
                    .entry(stage.clone())
                    .or_default()
                    .insert(metric.key().to_owned(), series);
            }
        }
    }
    found
}

fn give(stages: &mut BTreeMap<String, StageResult>, series: StageSeries) {
    for (stage, metrics) in series {
        let Some(result) = stages.get_mut(&stage) else {
            continue;
        };
        for (metric, series) in metrics {
            let known = LatencyMetric::of(&metric);
            if let Some(summary) = known.and_then(|it| result.metrics.get_mut(&it)) {
                summary.histogram = series.histogram;
                summary.intervals = series.intervals;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Round;
    use crate::store::testing::{eval_at, fixture, run_at};

    /// Runs of every kind that has something to be taken out.
    fn runs() -> Vec<RunRecord> {
        let load = run_at(1, Some("c0ffee"));
        let rounds = RunRecord {
            rounds: vec![
                Round {
                    stages: load.stages.clone(),
                },
                Round {
                    stages: BTreeMap::new(),
                },
            ],
            ..load.clone()
        };
        vec![
            load,
            eval_at(2, None),
            fixture("v1.1", "gate"),
            rounds,
            RunRecord {
                stages: BTreeMap::new(),
                ..run_at(3, None)
            },
        ]
    }

    #[test]
    fn a_run_that_was_taken_apart_is_put_together_as_it_was() {
        for run in runs() {
            assert_eq!(join(split(run.clone())), run);
            // Also by way of the files.
            let parts = split(run.clone());
            let text = serde_json::to_string(&parts.histograms).unwrap();
            let histograms: Histograms = serde_json::from_str(&text).unwrap();
            assert_eq!(
                join(Parts {
                    histograms,
                    ..parts
                }),
                run
            );
        }
    }

    #[test]
    fn what_lists_read_is_small() {
        for run in runs() {
            let parts = split(run);
            let again = split(parts.header.clone());
            assert!(again.histograms.is_empty() && again.cases.is_empty());
            assert_eq!((again.diff, &again.header), (None, &parts.header));
        }
    }

    #[test]
    fn histograms_of_stages_and_metrics_that_are_not_there_are_left_out() {
        let run = run_at(1, None);
        let mut parts = split(run.clone());
        let series = parts.histograms.stages.values().next().unwrap().clone();
        parts
            .histograms
            .stages
            .insert("nobody".to_owned(), series.clone());
        let (stage, own) = parts.histograms.stages.iter_mut().next().unwrap();
        let (_, one) = series.iter().next().unwrap();
        own.insert("moonrise_time".to_owned(), one.clone());
        let tally = TallyRecord::default();
        parts.histograms.tallies.insert("nobody".to_owned(), tally);
        let name = stage.clone();
        let joined = join(parts);
        assert_eq!(joined, run, "{name}");
    }

    #[test]
    fn a_header_without_its_files_is_still_a_run() {
        for run in runs() {
            let header = split(run.clone()).header;
            let joined = join(Parts {
                header: header.clone(),
                histograms: Histograms::default(),
                cases: Vec::new(),
                diff: None,
            });
            assert_eq!(joined, header);
            assert_eq!(
                (joined.id, joined.kind, joined.verdict),
                (run.id, run.kind, run.verdict)
            );
        }
    }
}

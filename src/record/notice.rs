//! What a run's figures give away that may mislead about them.

use std::collections::{BTreeMap, BTreeSet};

use super::latency::MetricSummary;
use super::run::{RunRecord, ValidityVerdict};
use super::stage::StageResult;
use super::warning::{NeededSamples, Untold, Warning};
use crate::measure::min_samples;
use crate::metric::{Figure, LatencyMetric, ShareMetric};

/// An interval of a pass rate wider than this tells little: 20 points.
const WIDE: f64 = 0.2;
/// Streams that came in one piece are left out of `tpot`: of one in ten, its p95 may be another.
const MANY_IN_ONE_PIECE: f64 = 0.1;
/// From half of the gaps on, `chunk_gap` tells of less of the stream than it hides.
const MANY_UNKNOWN_GAPS: f64 = 0.5;

impl RunRecord {
    /// Returns what was noticed when the run was made. A run that was stored before warnings were
    /// part of it has those that its figures give away.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let stored = self.warnings.clone();
        stored.unwrap_or_else(|| notice(self))
    }

    /// Adds what its figures give away to what its engine noticed, at the end of the run.
    #[must_use]
    pub(crate) fn with_warnings(self) -> Self {
        let mut warnings = notice(&self);
        let noticed = self.warnings.into_iter().flatten();
        let more: Vec<Warning> = noticed.filter(|it| !warnings.contains(it)).collect();
        warnings.extend(more);
        Self {
            warnings: Some(warnings),
            ..self
        }
    }
}

/// Returns what a run's figures give away.
fn notice(run: &RunRecord) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let reasons = run.validity.reasons.clone();
    match run.validity.verdict {
        ValidityVerdict::Valid => {}
        ValidityVerdict::Degraded => warnings.push(Warning::Degraded { reasons }),
        ValidityVerdict::Invalid => warnings.push(Warning::Invalid { reasons }),
    }
    if !run.complete {
        warnings.push(Warning::Incomplete);
    }
    if run.release.dirty {
        warnings.push(Warning::Dirty);
    }
    warnings.extend(too_few_samples(run.stages.values()));
    for (name, stage) in &run.stages {
        warnings.extend(unsteady(name, stage));
        warnings.extend(not_told(name, stage));
        warnings.extend(coalesced(name, stage));
        if stage.in_flight_at_end > 0 {
            warnings.push(Warning::InFlight {
                stage: name.clone(),
                count: stage.in_flight_at_end,
            });
        }
    }
    if let Some(eval) = &run.eval {
        if eval.errors > 0 {
            warnings.push(Warning::ErrorsCount {
                errors: eval.errors,
                bounds: eval.pass_rate.bounds,
            });
        }
        let (low, high) = (eval.pass_rate.low, eval.pass_rate.high);
        if high - low > WIDE {
            // Of an interrupted run only these were asked.
            let asked: BTreeSet<&str> = eval.cases.iter().map(|case| case.id.as_str()).collect();
            let cases = asked.len() as u64;
            warnings.push(Warning::SmallGoldenSet { cases, low, high });
        }
    }
    warnings
}

fn unsteady(name: &str, stage: &StageResult) -> Option<Warning> {
    let steady = stage.steady.as_ref()?;
    let p95 = |metrics: &BTreeMap<LatencyMetric, MetricSummary>| {
        metrics.get(&LatencyMetric::ResponseTime)?.p95
    };
    let stage_name = name.to_owned();
    match (steady.reached, steady.cut_s > 0.0) {
        (false, _) => Some(Warning::Unsettled { stage: stage_name }),
        (true, true) => Some(Warning::WarmingUp {
            stage: stage_name,
            cut_s: steady.cut_s,
            p95: p95(&steady.metrics).zip(p95(&stage.metrics)),
        }),
        (true, false) => None,
    }
}

/// Returns what an SLO promises and no ok answer told.
fn not_told(name: &str, stage: &StageResult) -> Vec<Warning> {
    let limits = |is_it: fn(&Figure) -> bool| stage.slo.iter().any(|slo| is_it(&slo.metric));
    let is_fallback = |it: &Figure| *it == Figure::Share(ShareMetric::FallbackRate);
    let is_hit = |it: &Figure| {
        matches!(
            it,
            Figure::Latency(LatencyMetric::HitTime | LatencyMetric::MissTime, _)
        )
    };
    let fallback = stage.fallback_rate.is_none() && limits(is_fallback);
    let hit = stage.hit_rate.is_none() && limits(is_hit);
    let told = [(fallback, Untold::Fallback), (hit, Untold::Hit)];
    let missing = told
        .into_iter()
        .filter(|(is_missing, _)| *is_missing && stage.ok > 0);
    let warning = |(_, what)| Warning::NotTold {
        stage: name.to_owned(),
        what,
    };
    missing.map(warning).collect()
}

/// Returns whether much of the content came in one read with earlier content.
fn coalesced(name: &str, stage: &StageResult) -> Option<Warning> {
    let tokens = stage.tokens.as_ref()?;
    let count = |metric| stage.metrics.get(&metric).map_or(0, |it| it.count);
    let streams = count(LatencyMetric::Ttft);
    let gaps = tokens.coalesced + count(LatencyMetric::ChunkGap);
    let share = |part: u64, all: u64| part as f64 / all.max(1) as f64;
    let unknown_gaps = share(tokens.coalesced, gaps);
    let is_large =
        share(tokens.one_piece, streams) >= MANY_IN_ONE_PIECE || unknown_gaps >= MANY_UNKNOWN_GAPS;
    is_large.then(|| Warning::Coalesced {
        stage: name.to_owned(),
        one_piece: tokens.one_piece,
        streams,
        unknown_gaps,
    })
}

/// Returns which percentiles that an SLO limits had too few samples; of others nobody asked for
/// them, and the table's dash says it.
fn too_few_samples<'a>(stages: impl Iterator<Item = &'a StageResult>) -> Option<Warning> {
    let mut needed = Vec::new();
    let mut smallest = u64::MAX;
    let limited = stages.flat_map(|stage| stage.slo.iter().map(move |slo| (stage, slo)));
    for (stage, slo) in limited {
        let Figure::Latency(latency, stat) = &slo.metric else {
            continue;
        };
        let Some((metric, quantile)) = stage.metrics.get(latency).zip(stat.quantile()) else {
            continue;
        };
        let samples = min_samples(quantile);
        if metric.stat(*stat).is_none() && metric.count < samples {
            smallest = smallest.min(metric.count);
            let statistic = stat.key().to_owned();
            let it = NeededSamples { statistic, samples };
            if !needed.contains(&it) {
                needed.push(it);
            }
        }
    }
    needed.sort_by_key(|it| it.samples);
    (!needed.is_empty()).then_some(Warning::TooFewSamples {
        needed,
        count: smallest,
    })
}

#[cfg(test)]
mod tests {
    use super::super::run::{RunKind, Validity};
    use super::*;

    fn stored(version: &str, name: &str) -> RunRecord {
        let folder = env!("CARGO_MANIFEST_DIR");
        let path = format!("{folder}/tests/fixtures/records/{version}/{name}.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// Stumbles S28: the note stands where an SLO needs the percentile, and not under nearly every
    /// load.
    /// stumbles S28
    #[test]
    fn only_a_percentile_that_an_slo_limits_is_missed() {
        use crate::metric::Stat;
        use crate::record::{MetricSummary, SloResult};

        let summary = MetricSummary {
            count: 300,
            ..MetricSummary::default()
        };
        let slo = SloResult {
            metric: Figure::Latency(LatencyMetric::ResponseTime, Stat::P99),
            limit: 100.0,
            value: None,
            met: None,
            above: None,
        };
        let bare = StageResult {
            metrics: [(LatencyMetric::ResponseTime, summary)].into(),
            ..StageResult::default()
        };
        assert!(too_few_samples([&bare].into_iter()).is_none());
        let limited = StageResult {
            slo: vec![slo],
            ..bare
        };
        let found = too_few_samples([&limited].into_iter());
        let needs_p99 = |it: &Warning| match it {
            Warning::TooFewSamples { needed, count } => needed[0].samples == 368 && *count == 300,
            _ => false,
        };
        assert!(found.is_some_and(|it| needs_p99(&it)));
    }

    #[test]
    fn a_run_from_before_warnings_were_stored_still_has_those_of_its_figures() {
        let mut run = stored("v1.0", "load");
        assert_eq!(run.warnings, None);
        run.release.dirty = true;
        run.complete = false;
        assert!(run.warnings().contains(&Warning::Dirty));
        assert!(run.warnings().contains(&Warning::Incomplete));
        // Once they are stored, they are what was noticed then, whatever the figures say.
        let mut stored = run.clone().with_warnings();
        stored.release.dirty = false;
        assert_eq!(stored.warnings(), run.warnings());
    }

    #[test]
    fn what_an_engine_noticed_is_kept_once_beside_what_the_figures_say() {
        let over_budget = Warning::OverBudget {
            key: Some("max_requests".to_owned()),
        };
        let run = RunRecord {
            kind: RunKind::Load,
            complete: false,
            warnings: Some(vec![over_budget.clone(), Warning::Incomplete]),
            validity: Validity {
                verdict: ValidityVerdict::Degraded,
                reasons: vec!["late".to_owned()],
            },
            ..stored("v1.0", "load")
        };
        let warnings = run.with_warnings().warnings();
        let count = |it: &Warning| warnings.iter().filter(|other| *other == it).count();
        assert_eq!(count(&over_budget), 1);
        assert_eq!(count(&Warning::Incomplete), 1);
        let reasons = vec!["late".to_owned()];
        assert_eq!(count(&Warning::Degraded { reasons }), 1);
    }
}

//! The one way from a tally to the figures of a stage.

use std::collections::BTreeMap;

use super::slo::judge;
use super::steady::steady_state;
use crate::arrival::Timing;
use crate::load::plan::Measured;
use crate::manifest::Cost;
use crate::metric::{Figure, Limit};
use crate::record::{
    Counts, NoTally, Price, RunRecord, SessionCounts, StageResult, Tally, TallyRecord, Tokens,
};

/// Maps stage names to their results.
pub(crate) type Stages = BTreeMap<String, StageResult>;

/// What a stage's figures depend on besides what was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct TallySpec {
    /// The SLOs that are judged.
    slo: Vec<(Figure, Limit)>,
    owner: Option<String>,
    price: Option<Price>,
    /// Whether requests were due by a schedule, and whether that was of one rate.
    is_open: bool,
    is_level: bool,
}

impl TallySpec {
    /// Returns that of a plan.
    pub(crate) fn of(measured: &Measured, timing: &Timing) -> Self {
        let slo = measured.slo.iter().filter(|_| measured.is_judged);
        Self {
            slo: slo.map(|slo| (slo.figure.clone(), slo.limit)).collect(),
            owner: measured.owner.clone(),
            price: measured.cost.map(price),
            is_open: timing.is_open(),
            is_level: timing.is_level(),
        }
    }

    /// Returns that of a stored stage.
    fn stored(stage: &StageResult) -> Self {
        let record = stage.tally.as_ref();
        let limit = |metric: &Figure, value| Limit {
            value,
            unit: metric.unit(),
        };
        let slo = stage.slo.iter();
        let slo = slo.map(|slo| (slo.metric.clone(), limit(&slo.metric, slo.limit)));
        Self {
            slo: slo.collect(),
            owner: stage.owner.clone(),
            price: record.and_then(|it| it.price),
            is_open: record.is_some_and(|it| it.is_open),
            is_level: record.is_some_and(|it| it.is_level),
        }
    }
}

/// Summarises one stage or pipeline. `duration_s` is the length of the measured phase.
pub(crate) fn summarise(tally: &Tally, spec: &TallySpec, duration_s: f64) -> StageResult {
    let counts = &tally.counts;
    let planned = counts.attempted + counts.not_sent;
    let failed = tally.errors.values().sum();
    let per_second = |count: u64| {
        if duration_s > 0.0 {
            count as f64 / duration_s
        } else {
            0.0
        }
    };
    let open = counts.in_flight_at_end;
    let metrics = tally.distributions.iter();
    let mut result = StageResult {
        attempted: counts.attempted,
        ok: counts.ok,
        failed,
        errors: tally.errors.clone(),
        finish_reasons: tally.finish_reasons.clone(),
        examples: BTreeMap::new(),
        in_flight_at_end: open,
        offered_rps: spec.is_open.then(|| offered(tally, planned, per_second)),
        achieved_rps: per_second(counts.ok_in_window),
        goodput_rps: per_second(counts.good_in_window),
        goodput_tps: (counts.tokens_out > 0).then(|| per_second(counts.tokens_good_in_window)),
        attainment: share(counts.good, planned),
        error_rate: share(failed, counts.attempted),
        fallback_rate: share(counts.fallbacks, counts.ok).filter(|_| counts.fallback_known > 0),
        hit_rate: share(counts.hits, counts.hit_known),
        empty: some(counts.empty),
        refusals: some(counts.refusals),
        connections: counts.connections,
        resent: counts.resent,
        sessions: sessions(counts),
        tokens: tokens(counts, per_second(counts.tokens_out_in_window)),
        cost_usd: spec.price.and_then(|price| cost(counts, price)),
        owner: spec.owner.clone(),
        metrics: metrics
            .map(|(it, found)| (*it, found.summary(open)))
            .collect(),
        slo: Vec::new(),
        steady: None,
        tally: Some(kept(tally, spec)),
    };
    if spec.is_level {
        result.steady = steady_state(tally);
    }
    let slo = spec.slo.iter();
    result.slo = slo
        .map(|(metric, limit)| judge(metric, *limit, &result, tally))
        .collect();
    result
}

/// Returns what a stored stage keeps of its tally.
fn kept(tally: &Tally, spec: &TallySpec) -> TallyRecord {
    TallyRecord {
        counts: tally.counts,
        last_end_ns: tally.last_end_ns,
        last_due_ns: tally.last_due_ns,
        levels: tally.levels.clone(),
        is_open: spec.is_open,
        is_level: spec.is_level,
        price: spec.price,
    }
}

/// Returns the rate of the arrivals in 1/s. Of a run that ended by a number of requests, or by a
/// budget, the last ones may take long, which changes nothing of it: n arrivals have n − 1 gaps
/// until the last is due.
fn offered(tally: &Tally, planned: u64, per_second: impl Fn(u64) -> f64) -> f64 {
    match tally.last_due_ns {
        0 => per_second(planned),
        last_due => planned.saturating_sub(1) as f64 / (last_due as f64 / 1e9),
    }
}

/// Puts the stages of all shards of a load together. `duration_s` is the length of the whole. `Err`
/// names the stage that cannot be added up.
pub(crate) fn merge_stages(shards: &[&RunRecord], duration_s: f64) -> Result<Stages, String> {
    let parts: Vec<(&RunRecord, Option<f64>)> = shards.iter().map(|run| (*run, None)).collect();
    sum(&parts, duration_s)
}

/// Puts the stages of the rounds of a load together, which were measured one after another: rates
/// are of all their seconds, and nothing is said of a steady state. `Err` says why they do not add
/// up.
pub(crate) fn join_rounds(rounds: &[RunRecord]) -> Result<Stages, String> {
    let mut begin_s = 0.0;
    let mut parts = Vec::new();
    for run in rounds {
        parts.push((run, Some(begin_s)));
        let metrics = run.stages.values().flat_map(|stage| stage.metrics.values());
        let ends = metrics.filter_map(|it| it.intervals.last().map(|last| last.end_s));
        begin_s += ends.fold(run.duration_s, f64::max).ceil();
    }
    sum(&parts, rounds.iter().map(|run| run.duration_s).sum())
}

/// Adds runs up, those after the first as of one that began so many seconds later, where that is
/// said.
fn sum(parts: &[(&RunRecord, Option<f64>)], duration_s: f64) -> Result<Stages, String> {
    let mut summed: BTreeMap<&str, (Tally, TallySpec)> = BTreeMap::new();
    for (run, later) in parts {
        for (name, stage) in &run.stages {
            let tally =
                Tally::of(stage).map_err(|error: NoTally| format!("stage `{name}`: {error}"))?;
            let (whole, spec) = summed
                .entry(name)
                .or_insert_with(|| (Tally::default(), TallySpec::stored(stage)));
            spec.is_level &= later.is_none();
            *whole += match later {
                Some(seconds) => tally.later(*seconds),
                None => tally,
            };
        }
    }
    let stages = summed.into_iter().map(|(name, (tally, spec))| {
        let mut stage = summarise(&tally, &spec, duration_s);
        for part in parts.iter().filter_map(|(run, _)| run.stages.get(name)) {
            for (failure, example) in &part.examples {
                let known = stage.examples.entry(failure.clone());
                known.or_insert_with(|| example.clone());
            }
        }
        (name.to_owned(), stage)
    });
    Ok(stages.collect())
}

fn some(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn sessions(counts: &Counts) -> Option<SessionCounts> {
    (counts.sessions_begun > 0).then_some(SessionCounts {
        begun: counts.sessions_begun,
        finished: counts.sessions_finished,
        failed: counts.sessions_failed,
    })
}

fn cost(counts: &Counts, price: Price) -> Option<f64> {
    (counts.by_usage > 0).then(|| price.usd(&counts.tokens()))
}

/// Returns the prices of a manifest.
pub(crate) const fn price(cost: Cost) -> Price {
    Price {
        input: cost.input,
        output: cost.output,
        cached: cost.cached,
        cache_write: cost.cache_write,
        reasoning: cost.reasoning,
    }
}

fn tokens(counts: &Counts, output_per_s: f64) -> Option<Tokens> {
    let source = match (counts.by_usage, counts.by_chunks) {
        (0, 0) => return None,
        (_, 0) => "usage",
        (0, _) => "chunks",
        _ => "mixed",
    };
    Some(Tokens {
        input: counts.tokens_in,
        output: counts.tokens_out,
        cached: counts.tokens_cached,
        cache_write: counts.tokens_cache_write,
        reasoning: counts.tokens_reasoning,
        source: source.to_owned(),
        output_per_s: Some(output_per_s),
        mismatch: share(counts.mismatched, counts.counted_twice),
        coalesced: counts.coalesced,
        one_piece: counts.one_piece,
    })
}

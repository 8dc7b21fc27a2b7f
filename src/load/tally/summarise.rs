//! Records of requests turned into the blocks of a run document.

use std::collections::BTreeMap;

use crate::manifest::Slo;
use crate::measure::{Histogram, Packed};
use crate::metric::{Figure, LatencyMetric, Limit, RateMetric, ShareMetric, Stat};
use crate::record::{IntervalRecord, MetricSummary, SloResult, StageResult, Tokens};

use crate::load::arrival::Timing;
use crate::load::plan::Measured;
use crate::load::tally::recorder::Recorder;
use crate::load::tally::steady::steady_state;

/// Summarises one stage or pipeline. `duration_s` is the length of the measured phase.
pub(crate) fn stage_result(
    measured: &Measured,
    recorder: &Recorder,
    timing: &Timing,
    duration_s: f64,
) -> StageResult {
    let (attempted, not_sent) = (recorder.attempted, recorder.not_sent);
    let failed = recorder.errors.values().sum();
    let share = |shard: u64, whole: u64| (whole > 0).then(|| shard as f64 / whole as f64);
    let per_second = |count: u64| {
        if duration_s > 0.0 {
            count as f64 / duration_s
        } else {
            0.0
        }
    };
    let open = recorder.in_flight_at_end;
    let metrics = recorder
        .series
        .iter()
        .map(|(metric, series)| (*metric, summary(&series.total, open)))
        .collect();
    let mut result = StageResult {
        attempted,
        ok: recorder.ok,
        failed,
        errors: recorder
            .errors
            .iter()
            .map(|(kind, count)| (kind.to_string(), *count))
            .collect(),
        in_flight_at_end: open,
        offered_rps: timing.is_open().then(|| per_second(attempted + not_sent)),
        achieved_rps: per_second(recorder.ok_in_window),
        goodput_rps: per_second(recorder.good_in_window),
        attainment: share(recorder.good, attempted + not_sent),
        error_rate: share(failed, attempted),
        fallback_rate: recorder
            .fallback_known
            .then(|| share(recorder.fallbacks, recorder.ok))
            .flatten(),
        hit_rate: share(recorder.hits, recorder.hit_known),
        connections: recorder.connections,
        sessions: Some(recorder.sessions).filter(|it| it.begun > 0),
        tokens: tokens(recorder, per_second(recorder.tokens_out_in_window)),
        cost_usd: measured.cost.filter(|_| recorder.by_usage > 0).map(|cost| {
            (recorder.tokens_in as f64 * cost.input + recorder.tokens_out as f64 * cost.output)
                / 1e6
        }),
        owner: measured.owner.clone(),
        metrics,
        slo: Vec::new(),
        steady: None,
    };
    if timing.is_level() {
        let totals = recorder.series.iter();
        let totals = totals.map(|(metric, series)| (*metric, &series.total));
        result.steady = steady_state(&recorder.levels, &totals.collect(), open);
    }
    if measured.is_judged {
        let slos = measured.slo.iter();
        result.slo = slos.map(|slo| judge_slo(slo, &result, recorder)).collect();
    }
    result
}

fn judge_slo(slo: &Slo, result: &StageResult, recorder: &Recorder) -> SloResult {
    let series = match &slo.figure {
        Figure::Latency(metric, _) => recorder.series.get(metric),
        _ => None,
    };
    let total = series.map(|series| &series.total.all);
    judge(&slo.figure, slo.limit, result, total)
}

fn tokens(recorder: &Recorder, output_per_s: f64) -> Option<Tokens> {
    let source = match (recorder.by_usage, recorder.by_chunks) {
        (0, 0) => return None,
        (_, 0) => "usage",
        (0, _) => "chunks",
        _ => "mixed",
    };
    Some(Tokens {
        input: recorder.tokens_in,
        output: recorder.tokens_out,
        source: source.to_owned(),
        output_per_s: Some(output_per_s),
        mismatch: (recorder.counted_twice > 0)
            .then(|| recorder.mismatched as f64 / recorder.counted_twice as f64),
        coalesced: recorder.coalesced,
    })
}

/// The distribution of one metric: all of it, and by intervals (start, end in s).
#[derive(Default)]
pub(crate) struct Total {
    pub(crate) all: Histogram,
    pub(crate) intervals: Vec<(f64, f64, Packed)>,
}

impl Total {
    /// Adds what another recorder has for an interval; both are of one length.
    pub(crate) fn add(&mut self, start: f64, end: f64, packed: Packed) {
        let same = |(at, ..): &&mut (f64, f64, Packed)| at.total_cmp(&start).is_eq();
        if let Some((_, last, known)) = self.intervals.iter_mut().find(same) {
            let mut both = known.unpack();
            both.merge(&packed.unpack());
            *known = both.pack();
            *last = last.max(end);
        } else {
            self.intervals.push((start, end, packed));
            self.intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
    }
}

/// Summarises one metric; `open` requests were still in flight.
pub(crate) fn summary(
    Total {
        all: total,
        intervals,
    }: &Total,
    open: u64,
) -> MetricSummary {
    let percentile = |stat: Stat| stat.quantile().and_then(|q| total.percentile_ms(q, open));
    MetricSummary {
        unit: "ms".to_owned(),
        count: total.count(),
        mean: total.mean_ms(),
        min: total.min_ms(),
        max: total.max_ms(),
        p50: percentile(Stat::P50),
        p90: percentile(Stat::P90),
        p95: percentile(Stat::P95),
        p99: percentile(Stat::P99),
        p999: percentile(Stat::P999),
        histogram: Some(total.encode()),
        intervals: intervals
            .iter()
            .map(|(start_s, end_s, packed)| IntervalRecord {
                start_s: *start_s,
                end_s: *end_s,
                histogram: packed.unpack().encode(),
            })
            .collect(),
    }
}

/// Judges one SLO. For a latency, a failed request counts as above any limit: the percentile is taken over the ok
/// and the failed requests together, the failed ones at infinity. `total` are the latencies of an SLO's own metric.
pub(crate) fn judge(
    metric: &Figure,
    limit: Limit,
    result: &StageResult,
    total: Option<&Histogram>,
) -> SloResult {
    let share = |value: Option<f64>| {
        let met = value.map(|value| limit.is_kept(value, metric.better()));
        (value, met)
    };
    let (value, met) = match metric {
        Figure::Latency(latency, stat) => {
            judge_latency(*stat, limit.value, total, result, *latency)
        }
        Figure::Share(ShareMetric::ErrorRate) => share(result.error_rate),
        Figure::Share(ShareMetric::FallbackRate) => share(result.fallback_rate),
        Figure::Share(ShareMetric::Attainment) => share(result.attainment),
        Figure::Rate(RateMetric::Offered) => share(result.offered_rps),
        Figure::Rate(RateMetric::Achieved) => share(Some(result.achieved_rps)),
        Figure::Rate(RateMetric::Goodput) => share(Some(result.goodput_rps)),
        Figure::Other(_) => (None, None),
    };
    SloResult {
        metric: metric.clone(),
        limit: limit.value,
        value,
        met,
    }
}

/// Judges an SLO of a stored stage again, by what the stage has now.
pub(crate) fn judge_again(
    slo: &SloResult,
    result: &StageResult,
    totals: &BTreeMap<LatencyMetric, Total>,
) -> SloResult {
    let limit = Limit {
        value: slo.limit,
        unit: slo.metric.unit(),
    };
    let total = match &slo.metric {
        Figure::Latency(latency, _) => totals.get(latency).map(|total| &total.all),
        // What it means is not known: it stays as it was.
        Figure::Other(_) => return slo.clone(),
        Figure::Share(_) | Figure::Rate(_) => None,
    };
    judge(&slo.metric, limit, result, total)
}

fn judge_latency(
    stat: Stat,
    limit_ms: f64,
    total: Option<&Histogram>,
    result: &StageResult,
    metric: LatencyMetric,
) -> (Option<f64>, Option<bool>) {
    // Gaps are pooled: a failed request is no known number of them.
    let failed = if metric == LatencyMetric::ChunkGap {
        0
    } else {
        result.failed
    };
    let Some(quantile) = stat.quantile() else {
        let value = total.and_then(|total| match stat {
            Stat::Mean => total.mean_ms(),
            Stat::Min => total.min_ms(),
            _ => total.max_ms(),
        });
        let beyond = failed > 0 && stat != Stat::Min;
        return (
            value,
            value
                .map(|value| value <= limit_ms && !beyond)
                .or(beyond.then_some(false)),
        );
    };
    let count = total.map_or(0, Histogram::count);
    if count + failed < crate::measure::min_samples(quantile) {
        return (None, None);
    }
    let rank = (quantile * (count + failed) as f64).ceil() as u64;
    if rank > count {
        // The percentile falls on a failed request.
        return (None, Some(false));
    }
    let Some(total) = total else {
        return (None, None);
    };
    let value = total.rank_ms(rank).map(|(_, high)| high);
    // What was in flight has an unknown end: it may have been late, but not early.
    let open = result.in_flight_at_end;
    let late_rank = (quantile * (count + failed + open) as f64).ceil() as u64;
    let worst = if late_rank > count {
        None
    } else {
        total.rank_ms(late_rank).map(|(_, high)| high)
    };
    let met = match (value, worst) {
        (Some(value), _) if value > limit_ms => Some(false),
        (Some(_), Some(worst)) if worst <= limit_ms => Some(true),
        _ => None,
    };
    (value, met)
}

/// Returns how many of what was attempted fell into each failure, over all stages.
pub(crate) fn unreached(recorders: &[Recorder]) -> bool {
    let all: u64 = recorders.iter().map(|recorder| recorder.attempted).sum();
    let never: u64 = recorders
        .iter()
        .flat_map(|recorder| recorder.errors.iter())
        .filter(|(failure, _)| !failure.reached())
        .map(|(_, count)| *count)
        .sum();
    all > 0 && never == all
}

/// Maps stage names to their results.
pub(crate) type Stages = BTreeMap<String, StageResult>;

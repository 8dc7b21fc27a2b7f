//! SLOs, judged by what was counted.

use std::cmp::Ordering;

use crate::measure::{Histogram, min_samples};
use crate::metric::{Figure, LatencyMetric, Limit, ShareMetric, Stat};
use crate::record::{SloResult, StageResult, Tally};
use crate::stats::side_of;

/// Judges one SLO. For a latency, a failed request counts as above any limit: the percentile is
/// taken over the ok and the failed requests together, the failed ones at infinity. Where it is
/// null, the count above the limit decides.
pub(crate) fn judge(
    metric: &Figure,
    limit: Limit,
    result: &StageResult,
    tally: &Tally,
) -> SloResult {
    let simple = |value: Option<f64>| {
        let met = value.map(|value| limit.is_kept(value, metric.better()));
        Found {
            value,
            met,
            above: None,
        }
    };
    let found = match metric {
        Figure::Latency(latency, stat) => {
            let total = tally.distributions.get(latency).map(|it| &it.all);
            judge_latency(*stat, limit.value, total, result, *latency)
        }
        Figure::Share(ShareMetric::ErrorRate) => simple(result.error_rate),
        Figure::Share(ShareMetric::FallbackRate) => simple(result.fallback_rate),
        Figure::Share(ShareMetric::Attainment) => simple(result.attainment),
        Figure::Rate(rate) => simple(result.rate(*rate)),
        Figure::Other(_) => Found::default(),
    };
    SloResult {
        metric: metric.clone(),
        limit: limit.value,
        value: found.value,
        met: found.met,
        above: found.above,
    }
}

/// A limit on a percentile that has not the samples for it is judged by the share above the limit,
/// at this one-sided level.
const ALPHA: f64 = 0.05;

/// What became of a limit on a latency.
#[derive(Default)]
struct Found {
    value: Option<f64>,
    met: Option<bool>,
    above: Option<u64>,
}

fn judge_latency(
    stat: Stat,
    limit_ms: f64,
    total: Option<&Histogram>,
    result: &StageResult,
    metric: LatencyMetric,
) -> Found {
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
        let met = value.map(|value| value <= limit_ms && !beyond);
        return Found {
            value,
            met: met.or(beyond.then_some(false)),
            above: None,
        };
    };
    let counts = Ended {
        count: total.map_or(0, Histogram::count) + failed,
        above: total.map_or(0, |total| total.count_above_ms(limit_ms)) + failed,
        open: result.in_flight_at_end,
    };
    let (value, met) = by_percentile(quantile, limit_ms, total, &counts, failed);
    Found {
        value,
        met: met.or_else(|| counts.judge(quantile)),
        above: (counts.count > 0).then_some(counts.above),
    }
}

/// How many requests ended, how many of them above the limit or not at all well, and how many were
/// still open.
struct Ended {
    count: u64,
    above: u64,
    open: u64,
}

impl Ended {
    /// Judges "at most 1 − q are above" by the exact bounds of the share: kept and broken only
    /// where that holds whatever becomes of the open requests.
    fn judge(&self, quantile: f64) -> Option<bool> {
        let allowed = 1.0 - quantile;
        let planned = self.count + self.open;
        let fewest = side_of(self.above, planned, allowed, ALPHA);
        let most = side_of(self.above + self.open, planned, allowed, ALPHA);
        match (fewest, most) {
            (Some(Ordering::Greater), _) => Some(false),
            (_, Some(Ordering::Less)) => Some(true),
            _ => None,
        }
    }
}

/// Returns the percentile and whether it keeps the limit; null where it has not its samples, or
/// falls on a failed request, or where open requests could move it across the limit.
fn by_percentile(
    quantile: f64,
    limit_ms: f64,
    total: Option<&Histogram>,
    counts: &Ended,
    failed: u64,
) -> (Option<f64>, Option<bool>) {
    let ok = counts.count - failed;
    if counts.count < min_samples(quantile) {
        return (None, None);
    }
    let rank = (quantile * counts.count as f64).ceil() as u64;
    if rank > ok {
        // The percentile falls on a failed request.
        return (None, Some(false));
    }
    let Some(total) = total else {
        return (None, None);
    };
    let value = total.rank_ms(rank).map(|(_, high)| high);
    // What was in flight has an unknown end: it may have been late, but not early.
    let late_rank = (quantile * (counts.count + counts.open) as f64).ceil() as u64;
    let worst = if late_rank > ok {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Unit;
    use crate::record::Distribution;

    /// Judges `p95 ≤ 10 ms` where so many took 5 ms, so many 30 ms, and so many failed or were
    /// still open.
    fn p95(fast: u64, slow: u64, failed: u64, open: u64) -> (Option<bool>, Option<u64>) {
        let mut all = Histogram::default();
        (0..fast).for_each(|_| all.record_us(5_000));
        (0..slow).for_each(|_| all.record_us(30_000));
        let distribution = Distribution {
            all,
            intervals: Vec::new(),
        };
        let tally = Tally {
            distributions: [(LatencyMetric::ResponseTime, distribution)].into(),
            ..Tally::default()
        };
        let result = StageResult {
            failed,
            in_flight_at_end: open,
            ..StageResult::default()
        };
        let limit = Limit {
            value: 10.0,
            unit: Unit::Time,
        };
        let metric = Figure::Latency(LatencyMetric::ResponseTime, Stat::P95);
        let judged = judge(&metric, limit, &result, &tally);
        (judged.met, judged.above)
    }

    #[test]
    fn what_cannot_be_a_percentile_is_judged_by_its_count() {
        // verdicts G11: 60 of 60 and 15 of 15 above refute "at most 5 % are above" at any level.
        assert_eq!(p95(0, 60, 0, 0), (Some(false), Some(60)));
        assert_eq!(p95(0, 15, 0, 0), (Some(false), Some(15)));
        // Failed ones are above any limit, and enough fast ones show that it is kept.
        assert_eq!(p95(0, 0, 20, 0), (Some(false), Some(20)));
        assert_eq!(p95(59, 0, 0, 0), (Some(true), Some(0)));
        assert_eq!(p95(58, 0, 0, 0), (None, Some(0)));
        assert_eq!(p95(20, 1, 0, 0), (None, Some(1)));
        assert_eq!(p95(0, 0, 0, 0), (None, None));
    }

    #[test]
    fn what_was_still_open_may_have_been_above_or_not() {
        assert_eq!(p95(65, 0, 0, 3), (None, Some(0)));
        assert_eq!(p95(0, 15, 0, 10), (Some(false), Some(15)));
        assert_eq!(p95(0, 1, 0, 10), (None, Some(1)));
    }

    #[test]
    fn with_its_samples_the_percentile_itself_decides() {
        assert_eq!(p95(96, 4, 0, 0), (Some(true), Some(4)));
        assert_eq!(p95(94, 6, 0, 0), (Some(false), Some(6)));
        assert_eq!(p95(94, 0, 6, 0), (Some(false), Some(6)));
    }
}

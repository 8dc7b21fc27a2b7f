//! SLOs, judged by what was counted.

use crate::measure::{Histogram, min_samples};
use crate::metric::{Figure, LatencyMetric, Limit, RateMetric, ShareMetric, Stat};
use crate::record::{SloResult, StageResult, Tally};

/// Judges one SLO. For a latency, a failed request counts as above any limit: the percentile is taken over the ok
/// and the failed requests together, the failed ones at infinity.
pub(crate) fn judge(
    metric: &Figure,
    limit: Limit,
    result: &StageResult,
    tally: &Tally,
) -> SloResult {
    let simple = |value: Option<f64>| {
        let met = value.map(|value| limit.is_kept(value, metric.better()));
        (value, met)
    };
    let (value, met) = match metric {
        Figure::Latency(latency, stat) => {
            let total = tally.distributions.get(latency).map(|it| &it.all);
            judge_latency(*stat, limit.value, total, result, *latency)
        }
        Figure::Share(ShareMetric::ErrorRate) => simple(result.error_rate),
        Figure::Share(ShareMetric::FallbackRate) => simple(result.fallback_rate),
        Figure::Share(ShareMetric::Attainment) => simple(result.attainment),
        Figure::Rate(RateMetric::Offered) => simple(result.offered_rps),
        Figure::Rate(RateMetric::Achieved) => simple(Some(result.achieved_rps)),
        Figure::Rate(RateMetric::Goodput) => simple(Some(result.goodput_rps)),
        Figure::Other(_) => (None, None),
    };
    SloResult {
        metric: metric.clone(),
        limit: limit.value,
        value,
        met,
    }
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
    if count + failed < min_samples(quantile) {
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

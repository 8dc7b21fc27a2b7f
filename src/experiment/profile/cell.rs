//! One stage's figures under one condition.

use std::collections::BTreeMap;

use crate::measure::{Histogram, min_samples};
use crate::metric::LatencyMetric;
use crate::record::{Estimate, Level, MetricSummary, Place, ProfileCell, StageResult, Tails};
use crate::stats::{CONFIDENCE, quantile_interval};

/// Condenses what a load found.
pub(super) fn cells(
    place: Place,
    load: Level,
    stages: &BTreeMap<String, StageResult>,
) -> Vec<ProfileCell> {
    let cell = |(stage, result): (&String, &StageResult)| {
        let metric = result.metrics.get(&LatencyMetric::ResponseTime);
        ProfileCell {
            stage: stage.clone(),
            place,
            load,
            count: result.ok,
            failed: result.failed,
            mean: metric.and_then(|metric| metric.mean),
            p50: metric.and_then(|metric| estimate(metric, 0.5)),
            p95: metric.and_then(|metric| estimate(metric, 0.95)),
            spread: metric.and_then(|metric| spread(metric.histogram.as_ref()?)),
        }
    };
    stages.iter().map(cell).collect()
}

pub(super) fn spread(all: &Histogram) -> Option<Tails> {
    let median = all.quantile_ms(0.5)?;
    Some(Tails {
        below: median - all.quantile_ms(0.05)?,
        above: all.quantile_ms(0.95)? - median,
    })
}

/// Returns a percentile with its interval, by [`quantile_interval`]; `None` with fewer samples than
/// the percentile needs.
fn estimate(metric: &MetricSummary, quantile: f64) -> Option<Estimate> {
    if metric.count < min_samples(quantile) {
        return None;
    }
    let whole = metric.histogram.as_ref()?;
    let intervals: Vec<Histogram> = metric.unpacked();
    let found = quantile_interval(whole, &intervals, quantile, CONFIDENCE)?;
    Some(Estimate {
        value: found.value,
        low: found.low,
        high: found.high,
        too_short: found.too_short,
    })
}

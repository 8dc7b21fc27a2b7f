//! How response times are spread: a small histogram per stage.

use std::collections::BTreeMap;

use super::super::block::Block;
use super::super::chart::{Chart, Spread};
use crate::measure::Histogram;
use crate::metric::LatencyMetric;
use crate::record::{MetricSummary, StageResult};

/// Columns of a drawing: fine enough to show two humps, and there is room for it at 80 columns.
const BUCKETS: usize = 32;

/// Returns a drawing per stage; nothing where the record holds no histograms.
pub(super) fn block(stages: &BTreeMap<String, StageResult>) -> Option<Block> {
    let spreads = stages.iter().filter_map(|(name, stage)| {
        let metric = stage.metrics.get(&LatencyMetric::ResponseTime)?;
        let (low_ms, counts, high_ms) = spread(&histogram(metric)?)?;
        Some(Spread {
            name: name.clone(),
            low_ms,
            counts,
            high_ms,
        })
    });
    let spreads: Vec<Spread> = spreads.collect();
    (!spreads.is_empty()).then_some(Block::Chart(Chart::Spreads(spreads)))
}

/// Takes the whole histogram, or the sum of the intervals'.
fn histogram(metric: &MetricSummary) -> Option<Histogram> {
    if let Some(whole) = &metric.histogram {
        return Some(whole.clone());
    }
    let mut whole = Histogram::default();
    for interval in metric.unpacked() {
        whole.merge(&interval);
    }
    (!whole.is_empty()).then_some(whole)
}

/// Counts the values in buckets of equal width on a logarithmic scale between the smallest and the
/// largest.
fn spread(histogram: &Histogram) -> Option<(f64, Vec<u64>, f64)> {
    // The histogram counts in µs.
    let low = histogram.min_ms()?.max(1e-3);
    let high = histogram.max_ms()?.max(low);
    if high - low < 2e-3 {
        return None;
    }
    let step = (high / low).ln() / BUCKETS as f64;
    let mut above: u64 = histogram.count();
    let mut counts = Vec::with_capacity(BUCKETS);
    for bucket in 1..=BUCKETS {
        let rest = match bucket {
            BUCKETS => 0,
            bucket => histogram
                .count_above_ms(low * (step * bucket as f64).exp())
                .min(above),
        };
        counts.push(above - rest);
        above = rest;
    }
    Some((low, counts, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_one_bucket() {
        let mut histogram = Histogram::default();
        for us in (1_000..=2_000).chain([50_000; 10]) {
            histogram.record_us(us);
        }
        let (low, counts, high) = spread(&histogram).unwrap();
        assert_eq!(counts.iter().sum::<u64>(), 1011);
        assert_eq!(counts[BUCKETS - 1], 10);
        assert!((low - 1.0).abs() < 1e-9 && (high - 50.0).abs() < 0.1);
    }

    #[test]
    fn one_value_alone_has_no_spread() {
        let mut histogram = Histogram::default();
        histogram.record_us(5);
        assert_eq!(spread(&histogram), None);
        assert_eq!(spread(&Histogram::default()), None);
    }
}

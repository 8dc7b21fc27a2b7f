//! What the generators of several processes spent together.

use super::summarise::Stages;
use crate::measure::Histogram;
use crate::metric::LatencyMetric;
use crate::record::{Generator, RunRecord, Spread};

/// Puts together what the generators spent; the lag is that of all shards.
pub(crate) fn merge_generators(shards: &[&RunRecord], stages: &Stages) -> Option<Generator> {
    let mut lag = Histogram::default();
    for stage in stages.values() {
        if let Some(metric) = stage.metrics.get(&LatencyMetric::ScheduleLag)
            && let Some(more) = &metric.histogram
        {
            lag.merge(more);
        }
    }
    let generators: Vec<&Generator> = shards
        .iter()
        .filter_map(|shard| shard.generator.as_ref())
        .collect();
    let first = generators.first()?;
    Some(Generator {
        schedule_lag_ms: first.schedule_lag_ms.map(|_| Spread::of(&lag)),
        // Its histograms are not stored: the worst shard speaks for all.
        receive_lag_ms: generators
            .iter()
            .filter_map(|it| it.receive_lag_ms)
            .max_by(|a, b| a.p99.unwrap_or(0.0).total_cmp(&b.p99.unwrap_or(0.0))),
        not_sent: generators.iter().map(|it| it.not_sent).sum(),
        cpu_s: generators.iter().map(|it| it.cpu_s).sum(),
        peak_rss_mb: generators
            .iter()
            .map(|it| it.peak_rss_mb)
            .fold(0.0, f64::max),
        // Each machine has its own.
        calibration: None,
    })
}

//! A queue that grows: what cannot keep up breaks every latency in the end, however short the probe.

use crate::load::LoadResult;
use crate::metric::{Figure, LatencyMetric};
use crate::record::{GaveWay, MetricSummary, StageResult};
use crate::stats::slope;

/// Growth of the median response time, in ms each second, from which on a stage is sent more than it can do. A stage that is sent
/// ρ > 1 times what it can do grows by 1000 (ρ − 1)/ρ ms each second, for ever, and one that keeps up does not grow: 2.5 % too much.
const GROWTH: f64 = 25.0;
/// Over the probe it must have grown by this share of its median, or it may be chance.
const GROWN: f64 = 0.2;

/// Finds the target whose response time grows fastest, where one grows as it does when it is sent more than it can do.
pub(super) fn growing(result: &LoadResult) -> Option<GaveWay> {
    let of = |(stage, it): (&String, &StageResult)| {
        let metric = it.metrics.get(&LatencyMetric::ResponseTime)?;
        let value = growth(metric, result.duration_s)?;
        let grown = value * result.duration_s > GROWN * metric.p50.unwrap_or(0.0);
        (value > GROWTH && grown).then(|| GaveWay {
            stage: stage.clone(),
            owner: it.owner.clone(),
            metric: Figure::Other("backlog".to_owned()),
            limit: GROWTH,
            value: Some(value),
        })
    };
    let value = |it: &GaveWay| it.value.unwrap_or(0.0);
    let found = result.stages.iter().filter_map(of);
    found.max_by(|a, b| value(a).total_cmp(&value(b)))
}

/// Returns by how many ms the median grows each second, over the intervals that end within so many seconds; `None`
/// with fewer than two.
fn growth(metric: &MetricSummary, within_s: f64) -> Option<f64> {
    let intervals = metric.intervals.iter();
    let whole = intervals.filter(|interval| interval.end_s <= within_s + 1e-9);
    let medians = whole.filter_map(|interval| {
        let middle = f64::midpoint(interval.start_s, interval.end_s);
        Some((middle, interval.histogram.unpack().quantile_ms(0.5)?))
    });
    slope(&medians.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::testing::result;
    use crate::measure::Histogram;
    use crate::record::IntervalRecord;

    /// A stage whose median in each second is that, in ms; the overall median is that of the first.
    fn stage(medians: impl IntoIterator<Item = f64>) -> StageResult {
        let interval = |(second, ms): (usize, f64)| {
            let mut histogram = Histogram::default();
            histogram.record_us((ms * 1e3) as u64);
            IntervalRecord {
                start_s: second as f64,
                end_s: second as f64 + 1.0,
                histogram: histogram.pack(),
            }
        };
        let metric = MetricSummary {
            p50: Some(100.0),
            intervals: medians.into_iter().enumerate().map(interval).collect(),
            ..MetricSummary::default()
        };
        StageResult {
            metrics: [(LatencyMetric::ResponseTime, metric)].into(),
            ..StageResult::default()
        }
    }

    #[test]
    fn a_queue_that_grows_is_found_and_the_one_that_grows_most() {
        // Sent 5 % more than it can do, a queue grows by 47.6 ms each second.
        let queue = |by: f64| stage((0..5).map(|second| 100.0 + by * f64::from(second)));
        let found = growing(&result([("a", queue(47.6)), ("b", queue(90.0))])).unwrap();
        assert_eq!(
            (found.stage.as_str(), found.metric.to_string().as_str()),
            ("b", "backlog")
        );
        assert!((found.value.unwrap() - 90.0).abs() < 1.0, "{found:?}");
        // 2 % too much is within the noise of a probe.
        assert_eq!(growing(&result([("a", queue(19.6))])), None);
    }

    #[test]
    fn what_keeps_up_or_is_too_short_does_not_grow() {
        for steady in [
            stage([101.0, 99.0, 101.0, 99.0, 100.0]),
            stage([100.0]),
            stage([]),
            // The last interval ended after the probe: it holds what was waited for.
            stage([100.0, 100.0, 100.0, 100.0, 100.0, 900.0]),
        ] {
            assert_eq!(growing(&result([("a", steady)])), None);
        }
    }

    #[test]
    fn a_slow_stage_must_grow_by_a_share_of_its_time() {
        let mut slow = stage((0..5).map(|second| 5000.0 + 30.0 * f64::from(second)));
        let metric = slow.metrics.get_mut(&LatencyMetric::ResponseTime).unwrap();
        metric.p50 = Some(5060.0);
        assert_eq!(growing(&result([("a", slow)])), None);
    }
}

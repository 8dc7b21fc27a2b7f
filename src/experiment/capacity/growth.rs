//! A queue that grows: what cannot keep up breaks every latency in the end, however short the
//! probe.

use crate::load::LoadResult;
use crate::metric::{Figure, LatencyMetric};
use crate::record::{GaveWay, MetricSummary, StageResult};
use crate::stats::{line, student_t_quantile};

/// Growth of the typical response time, in ms each second, from which on a stage is sent more than
/// it can do. A stage that is sent ρ > 1 times what it can do grows by 1000 (ρ − 1)/ρ ms each
/// second, for ever, and one that keeps up does not grow: 2.5 % too much.
const GROWTH: f64 = 25.0;
/// Over the probe it must have grown by this share of its median, or it may be chance.
const GROWN: f64 = 0.2;
/// How sure the slope must be: the chance that a level series shows it.
const CHANCE: f64 = 0.001;
/// A probe must last so many times as long as an answer takes, or it saw only how the stage fills.
const LASTS: f64 = 5.0;

/// Finds the target whose response time grows fastest, where one grows as it does when it is sent
/// more than it can do.
pub(super) fn growing(result: &LoadResult) -> Option<GaveWay> {
    let of = |(stage, it): (&String, &StageResult)| {
        let metric = it.metrics.get(&LatencyMetric::ResponseTime)?;
        let value = growth(it, metric, result.duration_s)?;
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

/// Returns for how long a probe must last before a growth can be told from a stage that fills, in
/// s.
pub(super) fn must_last(result: &LoadResult) -> f64 {
    let of = |it: &StageResult| {
        let metric = it.metrics.get(&LatencyMetric::ResponseTime)?;
        let slope = line(&levels(it, result.duration_s)).map_or(0.0, |it| it.slope.max(0.0));
        Some(LASTS * without_growth(metric, slope * result.duration_s)? / 1e3)
    };
    result.stages.values().filter_map(of).fold(0.0, f64::max)
}

/// Returns by how many ms the response time grows each second, over the requests that were due in
/// each second: by the seconds in which answers ended, the first would hold fast answers only, and
/// every slow stage would seem to grow. `None` where that is not shown.
fn growth(stage: &StageResult, metric: &MetricSummary, length_s: f64) -> Option<f64> {
    let levels = levels(stage, length_s);
    let found = line(&levels)?;
    let sure = student_t_quantile(1.0 - CHANCE, (levels.len() as f64 - 2.0).max(1.0));
    let base = without_growth(metric, found.slope * length_s)?.max(found.at_zero);
    let lasts = length_s * 1e3 >= LASTS * base;
    (lasts && found.slope > sure * found.error).then_some(found.slope)
}

/// Returns the 95th percentile of the response time less what it grew by, in ms.
fn without_growth(metric: &MetricSummary, grown: f64) -> Option<f64> {
    let histogram = metric.histogram.as_ref();
    let p95 = metric.p95.or_else(|| histogram?.quantile_ms(0.95));
    Some((p95.or(metric.p50)? - grown).max(0.0))
}

/// Returns the (middle in s, geometric mean in ms) of the response times of what was due in each
/// whole second.
fn levels(stage: &StageResult, length_s: f64) -> Vec<(f64, f64)> {
    let levels = stage.tally.iter().flat_map(|it| &it.levels).enumerate();
    levels
        .filter(|(second, it)| it.count > 0 && (*second as f64) + 1.0 <= length_s + 1e-9)
        .map(|(second, it)| {
            let ln = it.nano_ln as f64 / 1e9 / it.count as f64;
            (second as f64 + 0.5, ln.exp())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::testing::result;
    use crate::record::{ResponseLevel, TallyRecord};

    /// A stage whose typical response time in each second is that, in ms; the overall median is
    /// 100.
    fn stage(levels: impl IntoIterator<Item = f64>) -> StageResult {
        let level = |ms: f64| ResponseLevel {
            nano_ln: (30e9 * ms.ln()) as i64,
            count: 30,
        };
        let metric = MetricSummary {
            p50: Some(100.0),
            ..MetricSummary::default()
        };
        StageResult {
            metrics: [(LatencyMetric::ResponseTime, metric)].into(),
            tally: Some(TallyRecord {
                levels: levels.into_iter().map(level).collect(),
                ..TallyRecord::default()
            }),
            ..StageResult::default()
        }
    }

    /// Finding 3: a probe of 5 s says nothing about a stage whose answers take 2 s, and a slope
    /// that chance would show is none.
    #[test]
    fn a_stage_that_fills_or_wobbles_does_not_grow() {
        let mut slow = stage([900.0, 1400.0, 1900.0, 2400.0, 2900.0]);
        let metric = slow.metrics.get_mut(&LatencyMetric::ResponseTime).unwrap();
        (metric.p50, metric.p95) = (Some(2000.0), Some(4500.0));
        let slow = result([("a", slow)]);
        assert_eq!(growing(&slow), None);
        assert!((must_last(&slow) - 10.0).abs() < 0.1);
        let wobbles = stage([100.0, 420.0, 130.0, 500.0, 330.0]);
        assert_eq!(growing(&result([("a", wobbles)])), None);
        // Twice what it can do: what it grew by is not how long an answer takes.
        let mut flooded = stage((0..5).map(|second| 100.0 + 500.0 * f64::from(second)));
        let metric = flooded
            .metrics
            .get_mut(&LatencyMetric::ResponseTime)
            .unwrap();
        (metric.p50, metric.p95) = (Some(1300.0), Some(2450.0));
        assert!(growing(&result([("a", flooded)])).is_some());
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

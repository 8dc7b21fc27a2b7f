//! Steady state, found and not assumed: from when on a stage's response time no longer changed.

use std::collections::BTreeMap;

use crate::load::tally::summarise::{Total, summary};
use crate::measure::Histogram;
use crate::metric::LatencyMetric;
use crate::record::SteadyResult;
use crate::stats::{Steady, steady};

/// Changes by less than this are no matter: 2 %.
const LEAST_CHANGE: f64 = 0.02;

/// Finds out where a stage settled, by the mean logarithm of its response time over the requests that were due in each second, and
/// summarises each metric from there on. `None` where there are too few seconds to tell.
pub(crate) fn steady_state(
    levels: &[(f64, u64)],
    totals: &BTreeMap<LatencyMetric, &Total>,
    open: u64,
) -> Option<SteadyResult> {
    let seconds = levels
        .iter()
        .enumerate()
        .filter(|(_, (_, count))| *count > 0);
    let (starts, means): (Vec<usize>, Vec<f64>) = seconds
        .map(|(second, (sum, count))| (second, sum / *count as f64))
        .unzip();
    Some(match steady(&means, LEAST_CHANGE)? {
        Steady::Never => SteadyResult {
            reached: false,
            cut_s: levels.len() as f64,
            metrics: BTreeMap::new(),
        },
        Steady::From(number) => {
            let cut_s = if number == 0 {
                0.0
            } else {
                starts[number] as f64
            };
            let metrics = totals.iter().map(|(name, total)| {
                let metric = summary(&without(total, cut_s), open);
                (*name, metric.without_histograms())
            });
            SteadyResult {
                reached: true,
                cut_s,
                metrics: metrics.collect(),
            }
        }
    })
}

/// Returns what is left of a metric without what was complete in its first seconds.
fn without(total: &Total, cut_s: f64) -> Total {
    let mut all = Histogram::default();
    for (start, _, packed) in &total.intervals {
        if *start + 1e-9 >= cut_s {
            all.merge(&packed.unpack());
        }
    }
    Total {
        all,
        intervals: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A metric whose values in each second are those, in ms.
    fn total(seconds: &[u64]) -> Total {
        let mut total = Total::default();
        for (second, ms) in seconds.iter().enumerate() {
            let mut one = Histogram::default();
            (0..40).for_each(|wobble| one.record_us(ms * 1000 + wobble));
            total.all.merge(&one);
            total.add(second as f64, second as f64 + 1.0, one.pack());
        }
        total
    }

    /// The levels of such values.
    fn levels(seconds: &[u64]) -> Vec<(f64, u64)> {
        let level = |ms: &u64| (40.0 * (*ms as f64).ln(), 40);
        seconds.iter().map(level).collect()
    }

    #[test]
    fn what_was_cut_is_in_no_figure_of_the_steady_state() {
        let mut seconds = vec![90, 60, 40];
        seconds.extend([20; 17]);
        let total = total(&seconds);
        let totals = BTreeMap::from([(LatencyMetric::ResponseTime, &total)]);
        let found = steady_state(&levels(&seconds), &totals, 0).unwrap();
        assert_eq!((found.reached, found.cut_s), (true, 3.0));
        let metric = &found.metrics[&LatencyMetric::ResponseTime];
        assert_eq!(metric.count, 17 * 40);
        assert!(metric.max.unwrap() < 21.0);
        assert_eq!(metric.histogram, None);
        assert_eq!(steady_state(&levels(&seconds[..9]), &totals, 0), None);
    }

    #[test]
    fn a_stage_that_slows_down_all_the_time_is_not_steady() {
        let seconds: Vec<u64> = (0..20).map(|second| 20 + 5 * second).collect();
        let total = total(&seconds);
        let totals = BTreeMap::from([(LatencyMetric::ResponseTime, &total)]);
        let found = steady_state(&levels(&seconds), &totals, 0).unwrap();
        assert!(!found.reached && found.metrics.is_empty());
    }
}

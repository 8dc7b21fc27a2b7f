//! Steady state, found and not assumed: from when on a stage's response time no longer changed.

use std::collections::BTreeMap;

use super::result::{Total, summary};
use crate::manifest::LatencyMetric;
use crate::measure::Histogram;
use crate::stats::{Steady, steady};
use crate::store::SteadyResult;

/// Changes of the median by less than this are no matter: 2 %.
const LEAST_CHANGE: f64 = 0.02;

/// Finds out where a stage settled, by the medians of its response time in each interval of the measured phase, and summarises
/// each metric from there on. `None` where there are too few intervals to tell.
pub(super) fn settled(
    totals: &BTreeMap<&str, &Total>,
    duration_s: f64,
    open: u64,
) -> Option<SteadyResult> {
    let times = totals.get(LatencyMetric::ResponseTime.key())?;
    let mut starts = Vec::new();
    let mut medians = Vec::new();
    for (start, end, packed) in &times.intervals {
        // What the drain after the last arrival brings is no part of the load.
        if *end <= duration_s + 1e-9
            && let Some(median) = packed.unpack().quantile_ms(0.5)
        {
            starts.push(*start);
            medians.push(median.max(1e-3).ln());
        }
    }
    Some(match steady(&medians, LEAST_CHANGE)? {
        Steady::Never => SteadyResult {
            reached: false,
            cut_s: duration_s,
            metrics: BTreeMap::new(),
        },
        Steady::From(number) => {
            let cut_s = if number == 0 { 0.0 } else { starts[number] };
            let metrics = totals.iter().map(|(name, total)| {
                let metric = summary(&without(total, cut_s), open);
                ((*name).to_owned(), metric.without_histograms())
            });
            SteadyResult {
                reached: true,
                cut_s,
                metrics: metrics.collect(),
            }
        }
    })
}

/// Returns what is left of a metric without its first seconds.
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

    #[test]
    fn what_was_cut_is_in_no_figure_of_the_steady_state() {
        let mut seconds = vec![90, 60, 40];
        seconds.extend([20; 17]);
        let total = total(&seconds);
        let totals = BTreeMap::from([("response_time", &total)]);
        let found = settled(&totals, 20.0, 0).unwrap();
        assert_eq!((found.reached, found.cut_s), (true, 3.0));
        let metric = &found.metrics["response_time"];
        assert_eq!(metric.count, 17 * 40);
        assert!(metric.max.unwrap() < 21.0);
        assert_eq!(metric.histogram, None);
        // The last answers came after the end of the load, which says nothing about it.
        assert_eq!(settled(&totals, 9.0, 0), None);
    }

    #[test]
    fn a_stage_that_slows_down_all_the_time_is_not_steady() {
        let seconds: Vec<u64> = (0..20).map(|second| 20 + 5 * second).collect();
        let total = total(&seconds);
        let totals = BTreeMap::from([("response_time", &total)]);
        let found = settled(&totals, 20.0, 0).unwrap();
        assert!(!found.reached && found.metrics.is_empty());
    }
}

//! Steady state, found and not assumed: from when on a stage's response time no longer changed.

use std::collections::BTreeMap;

use crate::record::{ResponseLevel, SteadyResult, Tally};
use crate::stats::{Steady, steady};

/// Changes by less than this are no matter: 2 %.
const LEAST_CHANGE: f64 = 0.02;

/// Finds out where a stage settled, by the mean logarithm of its response time over the requests
/// that were due in each second, and summarises each metric from there on. `None` where there are
/// too few seconds to tell.
pub(super) fn steady_state(tally: &Tally) -> Option<SteadyResult> {
    let seconds = tally.levels.iter().enumerate();
    let seconds = seconds.filter(|(_, level)| level.count > 0);
    let mean = |level: &ResponseLevel| level.nano_ln as f64 / 1e9 / level.count as f64;
    let (starts, means): (Vec<usize>, Vec<f64>) =
        seconds.map(|(second, level)| (second, mean(level))).unzip();
    Some(match steady(&means, LEAST_CHANGE)? {
        Steady::Never => SteadyResult {
            reached: false,
            cut_s: tally.levels.len() as f64,
            metrics: BTreeMap::new(),
        },
        Steady::From(number) => {
            let cut_s = if number == 0 {
                0.0
            } else {
                starts[number] as f64
            };
            let open = tally.counts.in_flight_at_end;
            let metrics = tally.distributions.iter().map(|(metric, distribution)| {
                let rest = distribution.since(cut_s);
                (*metric, rest.summary(open).without_histograms())
            });
            SteadyResult {
                reached: true,
                cut_s,
                metrics: metrics.collect(),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::measure::Histogram;
    use crate::metric::LatencyMetric;
    use crate::record::{Distribution, IntervalRecord};

    /// A stage whose response times in each second are those, in ms.
    fn tally(seconds: &[u64]) -> Tally {
        let mut found = Distribution::default();
        for (second, ms) in seconds.iter().enumerate() {
            let mut one = Histogram::default();
            (0..40).for_each(|wobble| one.record_us(ms * 1000 + wobble));
            let interval = IntervalRecord {
                start_s: second as f64,
                end_s: second as f64 + 1.0,
                histogram: one.pack(),
            };
            found += Distribution {
                all: one,
                intervals: vec![interval],
            };
        }
        let level = |ms: &u64| ResponseLevel {
            nano_ln: (40e9 * (*ms as f64).ln()) as i64,
            count: 40,
        };
        Tally {
            levels: seconds.iter().map(level).collect(),
            distributions: [(LatencyMetric::ResponseTime, found)].into(),
            ..Tally::default()
        }
    }

    #[test]
    fn what_was_cut_is_in_no_figure_of_the_steady_state() {
        let mut seconds = vec![90, 60, 40];
        seconds.extend([20; 17]);
        let found = steady_state(&tally(&seconds)).unwrap();
        assert_eq!((found.reached, found.cut_s), (true, 3.0));
        let metric = &found.metrics[&LatencyMetric::ResponseTime];
        assert_eq!(metric.count, 17 * 40);
        assert!(metric.max.unwrap() < 21.0);
        assert_eq!(metric.histogram, None);
        assert_eq!(steady_state(&tally(&seconds[..9])), None);
    }

    #[test]
    fn a_stage_that_slows_down_all_the_time_is_not_steady() {
        let seconds: Vec<u64> = (0..20).map(|second| 20 + 5 * second).collect();
        let found = steady_state(&tally(&seconds)).unwrap();
        assert!(!found.reached && found.metrics.is_empty());
    }
}

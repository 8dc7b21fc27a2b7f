//! The distribution of one latency: all of it, and by intervals of the run.

use std::ops::AddAssign;

use super::latency::{IntervalRecord, MetricSummary};
use crate::measure::{Histogram, Packed};
use crate::metric::Stat;

/// All values of one latency, and by intervals.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Distribution {
    pub(crate) all: Histogram,
    /// In the order of their starts; intervals in which nothing ended are left out.
    pub(crate) intervals: Vec<IntervalRecord>,
}

impl Distribution {
    /// Returns the distribution of a summary; `None` where it was stored without one.
    pub(crate) fn of(summary: &MetricSummary) -> Option<Self> {
        Some(Self {
            all: summary.histogram.clone()?,
            intervals: summary.intervals.clone(),
        })
    }

    /// Returns it as of a run that began so many seconds later.
    pub(super) fn later(mut self, seconds: f64) -> Self {
        for interval in &mut self.intervals {
            interval.start_s += seconds;
            interval.end_s += seconds;
        }
        self
    }

    /// Adds what was recorded in an interval; all intervals are of one length.
    fn add(&mut self, interval: IntervalRecord) {
        let place = self
            .intervals
            .binary_search_by(|known| known.start_s.total_cmp(&interval.start_s));
        match place {
            Ok(at) => {
                let known = &mut self.intervals[at];
                known.histogram = sum(&known.histogram, &interval.histogram);
                known.end_s = known.end_s.max(interval.end_s);
            }
            Err(at) => self.intervals.insert(at, interval),
        }
    }

    /// Summarises it; `open` requests were still in flight at the end, and may move its
    /// percentiles.
    pub(crate) fn summary(&self, open: u64) -> MetricSummary {
        let all = &self.all;
        let percentile = |stat: Stat| all.percentile_ms(stat.quantile()?, open);
        MetricSummary {
            unit: "ms".to_owned(),
            count: all.count(),
            mean: all.mean_ms(),
            min: all.min_ms(),
            max: all.max_ms(),
            p50: percentile(Stat::P50),
            p90: percentile(Stat::P90),
            p95: percentile(Stat::P95),
            p99: percentile(Stat::P99),
            p999: percentile(Stat::P999),
            histogram: Some(all.clone()),
            intervals: self.intervals.clone(),
        }
    }

    /// Returns what is left without the intervals that begin before that second.
    pub(crate) fn since(&self, second: f64) -> Self {
        let mut all = Histogram::default();
        for interval in &self.intervals {
            if interval.start_s + 1e-9 >= second {
                all.merge(&interval.histogram.unpack());
            }
        }
        Self {
            all,
            intervals: Vec::new(),
        }
    }
}

impl AddAssign for Distribution {
    fn add_assign(&mut self, other: Self) {
        self.all.merge(&other.all);
        for interval in other.intervals {
            self.add(interval);
        }
    }
}

fn sum(one: &Packed, other: &Packed) -> Packed {
    let mut both = one.unpack();
    both.merge(&other.unpack());
    both.pack()
}

//! What was counted of one stage. Tallies add up without loss, in any order: those of threads, of
//! shards, of rounds.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use super::counts::{Counts, ResponseLevel};
use super::distribution::Distribution;
use super::latency::MetricSummary;
use super::stage::StageResult;
use crate::metric::LatencyMetric;

/// What was counted of one stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    /// Failed requests by kind.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Ok answers by why their model stopped.
    pub(crate) finish_reasons: BTreeMap<String, u64>,
    /// The end of the last ok answer, in ns since t = 0.
    pub(crate) last_end_ns: u64,
    /// When the last request was due, in ns since t = 0, where the run ended by a number of
    /// requests of an open loop; else 0.
    pub(crate) last_due_ns: u64,
    /// By the interval in which requests were due.
    pub(crate) levels: Vec<ResponseLevel>,
    pub(crate) distributions: BTreeMap<LatencyMetric, Distribution>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self {
            counts,
            errors,
            finish_reasons,
            last_end_ns,
            last_due_ns,
            levels,
            distributions,
        } = other;
        self.counts += counts;
        for (kind, count) in errors {
            *self.errors.entry(kind).or_default() += count;
        }
        for (reason, count) in finish_reasons {
            *self.finish_reasons.entry(reason).or_default() += count;
        }
        self.last_end_ns = self.last_end_ns.max(last_end_ns);
        self.last_due_ns = self.last_due_ns.max(last_due_ns);
        if self.levels.len() < levels.len() {
            self.levels.resize(levels.len(), ResponseLevel::default());
        }
        for (own, more) in self.levels.iter_mut().zip(levels) {
            *own += more;
        }
        for (metric, more) in distributions {
            *self.distributions.entry(metric).or_default() += more;
        }
    }
}

/// Why stored stages cannot be added up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTally {
    #[error("{0} has no histogram: export the run with `runs export`")]
    NoHistogram(LatencyMetric),
    #[error("it was written by a version that did not keep its counts (format 1.0): measure again")]
    NoCounts,
}

impl Tally {
    /// Returns it as of a run that began so many whole seconds later: rounds are measured one after
    /// another. When requests were due, and how the response time went, is told of each round
    /// alone.
    pub(crate) fn later(self, seconds: f64) -> Self {
        let shifted = |(metric, it): (LatencyMetric, Distribution)| (metric, it.later(seconds));
        let ns = (seconds * 1e9) as u64;
        Self {
            last_end_ns: self.last_end_ns.saturating_add(ns),
            last_due_ns: 0,
            levels: Vec::new(),
            distributions: self.distributions.into_iter().map(shifted).collect(),
            ..self
        }
    }

    /// Returns the tally of a stored stage.
    pub(crate) fn of(stage: &StageResult) -> Result<Self, NoTally> {
        let record = stage.tally.as_ref().ok_or(NoTally::NoCounts)?;
        let distribution = |(metric, summary): (&LatencyMetric, &MetricSummary)| {
            let found = Distribution::of(summary).ok_or(NoTally::NoHistogram(*metric))?;
            Ok((*metric, found))
        };
        let distributions = stage.metrics.iter().map(distribution);
        Ok(Self {
            counts: record.counts,
            errors: stage.errors.clone(),
            finish_reasons: stage.finish_reasons.clone(),
            last_end_ns: record.last_end_ns,
            last_due_ns: record.last_due_ns,
            levels: record.levels.clone(),
            distributions: distributions.collect::<Result<_, _>>()?,
        })
    }
}

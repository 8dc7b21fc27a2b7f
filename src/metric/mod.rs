//! Layer 1: what is measured. A metric is one typed value with its unit, its direction, and its
//! meaning; it is a text only in documents and where the user writes it.

mod expectation;
mod figure;
mod latency;
mod limit;
mod name;
mod rate;
mod share;
mod statistic;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
mod unit;

pub(crate) use expectation::Expectation;
pub(crate) use figure::Figure;
pub(crate) use latency::LatencyMetric;
pub(crate) use limit::{Limit, Written};
pub(crate) use name::{EvalPart, Metric};
pub(crate) use rate::RateMetric;
pub(crate) use share::ShareMetric;
pub(crate) use statistic::Stat;
pub(crate) use unit::{Better, Unit};

/// Why a text is not a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrongMetric {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

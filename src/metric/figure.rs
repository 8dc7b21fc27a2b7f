//! A number of one stage under load: what an SLO limits, and the end of a rule's metric.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::WrongMetric;
use super::latency::LatencyMetric;
use super::rate::RateMetric;
use super::share::ShareMetric;
use super::statistic::Stat;
use super::unit::{Better, Unit};
use crate::registry::suggest;

/// A number of a stage under load.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Figure {
    Latency(LatencyMetric, Stat),
    Share(ShareMetric),
    Rate(RateMetric),
    /// A number that another version or program wrote and that is not known here, as it was
    /// written.
    Other(String),
}

impl Figure {
    /// Takes a dotted name apart, for instance `response_time.p95`.
    pub(crate) fn parse(text: &str) -> Result<Self, WrongMetric> {
        let (name, stat) = match text.split_once('.') {
            Some((name, stat)) => (name, Some(stat)),
            None => (text, None),
        };
        let share = ShareMetric::ALL.into_iter().find(|it| it.key() == name);
        let rate = RateMetric::ALL.into_iter().find(|it| it.key() == name);
        match (LatencyMetric::of(name), share, rate, stat) {
            (Some(metric), _, _, Some(stat)) => match Stat::of(stat) {
                Some(stat) => Ok(Self::Latency(metric, stat)),
                None => Err(WrongMetric {
                    message: "there is no such statistic".to_owned(),
                    help: suggest(stat, &Stat::ALL.map(Stat::key)),
                }),
            },
            (Some(_), _, _, None) => Err(WrongMetric {
                message: "it must say which statistic".to_owned(),
                help: Some(format!("Write it like `{name}.p95`.")),
            }),
            (None, Some(share), _, None) => Ok(Self::Share(share)),
            (None, _, Some(rate), None) => Ok(Self::Rate(rate)),
            _ => Err(WrongMetric {
                message: "there is no such metric".to_owned(),
                help: suggest(name, &Self::keys()),
            }),
        }
    }

    /// Returns the names of all figures, without their statistics.
    pub(crate) fn keys() -> Vec<&'static str> {
        let latencies = LatencyMetric::ALL.map(LatencyMetric::key);
        let shares = ShareMetric::ALL.map(ShareMetric::key);
        let rates = RateMetric::ALL.map(RateMetric::key);
        [&latencies[..], &shares, &rates].concat()
    }

    /// Returns what its values are written in.
    pub(crate) const fn unit(&self) -> Unit {
        match self {
            Self::Latency(..) => Unit::Time,
            Self::Share(_) => Unit::Share,
            Self::Rate(_) => Unit::Rate,
            Self::Other(_) => Unit::Number,
        }
    }

    /// Returns which values are better.
    pub(crate) fn better(&self) -> Better {
        match self {
            Self::Latency(metric, _) => metric.row().better,
            Self::Share(metric) => metric.row().better,
            Self::Rate(metric) => metric.row().better,
            Self::Other(_) => Better::Neither,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(metric, stat) => write!(f, "{}.{}", metric.key(), stat.key()),
            Self::Share(metric) => f.write_str(metric.key()),
            Self::Rate(metric) => f.write_str(metric.key()),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self::parse(&text).unwrap_or(Self::Other(text)))
    }
}

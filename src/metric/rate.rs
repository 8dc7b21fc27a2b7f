//! Requests of a stage per second.

use super::unit::{Better, Row, row};

/// How many requests a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RateMetric {
    Offered,
    Achieved,
    Goodput,
    GoodTokens,
}

static TABLE: [Row<RateMetric>; 4] = [
    Row {
        metric: RateMetric::Offered,
        key: "offered_rps",
        better: Better::Neither,
        meaning: "requests that were due a second; null in a closed loop",
    },
    Row {
        metric: RateMetric::Achieved,
        key: "achieved_rps",
        better: Better::Higher,
        meaning: "ok answers a second",
    },
    Row {
        metric: RateMetric::Goodput,
        key: "goodput_rps",
        better: Better::Higher,
        meaning: "good answers a second: ok, and within every latency SLO of the stage",
    },
    Row {
        metric: RateMetric::GoodTokens,
        key: "goodput_tps",
        better: Better::Higher,
        meaning: "output tokens of good answers a second; absent where no tokens were counted",
    },
];

impl RateMetric {
    /// Every rate, in the order of reports.
    pub(crate) const ALL: [Self; 4] = [
        Self::Offered,
        Self::Achieved,
        Self::Goodput,
        Self::GoodTokens,
    ];

    /// Returns all that is known of it.
    pub(crate) fn row(self) -> &'static Row<Self> {
        row(&TABLE, self)
    }

    /// Returns the key used in documents and in the manifest.
    pub(crate) fn key(self) -> &'static str {
        self.row().key
    }
}

//! Shares of a stage's requests under load.

use super::unit::{Better, Row, row};

/// A share of the attempts, or of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ShareMetric {
    ErrorRate,
    FallbackRate,
    Attainment,
}

static TABLE: [Row<ShareMetric>; 3] = [
    Row {
        metric: ShareMetric::ErrorRate,
        key: "error_rate",
        better: Better::Lower,
        meaning: "failed requests, of those attempted",
    },
    Row {
        metric: ShareMetric::FallbackRate,
        key: "fallback_rate",
        better: Better::Lower,
        meaning: "answers by a fallback, of the ok answers that say so; null where none does",
    },
    Row {
        metric: ShareMetric::Attainment,
        key: "attainment",
        better: Better::Higher,
        meaning: "good requests, of those attempted and those that could not be sent",
    },
];

impl ShareMetric {
    /// Every share, in the order of reports.
    pub(crate) const ALL: [Self; 3] = [Self::ErrorRate, Self::FallbackRate, Self::Attainment];

    /// Returns all that is known of it.
    pub(crate) fn row(self) -> &'static Row<Self> {
        row(&TABLE, self)
    }

    /// Returns the key used in documents and in the manifest.
    pub(crate) fn key(self) -> &'static str {
        self.row().key
    }
}

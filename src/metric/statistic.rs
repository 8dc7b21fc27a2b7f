//! Statistics of a distribution.

/// A statistic of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stat {
    Mean,
    Min,
    Max,
    P50,
    P90,
    P95,
    P99,
    P999,
}

impl Stat {
    /// Every statistic.
    pub(crate) const ALL: [Self; 8] = [
        Self::Mean,
        Self::Min,
        Self::Max,
        Self::P50,
        Self::P90,
        Self::P95,
        Self::P99,
        Self::P999,
    ];

    /// Returns the key used in documents and in the manifest.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p999",
        }
    }

    /// Returns the statistic of that key.
    pub(crate) fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }

    /// Returns the quantile in (0, 1), for percentiles.
    pub(crate) const fn quantile(self) -> Option<f64> {
        match self {
            Self::Mean | Self::Min | Self::Max => None,
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            Self::P999 => Some(0.999),
        }
    }
}

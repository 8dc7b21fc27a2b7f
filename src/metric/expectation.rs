//! What a fault may be expected to do to the rest.

use super::unit::{Better, Row, Unit, row};

/// An expectation of a fault drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Expectation {
    SuccessRate,
    FallbackRate,
    Amplification,
    Recovery,
    Quality,
}

static TABLE: [Row<Expectation>; 5] = [
    Row {
        metric: Expectation::SuccessRate,
        key: "success_rate",
        better: Better::Higher,
        meaning: "requests of the entry that succeed under the fault",
    },
    Row {
        metric: Expectation::FallbackRate,
        key: "fallback_rate",
        better: Better::Lower,
        meaning: "answers that a fallback gave",
    },
    Row {
        metric: Expectation::Amplification,
        key: "amplification",
        better: Better::Lower,
        meaning: "requests that reach the faulty stage, for each one without the fault",
    },
    Row {
        metric: Expectation::Recovery,
        key: "recovery",
        better: Better::Lower,
        meaning: "from the end of the fault until all is as before",
    },
    Row {
        metric: Expectation::Quality,
        key: "quality",
        better: Better::Higher,
        meaning: "the pass rate of the answers under the fault",
    },
];

impl Expectation {
    /// Every expectation.
    pub(crate) const ALL: [Self; 5] = [
        Self::SuccessRate,
        Self::FallbackRate,
        Self::Amplification,
        Self::Recovery,
        Self::Quality,
    ];

    /// Returns all that is known of it.
    pub(crate) fn row(self) -> &'static Row<Self> {
        row(&TABLE, self)
    }

    /// Returns the key used in documents and in the manifest.
    pub(crate) fn key(self) -> &'static str {
        self.row().key
    }

    /// Returns the expectation of that key.
    pub(crate) fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }

    /// Returns what its limits are written in.
    pub(crate) const fn unit(self) -> Unit {
        match self {
            Self::SuccessRate | Self::FallbackRate | Self::Quality => Unit::Share,
            Self::Amplification => Unit::Number,
            Self::Recovery => Unit::Time,
        }
    }
}

//! The interval that every estimate comes with.

/// The confidence of every two-sided interval that is shown.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// A two-sided confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// Makes the interval `centre` ± `half`.
    pub(crate) fn around(centre: f64, half: f64) -> Self {
        Self {
            low: centre - half,
            high: centre + half,
        }
    }

    /// Returns the part of the interval that lies between `low` and `high`.
    #[must_use]
    pub(crate) fn within(self, low: f64, high: f64) -> Self {
        Self {
            low: self.low.clamp(low, high),
            high: self.high.clamp(low, high),
        }
    }
}

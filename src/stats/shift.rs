//! How far a latency of a release is from that of its base, however that was measured.

use super::interval::Interval;

/// A change as head/base − 1, with what is known of it.
pub(crate) trait Shift {
    /// Returns the base's value, in the unit of what was measured.
    fn base(&self) -> f64;

    /// Returns the number of units of evidence: sessions, or rounds.
    fn n(&self) -> u64;

    /// Returns the estimate of head/base − 1.
    fn change(&self) -> f64;

    /// Returns the one-sided p that the head is not slower than the base by more than `increase`, a
    /// share.
    fn p_slower(&self, increase: f64) -> f64;

    /// Returns the one-sided p that the head is not faster than the base.
    fn p_faster(&self) -> f64;

    /// Returns the two-sided p that nothing has changed.
    fn p(&self) -> f64 {
        (2.0 * self.p_slower(0.0).min(self.p_faster())).min(1.0)
    }

    /// Returns the lower end of the one-sided 1 − `alpha` interval of head/base − 1.
    fn lower_bound(&self, alpha: f64) -> f64;

    /// Returns the upper end of the one-sided 1 − `alpha` interval of head/base − 1; infinite where
    /// nothing is refuted yet.
    fn upper_bound(&self, alpha: f64) -> f64;

    /// Returns the two-sided interval of head/base − 1.
    fn interval(&self, confidence: f64) -> Interval;
}

/// Returns the geometric mean of values above 0; NaN of none.
pub(crate) fn geometric_mean(values: &[f64]) -> f64 {
    let logs = values.iter().map(|it| it.ln());
    (logs.sum::<f64>() / values.len() as f64).exp()
}

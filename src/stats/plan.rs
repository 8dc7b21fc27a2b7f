//! How much data a decision takes.

use super::special::normal_quantile;

/// The chance of a decision that a plan is made for.
const POWER: f64 = 0.8;

/// Returns the least number of independent cases of which none changed that exclude a drop of
/// `margin` at one-sided `alpha`; `None` for a margin outside (0, 1).
///
/// ⌈ln α / ln(1 − θ)⌉: with fewer, a drop of θ would show no lost case with a chance above α. At 5
/// % it is 149, 59, and 29 for margins of 2, 5, and 10 %.
pub(crate) fn least_cases(margin: f64, alpha: f64) -> Option<u64> {
    let inside = margin > 0.0 && margin < 1.0;
    // `ln_1p` and not the logarithm of 1 − θ: a θ of 1e-17 would be lost there.
    inside.then(|| (alpha.ln() / (-margin).ln_1p()).ceil().max(1.0) as u64)
}

/// Returns the number of cases, one answer each, with which an unchanged release would be shown,
/// with a chance of 80 % when a share of `flipped` flips, to have dropped by less than `margin` at
/// one-sided `alpha`; `None` where no number does.
///
/// n = (z₁₋α √v + z₀.₈ √f)² / θ² with f the share that flipped and v the variance per case in
/// Tango's score where as many were won as lost, at least [`least_cases`]. A normal approximation.
/// Where nothing flipped it is what decides at best.
pub(crate) fn cases_needed(flipped: f64, margin: f64, alpha: f64) -> Option<u64> {
    let least = least_cases(margin, alpha)?;
    // The maximum-likelihood share that was won, for f/2 won and lost in each case.
    let b = 2.0 * margin - flipped;
    let c = 0.5 * flipped * margin * (1.0 - margin);
    let won = ((b * b + 8.0 * c).sqrt() - b) / 4.0;
    let score = (2.0 * won + margin - margin * margin).sqrt();
    let root =
        (normal_quantile(1.0 - alpha) * score + normal_quantile(POWER) * flipped.sqrt()) / margin;
    Some(least.max((root * root).ceil() as u64))
}

/// Returns the number of clusters that would show the same where cases come in clusters whose mean
/// changes vary by `variance`.
///
/// The smallest G with z₁₋α √(Gσ² + 2) + z₀.₈ √(Gσ²) < θ (G + 2), where the 2 are the clusters that
/// are added, at least [`least_cases`]; without these two it is n = (z₁₋α + z₀.₈)² σ² / θ² (Connor
/// 1987; Miller 2024, section 5, with a true change of 0). A normal approximation, for clusters of
/// one size. `None` also where no number that can be written suffices.
pub(crate) fn clusters_needed(variance: f64, margin: f64, alpha: f64) -> Option<u64> {
    let least = least_cases(margin, alpha)?;
    let (bound, power) = (normal_quantile(1.0 - alpha), normal_quantile(POWER));
    let suffices = |clusters: u64| {
        let (clusters, spread) = (clusters as f64, clusters as f64 * variance);
        bound * (spread + 2.0).sqrt() + power * spread.sqrt() < margin * (clusters + 2.0)
    };
    // What suffices for G suffices for every larger G: double, then halve the step.
    let mut high = least;
    while !suffices(high) {
        high = high.checked_mul(2)?;
    }
    let mut low = least - 1;
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if suffices(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors;

    /// statistics 10: not 45 and 22.
    #[test]
    fn the_rule_of_three_is_the_least() {
        let least = [0.02, 0.05, 0.1].map(|margin| least_cases(margin, 0.05));
        assert_eq!(least, [Some(149), Some(59), Some(29)]);
        assert_eq!(
            [0.0, 1.0].map(|margin| least_cases(margin, 0.05)),
            [None; 2]
        );
        assert_eq!(cases_needed(0.0, 0.05, 0.05), Some(59));
        assert_eq!(clusters_needed(0.0, 0.05, 0.05), Some(59));
        assert_eq!(cases_needed(0.0, 0.0, 0.05), None);
    }

    #[test]
    fn the_formula_is_millers_with_its_own_quantiles() {
        // Miller plans two-sided at 5 %, which is one-sided at 2.5 %.
        let vector = vectors::statistics("power_miller_0");
        let found = clusters_needed(1.0 / 9.0, 0.03, 0.025).unwrap();
        let without_added = vector["expected"]["n"].as_u64().unwrap();
        assert!(
            (without_added..without_added + 20).contains(&found),
            "{found}"
        );
    }
}

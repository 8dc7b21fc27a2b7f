//! How much data a decision would take.

use super::special::normal_quantile;

/// The chance of a decision that a plan is made for.
const POWER: f64 = 0.8;

/// Returns the number of cases with which an unchanged release would be shown, with a chance of 80 %, to have dropped by
/// less than `margin` at one-sided `alpha`; `None` for a margin of 0.
///
/// The smallest n with z₁₋α √(nσ² + 2) + z₀.₈ √(nσ²) < margin (n + 2), with σ² the variance of one case's difference
/// as observed (design effect included) and the 2 of the won and the lost case that every interval adds. Without these
/// two it is n = (z₁₋α + z₀.₈)² σ² / margin² (Connor 1987; Miller 2024, section 5, with a true change of 0). A normal
/// approximation.
pub(crate) fn cases_needed(variance_per_case: f64, margin: f64, alpha: f64) -> Option<u64> {
    let (bound, power) = (normal_quantile(1.0 - alpha), normal_quantile(POWER));
    let suffices = |n: u64| {
        let (n, spread) = (n as f64, n as f64 * variance_per_case);
        bound * (spread + 2.0).sqrt() + power * spread.sqrt() < margin * (n + 2.0)
    };
    if margin <= 0.0 {
        return None;
    }
    // What suffices for n suffices for every larger n: double, then halve the step.
    let mut high = 1;
    while !suffices(high) {
        high *= 2;
    }
    let mut low = 0;
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
    use super::cases_needed;
    use crate::stats::paired::bonett_price;
    use crate::stats::vectors::{self, Dice};

    #[test]
    fn the_formula_is_millers_with_its_own_quantiles() {
        // Miller plans two-sided at 5 %, which is one-sided at 2.5 %.
        let vector = vectors::statistics("power_miller_0");
        let found = cases_needed(1.0 / 9.0, 0.03, 0.025).unwrap();
        let without_added_cases = vector["expected"]["n"].as_u64().unwrap();
        assert!(
            (without_added_cases..without_added_cases + 20).contains(&found),
            "{found}"
        );
        assert_eq!(cases_needed(0.1, 0.0, 0.05), None);
    }

    #[test]
    fn where_nothing_flips_the_plan_is_the_bound_itself() {
        assert_eq!(cases_needed(0.0, 0.05, 0.05), Some(45));
        assert!(bonett_price(45, 0, 0).lower_bound(0.05) > -0.05);
        assert!(bonett_price(44, 0, 0).lower_bound(0.05) <= -0.05);
        assert_eq!(bonett_price(12, 0, 0).variance_per_case(), 0.0);
    }

    #[test]
    fn an_unchanged_release_passes_where_that_was_planned() {
        let mut dice = Dice::seeded(31);
        let (flips, margin) = (0.1, 0.05);
        let n = cases_needed(flips, margin, 0.05).unwrap();
        let passed = (0..2000)
            .filter(|_| {
                let (won, lost) = dice.discordant(n, flips / 2.0, flips / 2.0);
                bonett_price(n, won, lost).lower_bound(0.05) > -margin
            })
            .count();
        assert!((1520..=1680).contains(&passed), "n {n}: {passed} of 2000");
    }
}

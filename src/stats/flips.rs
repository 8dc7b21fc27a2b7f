//! The same cases under two releases, one answer each that is right or wrong: what the cases that
//! flipped say.

use super::interval::Interval;
use super::plan::least_cases;
use super::special::{binomial_cdf, normal_quantile};

/// Halvings of a bracket of at most 2: the bound is exact to a double.
const HALVINGS: usize = 60;

/// How many of `n` independent cases, one answer each, passed in the head only and in the base
/// only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flips {
    pub(crate) n: u64,
    pub(crate) won: u64,
    pub(crate) lost: u64,
}

impl Flips {
    /// Returns the change of the pass rate, head − base, in [−1, 1].
    pub(crate) fn estimate(&self) -> f64 {
        (self.won as f64 - self.lost as f64) / (self.n as f64).max(1.0)
    }

    /// Returns the share of the cases that flipped either way.
    pub(crate) fn share_flipped(&self) -> f64 {
        (self.won + self.lost) as f64 / (self.n as f64).max(1.0)
    }

    /// Returns the same flips seen from the other release.
    const fn turned(&self) -> Self {
        Self {
            n: self.n,
            won: self.lost,
            lost: self.won,
        }
    }

    /// Returns the one-sided mid-p for "worse": P(B > lost) + ½ P(B = lost), B ~ Bin(won + lost,
    /// ½).
    ///
    /// Fagerland, Lydersen, and Laake 2013 (BMC Med Res Methodol 13:91). Assumes independent cases.
    /// By enumeration an unchanged release is called worse at 5 % in at most 6.0 % of the samples
    /// of 5 to 500 cases.
    pub(crate) fn p_worse(&self) -> f64 {
        let flipped = self.won + self.lost;
        let below = match self.won {
            0 => 0.0,
            won => binomial_cdf(won - 1, flipped, 0.5),
        };
        0.5 * (below + binomial_cdf(self.won, flipped, 0.5))
    }

    /// Returns the one-sided mid-p for "better".
    pub(crate) fn p_better(&self) -> f64 {
        self.turned().p_worse()
    }

    /// Returns the two-sided mid-p, twice the smaller tail.
    pub(crate) fn p(&self) -> f64 {
        (2.0 * self.p_worse().min(self.p_better())).min(1.0)
    }

    /// Returns Tango's score statistic for a drop of `theta` in (−1, 1): negative where less was
    /// lost.
    ///
    /// Tango 1998 (Stat Med 17:891), the test of Nam 1997: (l − w − nθ) / √(n (2q + θ − θ²)), where
    /// q is the likelihood's estimate of the share won under a drop of θ. Assumes independent
    /// cases.
    pub(crate) fn score(&self, theta: f64) -> f64 {
        let (n, won, lost) = (self.n as f64, self.won as f64, self.lost as f64);
        let b = (2.0 * n - lost + won) * theta - lost - won;
        let c = -won * theta * (1.0 - theta);
        let q = ((b * b - 8.0 * n * c).max(0.0).sqrt() - b) / (4.0 * n);
        let off = lost - won - n * theta;
        let variance = n * (2.0 * q + theta - theta * theta);
        if off == 0.0 {
            0.0
        } else {
            off / variance.max(0.0).sqrt()
        }
    }

    /// Returns the lower bound of the one-sided 1 − `alpha` score interval of the change; −1 of no
    /// case.
    pub(crate) fn lower_bound(&self, alpha: f64) -> f64 {
        if self.n == 0 {
            return -1.0;
        }
        let critical = -normal_quantile(1.0 - alpha);
        let (mut low, mut high) = (-self.estimate(), 1.0);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.score(middle) < critical {
                high = middle;
            } else {
                low = middle;
            }
        }
        -high
    }

    /// Returns the upper bound of the one-sided 1 − `alpha` score interval of the change; 1 of no
    /// case.
    pub(crate) fn upper_bound(&self, alpha: f64) -> f64 {
        -self.turned().lower_bound(alpha)
    }

    /// Returns the two-sided score interval of the change.
    pub(crate) fn interval(&self, confidence: f64) -> Interval {
        let alpha = 0.5 * (1.0 - confidence);
        Interval {
            low: self.lower_bound(alpha),
            high: self.upper_bound(alpha),
        }
    }

    /// Returns whether a drop of `margin` or more is excluded at one-sided `alpha`.
    ///
    /// The score test with at least [`least_cases`]: below them nothing lost at all would be too
    /// likely.
    pub(crate) fn keeps(&self, margin: f64, alpha: f64) -> bool {
        let enough = least_cases(margin, alpha).is_some_and(|least| self.n >= least);
        enough && self.score(margin) < -normal_quantile(1.0 - alpha)
    }
}

/// Returns, by how many of `flipped` cases were lost, the one-sided mid-p for "worse".
///
/// The same numbers as [`Flips::p_worse`], all at once: binomial weights from the middle outwards,
/// summed up from the smaller end.
pub(super) fn worse_by_flips(flipped: u64) -> Vec<f64> {
    let n = flipped as usize;
    let mut weights = vec![1.0; n + 1];
    for lost in n / 2..n {
        weights[lost + 1] = weights[lost] * (n - lost) as f64 / (lost + 1) as f64;
    }
    for lost in (0..n / 2).rev() {
        weights[lost] = weights[lost + 1] * (lost + 1) as f64 / (n - lost) as f64;
    }
    let whole: f64 = weights.iter().sum();
    let mut above = 0.0;
    for weight in weights.iter_mut().rev() {
        let own = *weight / whole;
        *weight = above + 0.5 * own;
        above += own;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::plan::cases_needed;
    use crate::stats::vectors::{self, Dice, near};

    fn close(found: f64, expected: f64) {
        let off = (found - expected).abs();
        assert!(off < 1e-6, "found {found}, expected {expected}");
    }

    fn flips(n: u64, won: u64, lost: u64) -> Flips {
        Flips { n, won, lost }
    }

    /// statistics 7.1
    #[test]
    fn mid_p_has_its_published_values() {
        for (lost, won, p) in [
            (3, 0, 0.0625),
            (4, 0, 0.03125),
            (5, 1, 0.0625),
            (14, 4, 0.009_605_4),
            (20, 9, 0.021_387_0),
            (0, 0, 0.5),
            (7, 7, 0.5),
        ] {
            let found = flips(100, won, lost);
            close(found.p_worse(), p);
            close(found.p_better(), 1.0 - p);
            close(found.p(), 2.0 * p);
        }
        let vector = vectors::statistics("mcnemar_agresti");
        near(
            flips(1600, 150, 86).p(),
            &vector["expected"]["p_midp"],
            1e-9,
        );
    }

    /// statistics 7.5
    #[test]
    fn tangos_score_and_bound_have_their_published_values() {
        for (n, won, lost, theta, z, low) in [
            (60, 0, 0, 0.05, -1.777_047, -0.043_147),
            (100, 3, 3, 0.05, -1.719_963, -0.047_253),
            (200, 4, 6, 0.05, -2.095_484, -0.039_720),
            (200, 0, 3, 0.05, -2.271_100, -0.036_937),
            (400, 10, 14, 0.05, -2.822_544, -0.031_483),
            (100, 5, 7, 0.1, -2.041_428, -0.082_328),
        ] {
            let found = flips(n, won, lost);
            close(found.score(theta), z);
            close(found.lower_bound(0.05), low);
            close(flips(n, lost, won).upper_bound(0.05), -low);
            assert!(found.keeps(theta, 0.05));
        }
    }

    /// statistics 10: 58 unchanged cases are not enough for 5 %, 59 are.
    #[test]
    fn the_least_number_of_cases_decides_where_nothing_changed() {
        for (margin, least) in [(0.02, 149), (0.05, 59), (0.1, 29)] {
            assert!(flips(least, 0, 0).keeps(margin, 0.05));
            assert!(!flips(least - 1, 0, 0).keeps(margin, 0.05));
        }
        assert!(!flips(10_000, 0, 0).keeps(0.0, 0.05));
    }

    #[test]
    fn all_or_nothing_has_bounds_too() {
        close(flips(0, 0, 0).lower_bound(0.05), -1.0);
        close(flips(0, 0, 0).upper_bound(0.05), 1.0);
        close(flips(20, 0, 20).lower_bound(0.05), -1.0);
        assert!(flips(20, 0, 20).upper_bound(0.05) < -0.7);
        assert!(flips(1, 0, 0).lower_bound(0.05) < -0.7);
        assert!(flips(300, 0, 0).lower_bound(0.05) > -0.01);
    }

    #[test]
    fn what_is_called_worse_has_a_bound_below_zero() {
        for n in [20, 100, 500] {
            for lost in 0..=20 {
                for won in 0..=20_u64.min(n - lost) {
                    let found = flips(n, won, lost);
                    if found.p_worse() <= 0.05 {
                        assert!(found.upper_bound(0.05) < 0.0, "{found:?}");
                    }
                }
            }
        }
    }

    /// The chance that `wrong` holds where cases are won and lost with these chances, by
    /// enumeration.
    fn chance(n: u64, (gain, harm): (f64, f64), wrong: impl Fn(Flips) -> bool) -> f64 {
        let at = |k: u64, n: u64, p: f64| {
            let below = if k == 0 {
                0.0
            } else {
                binomial_cdf(k - 1, n, p)
            };
            binomial_cdf(k, n, p) - below
        };
        let mut sum = 0.0;
        for flipped in 0..=n {
            let weight = at(flipped, n, gain + harm);
            if weight < 1e-9 {
                continue;
            }
            for lost in 0..=flipped {
                if wrong(flips(n, flipped - lost, lost)) {
                    sum += weight * at(lost, flipped, harm / (gain + harm));
                }
            }
        }
        sum
    }

    /// statistics 7.1 and 7.5: by enumeration at most 6.0 % and 5.8 %.
    #[test]
    fn no_more_is_wrong_than_the_formulas_say() {
        for (n, flipped) in [(5, 0.3), (20, 0.2), (60, 0.1)] {
            let half = flipped / 2.0;
            let wrong = chance(n, (half, half), |it| it.p_worse() <= 0.05);
            assert!(wrong <= 0.060, "n {n}: called worse in {wrong}");
        }
        for (n, margin, gain) in [(59, 0.05, 0.0), (59, 0.05, 0.02), (29, 0.1, 0.03)] {
            let wrong = chance(n, (gain, gain + margin), |it| it.keeps(margin, 0.05));
            assert!(wrong <= 0.058, "n {n}, {gain} won: kept in {wrong}");
        }
    }

    #[test]
    fn an_unchanged_release_passes_where_that_was_planned() {
        let mut dice = Dice::seeded(31);
        let n = cases_needed(0.1, 0.05, 0.05).unwrap();
        let passed = (0..1000).filter(|_| {
            let (won, lost) = dice.discordant(n, 0.05, 0.05);
            flips(n, won, lost).keeps(0.05, 0.05)
        });
        let passed = passed.count();
        assert!((760..=850).contains(&passed), "n {n}: {passed} of 1000");
    }

    #[test]
    fn the_score_interval_covers_the_truth_as_often_as_it_says() {
        let mut dice = Dice::seeded(21);
        for (n, gain, loss) in [(20, 0.1, 0.2), (100, 0.05, 0.15), (300, 0.03, 0.03)] {
            let truth = gain - loss;
            let covered = (0..600).filter(|_| {
                let (won, lost) = dice.discordant(n, gain, loss);
                let found = flips(n, won, lost).interval(0.95);
                found.low <= truth && truth <= found.high
            });
            let covered = covered.count();
            assert!((550..=592).contains(&covered), "n {n}: {covered} of 600");
        }
    }
}

//! The same cases under two releases: tests and intervals of the change, head − base.

use std::collections::BTreeMap;

use super::cluster::clustered_mean;
use super::interval::Interval;
use super::special::{
    binomial_cdf, normal_cdf, normal_quantile, student_t_cdf, student_t_quantile,
};

/// Fewer clusters than this decide nothing: the cluster-robust error is too small by chance too often.
pub(crate) const MIN_CLUSTERS: u64 = 10;

/// Returns the exact two-sided p that as many cases were lost as won; 1 when nothing changed.
///
/// McNemar 1947, exact binomial: min(1, 2 P[Bin(lost + won, ½) ≤ min]). Assumes independent cases, one answer each.
pub(crate) fn mcnemar_p(lost: u64, won: u64) -> f64 {
    (2.0 * binomial_cdf(lost.min(won), lost + won, 0.5)).min(1.0)
}

/// Returns the exact one-sided p for "worse": P[Bin(lost + won, ½) ≥ lost].
pub(crate) fn mcnemar_p_worse(lost: u64, won: u64) -> f64 {
    binomial_cdf(won, lost + won, 0.5)
}

/// A paired change with all that its bounds need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The mean change as observed.
    pub(crate) estimate: f64,
    /// Paired cases.
    pub(crate) n: u64,
    /// Independent ones among them.
    pub(crate) clusters: u64,
    /// Middle of the interval: the mean after one won and one lost case were added.
    centre: f64,
    se: f64,
    /// Of Student's t; `None` for the normal.
    df: Option<f64>,
}

/// Returns the change of a pass rate when of `n` cases `won` passed only in the head and `lost` only in the base.
///
/// Bonett and Price 2012: p̃ = (count + 1) / (n + 2), Δ̃ ± z √((p̃₁₂ + p̃₂₁ − Δ̃²) / (n + 2)). Assumes independent cases.
pub(crate) fn bonett_price(n: u64, won: u64, lost: u64) -> Difference {
    let added = n as f64 + 2.0;
    let share = |count: u64| (count as f64 + 1.0) / added;
    let centre = share(won) - share(lost);
    Difference {
        estimate: (won as f64 - lost as f64) / (n as f64).max(1.0),
        n,
        clusters: n,
        centre,
        se: ((share(won) + share(lost) - centre * centre) / added).sqrt(),
        df: None,
    }
}

/// Returns the mean of differences given as (cluster, head − base), repeats averaged before; `None` when there is
/// none.
///
/// Cluster-robust t with G − 1 degrees of freedom (Miller 2024, section 4.2) after adding one case that got better
/// by 1 and one that got worse by 1, each its own cluster, so that "nothing changed in three cases" is no proof. Assumes
/// independent clusters; see [`MIN_CLUSTERS`].
pub(crate) fn clustered_difference<K: Ord>(
    differences: impl IntoIterator<Item = (K, f64)>,
) -> Option<Difference> {
    let (mut n, mut sum) = (0_u64, 0.0);
    let observed = differences.into_iter().map(|(cluster, difference)| {
        n += 1;
        sum += difference;
        ((Some(cluster), 0), difference)
    });
    let added = [((None, 1), 1.0), ((None, -1), -1.0)];
    let found = student(observed.chain(added))?;
    (n > 0).then(|| Difference {
        estimate: sum / n as f64,
        n,
        clusters: found.clusters - 2,
        ..found
    })
}

/// Returns the change of a mean over the keys that both sides have: of each key, the mean after less the mean before, by
/// [`clustered_difference`] over the clusters that `after` gives. `None` where no key is on both sides.
///
/// A key counts once, however often it was observed.
pub(crate) fn change_of_means<I: Ord, K: Ord>(
    before: impl IntoIterator<Item = (I, f64)>,
    after: impl IntoIterator<Item = (I, K, f64)>,
) -> Option<Difference> {
    /// Count, sum.
    type Mean = (f64, f64);
    let add = |(count, sum): &mut Mean, value: f64| {
        *count += 1.0;
        *sum += value;
    };
    let mut old: BTreeMap<I, Mean> = BTreeMap::new();
    for (key, value) in before {
        add(old.entry(key).or_default(), value);
    }
    let mut new: BTreeMap<I, (K, Mean)> = BTreeMap::new();
    for (key, cluster, value) in after {
        let (_, mean) = new.entry(key).or_insert((cluster, Mean::default()));
        add(mean, value);
    }
    clustered_difference(new.into_iter().filter_map(|(key, (cluster, now))| {
        let then = old.get(&key)?;
        Some((cluster, now.1 / now.0 - then.1 / then.0))
    }))
}

/// Returns the cluster-robust t without additions; `None` below two clusters.
fn student<K: Ord>(differences: impl IntoIterator<Item = (K, f64)>) -> Option<Difference> {
    let mean = clustered_mean(differences)?;
    Some(Difference {
        estimate: mean.mean,
        n: mean.n,
        clusters: mean.clusters,
        centre: mean.mean,
        se: mean.se?,
        df: Some(mean.clusters as f64 - 1.0),
    })
}

impl Difference {
    /// Returns the two-sided interval, within [−1, 1].
    pub(crate) fn interval(&self, confidence: f64) -> Interval {
        let half = self.quantile(0.5 + 0.5 * confidence) * self.se;
        Interval::around(self.centre, half).within(-1.0, 1.0)
    }

    /// Returns the lower bound of the one-sided 1 − `alpha` interval.
    pub(crate) fn lower_bound(&self, alpha: f64) -> f64 {
        (self.centre - self.quantile(1.0 - alpha) * self.se).max(-1.0)
    }

    /// Returns the upper bound of the one-sided 1 − `alpha` interval.
    pub(crate) fn upper_bound(&self, alpha: f64) -> f64 {
        (self.centre + self.quantile(1.0 - alpha) * self.se).min(1.0)
    }

    /// Returns the two-sided p that there is no change.
    pub(crate) fn p(&self) -> f64 {
        (2.0 * self.tail(-self.centre.abs())).min(1.0)
    }

    /// Returns the one-sided p for "worse".
    pub(crate) fn p_worse(&self) -> f64 {
        self.tail(self.centre)
    }

    /// Returns the variance of one case's difference as observed, the design effect included: n · SE² less the part
    /// of the two cases that were added, each of which differs by 1.
    pub(crate) fn variance_per_case(&self) -> f64 {
        let n = self.n as f64 + 2.0;
        (n * self.se * self.se - 2.0 / n).max(0.0)
    }

    fn tail(&self, below: f64) -> f64 {
        if self.se <= 0.0 {
            return if below < 0.0 { 0.0 } else { 1.0 };
        }
        match self.df {
            Some(df) => student_t_cdf(below / self.se, df),
            None => normal_cdf(below / self.se),
        }
    }

    fn quantile(&self, p: f64) -> f64 {
        match self.df {
            Some(df) => student_t_quantile(p, df),
            None => normal_quantile(p),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors::{self, Dice, near, numbers};

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-6,
            "found {found}, expected {expected}"
        );
    }

    #[test]
    fn mcnemar_and_bonett_price_match_the_references() {
        let vector = vectors::statistics("mcnemar_agresti");
        let expected = &vector["expected"];
        near(mcnemar_p(150, 86), &expected["p_exact"], 1e-9);
        let found = bonett_price(1600, 150, 86);
        near(found.estimate, &expected["delta"], 1e-9);
        near(
            found.interval(0.95).low,
            &expected["bonett_price_low"],
            1e-9,
        );
        near(
            found.interval(0.95).high,
            &expected["bonett_price_high"],
            1e-9,
        );
        let worse = vectors::latency("mcnemar_exact");
        near(
            mcnemar_p_worse(14, 4),
            &worse["expected"]["p_greater"],
            1e-12,
        );
    }

    #[test]
    fn published_tables_agree() {
        for (n, won, lost, p, low, high) in [
            (80, 12, 5, 0.143_463, -0.017_169, 0.187_901),
            (100, 1, 6, 0.125, -0.105_875, 0.007_836),
            (100, 0, 5, 0.062_5, -0.098_961, 0.000_921),
        ] {
            let interval = bonett_price(n, won, lost).interval(0.95);
            close(mcnemar_p(lost, won), p);
            close(interval.low, low);
            close(interval.high, high);
        }
    }

    #[test]
    fn nothing_changed_is_no_proof_in_three_cases_and_some_in_three_hundred() {
        assert!((mcnemar_p(0, 0) - 1.0).abs() < 1e-15);
        assert!((mcnemar_p(3, 3) - 1.0).abs() < 1e-15);
        assert!((mcnemar_p_worse(0, 0) - 1.0).abs() < 1e-15);
        assert!(bonett_price(3, 0, 0).lower_bound(0.05) < -0.4);
        assert!(bonett_price(300, 0, 0).lower_bound(0.05) > -0.01);
        assert!(bonett_price(0, 0, 0).lower_bound(0.05) <= -0.99);
        let three = clustered_difference((0..3).map(|i| (i, 0.0))).unwrap();
        assert!(three.lower_bound(0.05) < -0.4);
        assert_eq!(clustered_difference(Vec::<(u8, f64)>::new()), None);
    }

    #[test]
    fn a_change_of_means_counts_each_key_of_both_sides_once() {
        let before = [("a", 1.0), ("a", 1.0), ("b", 1.0), ("gone", 0.0)];
        let after = [
            ("a", 0, 1.0),
            ("a", 0, 0.0),
            ("b", 1, 0.0),
            ("new", 2, 0.0),
            ("a", 0, 0.0),
            ("a", 0, 0.0),
        ];
        let found = change_of_means(before, after).unwrap();
        let expected = clustered_difference([(0, -0.75), (1, -1.0)]).unwrap();
        assert_eq!(found, expected);
        assert_eq!((found.n, found.clusters), (2, 2));
        close(found.estimate, -0.875);
        assert_eq!(change_of_means([("a", 1.0)], [("b", 0, 1.0)]), None);
    }

    #[test]
    fn one_sided_bounds_are_those_of_the_wider_two_sided_interval() {
        let change = bonett_price(80, 12, 5);
        close(change.lower_bound(0.05), change.interval(0.9).low);
        close(change.upper_bound(0.05), change.interval(0.9).high);
    }

    #[test]
    fn the_paired_t_matches_the_reference() {
        let vector = vectors::statistics("paired_sleep");
        let (a, b) = (&vector["inputs"]["a"], &vector["inputs"]["b"]);
        let differences = numbers(a).into_iter().zip(numbers(b)).map(|(a, b)| a - b);
        let found = student(differences.enumerate()).unwrap();
        let expected = &vector["expected"];
        near(found.estimate, &expected["delta"], 1e-9);
        near(found.se, &expected["se"], 1e-9);
        near(found.p(), &expected["p_two_sided"], 1e-9);
        let half = found.quantile(0.975) * found.se;
        near(found.centre - half, &expected["low"], 1e-9);
        near(found.centre + half, &expected["high"], 1e-9);
    }

    #[test]
    fn the_clustered_t_matches_the_reference() {
        let vector = vectors::statistics("paired_pc1");
        let inputs = &vector["inputs"];
        let differences = numbers(&inputs["a"])
            .into_iter()
            .zip(numbers(&inputs["b"]))
            .map(|(a, b)| a - b);
        let clusters = numbers(&inputs["clusters"]).into_iter().map(|c| c as u64);
        let found = student(clusters.zip(differences)).unwrap();
        let expected = &vector["expected"];
        near(found.se, &expected["se"], 1e-9);
        near(found.p(), &expected["p_two_sided"], 1e-9);
        near(found.interval(0.95).low, &expected["low"], 1e-9);
        near(found.interval(0.95).high, &expected["high"], 1e-9);
        assert_eq!(found.df, Some(3.0));
    }

    #[test]
    fn the_two_added_cases_are_not_counted() {
        let found = clustered_difference([("a", 1.0), ("a", 0.0), ("b", 0.0)]).unwrap();
        assert_eq!((found.n, found.clusters, found.df), (3, 2, Some(3.0)));
        close(found.estimate, 1.0 / 3.0);
        close(found.centre, 0.2);
    }

    #[test]
    fn bonett_price_covers_the_truth_as_often_as_it_says() {
        let mut dice = Dice::seeded(21);
        for (n, gain, loss) in [(20, 0.1, 0.2), (100, 0.05, 0.15), (300, 0.03, 0.03)] {
            let truth = gain - loss;
            let mut covered = 0;
            for _ in 0..1500 {
                let (won, lost) = dice.discordant(n, gain, loss);
                let found = bonett_price(n, won, lost).interval(0.95);
                covered += u32::from(found.low <= truth && truth <= found.high);
            }
            assert!((1390..=1475).contains(&covered), "n {n}: {covered} of 1500");
        }
    }

    #[test]
    fn an_unchanged_release_is_called_worse_at_most_as_often_as_agreed() {
        let mut dice = Dice::seeded(22);
        let alpha = 0.05;
        // Bound: 2,000 runs at 5 % exceed 127 with a chance below 0.3 %.
        for (n, flips) in [(30, 0.1), (200, 0.05), (200, 0.3)] {
            let alarms = (0..2000)
                .filter(|_| {
                    let (won, lost) = dice.discordant(n, flips / 2.0, flips / 2.0);
                    bonett_price(n, won, lost).upper_bound(alpha) < 0.0
                })
                .count();
            assert!(alarms <= 127, "n {n}, flips {flips}: {alarms} of 2000");
        }
    }

    #[test]
    fn an_unchanged_release_with_repeats_is_called_worse_at_most_as_often_as_agreed() {
        let mut dice = Dice::seeded(23);
        let alarms = (0..1000)
            .filter(|_| {
                let differences: Vec<_> = (0..40)
                    .map(|case| {
                        let p = dice.share();
                        let mut passed = || f64::from(u8::from(dice.share() < p));
                        let base = (passed() + passed() + passed()) / 3.0;
                        (case, (passed() + passed() + passed()) / 3.0 - base)
                    })
                    .collect();
                clustered_difference(differences).unwrap().upper_bound(0.05) < 0.0
            })
            .count();
        assert!(alarms <= 70, "{alarms} of 1000");
    }
}

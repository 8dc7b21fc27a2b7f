//! Standard errors of means whose observations come in clusters: repeats of a case, cases of a
//! group, intervals of a run.

use std::collections::BTreeMap;

/// A mean over clustered observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClusteredMean {
    pub(crate) n: u64,
    pub(crate) clusters: u64,
    /// Kish's effective number of clusters, n² / Σ m²: that of equal ones that would weigh as much.
    /// At most `clusters`.
    pub(crate) effective_clusters: f64,
    pub(crate) mean: f64,
    /// As if all observations were independent; `None` below two of them.
    pub(crate) naive_se: Option<f64>,
    /// Cluster-robust, with G/(G−1); `None` below two clusters.
    pub(crate) se: Option<f64>,
}

/// Returns the mean with its cluster-robust standard error; `None` when there is nothing.
///
/// SE² = G/(G−1) · Σ (Σ (s − s̄))² / n², outside over clusters, inside over the members of one:
/// Miller 2024 (arXiv 2411.00640), eq. 4, times the usual correction for few clusters, G/(G−1),
/// which that equation does not have. Assumes independent clusters.
pub(crate) fn clustered_mean<K: Ord>(
    observations: impl IntoIterator<Item = (K, f64)>,
) -> Option<ClusteredMean> {
    Clusters::gather(observations).mean()
}

/// Observations summed by cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Clusters {
    /// Count and sum of each cluster; a count may be a fraction.
    sums: Vec<(f64, f64)>,
    /// Of the values of all observations.
    squares: f64,
}

impl Clusters {
    /// Sums up observations given as (cluster, value).
    pub(super) fn gather<K: Ord>(observations: impl IntoIterator<Item = (K, f64)>) -> Self {
        let mut sums: BTreeMap<K, (f64, f64)> = BTreeMap::new();
        let mut squares = 0.0;
        for (cluster, value) in observations {
            let sum = sums.entry(cluster).or_default();
            sum.0 += 1.0;
            sum.1 += value;
            squares += value * value;
        }
        Self {
            sums: sums.into_values().collect(),
            squares,
        }
    }

    /// Adds a cluster of `count` observations that all have this value.
    pub(super) fn add(&mut self, count: f64, value: f64) {
        self.sums.push((count, count * value));
        self.squares += count * value * value;
    }

    /// Returns the mean; `None` when there is nothing.
    pub(super) fn mean(&self) -> Option<ClusteredMean> {
        let sum_of = |of: fn(&(f64, f64)) -> f64| self.sums.iter().map(of).sum::<f64>();
        let (n, total) = (sum_of(|it| it.0), sum_of(|it| it.1));
        let groups = self.sums.len() as f64;
        if n <= 0.0 {
            return None;
        }
        let mean = total / n;
        let off = |(count, sum): &(f64, f64)| (sum - count * mean).powi(2);
        let between: f64 = self.sums.iter().map(off).sum();
        let within = (self.squares - n * mean * mean).max(0.0);
        // What is left of equal values after rounding is not a spread.
        let spread = |v: f64| if v <= 1e-12 * self.squares { 0.0 } else { v };
        Some(ClusteredMean {
            n: n as u64,
            clusters: self.sums.len() as u64,
            effective_clusters: n * n / sum_of(|it| it.0 * it.0),
            mean,
            naive_se: (n > 1.0).then(|| (spread(within) / (n - 1.0) / n).sqrt()),
            se: (groups > 1.0).then(|| (spread(between) * groups / (groups - 1.0)).sqrt() / n),
        })
    }
}

impl ClusteredMean {
    /// Returns the design effect, SE² / naive SE²: how many observations count as one.
    ///
    /// Where all observations are equal nothing shows how alike those of one cluster are, so they
    /// count as one; with a single cluster everything does. A design effect below one (clusters
    /// more alike than chance) is not believed: it would make an interval narrower than that of
    /// independent cases.
    pub(crate) fn design_effect(&self) -> f64 {
        let n = self.n as f64;
        match (self.se, self.naive_se) {
            (Some(se), Some(naive)) if naive > 0.0 => (se / naive).powi(2).max(1.0),
            (Some(_), _) => n / self.clusters as f64,
            (None, _) => n,
        }
    }

    /// Returns how many independent observations would say as much.
    pub(crate) fn effective_n(&self) -> f64 {
        self.n as f64 / self.design_effect()
    }

    /// Returns the degrees of freedom of t: the effective number of clusters less 1, not rounded,
    /// at least 1.
    ///
    /// Few or unequal clusters say less of how clusters vary than as many equal ones (Carter,
    /// Schnepel, and Steigerwald 2017).
    pub(crate) fn degrees(&self) -> f64 {
        (self.effective_clusters - 1.0).max(1.0)
    }
}

/// Returns (mean, standard error) over batches given as (count, mean of the batch); `None` below
/// two batches that hold anything.
///
/// Batch means with unequal batches: the cluster-robust error with the batch as the cluster, which
/// for equal batches is s/√J over their means. Use t with J − 1 degrees of freedom. Assumes that
/// batches are long against the autocorrelation.
pub(crate) fn batch_mean(batches: &[(u64, f64)]) -> Option<(f64, f64)> {
    let held = || batches.iter().filter(|(count, _)| *count > 0);
    let count = held().count() as f64;
    if count < 2.0 {
        return None;
    }
    let n: f64 = held().map(|(m, _)| *m as f64).sum();
    let mean = held().map(|(m, mean)| *m as f64 * mean).sum::<f64>() / n;
    let squares: f64 = held()
        .map(|(m, of)| (*m as f64 * (of - mean)).powi(2))
        .sum();
    Some((mean, (squares * count / (count - 1.0)).sqrt() / n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors::{self, near, numbers};

    #[test]
    fn cluster_robust_errors_match_the_reference() {
        let vector = vectors::statistics("cluster_balanced_perfect");
        let scores = numbers(&vector["inputs"]["scores"]);
        let clusters = numbers(&vector["inputs"]["clusters"]);
        let found = clustered_mean(
            clusters
                .iter()
                .map(|c| *c as u64)
                .zip(scores.iter().copied()),
        )
        .unwrap();
        let expected = &vector["expected"];
        near(found.mean, &expected["mean"], 1e-9);
        near(found.naive_se.unwrap(), &expected["se_naive"], 1e-9);
        near(found.se.unwrap(), &expected["se_cr0_G"], 1e-9);
        near(found.design_effect(), &expected["deff"], 1e-9);
        assert!((found.effective_clusters - 4.0).abs() < 1e-12);
        assert_eq!((found.n, found.clusters), (12, 4));
    }

    #[test]
    fn singletons_have_the_plain_error() {
        let scores = [0.2, 0.9, 0.4, 1.0, 0.0];
        let found = clustered_mean(scores.iter().copied().enumerate()).unwrap();
        assert!((found.se.unwrap() - found.naive_se.unwrap()).abs() < 1e-15);
        assert!((found.effective_n() - 5.0).abs() < 1e-9);
    }

    #[test]
    fn equal_repeats_count_as_one_case() {
        let three_passed = (0..9).map(|i| (i / 3, 1.0));
        let found = clustered_mean(three_passed).unwrap();
        assert!((found.effective_n() - 3.0).abs() < 1e-12);
        let with_rounding = clustered_mean((0..9).map(|i| (i / 3, 0.1))).unwrap();
        assert!((with_rounding.effective_n() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn one_cluster_says_as_much_as_one_case_and_none_says_nothing() {
        let found = clustered_mean([("a", 1.0), ("a", 0.0)]).unwrap();
        assert_eq!(found.se, None);
        assert!((found.effective_n() - 1.0).abs() < 1e-12);
        let one = clustered_mean([("a", 1.0)]).unwrap();
        assert_eq!((one.naive_se, one.effective_n() as u64), (None, 1));
        assert_eq!(clustered_mean(Vec::<(u8, f64)>::new()), None);
    }

    #[test]
    fn a_cluster_that_cancels_itself_is_no_extra_evidence() {
        let found = clustered_mean((0..8).map(|i| (i / 2, f64::from(i % 2)))).unwrap();
        assert!((found.effective_n() - 8.0).abs() < 1e-12);
    }

    #[test]
    fn batch_means_match_the_reference() {
        let vector = vectors::latency("batch_means");
        let x = numbers(&vectors::latency("ess_geyer")["inputs"]["x"]);
        let batches: Vec<(u64, f64)> = x
            .chunks(20)
            .map(|b| (b.len() as u64, b.iter().sum::<f64>() / b.len() as f64))
            .collect();
        let (mean, se) = batch_mean(&batches).unwrap();
        near(mean, &vector["expected"]["mean"], 1e-9);
        near(se, &vector["expected"]["se"], 1e-9);
        assert_eq!(batch_mean(&[(3, 1.0), (0, 9.0)]), None);
    }
}

//! The same cases under two releases, with repeats, groups, or graded scores: the change, head −
//! base.

use std::collections::BTreeMap;

use super::cluster::{ClusteredMean, Clusters};
use super::interval::Interval;
use super::plan::{clusters_needed, least_cases};
use super::special::{student_t_cdf, student_t_quantile};

/// Fewer clusters than this decide nothing: the cluster-robust error is too small by chance too
/// often.
pub(crate) const MIN_CLUSTERS: u64 = 10;

/// A mean difference of paired cases that come in independent clusters, with all that its bounds
/// need.
///
/// Cluster-robust t on G* − 1 degrees of freedom (Miller 2024, section 4.2, for the error; Kish's
/// effective number of clusters for the degrees, see Carter, Schnepel, and Steigerwald 2017). That
/// it got worse is judged by the clusters as they are. That it did not get worse is judged after
/// adding two clusters of average size, one that got better by 1 and one that got worse by 1, so
/// that "nothing changed in three cases" is no proof. Assumes independent clusters; see
/// [`MIN_CLUSTERS`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The mean change as observed.
    pub(crate) estimate: f64,
    /// Paired cases.
    pub(crate) n: u64,
    /// Independent ones among them.
    pub(crate) clusters: u64,
    /// Of the clusters as they are; `None` of a single one.
    se: Option<f64>,
    /// With the two clusters added.
    guarded: Guarded,
    /// Degrees of freedom, of the clusters as they are.
    degrees: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Guarded {
    mean: f64,
    se: f64,
}

/// Returns the mean of differences given as (cluster, head − base), repeats averaged before; `None`
/// when there is none.
pub(crate) fn clustered_difference<K: Ord>(
    differences: impl IntoIterator<Item = (K, f64)>,
) -> Option<Difference> {
    let mut clusters = Clusters::gather(differences);
    let ClusteredMean {
        n,
        clusters: groups,
        mean,
        se,
        ..
    } = clusters.mean()?;
    let degrees = clusters.mean()?.degrees();
    let average = n as f64 / groups as f64;
    clusters.add(average, 1.0);
    clusters.add(average, -1.0);
    let guarded = clusters.mean()?;
    Some(Difference {
        estimate: mean,
        n,
        clusters: groups,
        se,
        guarded: Guarded {
            mean: guarded.mean,
            se: guarded.se?,
        },
        degrees,
    })
}

/// Returns the change of a mean over the keys that both sides have: of each key, the mean after
/// less the mean before, by [`clustered_difference`] over the clusters that `after` gives. `None`
/// where no key is on both sides.
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

impl Difference {
    /// Returns whether there are clusters enough to call anything better or worse.
    pub(crate) const fn has_clusters(&self) -> bool {
        self.clusters >= MIN_CLUSTERS
    }

    /// Returns the two-sided interval, within [−1, 1]: of the clusters as they are, and where they
    /// are all alike, with the two added.
    pub(crate) fn interval(&self, confidence: f64) -> Interval {
        let t = self.quantile(0.5 + 0.5 * confidence);
        match self.se {
            Some(se) if se > 0.0 => Interval::around(self.estimate, t * se),
            _ => Interval::around(self.guarded.mean, t * self.guarded.se),
        }
        .within(-1.0, 1.0)
    }

    /// Returns the lower bound of the one-sided 1 − `alpha` interval, the two clusters added: what
    /// a drop is excluded by.
    pub(crate) fn lower_bound(&self, alpha: f64) -> f64 {
        (self.guarded.mean - self.quantile(1.0 - alpha) * self.guarded.se).max(-1.0)
    }

    /// Returns the upper bound of the one-sided 1 − `alpha` interval of the clusters as they are:
    /// what a worsening is shown by. 1 of a single cluster.
    pub(crate) fn upper_bound(&self, alpha: f64) -> f64 {
        let half = self.se.map(|se| self.quantile(1.0 - alpha) * se);
        half.map_or(1.0, |half| (self.estimate + half).min(1.0))
    }

    /// Returns the two-sided p that there is no change.
    pub(crate) fn p(&self) -> f64 {
        (2.0 * self.p_worse().min(self.p_better())).min(1.0)
    }

    /// Returns the degrees of freedom of its t.
    pub(crate) const fn degrees(&self) -> f64 {
        self.degrees
    }

    /// Returns the one-sided p for "worse".
    pub(crate) fn p_worse(&self) -> f64 {
        self.tail(self.estimate)
    }

    /// Returns the one-sided p for "better".
    pub(crate) fn p_better(&self) -> f64 {
        self.tail(-self.estimate)
    }

    /// Returns whether a drop of `margin` or more is excluded at one-sided `alpha`; takes as many
    /// clusters as it would take cases.
    pub(crate) fn keeps(&self, margin: f64, alpha: f64) -> bool {
        let enough = least_cases(margin, alpha).is_some_and(|least| self.clusters >= least);
        enough && self.lower_bound(alpha) > -margin
    }

    /// Returns how many clusters like these it would take, see [`clusters_needed`].
    pub(crate) fn clusters_needed(&self, margin: f64, alpha: f64) -> Option<u64> {
        let se = self.se.unwrap_or(self.guarded.se);
        clusters_needed(self.clusters as f64 * se * se, margin, alpha)
    }

    fn tail(&self, below: f64) -> f64 {
        self.se
            .map_or(0.5, |se| worse_by_t(below, se, self.degrees))
    }

    fn quantile(&self, p: f64) -> f64 {
        student_t_quantile(p, self.degrees)
    }
}

/// Returns the one-sided p for "worse" of a mean with this error; by its sign alone where all
/// clusters changed alike.
pub(super) fn worse_by_t(mean: f64, se: f64, degrees: f64) -> f64 {
    if se > 0.0 {
        student_t_cdf(mean / se, degrees)
    } else if mean < 0.0 {
        0.0
    } else if mean > 0.0 {
        1.0
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests;

//! What paired cases say of a change, with errors judged both ways.

use super::cases::{Pair, Value};
use crate::stats::{
    Cluster, Difference, Flips, Interval, Signs, cases_needed, clustered_difference, least_cases,
};

/// Above this share of errors on a side no drop is excluded: what was not graded could hide it.
pub(in crate::diff) const MOST_ERRORS: f64 = 0.05;

/// The cases of both sides, and their change.
///
/// An error of the head is a failure. One of the base is judged twice, as failed and as passed:
/// what is excluded must be excluded both ways, and what is shown must be shown both ways, so that
/// no outage of the base makes the head look better or worse.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::diff) struct Paired {
    /// Means over the pairs, errors counted as failed.
    pub(in crate::diff) base: f64,
    pub(in crate::diff) head: f64,
    /// With the base's errors counted as failed, as a suite counts them.
    failed: Change,
    /// With the base's errors counted as passed.
    passed: Change,
    /// Share of the answers without a grade.
    base_errors: f64,
    head_errors: f64,
}

/// A paired change, and what drawing its null takes.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    by: Method,
    signs: Signs,
}

/// The method that fits the answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    /// One answer a case, right or wrong, each case by itself.
    Single(Flips),
    /// Repeats, groups, or graded scores.
    Clustered(Difference),
}

/// Why a drop is neither excluded nor shown.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::diff) enum Open {
    /// No answer of that side has a grade.
    Ungraded(&'static str),
    /// Too large a share of that side's answers has none.
    Errors(&'static str, f64),
    /// Too few clusters for any decision.
    FewClusters,
    /// It takes so many cases, or groups.
    Takes {
        needs: u64,
        has: u64,
        one: &'static str,
    },
    /// There is enough of them: the estimate itself is too near the margin.
    TooNear { has: u64, one: &'static str },
    /// A margin of 0 can never be shown.
    NoMargin,
}

impl Paired {
    /// Takes the pairs together; `None` of none.
    pub(in crate::diff) fn new(pairs: &[Pair]) -> Option<Self> {
        let n = pairs.len() as f64;
        let mean = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let errors = |of: &dyn Fn(&Pair) -> Value| {
            let sum = |part: fn(Value) -> u64| pairs.iter().map(|it| part(of(it))).sum::<u64>();
            sum(|it| it.ungraded) as f64 / (sum(|it| it.answers) as f64).max(1.0)
        };
        Some(Self {
            failed: Change::of(pairs, |base| base.least)?,
            passed: Change::of(pairs, |base| base.most)?,
            base: mean(&|pair| pair.base.least),
            head: mean(&|pair| pair.head.least),
            base_errors: errors(&|pair| pair.base),
            head_errors: errors(&|pair| pair.head),
        })
    }

    /// Returns the change, head − base, errors counted as failed.
    pub(in crate::diff) fn estimate(&self) -> f64 {
        self.failed.by.estimate()
    }

    /// Returns the change with the base's errors counted as passed, where that makes a difference.
    pub(in crate::diff) fn estimate_if_errors_had_passed(&self) -> Option<f64> {
        let change = self.passed.by.estimate();
        ((change - self.estimate()).abs() > 1e-12).then_some(change)
    }

    /// Returns the number of paired cases.
    pub(in crate::diff) const fn n(&self) -> u64 {
        match &self.failed.by {
            Method::Single(flips) => flips.n,
            Method::Clustered(change) => change.n,
        }
    }

    /// Returns the name of the test and the interval.
    pub(in crate::diff) const fn method(&self) -> &'static str {
        match &self.failed.by {
            Method::Single(_) => "mid_p",
            Method::Clustered(_) => "paired_t",
        }
    }

    /// Returns the two-sided interval of the change.
    pub(in crate::diff) fn interval(&self, confidence: f64) -> Interval {
        match &self.failed.by {
            Method::Single(flips) => flips.interval(confidence),
            Method::Clustered(change) => change.interval(confidence),
        }
    }

    /// Returns the two-sided p that nothing changed.
    pub(in crate::diff) fn p(&self) -> f64 {
        match &self.failed.by {
            Method::Single(flips) => flips.p(),
            Method::Clustered(change) => change.p(),
        }
    }

    /// Returns whether the cases are enough for any decision, and if not, how many independent ones
    /// there are.
    pub(in crate::diff) const fn too_few_clusters(&self) -> Option<u64> {
        match &self.failed.by {
            Method::Clustered(change) if !change.has_clusters() => Some(change.clusters),
            Method::Single(_) | Method::Clustered(_) => None,
        }
    }

    /// Returns the one-sided p that it got worse: the larger one of both ways.
    pub(in crate::diff) fn p_worse(&self) -> f64 {
        self.failed.by.p_worse().max(self.passed.by.p_worse())
    }

    /// Returns what drawing the null takes, with the base's errors counted as failed and as passed;
    /// the second one only where it differs.
    pub(in crate::diff) fn signs(&self) -> (&Signs, Option<&Signs>) {
        let (failed, passed) = (&self.failed.signs, &self.passed.signs);
        (failed, (failed != passed).then_some(passed))
    }

    /// Returns the one-sided p that it got better: the larger one of both ways.
    pub(in crate::diff) fn p_better(&self) -> f64 {
        self.failed.by.p_better().max(self.passed.by.p_better())
    }

    /// Returns the lower bound of the one-sided 1 − `alpha` interval, the lower one of both ways.
    pub(in crate::diff) fn lower_bound(&self, alpha: f64) -> f64 {
        let (failed, passed) = (&self.failed.by, &self.passed.by);
        failed.lower_bound(alpha).min(passed.lower_bound(alpha))
    }

    /// Returns the upper bound of the one-sided 1 − `alpha` interval, the higher one of both ways.
    pub(in crate::diff) fn upper_bound(&self, alpha: f64) -> f64 {
        let (failed, passed) = (&self.failed.by, &self.passed.by);
        failed.upper_bound(alpha).max(passed.upper_bound(alpha))
    }

    /// Returns whether a drop of `margin` or more is excluded.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub(in crate::diff) fn excludes(&self, margin: f64, alpha: f64) -> Result<(), Open> {
        for (side, share) in [("base", self.base_errors), ("head", self.head_errors)] {
            if share >= 1.0 {
                return Err(Open::Ungraded(side));
            }
            if share > MOST_ERRORS {
                return Err(Open::Errors(side, share));
            }
        }
        if self.too_few_clusters().is_some() {
            return Err(Open::FewClusters);
        }
        for way in [&self.failed, &self.passed] {
            if !way.by.keeps(margin, alpha) {
                return Err(way.by.what_it_takes(margin, alpha));
            }
        }
        Ok(())
    }
}

impl Change {
    fn of(pairs: &[Pair], base: impl Fn(Value) -> f64) -> Option<Self> {
        let binary = |v: f64| v <= 0.0 || v >= 1.0;
        let single = |pair: &Pair| {
            let ends = [pair.base.least, pair.base.most, pair.head.least];
            pair.base.answers.max(pair.head.answers) <= 1 && ends.into_iter().all(binary)
        };
        let mut clusters: Vec<Cluster> = pairs
            .iter()
            .map(|pair| Cluster {
                number: pair.cluster,
                cases: 1.0,
                change: pair.head.least - base(pair.base),
            })
            .collect();
        clusters.sort_by_key(|it| it.number);
        clusters.dedup_by(|next, cluster| {
            let is_same = next.number == cluster.number;
            if is_same {
                cluster.cases += next.cases;
                cluster.change += next.change;
            }
            is_same
        });
        if clusters.len() == pairs.len() && pairs.iter().all(single) {
            let count = |is: fn(f64) -> bool| {
                let changed = clusters.iter().filter(|it| is(it.change));
                changed.count() as u64
            };
            let flips = Flips {
                n: pairs.len() as u64,
                won: count(|change| change > 0.0),
                lost: count(|change| change < 0.0),
            };
            return (flips.n > 0).then(|| Self {
                by: Method::Single(flips),
                signs: Signs::of_flips(clusters),
            });
        }
        let changes = pairs
            .iter()
            .map(|pair| (pair.cluster, pair.head.least - base(pair.base)));
        let difference = clustered_difference(changes)?;
        Some(Self {
            by: Method::Clustered(difference),
            signs: Signs::of_clusters(&clusters, difference.degrees()),
        })
    }
}

impl Method {
    fn estimate(&self) -> f64 {
        match self {
            Self::Single(flips) => flips.estimate(),
            Self::Clustered(change) => change.estimate,
        }
    }

    fn p_worse(&self) -> f64 {
        match self {
            Self::Single(flips) => flips.p_worse(),
            Self::Clustered(change) => change.p_worse(),
        }
    }

    fn p_better(&self) -> f64 {
        match self {
            Self::Single(flips) => flips.p_better(),
            Self::Clustered(change) => change.p_better(),
        }
    }

    fn lower_bound(&self, alpha: f64) -> f64 {
        match self {
            Self::Single(flips) => flips.lower_bound(alpha),
            Self::Clustered(change) => change.lower_bound(alpha),
        }
    }

    fn upper_bound(&self, alpha: f64) -> f64 {
        match self {
            Self::Single(flips) => flips.upper_bound(alpha),
            Self::Clustered(change) => change.upper_bound(alpha),
        }
    }

    fn keeps(&self, margin: f64, alpha: f64) -> bool {
        match self {
            Self::Single(flips) => flips.keeps(margin, alpha),
            Self::Clustered(change) => change.keeps(margin, alpha),
        }
    }

    fn what_it_takes(&self, margin: f64, alpha: f64) -> Open {
        let (needs, has, one) = match self {
            Self::Single(flips) => {
                let needs = cases_needed(flips.share_flipped(), margin, alpha);
                (needs, flips.n, "case")
            }
            Self::Clustered(change) => {
                let one = if change.clusters == change.n {
                    "case"
                } else {
                    "group"
                };
                (change.clusters_needed(margin, alpha), change.clusters, one)
            }
        };
        match needs.or(least_cases(margin, alpha)) {
            Some(needs) if needs > has => Open::Takes { needs, has, one },
            Some(_) => Open::TooNear { has, one },
            None => Open::NoMargin,
        }
    }
}

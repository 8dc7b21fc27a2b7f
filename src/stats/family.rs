//! Several paired comparisons judged as one family: the chance of any false alarm among them stays
//! at the level asked for.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::flips::worse_by_flips;
use super::paired::worse_by_t;

/// Draws of the null distribution, the observed changes among them.
const DRAWS: usize = 5_000;

/// Up to so many clusters all patterns of signs are gone through instead.
const FEW: usize = 12;

/// The same draws whenever the same releases are compared.
const SEED: u64 = 0x5747;

/// A draw is as extreme as what was observed up to what sums lose by their order.
const TIE: f64 = 1e-12;

/// What flipping the signs of whole clusters needs to know of one comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signs {
    /// Clusters whose change is not 0.
    changed: Vec<Cluster>,
    test: Test,
}

/// One cluster of a comparison: a case by itself, or a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cluster {
    /// Its number, the same in all comparisons that it is part of.
    pub(crate) number: u32,
    /// Its cases.
    pub(crate) cases: f64,
    /// The sum of their changes, head − base.
    pub(crate) change: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Test {
    /// One answer a case, right or wrong: mid-p of those that flipped.
    MidP,
    /// Cluster-robust t.
    ClusteredT {
        cases: f64,
        clusters: f64,
        /// Σ m², m the cases of a cluster.
        squares: f64,
        degrees: f64,
    },
}

impl Signs {
    /// Keeps the flips of single answers; each cluster is one case whose change is −1, 0, or 1.
    pub(crate) fn of_flips(clusters: impl IntoIterator<Item = Cluster>) -> Self {
        Self {
            changed: changed(clusters).collect(),
            test: Test::MidP,
        }
    }

    /// Keeps the changes of clusters that are judged by t with so many degrees of freedom.
    pub(crate) fn of_clusters(clusters: &[Cluster], degrees: f64) -> Self {
        Self {
            changed: changed(clusters.iter().copied()).collect(),
            test: Test::ClusteredT {
                cases: clusters.iter().map(|it| it.cases).sum(),
                clusters: clusters.len() as f64,
                squares: clusters.iter().map(|it| it.cases * it.cases).sum(),
                degrees,
            },
        }
    }
}

fn changed(clusters: impl IntoIterator<Item = Cluster>) -> impl Iterator<Item = Cluster> {
    clusters.into_iter().filter(|it| it.change != 0.0)
}

/// What the family says of one of its comparisons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adjusted {
    /// The one-sided p for "worse", adjusted.
    pub(crate) p: f64,
    /// The level at which its own, unadjusted p decides, at most that of the family.
    pub(crate) level: f64,
}

/// Adjusts the one-sided p-values for "worse" of a family of comparisons, by [`Signs`] and the
/// suite that each belongs to; clusters of different suites are independent.
///
/// Step-down minimum p, Westfall and Young 1993 (algorithm 2.8): the null is drawn by flipping the
/// signs of whole clusters at random, in all comparisons at once (of few clusters, in all ways),
/// and p̃₍ᵢ₎ = max over j ≤ i of the share of draws whose least p over the comparisons from j on is
/// at most p₍ⱼ₎. Ties, the observed changes among them, are counted half, so that the family of a
/// single comparison has the mid-p of its flips. Assumes that where nothing changed a cluster's
/// change is as likely to be of either sign.
pub(crate) fn step_down(family: &[(usize, &Signs)], alpha: f64) -> Vec<Adjusted> {
    let draws = DRAWS.max((50.0 / alpha).ceil().min(1e6) as usize);
    step_down_by(draws, family, alpha)
}

fn step_down_by(draws: usize, family: &[(usize, &Signs)], alpha: f64) -> Vec<Adjusted> {
    let nulls = Nulls::new(family);
    let observed = nulls.p_values(&vec![0; nulls.words()]);
    let mut order: Vec<usize> = (0..family.len()).collect();
    order.sort_by(|a, b| observed[*a].total_cmp(&observed[*b]));

    // By step: the least p of each draw over the comparisons from there on.
    let mut least = vec![Vec::new(); family.len()];
    nulls.each(draws, |turned| {
        let found = nulls.p_values(turned);
        let mut smallest = f64::INFINITY;
        for (step, at) in order.iter().enumerate().rev() {
            smallest = smallest.min(found[*at]);
            least[step].push(smallest);
        }
    });
    let mut adjusted = vec![Adjusted { p: 1.0, level: 0.0 }; family.len()];
    let mut worst: f64 = 0.0;
    for (at, mut least) in order.into_iter().zip(least) {
        least.sort_by(f64::total_cmp);
        worst = worst.max(share_as_small(&least, observed[at]));
        let decided = least.partition_point(|it| share_as_small(&least, *it) <= alpha);
        // Its own p would be called worse up to the first draw that would not.
        let level = least.get(decided).map_or(alpha, |next| next.min(alpha));
        adjusted[at] = Adjusted { p: worst, level };
    }
    adjusted
}

/// Returns the share of draws that are at most `p`, ties counted half.
fn share_as_small(sorted: &[f64], p: f64) -> f64 {
    let below = sorted.partition_point(|it| *it < p - TIE);
    let up_to = sorted.partition_point(|it| *it <= p + TIE);
    0.5 * (below + up_to) as f64 / sorted.len() as f64
}

/// A family laid out for drawing: clusters as bits.
struct Nulls {
    comparisons: Vec<Comparison>,
    /// Clusters whose sign matters.
    clusters: usize,
}

enum Comparison {
    Flips {
        /// (word, clusters of this comparison, those among them that were lost).
        words: Vec<(usize, u64, u64)>,
        /// The p of so many lost.
        worse: Vec<f64>,
    },
    Clusters {
        /// (word, bit, change, change × cases).
        clusters: Vec<(usize, u32, f64, f64)>,
        /// Σ change².
        power: f64,
        cases: f64,
        groups: f64,
        squares: f64,
        degrees: f64,
    },
}

impl Nulls {
    fn new(family: &[(usize, &Signs)]) -> Self {
        let mut numbers: BTreeMap<(usize, u32), usize> = BTreeMap::new();
        for (suite, signs) in family {
            for cluster in &signs.changed {
                let next = numbers.len();
                numbers.entry((*suite, cluster.number)).or_insert(next);
            }
        }
        let place = |suite: usize, cluster: &Cluster| {
            let number = numbers[&(suite, cluster.number)];
            (number / 64, (number % 64) as u32)
        };
        let comparisons = family
            .iter()
            .map(|(suite, signs)| Comparison::new(signs, |cluster| place(*suite, cluster)));
        Self {
            comparisons: comparisons.collect(),
            clusters: numbers.len(),
        }
    }

    /// Words that hold a bit for each cluster.
    const fn words(&self) -> usize {
        self.clusters.div_ceil(64)
    }

    /// Shows the draws, the observed signs first.
    fn each(&self, draws: usize, mut show: impl FnMut(&[u64])) {
        let mut turned = vec![0_u64; self.words()];
        if self.clusters <= FEW {
            for pattern in 0..1_u64 << self.clusters {
                turned.fill(pattern);
                show(&turned);
            }
            return;
        }
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        show(&turned);
        for _ in 1..draws {
            turned.fill_with(|| random.next_u64());
            show(&turned);
        }
    }

    /// Returns each comparison's p where the clusters whose bits are set have the other sign.
    fn p_values(&self, turned: &[u64]) -> Vec<f64> {
        self.comparisons.iter().map(|it| it.p(turned)).collect()
    }
}

impl Comparison {
    fn new(signs: &Signs, place: impl Fn(&Cluster) -> (usize, u32)) -> Self {
        match signs.test {
            Test::MidP => {
                let mut words: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
                for cluster in &signs.changed {
                    let (word, bit) = place(cluster);
                    let (own, lost) = words.entry(word).or_default();
                    *own |= 1 << bit;
                    *lost |= u64::from(cluster.change < 0.0) << bit;
                }
                let flipped = signs.changed.len() as u64;
                Self::Flips {
                    words: words
                        .into_iter()
                        .map(|(at, (own, lost))| (at, own, lost))
                        .collect(),
                    worse: worse_by_flips(flipped),
                }
            }
            Test::ClusteredT {
                cases,
                clusters: groups,
                squares,
                degrees,
            } => Self::Clusters {
                clusters: signs
                    .changed
                    .iter()
                    .map(|it| {
                        let (word, bit) = place(it);
                        (word, bit, it.change, it.change * it.cases)
                    })
                    .collect(),
                power: signs.changed.iter().map(|it| it.change * it.change).sum(),
                cases,
                groups,
                squares,
                degrees,
            },
        }
    }

    fn p(&self, turned: &[u64]) -> f64 {
        match self {
            Self::Flips { words, worse } => {
                let lost: u32 = words
                    .iter()
                    .map(|(at, own, lost)| ((turned[*at] ^ lost) & own).count_ones())
                    .sum();
                worse[lost as usize]
            }
            Self::Clusters {
                clusters,
                power,
                cases,
                groups,
                squares,
                degrees,
            } => {
                let (mut sum, mut weighted) = (0.0, 0.0);
                for (at, bit, change, times_cases) in clusters {
                    let is_turned = turned[*at] >> bit & 1 == 1;
                    sum += if is_turned { -change } else { *change };
                    weighted += if is_turned {
                        -times_cases
                    } else {
                        *times_cases
                    };
                }
                let mean = sum / cases;
                // Σ (change − cases × mean)², multiplied out.
                let spread = power - 2.0 * mean * weighted + mean * mean * squares;
                // What is left of equal changes after rounding is not a spread.
                let spread = if spread <= 1e-12 * power { 0.0 } else { spread };
                let se = (groups / (groups - 1.0) * spread).sqrt() / cases;
                worse_by_t(mean, se, *degrees)
            }
        }
    }
}

#[cfg(test)]
mod tests;

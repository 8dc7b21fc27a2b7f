//! Two releases measured in turns, round after round: evidence that may be read after each of them.

use super::interval::Interval;
use super::shift::{Shift, geometric_mean};

/// Fewer rounds decide nothing.
const MIN_ROUNDS: usize = 4;

/// Returns how many rounds can decide anything at this one-sided level: fewer refute nothing,
/// however clear they are.
pub(crate) fn least_rounds(alpha: f64) -> usize {
    let can = |n: &usize| {
        let after = After {
            rounds: *n as f64,
            mean: 0.0,
            sd: 1.0,
        };
        after.half(2.0 * alpha).is_finite()
    };
    (MIN_ROUNDS..MOST).find(can).unwrap_or(MOST)
}

/// No level that a manifest may have takes more.
const MOST: usize = 1000;

/// The scale of the effects that are looked for, as a share of the rounds' own variance: found
/// soonest are effects of about one standard deviation.
const PHI: f64 = 1.0;
/// Rounds that are further from the median than this many robust standard deviations are clipped.
const CLIP: f64 = 2.5;
/// The median absolute deviation of normal values, times this, is their standard deviation.
const MAD_TO_SD: f64 = 1.4826;
/// Clipped values spread less than they would: by this factor, for normal ones.
const WIDENING: f64 = 1.08;

/// What the rounds up to one of them say of the mean log ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
struct After {
    rounds: f64,
    mean: f64,
    /// Of the rounds, as log ratios.
    sd: f64,
}

impl After {
    /// Sums up log ratios, at least two.
    fn of(log_ratios: &[f64], widening: f64) -> Self {
        let rounds = log_ratios.len() as f64;
        let mean = log_ratios.iter().sum::<f64>() / rounds;
        let squares: f64 = log_ratios.iter().map(|it| (it - mean).powi(2)).sum();
        Self {
            rounds,
            mean,
            sd: widening * (squares / (rounds - 1.0)).sqrt(),
        }
    }

    /// Returns φ/(φ + n).
    fn shrinkage(self) -> f64 {
        PHI / (PHI + self.rounds)
    }

    /// Returns the natural logarithm of the e-value against a mean of `null`:
    /// e = √r ((1 + r τ)/(1 + τ))^(−n/2), τ = t²/(n − 1), r = φ/(φ + n).
    ///
    /// The Bayes factor of the g-prior t-test (Gönen et al., Am Stat 59:252, 2005), which is an
    /// e-process: at every number of rounds at once, the chance that it ever exceeds 1/α is at most
    /// α (Lindon et al., arXiv 2210.08589). Exact for normal rounds.
    fn log_e(self, null: f64) -> f64 {
        let r = self.shrinkage();
        let degrees = self.rounds - 1.0;
        let distance = self.mean - null;
        let shape = if self.sd > 0.0 {
            let tau = (distance / self.sd).powi(2) * self.rounds / degrees;
            (r * tau).ln_1p() - tau.ln_1p()
        } else if distance == 0.0 {
            0.0
        } else {
            // The limit for a t without bound.
            r.ln()
        };
        r.ln() / 2.0 - self.rounds / 2.0 * shape
    }

    /// Returns half the width of the interval that is not refuted at `alpha`, two-sided; infinite
    /// where so few rounds refute nothing.
    fn half(self, alpha: f64) -> f64 {
        let r = self.shrinkage();
        let k = (alpha * alpha * r).powf(1.0 / self.rounds);
        if k <= r {
            return f64::INFINITY;
        }
        let degrees = self.rounds - 1.0;
        self.sd / self.rounds.sqrt() * (degrees * (1.0 - k) / (k - r)).sqrt()
    }
}

/// How far the head is from the base, by rounds in which both were measured: as ln(head/base) of
/// one quantile, a value each round.
///
/// Anytime-valid: it may be looked at after every round, and measuring may stop whenever it
/// decides. Rounds far from the others are pulled in first (winsorised at the median ± 2.5 robust
/// standard deviations, the spread widened by 1.08), so that a round in which the machine stood
/// still does not hide what the others show. Assumes that rounds are independent, which restarts
/// and an order by coin make them, and about normal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rounds {
    /// What decides: with far rounds pulled in.
    robust: After,
    /// Without pulling anything in.
    plain: After,
    log_ratios: Vec<f64>,
    /// Geometric mean of the base's rounds, in the unit of their values.
    base: f64,
    /// The rounds that were pulled in, counted from 1.
    pub(crate) clipped: Vec<usize>,
}

impl Rounds {
    /// Puts the rounds of two releases side by side, each (base, head), above 0; `None` with fewer
    /// than [`MIN_ROUNDS`].
    pub(crate) fn new(rounds: &[(f64, f64)]) -> Option<Self> {
        let is_positive = rounds.iter().all(|(base, head)| *base > 0.0 && *head > 0.0);
        if rounds.len() < MIN_ROUNDS || !is_positive {
            return None;
        }
        let log_ratios: Vec<f64> = rounds
            .iter()
            .map(|(base, head)| (head / base).ln())
            .collect();
        let pulled = winsorised(&log_ratios);
        let is_clipped = |(_, (before, after)): &(usize, (&f64, &f64))| before != after;
        let pairs = (1..).zip(log_ratios.iter().zip(&pulled));
        let clipped = pairs.filter(is_clipped).map(|(round, _)| round).collect();
        let bases: Vec<f64> = rounds.iter().map(|(base, _)| *base).collect();
        Some(Self {
            robust: After::of(&pulled, WIDENING),
            plain: After::of(&log_ratios, 1.0),
            base: geometric_mean(&bases),
            clipped,
            log_ratios,
        })
    }

    /// Returns the estimate of head/base − 1 with every round as it was measured.
    pub(crate) fn plain_change(&self) -> f64 {
        self.plain.mean.exp_m1()
    }

    /// Returns the standard deviation of the rounds, about as a share of a ratio.
    pub(crate) fn spread(&self) -> f64 {
        self.robust.sd
    }

    /// Returns how alike neighbouring rounds are, where that is more than chance explains: the
    /// lag-1 correlation, above 2/√R.
    pub(crate) fn memory(&self) -> Option<f64> {
        let mean = self.plain.mean;
        let off: Vec<f64> = self.log_ratios.iter().map(|it| it - mean).collect();
        let all: f64 = off.iter().map(|it| it * it).sum();
        let neighbours: f64 = off.windows(2).map(|it| it[0] * it[1]).sum();
        let correlation = neighbours / all;
        (all > 0.0 && correlation > 2.0 / self.plain.rounds.sqrt()).then_some(correlation)
    }

    /// Returns how many rounds, `most` at most, would show an unchanged head's upper bound below
    /// `margin`, if they spread as these do; `None` where more of them do not help.
    pub(crate) fn rounds_needed(&self, margin: f64, alpha: f64, most: usize) -> Option<usize> {
        let sd = self.spread();
        (MIN_ROUNDS..=most).find(|n| {
            let after = After {
                rounds: *n as f64,
                mean: 0.0,
                sd,
            };
            after.half(2.0 * alpha) < margin.ln_1p()
        })
    }

    /// Returns the one-sided p, as 1/(2 e), that the mean is not beyond `null` on the side of
    /// `sign`.
    fn p_beyond(&self, null: f64, sign: f64) -> f64 {
        if (self.robust.mean - null) * sign > 0.0 {
            (0.5 * (-self.robust.log_e(null)).exp()).min(1.0)
        } else {
            1.0
        }
    }
}

impl Shift for Rounds {
    fn base(&self) -> f64 {
        self.base
    }

    fn n(&self) -> u64 {
        self.log_ratios.len() as u64
    }

    fn change(&self) -> f64 {
        self.robust.mean.exp_m1()
    }

    fn p_slower(&self, increase: f64) -> f64 {
        self.p_beyond(increase.ln_1p(), 1.0)
    }

    fn p_faster(&self) -> f64 {
        self.p_beyond(0.0, -1.0)
    }

    fn lower_bound(&self, alpha: f64) -> f64 {
        (self.robust.mean - self.robust.half(2.0 * alpha)).exp_m1()
    }

    fn upper_bound(&self, alpha: f64) -> f64 {
        (self.robust.mean + self.robust.half(2.0 * alpha)).exp_m1()
    }

    fn interval(&self, confidence: f64) -> Interval {
        let alpha = (1.0 - confidence) / 2.0;
        Interval {
            low: self.lower_bound(alpha),
            high: self.upper_bound(alpha),
        }
    }
}

/// Pulls values in to the median ± [`CLIP`] robust standard deviations. Where most values are
/// equal, nothing says how far the others may be, and all stay.
fn winsorised(values: &[f64]) -> Vec<f64> {
    let middle = median(values.to_vec());
    let deviations = values.iter().map(|it| (it - middle).abs()).collect();
    let reach = CLIP * MAD_TO_SD * median(deviations);
    if reach == 0.0 {
        return values.to_vec();
    }
    let pulled = values
        .iter()
        .map(|it| it.clamp(middle - reach, middle + reach));
    pulled.collect()
}

/// Returns the median of values, of which there are some.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        f64::midpoint(values[half - 1], values[half])
    }
}

#[cfg(test)]
mod tests;

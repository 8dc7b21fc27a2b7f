//! One new session of measuring against the sessions of a base: whether it lies where one more of
//! them would.

use super::interval::Interval;
use super::shift::Shift;
use super::special::{student_t_cdf, student_t_quantile};

/// Fewer sessions of a base say too little of how far apart sessions are.
pub(crate) const MIN_SESSIONS: usize = 5;

/// How far a new session lies from those of a base, as a logarithm of their ratio.
///
/// The prediction of one more observation from k: t = (x − mean) / (s √(1 + 1/k)) on k − 1 degrees
/// of freedom, where x are logarithms of latencies (Hahn and Meeker, Statistical Intervals, 1991,
/// on prediction). Assumes that sessions are independent and that their logarithms are normal and
/// spread alike on both sides; how noisy the requests of one session are plays no part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Prediction {
    log_ratio: f64,
    /// s √(1 + 1/k).
    scale: f64,
    degrees: f64,
    /// Geometric mean of the base's sessions, in the unit of their values.
    base: f64,
    /// Sessions on both sides.
    n: u64,
}

impl Prediction {
    /// Puts the value of a new session beside those of a base's, all above 0; `None` with fewer
    /// than [`MIN_SESSIONS`].
    pub(crate) fn new(base: &[f64], head: f64) -> Option<Self> {
        let is_positive = head > 0.0 && base.iter().all(|it| *it > 0.0);
        if base.len() < MIN_SESSIONS || !is_positive {
            return None;
        }
        let k = base.len() as f64;
        let mean = base.iter().map(|it| it.ln()).sum::<f64>() / k;
        let squares: f64 = base.iter().map(|it| (it.ln() - mean).powi(2)).sum();
        Some(Self {
            log_ratio: head.ln() - mean,
            scale: (squares / (k - 1.0) * (1.0 + 1.0 / k)).sqrt(),
            degrees: k - 1.0,
            base: mean.exp(),
            n: base.len() as u64 + 1,
        })
    }

    /// Returns the standard deviation of the base's sessions, about as a share of their value.
    pub(crate) fn spread(&self) -> f64 {
        self.scale / (1.0 + 1.0 / (self.degrees + 1.0)).sqrt()
    }

    /// Returns with how many sessions of the base, `most` at most, an unchanged session's upper
    /// bound at `alpha` would lie below `margin`, if they spread as these do; `None` where more of
    /// them do not help.
    pub(crate) fn sessions_needed(&self, margin: f64, alpha: f64, most: u64) -> Option<u64> {
        let spread = self.spread();
        let half = |k: u64| {
            let k = k as f64;
            student_t_quantile(1.0 - alpha, k - 1.0) * spread * (1.0 + 1.0 / k).sqrt()
        };
        (MIN_SESSIONS as u64..=most).find(|k| half(*k) < margin.ln_1p())
    }

    fn half(&self, alpha: f64) -> f64 {
        student_t_quantile(1.0 - alpha, self.degrees) * self.scale
    }

    /// Returns P(T ≤ t) of a distance; sessions that do not differ at all leave no doubt.
    fn cdf(&self, distance: f64) -> f64 {
        if self.scale > 0.0 {
            student_t_cdf(distance / self.scale, self.degrees)
        } else if distance == 0.0 {
            0.5
        } else {
            f64::from(u8::from(distance > 0.0))
        }
    }
}

impl Shift for Prediction {
    fn base(&self) -> f64 {
        self.base
    }

    fn n(&self) -> u64 {
        self.n
    }

    fn change(&self) -> f64 {
        self.log_ratio.exp_m1()
    }

    fn p_slower(&self, increase: f64) -> f64 {
        let beyond = self.log_ratio - increase.ln_1p();
        1.0 - self.cdf(beyond)
    }

    fn p_faster(&self) -> f64 {
        self.cdf(self.log_ratio)
    }

    fn lower_bound(&self, alpha: f64) -> f64 {
        (self.log_ratio - self.half(alpha)).exp_m1()
    }

    fn upper_bound(&self, alpha: f64) -> f64 {
        (self.log_ratio + self.half(alpha)).exp_m1()
    }

    fn interval(&self, confidence: f64) -> Interval {
        let alpha = (1.0 - confidence) / 2.0;
        Interval {
            low: self.lower_bound(alpha),
            high: self.upper_bound(alpha),
        }
    }
}

/// Returns each p adjusted for having been looked at with the others, and the level that it was
/// held against, for decisions at `alpha`: Holm (Scand J Stat 6:65, 1979), which assumes nothing of
/// how they hang together.
pub(crate) fn holm(p: &[f64], alpha: f64) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![(1.0, alpha); p.len()];
    let mut most = 0.0_f64;
    for (rank, at) in order.into_iter().enumerate() {
        let left = (p.len() - rank) as f64;
        most = most.max((left * p[at]).min(1.0));
        adjusted[at] = (most, alpha / left);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::special::normal_quantile;
    use crate::stats::vectors::{Dice, latency, near, numbers};

    #[test]
    fn a_session_is_placed_as_the_reference_places_it() {
        let vector = latency("stored_baseline_prediction");
        let history = numbers(&vector["inputs"]["history"]);
        let new = vector["inputs"]["new"].as_f64().unwrap();
        let found = Prediction::new(&history, new).unwrap();
        let expected = &vector["expected"];
        near(found.log_ratio / found.scale, &expected["t"], 1e-10);
        near(found.p_slower(0.0), &expected["p_greater"], 1e-10);
        // The highest value that is still one of the base's: by how much it is above their mean.
        let highest = found.half(0.01).exp();
        near(highest, &expected["upper99_ratio"], 1e-10);
        assert_eq!(found.n, 9);
        assert!((found.p() - 2.0 * found.p_slower(0.0)).abs() < 1e-12);
    }

    #[test]
    fn holm_adjusts_as_the_reference_does() {
        let vector = latency("holm_bh");
        let p = numbers(&vector["inputs"]["p"]);
        let expected = numbers(&vector["expected"]["holm"]);
        let found = holm(&p, 0.05);
        for ((adjusted, level), (expected, p)) in found.iter().zip(expected.iter().zip(&p)) {
            assert!((adjusted - expected).abs() < 1e-12, "{adjusted} {expected}");
            assert!(*adjusted > 0.05 || p <= level);
        }
        assert_eq!(holm(&[], 0.05), []);
    }

    #[test]
    fn four_sessions_are_too_few_and_equal_ones_leave_no_doubt() {
        assert_eq!(Prediction::new(&[1.0; 4], 1.0), None);
        assert_eq!(Prediction::new(&[1.0, 1.0, 1.0, 1.0, 0.0], 1.0), None);
        for (head, p) in [(10.0, 0.5), (10.1, 0.0), (9.9, 1.0)] {
            let found = Prediction::new(&[10.0; 5], head).unwrap();
            assert!((found.p_slower(0.0) - p).abs() < 1e-12, "{head}");
            assert!((found.interval(0.95).low - found.change()).abs() < 1e-12);
        }
    }

    #[test]
    fn how_many_sessions_it_takes_depends_on_how_far_they_are_apart() {
        let needed = |spread: f64| {
            let factors = [
                1.0,
                1.0 + spread,
                1.0 - spread,
                1.0 + spread,
                1.0 - spread,
                1.0,
            ];
            let found = Prediction::new(&factors.map(|it| 100.0 * it), 100.0).unwrap();
            (found.spread(), found.sessions_needed(0.05, 0.01, 20))
        };
        let (spread, few) = needed(0.01);
        assert!((spread - 0.0089).abs() < 1e-3, "{spread}");
        assert_eq!(few, Some(5));
        let (_, more) = needed(0.02);
        assert!(more.is_some_and(|it| it > 6 && it <= 20), "{more:?}");
        assert_eq!(needed(0.04).1, None);
    }

    #[test]
    fn an_increase_that_is_allowed_is_held_against_the_lower_bound() {
        let base = [100.0, 102.0, 98.0, 101.0, 99.0, 100.0];
        for head in [101.0, 104.0, 106.0, 110.0, 130.0] {
            let found = Prediction::new(&base, head).unwrap();
            for increase in [0.0, 0.02, 0.05] {
                let is_shown = found.p_slower(increase) < 0.01;
                assert_eq!(
                    is_shown,
                    found.lower_bound(0.01) > increase,
                    "{head} {increase}"
                );
            }
        }
    }

    /// statistics 8.2: at every spread of sessions at most 1.5 % of unchanged releases are called
    /// slower; with the floor of 2 % that a gate has.
    #[test]
    fn unchanged_sessions_are_rarely_called_slower() {
        let mut dice = Dice::seeded(82);
        let mut normal = move || normal_quantile(dice.share().max(1e-12));
        for spread in [0.0, 0.02, 0.04] {
            let mut called = 0;
            for _ in 0..4000 {
                // Five runs a session, whose own noise is 3 %.
                let mut session = || (spread * normal() + 0.03 / 5.0_f64.sqrt() * normal()).exp();
                let base: Vec<f64> = (0..5).map(|_| session()).collect();
                let found = Prediction::new(&base, session()).unwrap();
                let is_worse = found.p_slower(0.0) <= 0.01 && found.change() >= 0.02;
                called += u32::from(is_worse);
            }
            assert!(called <= 60, "{called} of 4000 at {spread}");
        }
    }

    /// statistics 8.2: with twenty sessions that spread by 2 %, +10 % is found in four of five.
    #[test]
    fn more_sessions_find_more() {
        let mut dice = Dice::seeded(83);
        let mut normal = move || normal_quantile(dice.share().max(1e-12));
        let mut found = |sessions: usize| {
            let mut shown = 0;
            for _ in 0..1000 {
                let mut session = || (0.02 * normal() + 0.03 / 5.0_f64.sqrt() * normal()).exp();
                let base: Vec<f64> = (0..sessions).map(|_| session()).collect();
                let head = 1.1 * session();
                let prediction = Prediction::new(&base, head).unwrap();
                shown += u32::from(prediction.p_slower(0.0) <= 0.01);
            }
            f64::from(shown) / 1000.0
        };
        let (few, many) = (found(5), found(20));
        assert!(few < many && many > 0.8, "{few} {many}");
    }
}

//! When requests are due: a pure function of the seed, the same for any number of threads or
//! machines.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution as _, Gamma};

use super::curve::{Curve, Flat};
use super::gaps::Gaps;
use super::timing::{Timing, Until};
use crate::measure::nanos;

/// Which of a target's two schedules: the warm-up has random numbers of its own, so that its length
/// does not change the measured schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Warmup,
    Measured,
}

/// The due times of one target in ns since the start of its phase, ascending. Arrival 0 is due at
/// 0.
///
/// Arrival i is due when the curve expects `S_i` arrivals, where `S_0 = 0` and `S_i` is the sum of
/// i gaps of mean 1: all 1, exponential (`−ln(1 − u)`), or gamma distributed with shape 1/cv² and
/// scale cv². The first gamma gap has the equilibrium law of such gaps (a uniform part of a gap
/// that is drawn by its length, gamma with shape 1/cv² + 1): a process that began with an arrival
/// would else send (cv² + 1)/2 too many. At a flat rate these are the constant, the Poisson, and
/// the gamma process in equilibrium, with one more arrival at 0. *Source:* Cox, Renewal Theory
/// (1962), chapter
/// 5. The random numbers are those of `ChaCha8` keyed by the seed,
/// with one stream for each target and phase.
pub(crate) struct DueTimes {
    source: Source,
    index: u64,
    end: End,
}

enum Source {
    Drawn(Box<Drawn>),
    Listed(Arc<[u64]>),
}

struct Drawn {
    gaps: Draw,
    curve: Arc<dyn Curve>,
    /// `S_i` of the next arrival; of even gaps it is the index itself, so that nothing drifts.
    sum: f64,
    random: ChaCha8Rng,
}

enum Draw {
    Even,
    Exponential,
    /// The gaps, and the gap by its length of which the first is a part.
    Gamma(Gamma<f64>, Gamma<f64>),
}

#[derive(Clone, Copy, Debug)]
enum End {
    BeforeNs(u64),
    Count(u64),
}

impl DueTimes {
    /// Makes the schedule of the `target`-th target of an open loop; `None` in a closed loop, which
    /// has none, and for a warm-up before a curve that begins at rate 0.
    pub(crate) fn new(
        timing: &Timing,
        until: Until,
        seed: u64,
        target: u64,
        phase: Phase,
    ) -> Option<Self> {
        let warms = phase == Phase::Warmup;
        let source = match timing {
            Timing::Closed(_) => return None,
            Timing::Listed(due) if warms => {
                let length_s = *due.last()? as f64 / 1e9;
                let rate = (due.len() as f64 - 1.0) / length_s;
                Source::drawn(Gaps::Even, Arc::new(Flat(rate)), seed, target, phase)
            }
            Timing::Listed(due) => Source::Listed(Arc::clone(due)),
            Timing::Drawn { gaps, curve } => {
                let curve = if warms {
                    Arc::new(Flat(curve.rate_at(0.0)))
                } else {
                    Arc::clone(curve)
                };
                Source::drawn(*gaps, curve, seed, target, phase)
            }
        };
        if let Source::Drawn(drawn) = &source
            && warms
            && !(drawn.curve.rate_at(0.0) > 0.0 && drawn.curve.rate_at(0.0).is_finite())
        {
            return None;
        }
        Some(Self {
            source,
            index: 0,
            end: match until {
                Until::Duration(duration) => End::BeforeNs(nanos(duration)),
                Until::Requests(count) => End::Count(count),
            },
        })
    }
}

impl Source {
    fn drawn(gaps: Gaps, curve: Arc<dyn Curve>, seed: u64, target: u64, phase: Phase) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(2 * target + u64::from(phase == Phase::Warmup));
        let gaps = match gaps {
            Gaps::Even => Draw::Even,
            Gaps::Exponential => Draw::Exponential,
            // All parameters are positive and finite, as the manifest has checked; else the gaps
            // would be even.
            Gaps::Gamma { cv } => {
                let of = |shape: f64| Gamma::new(shape, cv.powi(2)).ok();
                let both = of(cv.powi(-2)).zip(of(cv.powi(-2) + 1.0));
                both.map_or(Draw::Even, |(gaps, first)| Draw::Gamma(gaps, first))
            }
        };
        Self::Drawn(Box::new(Drawn {
            gaps,
            curve,
            sum: 0.0,
            random,
        }))
    }

    /// Returns when the arrival is due, in ns; `None` when it never is.
    fn due(&self, index: u64) -> Option<u64> {
        match self {
            Self::Listed(due) => due.get(index as usize).copied(),
            Self::Drawn(drawn) => {
                let due_s = drawn.curve.when(drawn.sum);
                due_s.is_finite().then_some((due_s * 1e9).round() as u64)
            }
        }
    }

    /// Goes on to the arrival with that index.
    fn advance(&mut self, index: u64) {
        let Self::Drawn(drawn) = self else {
            return;
        };
        match &drawn.gaps {
            Draw::Even => drawn.sum = index as f64,
            Draw::Exponential => drawn.sum += -(-unit(&mut drawn.random)).ln_1p(),
            Draw::Gamma(_, first) if index == 1 => {
                let gap = first.sample(&mut drawn.random);
                drawn.sum += gap * unit(&mut drawn.random);
            }
            Draw::Gamma(gaps, _) => drawn.sum += gaps.sample(&mut drawn.random),
        }
    }
}

impl Iterator for DueTimes {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if let End::Count(count) = self.end
            && self.index >= count
        {
            return None;
        }
        let due = self.source.due(self.index)?;
        if let End::BeforeNs(end) = self.end
            && due >= end
        {
            return None;
        }
        self.index += 1;
        self.source.advance(self.index);
        Some(due)
    }
}

/// Returns a number in [0, 1) with 53 random bits.
fn unit(random: &mut ChaCha8Rng) -> f64 {
    const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
    (random.next_u64() >> 11) as f64 * SCALE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use std::time::Duration;

    use crate::arrival::process::ramp::{Exponential, Linear};
    use crate::arrival::process::sine::Wave;
    use crate::arrival::process::steps::{Level, Levels};

    fn timing(gaps: Gaps, rate: f64) -> Timing {
        Timing::at(gaps, rate)
    }

    fn drawn(gaps: Gaps, curve: impl Curve + 'static) -> Timing {
        let curve = Arc::new(curve);
        Timing::Drawn { gaps, curve }
    }

    fn arrivals(timing: &Timing, until: Until, seed: u64) -> Vec<u64> {
        DueTimes::new(timing, until, seed, 0, Phase::Measured)
            .unwrap()
            .collect()
    }

    fn schedule(gaps: Gaps, rate: f64, seconds: u64, seed: u64) -> Vec<u64> {
        let until = Until::Duration(Duration::from_secs(seconds));
        arrivals(&timing(gaps, rate), until, seed)
    }

    /// Returns the index of dispersion of the counts in windows of 10 ms.
    fn dispersion(due: &[u64], seconds: usize) -> f64 {
        let mut windows = vec![0.0_f64; seconds * 100];
        for at in due {
            windows[(at / 10_000_000) as usize] += 1.0;
        }
        let mean = due.len() as f64 / windows.len() as f64;
        let squares: f64 = windows.iter().map(|n| (n - mean).powi(2)).sum();
        squares / (windows.len() - 1) as f64 / mean
    }

    /// Returns the gaps in units of their expected mean.
    fn unit_gaps(due: &[u64], rate: f64) -> Vec<f64> {
        due.windows(2)
            .map(|pair| (pair[1] - pair[0]) as f64 / 1e9 * rate)
            .collect()
    }

    #[test]
    fn constant_arrivals_begin_at_zero_and_do_not_drift() {
        let due = schedule(Gaps::Even, 3.0, 100, 1);
        assert_eq!(due.len(), 300);
        assert_eq!((due[0], due[299]), (0, 99_666_666_667));
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_dispersion_of_poisson() {
        let due = schedule(Gaps::Exponential, 1000.0, 100, 7);
        assert_eq!(due[0], 0);
        let count = due.len() as f64;
        // Five standard deviations of a Poisson count with mean 100,000.
        assert!(
            (count - 100_000.0).abs() < 5.0 * 100_000_f64.sqrt(),
            "{count}"
        );
        let index = dispersion(&due, 100);
        assert!((index - 1.0).abs() < 0.05, "{index}");
    }

    #[test]
    fn poisson_gaps_pass_a_kolmogorov_smirnov_test_and_do_not_remember() {
        let due = schedule(Gaps::Exponential, 500.0, 60, 11);
        let gaps = unit_gaps(&due, 500.0);
        let n = gaps.len() as f64;
        let lag_1: f64 = gaps
            .windows(2)
            .map(|pair| (pair[0] - 1.0) * (pair[1] - 1.0))
            .sum::<f64>()
            / n;
        assert!(lag_1.abs() < 3.0 / n.sqrt(), "autocorrelation {lag_1}");
        let mut sorted = gaps;
        sorted.sort_by(f64::total_cmp);
        let distance = sorted
            .iter()
            .enumerate()
            .map(|(i, gap)| {
                let model = 1.0 - (-gap).exp();
                (model - i as f64 / n)
                    .abs()
                    .max((model - (i + 1) as f64 / n).abs())
            })
            .fold(0.0, f64::max);
        assert!(distance < 1.63 / n.sqrt(), "D = {distance}"); // the 1 % point
    }

    #[test]
    fn gamma_gaps_have_the_mean_and_the_variation_that_are_asked() {
        for cv in [0.25, 0.5, 2.0] {
            let due = schedule(Gaps::Gamma { cv }, 1000.0, 100, 3);
            let gaps = unit_gaps(&due, 1000.0);
            let n = gaps.len() as f64;
            let mean = gaps.iter().sum::<f64>() / n;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n;
            assert!((mean - 1.0).abs() < 5.0 * cv / n.sqrt(), "{cv}: {mean}");
            assert!(
                (variance.sqrt() / cv - 1.0).abs() < 0.05,
                "{cv}: {variance}"
            );
        }
    }

    /// Finding 21: at 50/s over 20 s there were 18.9 too many with cv 5, and 47 with cv 10; the
    /// first second had 96 for 50.
    #[test]
    fn bursty_arrivals_are_as_many_as_the_rate_says_from_the_first_second_on() {
        for (cv, runs) in [(0.5, 200), (5.0, 2000), (10.0, 2000)] {
            let (mut first, mut all) = (0.0, 0.0);
            for seed in 0..runs {
                let due = schedule(Gaps::Gamma { cv }, 50.0, 5, seed);
                first += due.iter().filter(|at| **at < 1_000_000_000).count() as f64;
                all += due.len() as f64;
            }
            let runs = runs as f64;
            // One more for the arrival at 0; a count in t s varies by about cv² · 50 t.
            for (seconds, found) in [(1.0, first / runs), (5.0, all / runs)] {
                let expected = 50.0 * seconds + 1.0;
                let error = 4.0 * cv * (50.0 * seconds / runs).sqrt() + 0.5;
                assert!(
                    (found - expected).abs() < error,
                    "cv {cv}: {found} for {expected}"
                );
            }
        }
    }

    #[test]
    fn a_poisson_ramp_has_its_expected_counts_second_by_second() {
        let curve = Linear {
            from: 0.0,
            to: 2000.0,
            over_s: 20.0,
        };
        let gaps = Gaps::Exponential;
        let until = Until::Duration(Duration::from_secs(20));
        let due = arrivals(&drawn(gaps, curve), until, 5);
        for second in 0..20_u64 {
            let here = due.iter().filter(|at| **at / 1_000_000_000 == second);
            let expected = 100.0 * (second as f64 + 0.5);
            let count = here.count() as f64;
            assert!(
                (count - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                "second {second}: {count} for {expected}"
            );
        }
    }

    #[test]
    fn even_steps_have_exactly_their_counts() {
        let level = |rate, length_s| Level { rate, length_s };
        let curve = Levels {
            levels: [level(10.0, 2.0), level(0.0, 1.0), level(100.0, 1.0)].into(),
            again: false,
        };
        let gaps = Gaps::Even;
        let until = Until::Duration(Duration::from_secs(4));
        let due = arrivals(&drawn(gaps, curve), until, 5);
        let within = |from: u64, to: u64| {
            let ns = |s: u64| s * 1_000_000_000;
            due.iter()
                .filter(|at| (ns(from)..ns(to)).contains(at))
                .count()
        };
        assert_eq!((within(0, 2), within(2, 3), within(3, 4)), (20, 0, 100));
    }

    #[test]
    fn a_curve_that_ends_sends_no_more_whatever_was_asked() {
        let curve = Linear {
            from: 10.0,
            to: 0.0,
            over_s: 2.0,
        };
        let gaps = Gaps::Even;
        let due = arrivals(&drawn(gaps, curve), Until::Requests(50), 1);
        assert_eq!(due.len(), 11);
    }

    #[test]
    fn a_trace_is_sent_as_it_was_recorded_and_warmed_up_at_its_mean_rate() {
        let timing = Timing::Listed([0, 5, 5, 1_000_000_000].into());
        let all = Until::Duration(Duration::from_secs(2));
        assert_eq!(arrivals(&timing, all, 1), [0, 5, 5, 1_000_000_000]);
        let warmup: Vec<u64> = DueTimes::new(&timing, all, 1, 0, Phase::Warmup)
            .unwrap()
            .collect();
        assert_eq!(warmup.len(), 6);
        let single = Timing::Listed([0].into());
        assert!(DueTimes::new(&single, all, 1, 0, Phase::Warmup).is_none());
    }

    #[test]
    fn seeds_targets_and_phases_have_schedules_of_their_own() {
        let timing = timing(Gaps::Exponential, 10.0);
        let first = |seed, target, phase| {
            DueTimes::new(&timing, Until::Requests(5), seed, target, phase)
                .unwrap()
                .collect::<Vec<u64>>()
        };
        let base = first(1, 0, Phase::Measured);
        assert_eq!(base, first(1, 0, Phase::Measured));
        assert_ne!(base, first(2, 0, Phase::Measured));
        assert_ne!(base, first(1, 1, Phase::Measured));
        assert_ne!(base, first(1, 0, Phase::Warmup));
    }

    proptest! {
        #[test]
        fn arrivals_ascend_and_fall_before_the_end(
            rate in 0.1_f64..5000.0, to in 0.0_f64..5000.0, seed: u64, which in 0_usize..3, shape in 0..5, millis in 1_u64..3000,
        ) {
            let gaps = [Gaps::Even, Gaps::Exponential, Gaps::Gamma { cv: 3.0 }][which];
            let over_s = 1.0;
            let level = |rate, length_s| Level { rate, length_s };
            let timing = match shape {
                0 => Timing::at(gaps, rate),
                1 => drawn(gaps, Linear { from: rate, to, over_s }),
                2 => drawn(gaps, Exponential { from: rate, to: to + 0.1, over_s }),
                3 => drawn(gaps, Levels { levels: [level(rate, 0.4), level(to, 0.1)].into(), again: true }),
                _ => drawn(gaps, Wave { mean: rate, swing: rate.min(to), period_s: 0.7 }),
            };
            let until = Until::Duration(Duration::from_millis(millis));
            let due = arrivals(&timing, until, seed);
            prop_assert_eq!(due[0], 0);
            prop_assert!(due.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(due.iter().all(|at| *at < millis * 1_000_000));
        }
    }
}

//! When requests are due: a pure function of the seed, the same for any number of threads or machines.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::manifest::{Arrivals, Process, Until};

/// Which of a target's two schedules: the warm-up has random numbers of its own, so that its length does not change
/// the measured schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Warmup,
    Measured,
}

/// The due times of one target in ns since the start of the measured phase, ascending. Arrival 0 is due at 0.
///
/// `constant`: `i / rate`, computed from `i` each time, so that nothing drifts. `poisson`: sums of independent
/// exponential gaps `−ln(1 − u) / rate` (a Poisson process conditioned on an arrival at 0), `u` from `ChaCha8` keyed
/// by the seed with one stream for each target and phase.
pub(crate) struct Schedule {
    process: Process,
    rate: f64,
    index: u64,
    elapsed_s: f64,
    end: End,
    random: ChaCha8Rng,
}

#[derive(Clone, Copy, Debug)]
enum End {
    BeforeNs(u64),
    Count(u64),
}

impl Schedule {
    /// Makes the schedule of the `target`-th target of an open loop; `None` in a closed loop, which has none.
    pub(crate) fn new(
        arrivals: &Arrivals,
        until: Until,
        seed: u64,
        target: u64,
        phase: Phase,
    ) -> Option<Self> {
        let Arrivals::Open { process, rate } = arrivals else {
            return None;
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(2 * target + u64::from(phase == Phase::Warmup));
        Some(Self {
            process: *process,
            rate: rate.per_second(),
            index: 0,
            elapsed_s: 0.0,
            end: match until {
                Until::Duration(duration) => End::BeforeNs(nanos(duration)),
                Until::Requests(count) => End::Count(count),
            },
            random,
        })
    }
}

impl Iterator for Schedule {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let due_s = match self.process {
            Process::Constant => self.index as f64 / self.rate,
            Process::Poisson => self.elapsed_s,
        };
        let due = (due_s * 1e9).round() as u64;
        match self.end {
            End::BeforeNs(end) if due >= end => return None,
            End::Count(count) if self.index >= count => return None,
            End::BeforeNs(_) | End::Count(_) => {}
        }
        self.index += 1;
        if self.process == Process::Poisson {
            self.elapsed_s += -(-unit(&mut self.random)).ln_1p() / self.rate;
        }
        Some(due)
    }
}

/// Returns a number in [0, 1) with 53 random bits.
fn unit(random: &mut ChaCha8Rng) -> f64 {
    const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
    (random.next_u64() >> 11) as f64 * SCALE
}

/// Returns a duration in ns; every duration of a manifest fits.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(process: Process, rate: &str, seconds: u64, seed: u64) -> Vec<u64> {
        let arrivals = Arrivals::Open {
            process,
            rate: rate.parse().unwrap(),
        };
        let until = Until::Duration(Duration::from_secs(seconds));
        Schedule::new(&arrivals, until, seed, 0, Phase::Measured)
            .unwrap()
            .collect()
    }

    #[test]
    fn constant_arrivals_begin_at_zero_and_do_not_drift() {
        let due = schedule(Process::Constant, "3/s", 100, 1);
        assert_eq!(due.len(), 300);
        assert_eq!((due[0], due[299]), (0, 99_666_666_667));
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_dispersion_of_poisson() {
        let due = schedule(Process::Poisson, "1000/s", 100, 7);
        assert_eq!(due[0], 0);
        let count = due.len() as f64;
        // Five standard deviations of a Poisson count with mean 100,000.
        assert!(
            (count - 100_000.0).abs() < 5.0 * 100_000_f64.sqrt(),
            "{count}"
        );
        let mut windows = vec![0.0_f64; 10_000];
        for at in &due {
            windows[(at / 10_000_000) as usize] += 1.0;
        }
        let mean = count / 10_000.0;
        let variance =
            windows.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / (windows.len() - 1) as f64;
        assert!((variance / mean - 1.0).abs() < 0.07, "{}", variance / mean);
    }

    #[test]
    fn poisson_gaps_pass_a_kolmogorov_smirnov_test() {
        let due = schedule(Process::Poisson, "500/s", 60, 11);
        let mut gaps: Vec<f64> = due
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as f64 / 1e9 * 500.0)
            .collect();
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len() as f64;
        let distance = gaps
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
    fn seeds_targets_and_phases_have_schedules_of_their_own() {
        let arrivals = Arrivals::Open {
            process: Process::Poisson,
            rate: "10/s".parse().unwrap(),
        };
        let first = |seed, target, phase| {
            Schedule::new(&arrivals, Until::Requests(5), seed, target, phase)
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
            rate in 0.1_f64..5000.0, seed: u64, poisson: bool, millis in 1_u64..3000,
        ) {
            let process = if poisson { Process::Poisson } else { Process::Constant };
            let arrivals =
                Arrivals::Open { process, rate: format!("{rate}/s").parse().unwrap() };
            let until = Until::Duration(Duration::from_millis(millis));
            let due: Vec<u64> =
                Schedule::new(&arrivals, until, seed, 0, Phase::Measured).unwrap().collect();
            prop_assert_eq!(due[0], 0);
            prop_assert!(due.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(due.iter().all(|at| *at < millis * 1_000_000));
        }
    }
}

//! Where a series settles: how much of its beginning is still warming up.

/// Fewer values say nothing about where they settle.
const LEAST: usize = 10;
/// A difference, in standard errors, that is more than chance.
const SURE: f64 = 3.0;

/// How a series settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steady {
    /// From this value on it is steady; 0 is the whole series.
    From(usize),
    /// It was still changing at its end.
    Never,
}

/// Finds out where a series becomes steady; `None` with fewer than ten values.
///
/// The beginning that is cut is the one after which the squared standard error of the mean is
/// smallest (MSER), among those of at most half the series. *Source:* White, Simulation 69:323
/// (1997). It is cut only when its trimmed mean differs from that of the rest by more than three
/// standard errors and by more than `least`: otherwise chance would cut a little nearly always. The
/// rest is not steady when its two halves differ by as much, with standard errors for the
/// first-order autocorrelation that it shows. Means are without the lowest and the highest tenth,
/// as the noise is without its largest: a pause in the middle is no change of level. *Assumes* that
/// what is steady has one level, and values that are about normal: take logarithms of times.
pub(crate) fn steady(series: &[f64], least: f64) -> Option<Steady> {
    if series.len() < LEAST {
        return None;
    }
    let most = series.len() / 2;
    let squared_error = |cut: &usize| {
        let rest = &series[*cut..];
        spread(rest, mean(rest)) / (rest.len() * rest.len()) as f64
    };
    let cut = (0..=most).min_by(|a, b| squared_error(a).total_cmp(&squared_error(b)))?;
    let (begin, rest) = series.split_at(cut);
    let differs = !begin.is_empty() && differ(begin, rest, rest, least);
    let cut = if differs { cut } else { 0 };
    let rest = &series[cut..];
    let (first, second) = rest.split_at(rest.len() / 2);
    // A best cut at the bound may lie beyond it: then any change that is left is enough.
    let still_changes = cut == most && (trimmed(first) - trimmed(second)).abs() > least;
    if still_changes || differ(first, second, rest, least) {
        return Some(Steady::Never);
    }
    Some(Steady::From(cut))
}

/// Returns whether the trimmed means of two parts differ by more than chance, as far as `noise`
/// shows what chance does.
fn differ(one: &[f64], other: &[f64], noise: &[f64], least: f64) -> bool {
    let difference = (trimmed(one) - trimmed(other)).abs();
    let sizes = 1.0 / one.len() as f64 + 1.0 / other.len() as f64;
    let error = (long_run_variance(noise) * sizes).sqrt();
    difference > (SURE * error).max(least)
}

/// Returns the variance that sums of such values have, per value: s² (1 + φ)/(1 − φ) for a
/// first-order autoregression.
///
/// From differences one and two apart, whose mean squares are 2 s² (1 − φ) and 2 s² (1 − φ²). The
/// largest tenth of the squares is left out, so that a step counts for little. In the factor stands
/// φ + (1 + 3φ)/n, because the estimate is too low by that much. *Source of the bias:* Kendall,
/// Biometrika 41:403 (1954). No autoregression has a φ well above 1: such a series goes somewhere
/// smoothly, as a growing queue does, and that must not pass for noise with a long memory.
fn long_run_variance(values: &[f64]) -> f64 {
    const KEPT: f64 = 0.9;
    /// The mean of the lower nine tenths of χ² with one degree of freedom: P(χ²₃ < 2.7055) / 0.9.
    const MEAN_OF_KEPT: f64 = 0.623_2;
    /// With more, sums of a run's few intervals say nothing.
    const MOST_PHI: f64 = 0.97;
    const TREND: f64 = 1.5;
    const PHI_OF_TREND: f64 = 0.8;
    let half_square = |apart: usize| {
        let pairs = values.windows(apart + 1);
        let mut squares: Vec<f64> = pairs.map(|it| (it[apart] - it[0]).powi(2)).collect();
        squares.sort_by(f64::total_cmp);
        squares.truncate((KEPT * squares.len() as f64) as usize);
        mean(&squares) / MEAN_OF_KEPT / 2.0
    };
    let (one, two) = (half_square(1), half_square(2));
    if one <= 0.0 {
        return 0.0;
    }
    let ratio = two / one - 1.0;
    if ratio > TREND {
        return one / (1.0 - PHI_OF_TREND) * (1.0 + PHI_OF_TREND) / (1.0 - PHI_OF_TREND);
    }
    let seen = ratio.clamp(0.0, MOST_PHI);
    let phi = (seen + (1.0 + 3.0 * seen) / values.len() as f64).min(MOST_PHI);
    one / (1.0 - seen) * (1.0 + phi) / (1.0 - phi)
}

/// Returns the mean without the lowest and the highest tenth.
fn trimmed(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let off = values.len() / 10;
    mean(&sorted[off..sorted.len() - off])
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn spread(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    // What is left of equal values after rounding is not a spread.
    let rounding = 1e-20 * mean * mean * values.len() as f64;
    if squares > rounding { squares } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use rand_distr::Distribution as _;

    use super::*;
    use crate::stats::vectors::Dice;

    const RUNS: u64 = 400;
    const LEAST_CHANGE: f64 = 0.02;

    /// Returns how often each of (nothing cut, something cut, never steady) comes out of noisy
    /// copies of a level.
    fn outcomes(length: usize, noise: f64, phi: f64, level: impl Fn(f64) -> f64) -> [f64; 3] {
        of_runs(RUNS, length, noise, phi, level)
    }

    fn of_runs(
        runs: u64,
        length: usize,
        noise: f64,
        phi: f64,
        level: impl Fn(f64) -> f64,
    ) -> [f64; 3] {
        let mut counts = [0.0; 3];
        for seed in 0..runs {
            let mut random =
                <rand_chacha::ChaCha8Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(
                    seed,
                );
            let normal = rand_distr::Normal::new(0.0, noise).unwrap();
            let mut last = 0.0;
            let series: Vec<f64> = (0..length)
                .map(|at| {
                    last = phi * last + normal.sample(&mut random);
                    level(at as f64) + last
                })
                .collect();
            match steady(&series, LEAST_CHANGE).unwrap() {
                Steady::From(0) => counts[0] += 1.0,
                Steady::From(_) => counts[1] += 1.0,
                Steady::Never => counts[2] += 1.0,
            }
        }
        counts.map(|count| count / runs as f64)
    }

    #[test]
    fn noise_alone_is_steady_from_the_beginning() {
        for (length, noise, phi) in [
            (10, 0.05, 0.0),
            (60, 0.1, 0.0),
            (60, 0.1, 0.5),
            (300, 0.3, 0.0),
        ] {
            let [whole, cut, never] = outcomes(length, noise, phi, |_| 3.0);
            assert!(
                whole > 0.93,
                "{length} {noise} {phi}: {whole} {cut} {never}"
            );
        }
    }

    /// Finding 18 and statistics 7.7: by plain means 93 % of such runs were never steady.
    #[test]
    fn a_pause_is_no_change_of_level() {
        for begin in [10.0, 20.0, 28.0, 32.0, 50.0] {
            let pause = |at: f64| {
                let slow = (begin..begin + 3.0).contains(&at);
                3.0 + if slow { 3.0_f64.ln() } else { 0.0 }
            };
            let [whole, cut, never] = of_runs(100, 60, 0.05, 0.0, pause);
            assert!(never < 0.05, "{begin}: {whole} {cut} {never}");
            // Before the middle it may be taken for a warm-up, and what is left is steady.
            assert!(
                begin < 28.0 || whole > 0.9,
                "{begin}: {whole} {cut} {never}"
            );
        }
    }

    /// Section 4's table of the statistics: the share of stationary runs that are called never
    /// steady.
    #[test]
    fn a_long_memory_is_seldom_taken_for_a_change() {
        for (length, phi, most) in [
            (60, 0.8, 0.10),
            (300, 0.8, 0.05),
            (10, 0.95, 0.10),
            (60, 0.95, 0.17),
            (300, 0.95, 0.17),
        ] {
            // It begins at the level itself.
            let noise = 0.1 * (1.0_f64 - phi * phi).sqrt();
            let [whole, cut, never] = of_runs(300, length, noise, phi, |_| 3.0);
            assert!(never <= most, "{length} {phi}: {whole} {cut} {never}");
        }
    }

    #[test]
    fn warm_ups_are_still_found() {
        let warm_up = |at: f64| 3.0 + 0.3 * (-at / 5.0).exp();
        let [_, cut, _] = outcomes(60, 0.05, 0.0, warm_up);
        assert!(cut > 0.93, "{cut}");
        // In noise with a memory it is hard to see: 37 % before, by at most fourteen points less.
        let [_, cut, _] = outcomes(60, 0.0866, 0.5, warm_up);
        assert!(cut > 0.23, "{cut}");
    }

    /// The answers of a queue in equilibrium are steady: mean logarithms by the second.
    #[test]
    fn a_queue_in_equilibrium_is_steady() {
        let mut dice = Dice::seeded(77);
        for (rho, length, least) in [(0.5, 60, 0.95), (0.9, 60, 0.84), (0.9, 300, 0.9)] {
            let mut whole = 0;
            for _ in 0..100 {
                let series = queue(&mut dice, rho, length);
                whole += u32::from(steady(&series, LEAST_CHANGE) == Some(Steady::From(0)));
            }
            assert!(f64::from(whole) >= 100.0 * least, "{rho} {length}: {whole}");
        }
    }

    fn queue(dice: &mut Dice, rho: f64, seconds: usize) -> Vec<f64> {
        const RATE: f64 = 20.0;
        let exponential = |dice: &mut Dice| -(1.0 - dice.share()).ln();
        let (mut now, mut work) = (-60.0, 0.0);
        let mut sums = vec![(0.0, 0.0); seconds];
        loop {
            let gap = exponential(dice) / RATE;
            now += gap;
            work = f64::max(work - gap, 0.0) + exponential(dice) * rho / RATE;
            if now >= seconds as f64 {
                break;
            }
            if now >= 0.0 {
                let sum = &mut sums[now as usize];
                *sum = (sum.0 + work.ln(), sum.1 + 1.0);
            }
        }
        sums.retain(|(_, count)| *count > 0.0);
        sums.into_iter().map(|(sum, count)| sum / count).collect()
    }

    #[test]
    fn a_warm_up_is_cut() {
        let warm_up = |at: f64| 3.0 + (-at / 3.0).exp();
        let [whole, cut, never] = outcomes(60, 0.05, 0.0, warm_up);
        assert!(cut > 0.95, "{whole} {cut} {never}");
        let exact: Vec<f64> = (0..60).map(|at| warm_up(f64::from(at))).collect();
        let Some(Steady::From(cut)) = steady(&exact, LEAST_CHANGE) else {
            panic!("a warm-up without noise settles")
        };
        // What is left of it there: e^(−cut/3) of the first excess.
        assert!((9..=30).contains(&cut), "{cut}");
        let step: Vec<f64> = (0..40).map(|at| if at < 7 { 5.0 } else { 2.0 }).collect();
        assert_eq!(steady(&step, LEAST_CHANGE), Some(Steady::From(7)));
    }

    #[test]
    fn what_grows_to_the_end_never_settles() {
        let [_, _, never] = outcomes(60, 0.05, 0.0, |at| 3.0 + at / 60.0);
        assert!(never > 0.95, "{never}");
        // Smooth growth, as that of a queue, is not noise with a long memory.
        for length in [20, 30, 60] {
            let growing = |at: f64| (20.0 + 5.0 * at).ln();
            let [_, _, never] = of_runs(100, length, 0.01, 0.0, growing);
            assert!(never > 0.95, "{length}: {never}");
        }
        let late: Vec<f64> = (0..40).map(|at| if at < 28 { 2.0 } else { 4.0 }).collect();
        assert_eq!(steady(&late, LEAST_CHANGE), Some(Steady::Never));
    }

    #[test]
    fn small_changes_and_short_series_are_no_matter() {
        let series: Vec<f64> = (0..30).map(|at| if at < 10 { 1.01 } else { 1.0 }).collect();
        assert_eq!(steady(&series, LEAST_CHANGE), Some(Steady::From(0)));
        assert_eq!(steady(&[1.0; 9], LEAST_CHANGE), None);
        assert_eq!(steady(&[1.0; 10], LEAST_CHANGE), Some(Steady::From(0)));
    }
}

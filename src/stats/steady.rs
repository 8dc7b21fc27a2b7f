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
/// The beginning that is cut is the one after which the squared standard error of the mean is smallest (MSER), among those of at
/// most half the series. *Source:* White, Simulation 69:323 (1997). It is cut only when its mean differs from that of the rest by
/// more than three standard errors and by more than `least`: otherwise chance would cut a little nearly always. The rest is not
/// steady when its two halves differ by as much, with standard errors for the first-order autocorrelation that it shows.
/// *Assumes* that what is steady has one level, and values that are about normal: take logarithms of times.
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
    let still_changes = cut == most && (mean(first) - mean(second)).abs() > least;
    if still_changes || differ(first, second, rest, least) {
        return Some(Steady::Never);
    }
    Some(Steady::From(cut))
}

/// Returns whether the means of two parts differ by more than chance, as far as `noise` shows what chance does.
fn differ(one: &[f64], other: &[f64], noise: &[f64], least: f64) -> bool {
    let difference = (mean(one) - mean(other)).abs();
    let sizes = 1.0 / one.len() as f64 + 1.0 / other.len() as f64;
    let error = (long_run_variance(noise) * sizes).sqrt();
    difference > (SURE * error).max(least)
}

/// Returns the variance that sums of such values have, per value: s² (1 + φ)/(1 − φ) for a first-order autoregression.
///
/// From differences one and two apart, whose mean squares are 2 s² (1 − φ) and 2 s² (1 − φ²). The largest tenth of the squares is
/// left out, so that a step counts for little.
fn long_run_variance(values: &[f64]) -> f64 {
    const KEPT: f64 = 0.9;
    /// The mean of the lower nine tenths of χ² with one degree of freedom: P(χ²₃ < 2.7055) / 0.9.
    const MEAN_OF_KEPT: f64 = 0.623_2;
    /// With more, sums of a run's few intervals say nothing.
    const MOST_PHI: f64 = 0.8;
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
    let phi = (two / one - 1.0).clamp(0.0, MOST_PHI);
    one / (1.0 - phi) * (1.0 + phi) / (1.0 - phi)
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

    const RUNS: u64 = 400;
    const LEAST_CHANGE: f64 = 0.02;

    /// Returns how often each of (nothing cut, something cut, never steady) comes out of noisy copies of a level.
    fn outcomes(length: usize, noise: f64, phi: f64, level: impl Fn(f64) -> f64) -> [f64; 3] {
        let mut counts = [0.0; 3];
        for seed in 0..RUNS {
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
        counts.map(|count| count / RUNS as f64)
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

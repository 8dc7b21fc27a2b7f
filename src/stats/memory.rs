//! What the memory of a queue does to a sum: answers that wait behind one another are slow
//! together, for longer than a second.

use super::cluster::batch_mean;
use super::special::student_t_quantile;
use crate::measure::Histogram;

/// Why a percentile or a mean comes without its interval.
pub(crate) const TOO_SHORT: &str = "the run is too short against its own memory";

/// With fewer intervals there are fewer than four cosines, which is too few to tell how long a
/// memory is.
const FEWEST: usize = 5;
/// Below so many intervals the cosines see little: then the wider interval of this and of
/// independent batches counts.
const FEW: usize = 20;
/// From this design effect on the run is too short: the cosines cannot see all of so long a memory.
const LONGEST: f64 = 100.0;

/// The variance of a sum over a run, with the degrees of freedom it is known by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LongRun {
    pub(super) variance: f64,
    pub(super) df: f64,
}

/// Returns the variance of the sum of `residuals`, one for each interval in the order of time,
/// whose sum is 0; `None` with fewer than five.
///
/// `J · mean Λ²` with `Λ_k = √(2/J) Σ z_j cos(πk(j − ½)/J)` for k from 1 to ν, `ν = round(0.4
/// J^(2/3))`, at least 4: equal-weighted cosines. *Source:* Lazarus, Lewis, Stock and Watson, J.
/// Business & Economic Statistics 36:541 (2018). Use t with ν degrees of freedom. *Assumes* that
/// the run is stationary, and that its memory is short against J / ν intervals.
pub(super) fn long_run(residuals: &[f64]) -> Option<LongRun> {
    if residuals.len() < FEWEST {
        return None;
    }
    let count = residuals.len() as f64;
    let cosines = (0.4 * count.powf(2.0 / 3.0)).round().max(4.0);
    let square = |k: usize| {
        let weight = |j: usize| (std::f64::consts::PI * k as f64 * (j as f64 + 0.5) / count).cos();
        let sum: f64 = residuals
            .iter()
            .enumerate()
            .map(|(j, z)| z * weight(j))
            .sum();
        2.0 / count * sum * sum
    };
    let mean = (1..=cosines as usize).map(square).sum::<f64>() / cosines;
    Some(LongRun {
        variance: count * mean,
        df: cosines,
    })
}

/// How far an estimate may be off: its two-sided interval is ± t(df) times the standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Uncertain {
    pub(crate) error: f64,
    pub(crate) df: f64,
}

impl Uncertain {
    fn half(self, confidence: f64) -> f64 {
        student_t_quantile(0.5 + 0.5 * confidence, self.df) * self.error
    }
}

/// Returns the design effect of exceedance counts given as (samples, samples above the pooled
/// quantile) per interval, with the degrees of freedom it is known by; `None` when the run is too
/// short against its own memory.
///
/// By [`long_run`] over z = y − m p̂, against n p̂ (1 − p̂) of independent samples, at least 1.
/// With fewer than twenty intervals it is Pearson's overdispersion where that gives the wider
/// interval.
pub(super) fn design_effect(counts: &[(u64, u64)], confidence: f64) -> Option<Uncertain> {
    uncapped_effect(counts, confidence).filter(|it| it.error.powi(2) <= LONGEST)
}

fn uncapped_effect(counts: &[(u64, u64)], confidence: f64) -> Option<Uncertain> {
    let samples: u64 = counts.iter().map(|(m, _)| m).sum();
    let above: u64 = counts.iter().map(|(_, y)| y).sum();
    let share = above as f64 / samples as f64;
    let variance = samples as f64 * share * (1.0 - share);
    let residuals: Vec<f64> = counts
        .iter()
        .map(|(m, y)| *y as f64 - *m as f64 * share)
        .collect();
    let found = long_run(&residuals)?;
    let effect = if variance > 0.0 {
        (found.variance / variance).max(1.0)
    } else {
        1.0
    };
    let by_cosines = Uncertain {
        error: effect.sqrt(),
        df: found.df,
    };
    let by_batches = Uncertain {
        error: overdispersion(counts, share).sqrt(),
        df: counts.len() as f64 - 1.0,
    };
    Some(wider(counts.len(), by_cosines, by_batches, confidence))
}

/// Returns (estimate, half) of the share of requests above a limit, `above` of `n`: above `allowed`
/// when estimate − half is, below it when estimate + half is, each with an error of 5 %; `None`
/// with fewer than five intervals, or of no request.
///
/// With m = n / D by [`design_effect`], however large, over `counts`, the (samples, samples above)
/// of each interval: p' = (p m + 1)/(m + 2), ± t(0.95, ν) √(q (1 − q) / (m + 2)). *Source:* Agresti
/// and Coull, American Statistician 52:119 (1998), with one success and one failure added. A run
/// that happens to be calm shows a small share and a small spread at once, and would be believed
/// too easily: so q is the larger of p' and `allowed`, and D the larger of that above the limit and
/// that above another threshold, which more of the run is above (`wider`).
pub(crate) fn share_with_memory(
    counts: &[(u64, u64)],
    wider: &[(u64, u64)],
    (above, n): (u64, u64),
    allowed: f64,
) -> Option<(f64, f64)> {
    const TWO_SIDED: f64 = 0.9;
    let effects = [counts, wider].map(|it| uncapped_effect(it, TWO_SIDED));
    let effects = effects.into_iter().flatten();
    let effect = effects.max_by(|a, b| a.error.total_cmp(&b.error))?;
    if n == 0 {
        return None;
    }
    let m = n as f64 / effect.error.powi(2);
    let share = (above as f64 / n as f64 * m + 1.0) / (m + 2.0);
    let t = student_t_quantile(0.5 + 0.5 * TWO_SIDED, effect.df);
    let spread = share.max(allowed);
    Some((share, t * (spread * (1.0 - spread) / (m + 2.0)).sqrt()))
}

/// Returns 1/(J−1) Σ (y − m p̂)² / (m p̂ (1 − p̂)), at least 1. Assumes that the intervals are long
/// against the autocorrelation.
pub(super) fn overdispersion(counts: &[(u64, u64)], share: f64) -> f64 {
    let variance = share * (1.0 - share);
    if variance <= 0.0 {
        return 1.0;
    }
    let squares: f64 = counts
        .iter()
        .map(|(m, y)| (*y as f64 - *m as f64 * share).powi(2) / (*m as f64 * variance))
        .sum();
    (squares / (counts.len() as f64 - 1.0)).max(1.0)
}

fn wider(intervals: usize, long: Uncertain, batches: Uncertain, confidence: f64) -> Uncertain {
    if intervals < FEW && batches.half(confidence) > long.half(confidence) {
        batches
    } else {
        long
    }
}

/// The answers of one interval of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    /// Of single values, with the count as divisor.
    pub(crate) variance: f64,
}

impl Batch {
    /// Summarises what ended in one interval, in ms; `None` when nothing did.
    pub(crate) fn of(interval: &Histogram) -> Option<Self> {
        Some(Self {
            count: interval.count(),
            mean: interval.mean_ms()?,
            variance: interval.variance_ms2(),
        })
    }
}

/// Returns the standard error of the mean over the intervals of a run, in the order of time; `None`
/// when the run is too short against its own memory.
///
/// By [`long_run`] over z = Σx − m x̄; with fewer than twenty intervals by batch means where those
/// give the wider interval.
pub(crate) fn mean_error(batches: &[Batch], confidence: f64) -> Option<Uncertain> {
    let held: Vec<&Batch> = batches.iter().filter(|it| it.count > 0).collect();
    let pairs: Vec<(u64, f64)> = held.iter().map(|it| (it.count, it.mean)).collect();
    let (mean, error) = batch_mean(&pairs)?;
    let n: f64 = held.iter().map(|it| it.count as f64).sum();
    let residual = |it: &&Batch| it.count as f64 * (it.mean - mean);
    let found = long_run(&held.iter().map(residual).collect::<Vec<_>>())?;
    let square = |it: &&Batch| it.count as f64 * (it.variance + (it.mean - mean).powi(2));
    let independent: f64 = held.iter().map(square).sum();
    let long = Uncertain {
        // A memory that makes a mean surer than independent answers would is chance.
        error: found.variance.max(independent).sqrt() / n,
        df: found.df,
    };
    let batches = Uncertain {
        error,
        df: held.len() as f64 - 1.0,
    };
    (found.variance <= LONGEST * independent).then(|| wider(held.len(), long, batches, confidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::quantile::ranks_with_memory;
    use crate::stats::vectors::Dice;

    const ABOVE: [u64; 20] = [1, 0, 2, 5, 7, 6, 3, 1, 0, 0, 1, 2, 0, 0, 4, 6, 5, 2, 0, 0];

    #[test]
    fn cosines_see_a_memory_that_single_seconds_do_not() {
        let counts = ABOVE.map(|above| (20, above));
        let found = design_effect(&counts, 0.95).unwrap();
        assert!(
            (found.error.powi(2) - 9.364_443_4).abs() < 1e-6,
            "{found:?}"
        );
        assert!((found.df - 4.0).abs() < 1e-12);
        assert!((overdispersion(&counts, 0.1125) - 2.892_677_7).abs() < 1e-6);
    }

    #[test]
    fn few_intervals_take_the_wider_and_too_few_none() {
        // Up and down from second to second: cosines of long waves see nothing of it, single
        // seconds do.
        let counts: Vec<(u64, u64)> = (0..10).map(|at| (20, 10 * (at % 2))).collect();
        let found = design_effect(&counts, 0.95).unwrap();
        assert!((found.df - 9.0).abs() < 1e-12, "{found:?}");
        assert!(found.error > 2.0, "{found:?}");
        assert_eq!(design_effect(&counts[..4], 0.95), None);
        assert!(design_effect(&counts[..5], 0.95).is_some());
        // From twenty on they are believed.
        let many: Vec<(u64, u64)> = (0..20).map(|at| (20, 10 * (at % 2))).collect();
        let found = design_effect(&many, 0.95).unwrap();
        assert!((found.error - 1.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn the_share_above_a_limit_is_as_sure_as_the_queue_allows() {
        // 45 of 400 above; a tenth of that says as much, because D is 9.364: m = 42.715.
        let counts = ABOVE.map(|above| (20, above));
        let (share, half) = share_with_memory(&counts, &counts, (45, 400), 0.05).unwrap();
        assert!((share - 0.129_831_1).abs() < 1e-6, "{share}");
        // t(0.95, 4) = 2.1318.
        assert!((half - 0.107_164).abs() < 1e-4, "{half}");
        // Nothing above: 0.0025 ± 1.7 √(0.05 · 0.95 / 402).
        let none = ABOVE.map(|_| (20, 0));
        let (share, half) = share_with_memory(&none, &none, (0, 400), 0.05).unwrap();
        assert!(share + half < 0.05, "{share} {half}");
        // What a calm run hides shows above another threshold.
        let (share, half) = share_with_memory(&none, &counts, (0, 400), 0.05).unwrap();
        assert!(share + half > 0.05, "{share} {half}");
        assert_eq!(share_with_memory(&none[..4], &[], (0, 80), 0.05), None);
    }

    #[test]
    fn half_a_run_above_and_half_below_is_too_short_a_run() {
        let counts: Vec<(u64, u64)> = (0..40)
            .map(|at| (50, if at < 20 { 0 } else { 50 }))
            .collect();
        assert_eq!(design_effect(&counts, 0.95), None);
        let batches: Vec<Batch> = (0..40)
            .map(|at| Batch {
                count: 50,
                mean: if at < 20 { 1.0 } else { 2.0 },
                variance: 0.0,
            })
            .collect();
        assert_eq!(mean_error(&batches, 0.95), None);
    }

    /// Answers of a queue with one server in equilibrium, by the second in which they end; times in
    /// s. Its utilisation is `rho`; with none every answer is independent.
    fn queue(dice: &mut Dice, rho: f64, rate: f64, seconds: f64) -> Vec<Vec<f64>> {
        let exponential = |dice: &mut Dice| -(1.0 - dice.share()).ln();
        let service = rho / rate;
        // The wait that an arrival finds in equilibrium is 0 with 1 − ρ, else exponential.
        let mut wait = if dice.share() < rho {
            exponential(dice) * service / (1.0 - rho)
        } else {
            0.0
        };
        let (mut now, mut ended) = (0.0, vec![Vec::new(); seconds as usize + 1]);
        loop {
            let gap = exponential(dice) / rate;
            now += gap;
            if now >= seconds {
                return ended;
            }
            let time = if rho > 0.0 {
                wait = (wait - gap).max(0.0);
                let time = wait + exponential(dice) * service;
                wait = time;
                time
            } else {
                0.05 * exponential(dice)
            };
            let last = ended.len() - 1;
            ended[((now + time) as usize).min(last)].push(time);
        }
    }

    fn batch(times: &[f64]) -> Option<Batch> {
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let squares: f64 = times.iter().map(|it| (it - mean).powi(2)).sum();
        (count > 0.0).then_some(Batch {
            count: times.len() as u64,
            mean,
            variance: squares / count,
        })
    }

    /// Returns whether the ranks of the p95 hold that value; `None` when the run is too short for
    /// them.
    fn ranks_hold(ended: &[Vec<f64>], value: f64) -> Option<bool> {
        let mut all: Vec<f64> = ended.iter().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        let n = all.len() as u64;
        let found = all[(0.95 * n as f64).ceil() as usize - 1];
        let above = |it: &&Vec<f64>| it.iter().filter(|it| **it > found).count() as u64;
        let held = ended.iter().filter(|it| !it.is_empty());
        let counts: Vec<(u64, u64)> = held.map(|it| (it.len() as u64, above(&it))).collect();
        let ranks = ranks_with_memory(n, 0.95, 0.95, &counts)?;
        let at = |rank: u64| all[rank as usize - 1];
        let covers = ranks.low.is_none_or(|low| at(low) <= value)
            && ranks.high.is_none_or(|high| value <= at(high));
        Some(covers)
    }

    /// Returns how many of so many runs' intervals of the p95 and of the mean hold the truth, and
    /// how many had one.
    fn coverage(rho: f64, seconds: f64, runs: u32) -> [(u32, u32); 2] {
        const RATE: f64 = 20.0;
        let mean = if rho > 0.0 {
            rho / RATE / (1.0 - rho)
        } else {
            0.05
        };
        let p95 = -mean * 0.05_f64.ln();
        let mut dice = Dice::seeded(76);
        let mut found = [(0, 0); 2];
        for _ in 0..runs {
            let ended = queue(&mut dice, rho, RATE, seconds);
            if let Some(covers) = ranks_hold(&ended, p95) {
                found[0] = (found[0].0 + u32::from(covers), found[0].1 + 1);
            }
            let batches: Vec<Batch> = ended.iter().filter_map(|it| batch(it)).collect();
            if let Some(error) = mean_error(&batches, 0.95) {
                let of_all = batch(&ended.concat()).unwrap().mean;
                let covers = (of_all - mean).abs() <= error.half(0.95);
                found[1] = (found[1].0 + u32::from(covers), found[1].1 + 1);
            }
        }
        found
    }

    /// Statistics 7.6 and finding 15: one second is short against the memory of a queue.
    #[test]
    fn the_intervals_of_a_queue_hold_what_they_say_nearly_as_often_as_they_say() {
        let [(p95, of_p95), (mean, of_mean)] = coverage(0.8, 60.0, 1000);
        assert!(of_p95 >= 950, "{of_p95}");
        assert!(
            f64::from(p95) >= 0.87 * f64::from(of_p95),
            "{p95} of {of_p95}"
        );
        assert!(
            f64::from(mean) >= 0.84 * f64::from(of_mean),
            "{mean} of {of_mean}"
        );
    }

    /// Statistics 7.6 and finding 15: 300 s are no better than 60 without it, and near saturation a
    /// run is too short, which is said in place of an interval, or hardly shorter than its memory.
    #[test]
    fn a_longer_run_and_a_fuller_queue_are_told_no_more_surely_than_they_are_known() {
        let [(p95, of_p95), _] = coverage(0.8, 300.0, 200);
        assert!(of_p95 >= 170, "{of_p95}");
        assert!(
            f64::from(p95) >= 0.87 * f64::from(of_p95),
            "{p95} of {of_p95}"
        );
        let [(p95, of_p95), _] = coverage(0.95, 60.0, 400);
        assert!(of_p95 < 400, "{of_p95}");
        assert!(
            f64::from(p95) >= 0.7 * f64::from(of_p95),
            "{p95} of {of_p95}"
        );
    }

    #[test]
    fn independent_requests_keep_their_coverage() {
        let [(p95, of_p95), (mean, of_mean)] = coverage(0.0, 60.0, 1000);
        assert_eq!((of_p95, of_mean), (1000, 1000));
        assert!(
            f64::from(p95) >= 0.94 * f64::from(of_p95),
            "{p95} of {of_p95}"
        );
        assert!(
            f64::from(mean) >= 0.93 * f64::from(of_mean),
            "{mean} of {of_mean}"
        );
    }
}

//! Intervals of latency percentiles from histograms, and of the ratio of two of them.

use super::interval::Interval;
use super::memory::design_effect;
use super::special::{binomial_cdf, student_t_quantile};
use crate::measure::Histogram;

/// A percentile in ms; an end is `None` where there are too few samples for it to be finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct QuantileInterval {
    pub(crate) value: f64,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// Whether both ends are missing because the run is too short against its own memory.
    pub(crate) too_short: bool,
}

/// 1-based ranks of the order statistics that bound a quantile; `None` beyond the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ranks {
    pub(super) low: Option<u64>,
    pub(super) high: Option<u64>,
}

/// Returns the quantile of `whole` in (0, 1) with its interval; `None` when it is empty.
///
/// Order statistics, rounded outward to the buckets' edges. The intervals of the same run, in the
/// order of time, give a design effect by [`design_effect`], and t with its degrees of freedom
/// stands in for z; where they show that the run is too short against its own memory there is no
/// interval. Without any the samples are taken as independent.
pub(crate) fn quantile_interval(
    whole: &Histogram,
    intervals: &[Histogram],
    quantile: f64,
    confidence: f64,
) -> Option<QuantileInterval> {
    let value = whole.quantile_ms(quantile)?;
    let counts: Vec<(u64, u64)> = intervals
        .iter()
        .filter(|interval| !interval.is_empty())
        .map(|interval| (interval.count(), interval.count_above_ms(value)))
        .collect();
    let n = whole.count();
    let ranks = if counts.is_empty() {
        Some(independent_ranks(n, quantile, confidence))
    } else {
        ranks_with_memory(n, quantile, confidence, &counts)
    };
    let edges = |rank: Option<u64>| rank.and_then(|rank| whole.rank_ms(rank));
    Some(QuantileInterval {
        value,
        low: edges(ranks.and_then(|it| it.low)).map(|(lowest, _)| lowest),
        high: edges(ranks.and_then(|it| it.high)).map(|(_, highest)| highest),
        too_short: ranks.is_none(),
    })
}

/// Returns the ranks that allow for a queue's memory, from (samples, samples above the quantile)
/// per interval; `None` when the run is too short against it.
pub(super) fn ranks_with_memory(
    n: u64,
    quantile: f64,
    confidence: f64,
    counts: &[(u64, u64)],
) -> Option<Ranks> {
    let effect = design_effect(counts, confidence)?;
    let t = student_t_quantile(0.5 + 0.5 * confidence, effect.df);
    Some(corrected_ranks(n, quantile, t, effect.error.powi(2)))
}

/// Returns the interval of ln(head / base) of two quantiles; `None` when an end of either is
/// missing or zero.
///
/// MOVER (Zou and Donner 2008) on the log scale: the two intervals' distances from their estimates,
/// added in squares. Assumes that the two were measured independently; it knows nothing of how runs
/// differ from one another.
pub(crate) fn mover_log_ratio(base: QuantileInterval, head: QuantileInterval) -> Option<Interval> {
    let logs = |of: QuantileInterval| {
        let (low, high) = (of.low?, of.high?);
        (low > 0.0 && of.value > 0.0).then(|| (low.ln(), of.value.ln(), high.ln()))
    };
    let (base_low, base, base_high) = logs(base)?;
    let (head_low, head, head_high) = logs(head)?;
    Some(Interval {
        low: head - base - (head - head_low).hypot(base_high - base),
        high: head - base + (head_high - head).hypot(base - base_low),
    })
}

/// Returns the binomial ranks for independent samples: the largest l with P(B ≤ l−1) ≤ α/2 and the
/// smallest u with P(B ≤ u−1) ≥ 1 − α/2, where B is binomial(n, quantile).
fn independent_ranks(n: u64, quantile: f64, confidence: f64) -> Ranks {
    let tail = 0.5 * (1.0 - confidence);
    let below = first_rank(n, |rank| binomial_cdf(rank - 1, n, quantile) > tail);
    let high = first_rank(n, |rank| binomial_cdf(rank - 1, n, quantile) >= 1.0 - tail);
    Ranks {
        low: Some(below - 1).filter(|rank| *rank >= 1),
        high: Some(high).filter(|rank| *rank <= n),
    }
}

/// Returns the first rank in 1..=n + 1 that `reached` holds for, given that it then holds for all
/// after it.
fn first_rank(n: u64, reached: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (1, n + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if reached(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Returns the ranks n (p ∓ z √(deff p (1 − p) / n)), rounded outward.
fn corrected_ranks(n: u64, quantile: f64, z: f64, design_effect: f64) -> Ranks {
    let count = n as f64;
    let half = z * (design_effect * quantile * (1.0 - quantile) / count).sqrt();
    let low = (count * (quantile - half)).floor();
    let high = (count * (quantile + half)).ceil() + 1.0;
    Ranks {
        low: (low >= 1.0).then_some(low as u64),
        high: (high <= count).then_some(high as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::min_samples;
    use crate::stats::memory::overdispersion;
    use crate::stats::special::normal_quantile;
    use crate::stats::vectors::{self, Dice, near, numbers};

    fn of(values: impl IntoIterator<Item = f64>) -> Histogram {
        let mut histogram = Histogram::default();
        for us in values {
            histogram.record_us(us as u64);
        }
        histogram
    }

    #[test]
    fn independent_ranks_match_the_reference() {
        let vector = vectors::latency("quantile_ci_ranks");
        for case in vector["expected"]["cases"].as_array().unwrap() {
            let n = case["n"].as_u64().unwrap();
            let (p, confidence) = (
                case["p"].as_f64().unwrap(),
                case["confidence"].as_f64().unwrap(),
            );
            let expected = Ranks {
                low: case["lower_rank"].as_u64(),
                high: case["upper_rank"].as_u64(),
            };
            assert_eq!(
                independent_ranks(n, p, confidence),
                expected,
                "n {n}, p {p}"
            );
        }
    }

    #[test]
    fn the_upper_rank_exists_from_the_minimum_n_on() {
        for quantile in [0.9, 0.95, 0.99, 0.999] {
            let n = min_samples(quantile);
            assert_eq!(independent_ranks(n - 1, quantile, 0.95).high, None);
            assert_eq!(independent_ranks(n, quantile, 0.95).high, Some(n));
        }
        assert_eq!(
            independent_ranks(1, 0.5, 0.95),
            Ranks {
                low: None,
                high: None
            }
        );
    }

    #[test]
    fn a_histogram_bounds_its_percentile_from_outside() {
        let vector = vectors::latency("hdr_quantile_and_ci");
        let mut histogram = Histogram::default();
        for (value, count) in vector["inputs"]["counts"].as_object().unwrap() {
            for _ in 0..count.as_u64().unwrap() {
                histogram.record_us(value.parse().unwrap());
            }
        }
        let found = quantile_interval(&histogram, &[], 0.95, 0.95).unwrap();
        let expected = &vector["expected"];
        near(found.value * 1e3, &expected["q"][2], 1e-6);
        near(found.low.unwrap() * 1e3, &expected["p95_ci"][0], 1e-6);
        near(found.high.unwrap() * 1e3, &expected["p95_ci"][1], 1e-6);
    }

    fn at_ranks(samples: &[f64], quantile: f64, ranks: Ranks) -> QuantileInterval {
        let at = |rank: u64| samples[rank as usize - 1];
        QuantileInterval {
            value: at((quantile * samples.len() as f64).ceil() as u64),
            low: ranks.low.map(at),
            high: ranks.high.map(at),
            too_short: false,
        }
    }

    #[test]
    fn mover_matches_the_references_with_and_without_a_design_effect() {
        let vector = vectors::latency("mover_log_ratio_ci");
        let sorted = |key: &str| {
            let mut samples = numbers(&vector["inputs"][key]);
            samples.sort_by(f64::total_cmp);
            samples
        };
        let (a, b) = (sorted("a"), sorted("b"));
        let ranks = |s: &[f64]| independent_ranks(s.len() as u64, 0.95, 0.98);
        let found = mover_log_ratio(at_ranks(&a, 0.95, ranks(&a)), at_ranks(&b, 0.95, ranks(&b)));
        near(found.unwrap().low, &vector["expected"]["low"], 1e-9);
        near(found.unwrap().high, &vector["expected"]["high"], 1e-9);

        let expected = &vectors::latency("mover_log_ratio_ci_deff")["expected"];
        let z = normal_quantile(0.99);
        let ranks = |s: &[f64], effect| corrected_ranks(s.len() as u64, 0.95, z, effect);
        let pair = |r: Ranks| serde_json::json!([r.low, r.high]);
        assert_eq!(pair(ranks(&a, 2.5)), expected["ranks_a"]);
        assert_eq!(pair(ranks(&b, 4.0)), expected["ranks_b"]);
        let (base, head) = (
            at_ranks(&a, 0.95, ranks(&a, 2.5)),
            at_ranks(&b, 0.95, ranks(&b, 4.0)),
        );
        let found = mover_log_ratio(base, head).unwrap();
        near(found.low, &expected["low"], 1e-9);
        near(found.high, &expected["high"], 1e-9);
    }

    #[test]
    fn the_design_effect_matches_the_reference() {
        let vector = vectors::latency("design_effect_from_intervals");
        let counts: Vec<(u64, u64)> = numbers(&vector["inputs"]["m"])
            .into_iter()
            .zip(numbers(&vector["inputs"]["y"]))
            .map(|(m, y)| (m as u64, y as u64))
            .collect();
        let deff = |counts: &[(u64, u64)]| {
            let sum = |of: fn(&(u64, u64)) -> u64| counts.iter().map(of).sum::<u64>() as f64;
            overdispersion(counts, sum(|it| it.1) / sum(|it| it.0))
        };
        near(deff(&counts), &vector["expected"]["deff"], 1e-12);
        assert!((deff(&[(10, 0), (10, 0)]) - 1.0).abs() < 1e-15);
        assert!((deff(&[(10, 1), (10, 1)]) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn equal_values_and_few_samples_are_handled() {
        assert_eq!(
            quantile_interval(&Histogram::default(), &[], 0.5, 0.95),
            None
        );
        let one = quantile_interval(&of([5000.0]), &[], 0.5, 0.95).unwrap();
        assert_eq!((one.low, one.high), (None, None));
        assert_eq!(mover_log_ratio(one, one), None);
        let equal = quantile_interval(&of([1000.0; 100]), &[], 0.95, 0.95).unwrap();
        assert_eq!((equal.low, equal.high), (Some(1.0), Some(1.0)));
        assert_eq!(
            mover_log_ratio(equal, equal),
            Some(Interval {
                low: 0.0,
                high: 0.0
            })
        );
    }

    #[test]
    fn autocorrelated_runs_are_covered_only_with_their_intervals() {
        let mut dice = Dice::seeded(41);
        // Latency ramps over whole intervals: 30 intervals of 30 requests, each with its own load.
        // Log-normal with variance 0.4² + 0.3².
        let truth = 50.0 * (0.5 * normal_quantile(0.9)).exp();
        let (mut corrected, mut naive) = (0, 0);
        for _ in 0..100 {
            let (whole, intervals) = dice.ramped(30, 30);
            let covers = |intervals: &[Histogram]| {
                let found = quantile_interval(&whole, intervals, 0.9, 0.95).unwrap();
                found.low.is_none_or(|low| low <= truth)
                    && found.high.is_none_or(|high| truth <= high)
            };
            corrected += u32::from(covers(&intervals));
            naive += u32::from(covers(&[]));
        }
        assert!(corrected >= 90, "{corrected} of 100");
        assert!(naive < 75, "{naive} of 100");
    }
}

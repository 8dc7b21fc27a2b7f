//! Rates over time: how many arrivals a curve expects up to a time, and its inverse.

use crate::manifest::{Curve, Level};

impl Curve {
    /// Returns the rate at the beginning, per second.
    pub(crate) fn first_rate(&self) -> f64 {
        match self {
            Self::Flat(rate) => *rate,
            Self::Linear { from, .. } | Self::Exponential { from, .. } => *from,
            Self::Levels { levels, .. } => levels.first().map_or(0.0, |level| level.rate),
            Self::Sine { mean, .. } => *mean,
        }
    }

    /// Returns the time in seconds at which `count` arrivals are expected: the inverse of the integral of the rate
    /// from 0 (Cinlar's time change of a renewal process of unit rate). Infinite when the curve never expects so many.
    pub(super) fn when(&self, count: f64) -> f64 {
        match self {
            Self::Flat(rate) => divide(count, *rate),
            Self::Linear { from, to, over_s } => {
                let whole = (from + to) / 2.0 * over_s;
                if count > whole {
                    return over_s + divide(count - whole, *to);
                }
                // The root of `from·t + slope·t²/2 = count` in the form without cancellation.
                let slope = (to - from) / over_s;
                let root = (from * from + 2.0 * slope * count).max(0.0).sqrt();
                divide(2.0 * count, from + root)
            }
            Self::Exponential { from, to, over_s } => {
                let growth = (to / from).ln() / over_s;
                if growth.abs() * over_s < 1e-9 {
                    return divide(count, *from);
                }
                let whole = (to - from) / growth;
                if count > whole {
                    return over_s + divide(count - whole, *to);
                }
                (growth * count / from).ln_1p() / growth
            }
            Self::Levels { levels, again } => by_levels(levels, *again, count),
            Self::Sine {
                mean,
                swing,
                period_s,
            } => by_sine(*mean, *swing, *period_s, count),
        }
    }
}

/// Returns `count / rate`; infinite at rate 0, but 0 arrivals need no time.
fn divide(count: f64, rate: f64) -> f64 {
    if count <= 0.0 {
        0.0
    } else if rate > 0.0 {
        count / rate
    } else {
        f64::INFINITY
    }
}

fn by_levels(levels: &[Level], again: bool, count: f64) -> f64 {
    let (mut left, mut before) = (count, 0.0);
    if again {
        let expected: f64 = levels.iter().map(|it| it.rate * it.length_s).sum();
        let length: f64 = levels.iter().map(|it| it.length_s).sum();
        if expected > 0.0 {
            let rounds = (count / expected).floor();
            left = (count - rounds * expected).max(0.0);
            before = rounds * length;
        }
    }
    for level in levels {
        let expected = level.rate * level.length_s;
        // What is due exactly at the end of a level is due at the first moment of the next one that has a rate.
        if left < expected {
            return before + left / level.rate;
        }
        left -= expected;
        before += level.length_s;
    }
    before + divide(left, levels.last().map_or(0.0, |level| level.rate))
}

/// Bisects within the period that holds the arrival: the integral only grows there.
fn by_sine(mean: f64, swing: f64, period_s: f64, count: f64) -> f64 {
    let turns = (count / (mean * period_s)).floor();
    let within = count - turns * mean * period_s;
    let turn = std::f64::consts::TAU / period_s;
    let expected = |at: f64| mean * at + swing / turn * (1.0 - (turn * at).cos());
    let (mut low, mut high) = (0.0, period_s);
    // 52 halvings leave less than a nanosecond of a period of a month.
    for _ in 0..52 {
        let middle = f64::midpoint(low, high);
        if expected(middle) < within {
            low = middle;
        } else {
            high = middle;
        }
    }
    turns * period_s + high
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The integral of the rate from 0 to `t`, by the trapezoid rule over its definition.
    fn expected(rate: impl Fn(f64) -> f64, t: f64) -> f64 {
        const STEPS: u32 = 200_000;
        let step = t / f64::from(STEPS);
        (0..STEPS)
            .map(|i| {
                let at = f64::from(i) * step;
                f64::midpoint(rate(at), rate(at + step)) * step
            })
            .sum()
    }

    fn levels(pairs: &[(f64, f64)], again: bool) -> Curve {
        let level = |(rate, length_s): &(f64, f64)| Level {
            rate: *rate,
            length_s: *length_s,
        };
        Curve::Levels {
            levels: pairs.iter().map(level).collect(),
            again,
        }
    }

    #[test]
    fn the_inverse_undoes_the_integral_of_every_curve() {
        for count in [0.5, 7.0, 55.0, 200.0] {
            let linear = Curve::Linear {
                from: 2.0,
                to: 20.0,
                over_s: 5.0,
            };
            let at = linear.when(count);
            let rate = |t: f64| if t < 5.0 { 2.0 + 18.0 * t / 5.0 } else { 20.0 };
            assert!((expected(rate, at) - count).abs() < 1e-3, "linear {count}");

            let down = Curve::Linear {
                from: 20.0,
                to: 0.0,
                over_s: 30.0,
            };
            let at = down.when(count);
            assert!((expected(|t| 20.0 - 20.0 * t / 30.0, at) - count).abs() < 1e-3);

            let exponential = Curve::Exponential {
                from: 1.0,
                to: 100.0,
                over_s: 4.0,
            };
            let at = exponential.when(count);
            let rate = |t: f64| {
                if t < 4.0 {
                    100_f64.powf(t / 4.0)
                } else {
                    100.0
                }
            };
            assert!((expected(rate, at) - count).abs() < 1e-2, "exp {count}");

            let sine = Curve::Sine {
                mean: 10.0,
                swing: 9.0,
                period_s: 3.0,
            };
            let at = sine.when(count);
            let rate = |t: f64| 10.0 + 9.0 * (std::f64::consts::TAU * t / 3.0).sin();
            assert!((expected(rate, at) - count).abs() < 1e-3, "sine {count}");
        }
    }

    #[test]
    fn levels_follow_one_another_and_silence_is_skipped() {
        let steps = levels(&[(10.0, 2.0), (0.0, 3.0), (5.0, 1.0)], false);
        assert_eq!(steps.when(0.0), 0.0);
        assert_eq!(steps.when(10.0), 1.0);
        assert_eq!(steps.when(20.0), 5.0); // the first moment after the silence
        assert_eq!(steps.when(24.0), 5.8);
        assert_eq!(steps.when(30.0), 7.0); // the last level goes on
        let bursts = levels(&[(10.0, 1.0), (0.0, 4.0)], true);
        assert_eq!(bursts.when(9.0), 0.9);
        assert_eq!(bursts.when(10.0), 5.0);
        assert_eq!(bursts.when(25.0), 10.5);
    }

    #[test]
    fn what_is_never_expected_is_due_never() {
        let ends = levels(&[(10.0, 1.0), (0.0, 1.0)], false);
        assert_eq!(ends.when(11.0), f64::INFINITY);
        let fades = Curve::Linear {
            from: 10.0,
            to: 0.0,
            over_s: 1.0,
        };
        assert_eq!(fades.when(5.1), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn later_arrivals_are_never_due_earlier(
            a in 0.0_f64..1e4, more in 0.0_f64..1e3, from in 0.0_f64..1e3, to in 1e-3_f64..1e3, over_s in 0.01_f64..1e4,
        ) {
            let swing = from.min(to);
            for curve in [
                Curve::Flat(to),
                Curve::Linear { from, to, over_s },
                Curve::Exponential { from: from + 1e-3, to, over_s },
                Curve::Sine { mean: to, swing, period_s: over_s },
                levels(&[(from, over_s), (to, 1.0)], false),
                levels(&[(from, over_s), (to, 1.0)], true),
            ] {
                let (first, second) = (curve.when(a), curve.when(a + more));
                prop_assert!(first >= 0.0 && second >= first * (1.0 - 1e-12) - 1e-9, "{curve:?}: {first} {second}");
            }
        }
    }
}

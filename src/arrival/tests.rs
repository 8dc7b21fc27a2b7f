//! Every curve against the integral of its rate.

use proptest::prelude::*;

use super::curve::{Curve, Flat};
use super::process::ramp::{Exponential, Linear};
use super::process::sine::Wave;
use super::process::steps::{Level, Levels};

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

fn levels(pairs: &[(f64, f64)], again: bool) -> Levels {
    let level = |(rate, length_s): &(f64, f64)| Level {
        rate: *rate,
        length_s: *length_s,
    };
    Levels {
        levels: pairs.iter().map(level).collect(),
        again,
    }
}

#[test]
fn the_inverse_undoes_the_integral_of_every_curve() {
    for count in [0.5, 7.0, 55.0, 200.0] {
        let linear = Linear {
            from: 2.0,
            to: 20.0,
            over_s: 5.0,
        };
        let at = linear.when(count);
        let rate = |t: f64| if t < 5.0 { 2.0 + 18.0 * t / 5.0 } else { 20.0 };
        assert!((expected(rate, at) - count).abs() < 1e-3, "linear {count}");

        let down = Linear {
            from: 20.0,
            to: 0.0,
            over_s: 30.0,
        };
        let at = down.when(count);
        assert!((expected(|t| 20.0 - 20.0 * t / 30.0, at) - count).abs() < 1e-3);

        let exponential = Exponential {
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

        let sine = Wave {
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
    let fades = Linear {
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
        let curves: [&dyn Curve; 6] = [
            &Flat(to),
            &Linear { from, to, over_s },
            &Exponential { from: from + 1e-3, to, over_s },
            &Wave { mean: to, swing, period_s: over_s },
            &levels(&[(from, over_s), (to, 1.0)], false),
            &levels(&[(from, over_s), (to, 1.0)], true),
        ];
        for curve in curves {
            let (first, second) = (curve.when(a), curve.when(a + more));
            prop_assert!(first >= 0.0 && second >= first * (1.0 - 1e-12) - 1e-9, "{curve:?}: {first} {second}");
        }
    }
}

//! Every curve against the integral of its rate.

use proptest::prelude::*;

use super::curve::{Curve, Flat};
use super::gaps::Gaps;
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

/// The arrivals that levels expect up to a time, level by level.
fn expected_of(levels: &Levels, until_s: f64) -> f64 {
    let (mut at, mut sum) = (0.0, 0.0);
    let mut number = 0;
    while at < until_s {
        let last = levels.levels.len() - 1;
        let level = if levels.again {
            levels.levels[number % (last + 1)]
        } else {
            levels.levels[number.min(last)]
        };
        let is_last = !levels.again && number >= last;
        let length = if is_last {
            f64::INFINITY
        } else {
            level.length_s
        };
        let step = length.min(until_s - at);
        sum += level.rate * step;
        at += length;
        number += 1;
    }
    sum
}

fn level() -> impl Strategy<Value = (f64, f64)> {
    let rate = prop_oneof![1 => Just(0.0), 3 => 0.5..500.0_f64];
    (rate, 0.01..50.0_f64)
}

proptest! {
    #[test]
    fn levels_expect_what_they_are_due(pairs in proptest::collection::vec(level(), 1..6), again: bool, count in 0.01..2_000.0_f64) {
        let levels = levels(&pairs, again);
        let due = levels.when(count);
        if due.is_infinite() {
            let whole: f64 = pairs.iter().map(|(rate, length)| rate * length).sum();
            prop_assert!(pairs.last().is_some_and(|(rate, _)| *rate == 0.0) && (!again || whole == 0.0));
            prop_assert!(again || whole <= count * (1.0 + 1e-9));
        } else {
            prop_assert!((expected_of(&levels, due) / count - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn no_curve_has_a_rate_below_zero_nor_one_beyond_its_ends(
        at_s in 0.0_f64..1e4, from in 1e-3_f64..1e3, to in 1e-3_f64..1e3, over_s in 0.01_f64..1e3, share in 0.0..=1.0_f64,
    ) {
        let (low, high) = (from.min(to) * (1.0 - 1e-9), from.max(to) * (1.0 + 1e-9));
        for curve in [&Linear { from, to, over_s } as &dyn Curve, &Exponential { from, to, over_s }] {
            let rate = curve.rate_at(at_s);
            prop_assert!((low..=high).contains(&rate), "{curve:?}: {rate}");
            prop_assert!(at_s < over_s || (rate / to - 1.0).abs() < 1e-9);
            prop_assert_eq!(curve.when(0.0), 0.0);
        }
        let wave = Wave { mean: to, swing: to * share, period_s: over_s };
        prop_assert!(wave.rate_at(at_s) >= -1e-9 && wave.rate_at(at_s) <= 2.0 * to + 1e-9);
        // Of a whole number of periods the mean is the mean.
        let periods = (at_s / over_s).floor();
        let due = wave.when(periods * over_s * to);
        prop_assert!((due - periods * over_s).abs() <= 1e-6 * (1.0 + due), "{} {}", due, periods * over_s);
    }

    #[test]
    fn an_exponential_ramp_of_one_rate_is_flat(rate in 0.01_f64..1e3, over_s in 0.1_f64..1e3, count in 0.0..1e4_f64) {
        let ramp = Exponential { from: rate, to: rate, over_s };
        prop_assert!((ramp.when(count) - Flat(rate).when(count)).abs() < 1e-6 * (1.0 + count));
        let nearly = Exponential { from: rate, to: rate * (1.0 + 1e-7), over_s };
        prop_assert!((nearly.when(count) / (count / rate).max(1e-9) - 1.0).abs() < 1e-5 || count < 1e-3);
    }
}

#[test]
fn keys_of_gaps_are_read_for_every_process_alike() {
    let read = |gaps: Option<&str>, cv| Gaps::read(gaps, cv);
    assert_eq!(read(None, None), Ok(Gaps::Even));
    assert_eq!(read(Some("constant"), Some(3.0)), Ok(Gaps::Even));
    assert_eq!(read(Some("poisson"), None), Ok(Gaps::Exponential));
    assert_eq!(read(Some("gamma"), Some(2.0)), Ok(Gaps::Gamma { cv: 2.0 }));
    for (gaps, cv) in [
        (None, Some(2.0)),
        (Some("gamma"), None),
        (Some("gamma"), Some(0.0)),
        (Some("gamma"), Some(f64::NAN)),
        (Some("gama"), Some(1.0)),
    ] {
        assert!(read(gaps, cv).is_err(), "{gaps:?} {cv:?}");
    }
    for gaps in [Gaps::Even, Gaps::Exponential, Gaps::Gamma { cv: 0.5 }] {
        assert_eq!(read(Some(gaps.word()), gaps.cv()), Ok(gaps));
    }
}

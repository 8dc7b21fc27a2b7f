//! Numbers in notes, rules, and the summary.

use crate::metric::Unit;

/// Returns a share as a percentage: `5%`, `12.5%`.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", round(share * 100.0, 1))
}

/// Returns a time in ms, from one second on in s: `61 ms`, `2.3 s`.
pub(super) fn time(ms: f64) -> String {
    if ms.abs() >= 999.5 {
        format!("{} s", round(ms / 1000.0, 2))
    } else if ms.abs() >= 9.995 {
        format!("{} ms", round(ms, 0))
    } else {
        format!("{} ms", round(ms, 2))
    }
}

/// Returns a value in its unit: `5%`, `61 ms`, `20/s`.
pub(super) fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Time => time(value),
        Unit::Share => percent(value),
        Unit::Rate => format!("{}/s", round(value, 1)),
        Unit::Number => round(value, 2).to_string(),
    }
}

/// Returns a change of a share in points: `−9.5 points`, `+3 points`.
pub(super) fn change_of(change: f64) -> String {
    let points = round(change * 100.0, 1);
    let sign = match points {
        ..0.0 => "−",
        0.0 => "±",
        _ => "+",
    };
    format!("{sign}{} points", points.abs())
}

/// Returns `1 case`, `2 cases`.
pub(super) fn count(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

/// What is smaller is left of the arithmetic.
const NOTHING: f64 = 1e-9;

/// Rounds to that many decimals, or, where that would be 0, to two significant digits: a small
/// value is not told as none.
fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    if rounded == 0.0 && value.abs() > NOTHING {
        return format!("{value:.1e}").parse().unwrap_or(value);
    }
    // Adding 0 turns −0 into 0.
    rounded + 0.0
}

#[cfg(test)]
mod tests {
    use super::{change_of, count, percent, time, value};
    use crate::metric::Unit;

    #[test]
    fn numbers_are_short_and_keep_their_unit() {
        let found = [
            percent(0.05),
            percent(-0.1249),
            time(61.2),
            time(2345.0),
            time(0.123),
        ];
        assert_eq!(found, ["5%", "-12.5%", "61 ms", "2.35 s", "0.12 ms"]);
        let points = [-0.095, 0.03, 0.0].map(change_of);
        assert_eq!(points, ["−9.5 points", "+3 points", "±0 points"]);
        assert_eq!([count(1, "case"), count(0, "case")], ["1 case", "0 cases"]);
    }

    /// An error rate of 0.04 % above a limit of 0 is not `0% (slo <= 0%)`.
    #[test]
    fn what_is_small_is_not_told_as_none() {
        let shares = [0.0004, -0.000_412, 0.0, 1e-13].map(percent);
        assert_eq!(shares, ["0.04%", "-0.041%", "0%", "0%"]);
        let times = [0.0042, 0.0, 999.6, 9.996, -1500.0].map(time);
        assert_eq!(times, ["0.0042 ms", "0 ms", "1 s", "10 ms", "-1.5 s"]);
        assert_eq!(value(1.0 / 60.0, Unit::Rate), "0.017/s");
        assert_eq!(value(0.0012, Unit::Number), "0.0012");
        assert_eq!(
            [-0.0004, 1e-17].map(change_of),
            ["−0.04 points", "±0 points"]
        );
    }
}

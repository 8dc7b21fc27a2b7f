//! Numbers in notes, rules, and the summary.

use crate::metric::Unit;

/// Returns a share as a percentage: `5%`, `12.5%`.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", round(share * 100.0, 1))
}

/// Returns a time in ms, from one second on in s: `61 ms`, `2.3 s`.
pub(super) fn time(ms: f64) -> String {
    if ms.abs() >= 1000.0 {
        format!("{} s", round(ms / 1000.0, 2))
    } else if ms.abs() >= 10.0 {
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

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    // Adding 0 turns −0 into 0.
    (value * scale).round() / scale + 0.0
}

#[cfg(test)]
mod tests {
    use super::{change_of, count, percent, time};

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
}

//! Every format, unit, and resolution.

use super::*;

fn jsonl(stamps: &[&str]) -> String {
    let line = |stamp: &&str| format!("{{\"timestamp\": {stamp}}}\n");
    stamps.iter().map(line).collect()
}

fn csv(stamps: &[&str]) -> String {
    format!("timestamp\n{}\n", stamps.join("\n"))
}

fn ms(text: &str, unit: Option<Unit>) -> Vec<f64> {
    let times = times(text, unit).unwrap();
    times
        .iter()
        .map(|at| (at - times[0]) as f64 / 1e6)
        .collect()
}

/// Whether times are these, to a microsecond: a double of now has no more.
fn near(found: &[f64], expected: [f64; 3]) -> bool {
    found.len() == 3
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-3)
}

/// field 13: numbers that are hardly in the unit of their format are refused until it is said.
#[test]
fn numbers_in_a_doubtful_unit_are_refused_until_it_is_said() {
    let gaps = [0.0, 200.0, 400.0];
    for (text, unit) in [
        (jsonl(&["0.0", "0.2", "0.4"]), Unit::S),
        (jsonl(&["0", "1", "2"]), Unit::S),
        (
            jsonl(&["1700000000.0", "1700000000.2", "1700000000.4"]),
            Unit::S,
        ),
        (jsonl(&["0", "200000", "400000"]), Unit::Us),
        (
            jsonl(&["1700000000000000", "1700000000200000", "1700000000400000"]),
            Unit::Us,
        ),
        (
            csv(&["1700000000000", "1700000000200", "1700000000400"]),
            Unit::Ms,
        ),
        (csv(&["0", "200", "400"]), Unit::Ms),
        (
            csv(&["1700000000000000", "1700000000200000", "1700000000400000"]),
            Unit::Us,
        ),
        (
            csv(&[
                "1700000000000000000",
                "1700000000200000000",
                "1700000000400000000",
            ]),
            Unit::Ns,
        ),
    ] {
        assert!(
            matches!(times(&text, None), Err(Wrong::NoUnit(_))),
            "{text}"
        );
        let factor = if text.contains("\"timestamp\": 1}") {
            5.0
        } else {
            1.0
        };
        let found = ms(&text, Some(unit));
        assert!(
            near(&found, gaps.map(|it| it * factor)),
            "{text}: {found:?}"
        );
    }
}

/// field 13: what is usual for a format needs no unit.
#[test]
fn the_usual_units_need_no_word() {
    let gaps = [0.0, 200.0, 400.0];
    for text in [
        jsonl(&["0", "200", "400"]),
        jsonl(&["1700000000000", "1700000000200", "1700000000400"]),
        jsonl(&[
            "\"2026-01-01T00:00:00Z\"",
            "\"2026-01-01T00:00:00.2Z\"",
            "\"2026-01-01 00:00:00.4\"",
        ]),
        csv(&["0", "0.2", "0.4"]),
        csv(&["1700000000.0", "1700000000.2", "1700000000.4"]),
    ] {
        let found = ms(&text, None);
        assert!(near(&found, gaps), "{text}: {found:?}");
    }
}

/// field 13: dates have no unit, and a file has either.
#[test]
fn dates_and_numbers_are_not_mixed() {
    let mixed = csv(&["1", "2026-01-01T00:00:00Z"]);
    let wrong = Wrong::Line(3, "a date among numbers".to_owned());
    assert_eq!(times(&mixed, None), Err(wrong));
    let mixed = jsonl(&["\"2026-01-01T00:00:00Z\"", "5"]);
    let wrong = Wrong::Line(2, "a number among dates".to_owned());
    assert_eq!(times(&mixed, None), Err(wrong));
    let dates = csv(&["2026-01-01T00:00:00Z"]);
    assert_eq!(times(&dates, Some(Unit::S)), Err(Wrong::NeedlessUnit));
    let log = "- [10/Oct/2026:13:55:36 +0000]\n";
    assert_eq!(times(log, Some(Unit::S)), Err(Wrong::NeedlessUnit));
}

/// field 13: the requests of one tick of a coarse clock are spread over it.
#[test]
fn requests_of_one_tick_are_spread_over_it() {
    for (text, due) in [
        // Ticks of 3 s, of a second, and of a minute.
        (
            jsonl(&["0", "0", "0", "3000", "3000", "6000"]),
            vec![0.0, 1000.0, 2000.0, 3000.0, 4500.0, 6000.0],
        ),
        (csv(&["5", "5", "6", "8"]), vec![0.0, 500.0, 1000.0, 3000.0]),
        (
            csv(&[
                "2026-01-01T10:00:00Z",
                "2026-01-01T10:00:00Z",
                "2026-01-01T10:01:00Z",
            ]),
            vec![0.0, 30_000.0, 60_000.0],
        ),
        // So far apart, no more is known than that they are whole seconds.
        (csv(&["5", "5", "45"]), vec![0.0, 500.0, 40_000.0]),
        // Bursts of a finer clock stay bursts, and so does all at one time.
        (
            jsonl(&["0", "0", "250", "1250"]),
            vec![0.0, 0.0, 250.0, 1250.0],
        ),
        (csv(&["7", "7", "7"]), vec![0.0, 0.0, 0.0]),
    ] {
        assert_eq!(ms(&text, None), due, "{text}");
    }
}

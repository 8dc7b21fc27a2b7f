//! When recorded requests came, read from a file: its format, its unit, and its resolution.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

const SECOND: i128 = 1_000_000_000;
/// From 2001 to 2103, in seconds since 1970: a number of that size is a date.
const EPOCH_S: std::ops::Range<f64> = 1e9..4.2e9;
/// Faster than this, a trace whose unit is not given is taken for one in a larger unit.
const MOST_PER_S: f64 = 200.0;
/// Slower than this, it is taken for one in a smaller unit.
const LEAST_PER_S: f64 = 0.01;
/// Of fewer requests a rate says nothing.
const FEWEST: usize = 3;
/// A clock that only knows whole seconds, or several, has ticks of up to this, or of a minute.
const LONGEST_TICK: i128 = 10 * SECOND;
const MINUTE: i128 = 60 * SECOND;

/// The unit of times that are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    S,
    Ms,
    Us,
    Ns,
}

impl Unit {
    const ALL: [Self; 4] = [Self::S, Self::Ms, Self::Us, Self::Ns];

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::Ms => "ms",
            Self::Us => "us",
            Self::Ns => "ns",
        }
    }

    const fn ns(self) -> f64 {
        match self {
            Self::S => 1e9,
            Self::Ms => 1e6,
            Self::Us => 1e3,
            Self::Ns => 1.0,
        }
    }

    /// Returns whether a number of it is a date of these years.
    fn is_date(self, number: f64) -> bool {
        EPOCH_S.contains(&(number * self.ns() / 1e9))
    }
}

/// Why a file is not understood.
#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    /// A line, from 1, and what is wrong with it.
    Line(usize, String),
    NoUnit(String),
    NeedlessUnit,
}

/// A time as it is written.
#[derive(Clone, Copy)]
enum Written {
    Number {
        value: f64,
        is_whole: bool,
    },
    /// In ns since 1970.
    Date(i128),
}

/// Recognizes the format and returns the times in ns, in the order of the file, or ascending where
/// they were spread within the ticks of a coarse clock.
pub(super) fn times(text: &str, unit: Option<Unit>) -> Result<Vec<i128>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(first) = first.map(str::trim) else {
        return Ok(Vec::new());
    };
    let (written, usual) = if first.starts_with('{') {
        match serde_json::from_str::<Value>(first) {
            Ok(line) if line.get("timestamp").is_some() => (from_jsonl(text)?, Unit::Ms),
            _ => (from_har(text)?, Unit::Ms),
        }
    } else if first.to_ascii_lowercase().contains("timestamp") {
        (from_csv(text)?, Unit::S)
    } else {
        let times = from_access_log(text)?;
        return match unit {
            None => Ok(spread(times, Some(SECOND))),
            Some(_) => Err(Wrong::NeedlessUnit),
        };
    };
    let times = resolved(&written, usual, unit)?;
    let tick = tick(&times);
    Ok(spread(times, tick))
}

/// Turns what is written into ns.
fn resolved(
    written: &[(usize, Written)],
    usual: Unit,
    unit: Option<Unit>,
) -> Result<Vec<i128>, Wrong> {
    let is_date = |it: &Written| matches!(it, Written::Date(_));
    let dates = written.first().is_some_and(|(_, it)| is_date(it));
    if let Some((line, _)) = written.iter().find(|(_, it)| is_date(it) != dates) {
        let message = if dates {
            "a number among dates"
        } else {
            "a date among numbers"
        };
        return Err(Wrong::Line(*line, message.to_owned()));
    }
    if dates && unit.is_some() {
        return Err(Wrong::NeedlessUnit);
    }
    let ns = |(_, it): &(usize, Written)| match *it {
        Written::Number { value, .. } => (value * unit.unwrap_or(usual).ns()).round() as i128,
        Written::Date(ns) => ns,
    };
    let times: Vec<i128> = written.iter().map(ns).collect();
    if unit.is_none() && !dates {
        doubt(written, usual, &times)?;
    }
    Ok(times)
}

/// Refuses numbers that are hardly in the unit that is usual for their format.
fn doubt(written: &[(usize, Written)], usual: Unit, times: &[i128]) -> Result<(), Wrong> {
    let Some(&(_, Written::Number { value: first, .. })) = written.first() else {
        return Ok(());
    };
    let usually = usual.key();
    if usual.is_date(first) {
        return Ok(());
    }
    if let Some(unit) = Unit::ALL.into_iter().find(|unit| unit.is_date(first)) {
        let unit = unit.key();
        let message =
            format!("{first} looks like {unit} since 1970, and would be replayed as {usually}");
        return Err(Wrong::NoUnit(message));
    }
    let has_fraction = |it: &Written| {
        matches!(
            it,
            Written::Number {
                is_whole: false,
                ..
            }
        )
    };
    if usual == Unit::Ms && written.iter().any(|(_, it)| has_fraction(it)) {
        let message = "numbers with a decimal point may be seconds or ms".to_owned();
        return Err(Wrong::NoUnit(message));
    }
    let span = times.iter().max().zip(times.iter().min());
    let span_s = span.map_or(0.0, |(last, first)| (last - first) as f64 / 1e9);
    if times.len() < FEWEST || span_s <= 0.0 {
        return Ok(());
    }
    let rate = (times.len() - 1) as f64 / span_s;
    if (LEAST_PER_S..=MOST_PER_S).contains(&rate) {
        return Ok(());
    }
    let message = format!(
        "read as {usually} it has {} requests in {span_s} s, {rate:.3} a second",
        times.len()
    );
    Err(Wrong::NoUnit(message))
}

/// Returns the tick of a clock of whole seconds; `None` where no two requests have one time, or
/// where times lie closer.
fn tick(times: &[i128]) -> Option<i128> {
    let mut distinct = times.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() == times.len() {
        return None;
    }
    let gaps = distinct.windows(2).map(|pair| pair[1] - pair[0]);
    let common = gaps.fold(0, gcd);
    match common {
        0 => None,
        common if common % SECOND != 0 => None,
        common if common <= LONGEST_TICK || common == MINUTE => Some(common),
        // Few distinct times: no more is known than that they are whole seconds.
        _ => Some(SECOND),
    }
}

const fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Spreads the requests of one tick evenly over it, in their order.
fn spread(mut times: Vec<i128>, tick: Option<i128>) -> Vec<i128> {
    let Some(tick) = tick else {
        return times;
    };
    times.sort_unstable();
    for same in times.chunk_by_mut(|a, b| a == b) {
        let count = same.len() as i128;
        for (i, at) in same.iter_mut().enumerate() {
            *at += tick * i as i128 / count;
        }
    }
    times
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    numbered.filter(|(_, line)| !line.trim().is_empty())
}

/// One JSON object a line with `timestamp`: a number, usually of ms (Mooncake), or a date.
fn from_jsonl(text: &str) -> Result<Vec<(usize, Written)>, Wrong> {
    let one = |(number, line): (usize, &str)| {
        let value: Value =
            serde_json::from_str(line).map_err(|e| Wrong::Line(number, e.to_string()))?;
        let at = value.get("timestamp").and_then(|at| match at {
            Value::Number(it) => finite(it.as_f64()?, !it.is_f64()),
            Value::String(date) => instant(date).map(Written::Date),
            _ => None,
        });
        at.map(|at| (number, at))
            .ok_or_else(|| Wrong::Line(number, "no `timestamp` in ms or as a date".to_owned()))
    };
    lines(text).map(one).collect()
}

/// A table with a column `timestamp`: a number, usually of seconds (`BurstGPT`), or a date (Azure).
fn from_csv(text: &str) -> Result<Vec<(usize, Written)>, Wrong> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let is_time = |name: &str| name.eq_ignore_ascii_case("timestamp");
    let headers = reader
        .headers()
        .map_err(|e| Wrong::Line(1, e.to_string()))?;
    let column = headers.iter().position(is_time);
    let column = column.ok_or_else(|| Wrong::Line(1, "no column `timestamp`".to_owned()))?;
    let one = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            Wrong::Line(line as usize, e.to_string())
        })?;
        let line = record.position().map_or(0, csv::Position::line) as usize;
        let written = record.get(column).unwrap_or_default();
        let at = match written.parse::<f64>() {
            Ok(number) => finite(number, !written.contains(['.', 'e', 'E'])),
            Err(_) => instant(written).map(Written::Date),
        };
        at.map(|at| (line, at))
            .ok_or_else(|| Wrong::Line(line, format!("`{written}` is neither seconds nor a date")))
    };
    reader.records().map(one).collect()
}

/// `[10/Oct/2026:13:55:36 +0000]` somewhere in each line: such a log knows whole seconds only.
fn from_access_log(text: &str) -> Result<Vec<i128>, Wrong> {
    let one = |(number, line): (usize, &str)| {
        let date = line
            .split_once('[')
            .and_then(|(_, rest)| Some(rest.split_once(']')?.0));
        date.and_then(|date| Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", date).ok())
            .map(Timestamp::as_nanosecond)
            .ok_or_else(|| {
                let message = "no date such as [10/Oct/2026:13:55:36 +0000]";
                Wrong::Line(number, message.to_owned())
            })
    };
    lines(text).map(one).collect()
}

/// An archive of a browser's requests: `log.entries[].startedDateTime`.
fn from_har(text: &str) -> Result<Vec<(usize, Written)>, Wrong> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| Wrong::Line(e.line(), e.to_string()))?;
    let entries = value.pointer("/log/entries").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| {
        let message = "neither lines with a `timestamp` nor a HAR file with `log.entries`";
        Wrong::Line(1, message.to_owned())
    })?;
    let one = |(i, entry): (usize, &Value)| {
        let started = entry.get("startedDateTime").and_then(Value::as_str);
        started
            .and_then(instant)
            .map(|at| (1, Written::Date(at)))
            .ok_or_else(|| Wrong::Line(1, format!("entry {i} has no `startedDateTime`")))
    };
    entries.iter().enumerate().map(one).collect()
}

/// Returns a number as it is written; `None` unless it is finite.
fn finite(value: f64, is_whole: bool) -> Option<Written> {
    value
        .is_finite()
        .then_some(Written::Number { value, is_whole })
}

/// Reads a date with its offset, or one without, which is taken for UTC.
fn instant(text: &str) -> Option<i128> {
    let exact = text.parse::<Timestamp>().ok();
    let civil = || {
        let date: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(date).ok()
    };
    Some(exact.or_else(civil)?.as_nanosecond())
}

//! `trace`: recorded arrivals, when the requests of a real deployment came.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use miette::Diagnostic;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::kind::Keys;
use crate::arrival::arrivals::Arrivals;
use crate::arrival::timing::{Length, Timing};
use crate::arrival::wrong::Wrong as WrongKey;
use crate::error::{self, Classify, Kind};
use crate::measure::{Time, show_duration};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Trace {
    file: PathBuf,
    scale: Option<f64>,
    window: Option<Vec<Time>>,
}

/// Recorded arrivals, still unread.
#[derive(Clone, Debug, PartialEq)]
struct ArrivalLog {
    /// Relative to the manifest.
    path: PathBuf,
    /// How many times as fast as it was recorded.
    scale: f64,
    /// The part of it that is replayed, in its own time since its first request.
    window: Option<(Duration, Duration)>,
}

impl Keys for Trace {
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "at the times of recorded requests";
    const HAS_LENGTH: bool = true;

    fn arrivals(self, _: Option<Duration>) -> Result<Arc<dyn Arrivals>, WrongKey> {
        let scale = self.scale.unwrap_or(1.0);
        if !(scale.is_finite() && scale > 0.0) {
            let help = "2.0 replays twice as fast as was recorded.".to_owned();
            return Err(WrongKey::zero("scale").help(Some(help)));
        }
        let window = match self.window.as_deref() {
            None => None,
            Some([from, to]) if from.0 < to.0 => Some((from.0, to.0)),
            Some(_) => {
                let help = "Write the beginning and the end, `[\"10m\", \"20m\"]`.".to_owned();
                return Err(WrongKey::key("window", "is not a span of time").help(Some(help)));
            }
        };
        Ok(Arc::new(ArrivalLog {
            path: self.file,
            scale,
            window,
        }))
    }
}

impl Arrivals for ArrivalLog {
    fn show(&self) -> String {
        format!("trace {}", self.path.display())
    }

    fn document(&self) -> Value {
        let window = self.window;
        json!({
            "process": "trace",
            "file": self.path,
            "scale": self.scale,
            "window": window.map(|(from, to)| [show_duration(from), show_duration(to)]),
        })
    }

    fn timing(&self, folder: &Path) -> error::Result<Timing> {
        Ok(Timing::Listed(self.read(folder)?.into()))
    }

    fn length(&self) -> Option<Length> {
        Some(Length::WholeTrace)
    }
}

/// Why a trace cannot be replayed.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum TraceError {
    #[error("trace `{path}` does not exist")]
    #[diagnostic(help("Create the file, or correct `arrivals.file` in the manifest."))]
    Missing { path: String },
    #[error("trace `{path}` cannot be read: {reason}")]
    Unreadable {
        path: String,
        reason: std::io::Error,
    },
    #[error("{path}:{line}: {message}")]
    #[diagnostic(help(
        "A trace is JSONL or CSV with a `timestamp`, an access log, or a HAR file: see docs/load.md."
    ))]
    Line {
        path: String,
        line: usize,
        message: String,
    },
    #[error("trace `{path}` holds no request{}", if *.windowed { " within its `window`" } else { "" })]
    Empty { path: String, windowed: bool },
}

impl Classify for TraceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } | Self::Unreadable { .. } => Kind::Environment,
            Self::Line { .. } | Self::Empty { .. } => Kind::Manifest,
        }
    }
}

impl ArrivalLog {
    /// Returns when the requests are due in ns, the first of the window at 0, ascending.
    fn read(&self, folder: &Path) -> Result<Vec<u64>, TraceError> {
        let path = self.path.display().to_string();
        let text = match fs::read(folder.join(&self.path)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(TraceError::Missing { path });
            }
            Err(reason) => return Err(TraceError::Unreadable { path, reason }),
        };
        let times = times(&text).map_err(|(line, message)| TraceError::Line {
            path: path.clone(),
            line,
            message,
        })?;
        let windowed = self.window.is_some();
        let due = self.due(times);
        if due.is_empty() {
            return Err(TraceError::Empty { path, windowed });
        }
        Ok(due)
    }

    /// Sorts the times, cuts the window out, sets its first request to 0, and scales.
    fn due(&self, mut times: Vec<i128>) -> Vec<u64> {
        times.sort_unstable();
        let Some(first) = times.first().copied() else {
            return Vec::new();
        };
        if let Some((from, to)) = self.window {
            let ns = |time: Duration| time.as_nanos().cast_signed();
            let span = first + ns(from)..first + ns(to);
            times.retain(|at| span.contains(at));
        }
        let first = times.first().copied().unwrap_or(0);
        let times = times.into_iter();
        times
            .map(|at| ((at - first) as f64 / self.scale).round() as u64)
            .collect()
    }
}

/// A line that is wrong, and what is wrong with it.
type Wrong = (usize, String);

/// Recognizes the format and returns the times in ns, in the order of the file.
fn times(text: &str) -> Result<Vec<i128>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(first) = first.map(str::trim) else {
        return Ok(Vec::new());
    };
    if first.starts_with('{') {
        return match serde_json::from_str::<Value>(first) {
            Ok(line) if line.get("timestamp").is_some() => from_jsonl(text),
            _ => from_har(text),
        };
    }
    if first.to_ascii_lowercase().contains("timestamp") {
        return from_csv(text);
    }
    from_access_log(text)
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    numbered.filter(|(_, line)| !line.trim().is_empty())
}

/// One JSON object a line with `timestamp`: ms as a number (Mooncake), or a date.
fn from_jsonl(text: &str) -> Result<Vec<i128>, Wrong> {
    let one = |(number, line): (usize, &str)| {
        let value: Value = serde_json::from_str(line).map_err(|e| (number, e.to_string()))?;
        let at = value.get("timestamp").and_then(|at| match at {
            Value::Number(ms) => scaled(ms.as_f64()?, 1e6),
            Value::String(date) => instant(date),
            _ => None,
        });
        at.ok_or_else(|| (number, "no `timestamp` in ms or as a date".to_owned()))
    };
    lines(text).map(one).collect()
}

/// A table with a column `timestamp`: seconds as a number (`BurstGPT`), or a date (Azure).
fn from_csv(text: &str) -> Result<Vec<i128>, Wrong> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let is_time = |name: &str| name.eq_ignore_ascii_case("timestamp");
    let headers = reader.headers().map_err(|e| (1, e.to_string()))?;
    let column = headers.iter().position(is_time);
    let column = column.ok_or_else(|| (1, "no column `timestamp`".to_owned()))?;
    let one = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            (line as usize, e.to_string())
        })?;
        let line = record.position().map_or(0, csv::Position::line) as usize;
        let written = record.get(column).unwrap_or_default();
        let at = match written.parse::<f64>() {
            Ok(seconds) => scaled(seconds, 1e9),
            Err(_) => instant(written),
        };
        at.ok_or_else(|| (line, format!("`{written}` is neither seconds nor a date")))
    };
    reader.records().map(one).collect()
}

/// `[10/Oct/2026:13:55:36 +0000]` somewhere in each line. Such a log knows whole seconds only: the
/// requests of one second are spread evenly over it, in their order.
fn from_access_log(text: &str) -> Result<Vec<i128>, Wrong> {
    const SECOND: i128 = 1_000_000_000;
    let one = |(number, line): (usize, &str)| {
        let date = line
            .split_once('[')
            .and_then(|(_, rest)| Some(rest.split_once(']')?.0));
        date.and_then(|date| Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", date).ok())
            .map(Timestamp::as_nanosecond)
            .ok_or_else(|| {
                (
                    number,
                    "no date such as [10/Oct/2026:13:55:36 +0000]".to_owned(),
                )
            })
    };
    let mut times: Vec<i128> = lines(text).map(one).collect::<Result<_, _>>()?;
    times.sort_unstable();
    for second in times.chunk_by_mut(|a, b| a == b) {
        let count = second.len() as i128;
        for (i, at) in second.iter_mut().enumerate() {
            *at += SECOND * i as i128 / count;
        }
    }
    Ok(times)
}

/// An archive of a browser's requests: `log.entries[].startedDateTime`.
fn from_har(text: &str) -> Result<Vec<i128>, Wrong> {
    let value: Value = serde_json::from_str(text).map_err(|e| (e.line(), e.to_string()))?;
    let entries = value.pointer("/log/entries").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| {
        let message = "neither lines with a `timestamp` nor a HAR file with `log.entries`";
        (1, message.to_owned())
    })?;
    let one = |(i, entry): (usize, &Value)| {
        let started = entry.get("startedDateTime").and_then(Value::as_str);
        started
            .and_then(instant)
            .ok_or_else(|| (1, format!("entry {i} has no `startedDateTime`")))
    };
    entries.iter().enumerate().map(one).collect()
}

/// Returns a number of units as ns; `None` unless it is finite.
fn scaled(value: f64, ns: f64) -> Option<i128> {
    value.is_finite().then_some((value * ns).round() as i128)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arrival::process::testing::read;

    fn log(scale: f64, window: Option<(u64, u64)>) -> ArrivalLog {
        let seconds = |(from, to)| (Duration::from_secs(from), Duration::from_secs(to));
        ArrivalLog {
            path: PathBuf::from("trace"),
            scale,
            window: window.map(seconds),
        }
    }

    fn ms(text: &str) -> Vec<f64> {
        let due = log(1.0, None).due(times(text).unwrap());
        due.iter().map(|ns| *ns as f64 / 1e6).collect()
    }

    #[test]
    fn every_format_is_recognized() {
        let mooncake = r#"{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46]}
{"timestamp": 30535, "input_length": 6472, "output_length": 26, "hash_ids": [47]}"#;
        assert_eq!(ms(mooncake), [0.0, 3053.0]);
        let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                     2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n";
        assert_eq!(ms(azure), [0.0, 52.0]);
        let azure_2024 = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                          2024-05-10 00:00:00.009930+00:00,1,2\n2024-05-10 00:00:00.017335+00:00,3,4\n";
        assert_eq!(ms(azure_2024), [0.0, 7.405]);
        let burst = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
                     5,ChatGPT,472,18,490,Conversation log\n45.5,ChatGPT,1087,230,1317,Conversation log\n";
        assert_eq!(ms(burst), [0.0, 40_500.0]);
        let log = "127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] \"GET /a HTTP/1.1\" 200 1\n\
                   127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] \"GET /b HTTP/1.1\" 200 1\n\
                   127.0.0.1 - - [10/Oct/2026:15:55:38 +0200] \"GET /c HTTP/1.1\" 200 1\n";
        assert_eq!(ms(log), [0.0, 500.0, 2000.0]);
        let har = r#"{"log": {"entries": [
            {"startedDateTime": "2026-01-01T00:00:01.250Z"}, {"startedDateTime": "2026-01-01T01:00:01+01:00"}]}}"#;
        assert_eq!(ms(har), [0.0, 250.0]);
    }

    #[test]
    fn a_load_is_as_long_as_its_trace() {
        let keys = "{ file = \"t.jsonl\", scale = 2, window = [\"1m\", \"2m\"] }";
        let arrivals = read("trace", keys);
        assert_eq!(arrivals.length(), Some(Length::WholeTrace));
        assert_eq!(arrivals.show(), "trace t.jsonl");
        let stored = r#"{"process":"trace","file":"t.jsonl","scale":2.0,"window":["1m","2m"]}"#;
        assert_eq!(arrivals.document().to_string(), stored);
    }

    #[test]
    fn windows_and_scales_begin_at_zero_again() {
        let text = "timestamp\n100\n101\n103\n110\n";
        let due = |scale, window| log(scale, window).due(times(text).unwrap());
        assert_eq!(
            due(2.0, None),
            [0, 500_000_000, 1_500_000_000, 5_000_000_000]
        );
        assert_eq!(due(1.0, Some((1, 10))), [0, 2_000_000_000]);
        assert_eq!(due(1.0, Some((20, 30))), Vec::<u64>::new());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line, message) in [
            (
                "{\"timestamp\": 1}\n{\"timestamp\": null}\n",
                2,
                "no `timestamp` in ms or as a date",
            ),
            (
                "timestamp,x\n1,2\nsoon,3\n",
                3,
                "`soon` is neither seconds nor a date",
            ),
            ("hello\n", 1, "no date such as [10/Oct/2026:13:55:36 +0000]"),
            (
                "{\"log\": 1}",
                1,
                "neither lines with a `timestamp` nor a HAR file with `log.entries`",
            ),
        ] {
            assert_eq!(times(text), Err((line, message.to_owned())), "{text}");
        }
        assert_eq!(times("\n \n"), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            drop(times(&text));
            drop(times(&format!("{{\"timestamp\": {text}")));
            drop(times(&format!("timestamp\n{text}")));
        }
    }
}

//! `trace`: recorded arrivals, when the requests of a real deployment came.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use miette::Diagnostic;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::kind::Keys;
use super::recorded::{Unit, Wrong, times};
use crate::arrival::arrivals::Arrivals;
use crate::arrival::timing::{Length, Timing};
use crate::arrival::wrong::Wrong as WrongKey;
use crate::error::{self, Classify, Kind};
use crate::intake;
use crate::measure::{Time, show_duration};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Trace {
    file: PathBuf,
    scale: Option<f64>,
    window: Option<Vec<Time>>,
    unit: Option<Unit>,
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
    /// Of times that are numbers, where the manifest says it.
    unit: Option<Unit>,
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
            unit: self.unit,
        }))
    }
}

impl Arrivals for ArrivalLog {
    fn show(&self) -> String {
        format!("trace {}", self.path.display())
    }

    fn document(&self) -> Value {
        let window = self.window;
        let mut document = json!({
            "process": "trace",
            "file": self.path,
            "scale": self.scale,
            "window": window.map(|(from, to)| [show_duration(from), show_duration(to)]),
        });
        if let Some(unit) = self.unit {
            document["unit"] = json!(unit.key());
        }
        document
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
    #[error("trace `{path}` does not say the unit of its times: {message}")]
    #[diagnostic(help(
        "Write `unit = \"s\"`, `\"ms\"`, `\"us\"`, or `\"ns\"` beside `arrivals.file` in the manifest."
    ))]
    NoUnit { path: String, message: String },
    #[error("trace `{path}` has dates, and `arrivals.unit` is the unit of numbers")]
    #[diagnostic(help("Remove `unit` from the arrivals of the load."))]
    NeedlessUnit { path: String },
    #[error("trace `{path}` holds no request{}", if *.windowed { " within its `window`" } else { "" })]
    Empty { path: String, windowed: bool },
}

impl Classify for TraceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } | Self::Unreadable { .. } => Kind::Environment,
            Self::Line { .. }
            | Self::NoUnit { .. }
            | Self::NeedlessUnit { .. }
            | Self::Empty { .. } => Kind::Manifest,
        }
    }
}

impl ArrivalLog {
    /// Returns when the requests are due in ns, the first of the window at 0, ascending.
    fn read(&self, folder: &Path) -> Result<Vec<u64>, TraceError> {
        let path = self.path.display().to_string();
        let text = match intake::read(&folder.join(&self.path), &intake::TRACE) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(TraceError::Missing { path });
            }
            Err(reason) => return Err(TraceError::Unreadable { path, reason }),
        };
        let times = times(&text, self.unit).map_err(|wrong| {
            let path = path.clone();
            match wrong {
                Wrong::Line(line, message) => TraceError::Line {
                    path,
                    line,
                    message,
                },
                Wrong::NoUnit(message) => TraceError::NoUnit { path, message },
                Wrong::NeedlessUnit => TraceError::NeedlessUnit { path },
            }
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
            unit: None,
        }
    }

    fn ms(text: &str) -> Vec<f64> {
        let due = log(1.0, None).due(times(text, None).unwrap());
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
        let due = |scale, window| log(scale, window).due(times(text, None).unwrap());
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
            let wrong = Wrong::Line(line, message.to_owned());
            assert_eq!(times(text, None), Err(wrong), "{text}");
        }
        assert_eq!(times("\n \n", None), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            drop(times(&text, None));
            drop(times(&format!("{{\"timestamp\": {text}"), None));
            drop(times(&format!("timestamp\n{text}"), None));
        }
    }
}

//! `arrivals` of `[load.NAME]`: which keys belong to which process, and what they may be.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::manifest::arrivals::{Arrivals, Curve, Gaps, Level, TraceFile, Users};
use crate::manifest::error::Problems;
use crate::manifest::span::Span;
use crate::manifest::time::Time;
use crate::measure::{AnyRate, Rate, Share};
use crate::registry::suggest;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawArrivals {
    #[schemars(with = "Option<String>")]
    pub(in crate::manifest) process: Option<Spanned<String>>,
    #[schemars(with = "Option<Rate>")]
    pub(in crate::manifest) rate: Option<Spanned<Rate>>,
    #[schemars(with = "Option<f64>")]
    pub(in crate::manifest) cv: Option<Spanned<f64>>,
    #[schemars(with = "Option<String>")]
    pub(in crate::manifest) gaps: Option<Spanned<String>>,
    #[schemars(with = "Option<AnyRate>")]
    pub(in crate::manifest) from: Option<Spanned<AnyRate>>,
    #[schemars(with = "Option<AnyRate>")]
    pub(in crate::manifest) to: Option<Spanned<AnyRate>>,
    #[schemars(with = "Option<Time>")]
    pub(in crate::manifest) over: Option<Spanned<Time>>,
    #[schemars(with = "Option<String>")]
    pub(in crate::manifest) shape: Option<Spanned<String>>,
    #[schemars(with = "Option<Vec<Step>>")]
    pub(in crate::manifest) steps: Option<Spanned<Vec<Step>>>,
    #[schemars(with = "Option<Rate>")]
    pub(in crate::manifest) peak: Option<Spanned<Rate>>,
    #[schemars(with = "Option<Time>")]
    pub(in crate::manifest) at: Option<Spanned<Time>>,
    #[schemars(with = "Option<Time>")]
    pub(in crate::manifest) length: Option<Spanned<Time>>,
    #[schemars(with = "Option<Share>")]
    pub(in crate::manifest) amplitude: Option<Spanned<Share>>,
    #[schemars(with = "Option<Time>")]
    pub(in crate::manifest) period: Option<Spanned<Time>>,
    #[schemars(with = "Option<Time>")]
    pub(in crate::manifest) on: Option<Spanned<Time>>,
    #[schemars(with = "Option<Time>")]
    pub(in crate::manifest) off: Option<Spanned<Time>>,
    #[schemars(with = "Option<PathBuf>")]
    pub(in crate::manifest) file: Option<Spanned<PathBuf>>,
    #[schemars(with = "Option<f64>")]
    pub(in crate::manifest) scale: Option<Spanned<f64>>,
    #[schemars(with = "Option<Vec<Time>>")]
    pub(in crate::manifest) window: Option<Spanned<Vec<Time>>>,
    #[schemars(with = "Option<u32>")]
    pub(in crate::manifest) concurrency: Option<Spanned<u32>>,
    #[schemars(with = "Option<Time>")]
    pub(in crate::manifest) think_time: Option<Spanned<Time>>,
    #[schemars(with = "Option<Rate>")]
    pub(in crate::manifest) user_rate: Option<Spanned<Rate>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct Step {
    pub(in crate::manifest) rate: AnyRate,
    pub(in crate::manifest) duration: Time,
}

impl RawArrivals {
    /// Returns the keys that are there, with their places.
    pub(in crate::manifest) fn keys(&self) -> Vec<(&'static str, Span)> {
        fn at<T>(key: &'static str, value: Option<&Spanned<T>>) -> Option<(&'static str, Span)> {
            Some((key, value?.span()))
        }
        let keys = [
            at("process", self.process.as_ref()),
            at("rate", self.rate.as_ref()),
            at("cv", self.cv.as_ref()),
            at("gaps", self.gaps.as_ref()),
            at("from", self.from.as_ref()),
            at("to", self.to.as_ref()),
            at("over", self.over.as_ref()),
            at("shape", self.shape.as_ref()),
            at("steps", self.steps.as_ref()),
            at("peak", self.peak.as_ref()),
            at("at", self.at.as_ref()),
            at("length", self.length.as_ref()),
            at("amplitude", self.amplitude.as_ref()),
            at("period", self.period.as_ref()),
            at("on", self.on.as_ref()),
            at("off", self.off.as_ref()),
            at("scale", self.scale.as_ref()),
            at("window", self.window.as_ref()),
            at("concurrency", self.concurrency.as_ref()),
            at("think_time", self.think_time.as_ref()),
            at("user_rate", self.user_rate.as_ref()),
            at("file", self.file.as_ref()),
        ];
        keys.into_iter().flatten().collect()
    }
}

/// What `arrivals` may look like.
pub(in crate::manifest) const HELP: &str = "Write `arrivals = { process = \"poisson\", rate = \"20/s\" }`, or \
                               `{ concurrency = 8 }` for a closed loop.";

/// A form of `arrivals`: the keys that it needs, and those that it may have.
struct Form {
    process: &'static str,
    needs: &'static [&'static str],
    may: &'static [&'static str],
}

impl Form {
    fn called(&self) -> String {
        match self.process {
            process if process == CLOSED.process => process.to_owned(),
            process => format!("`{process}`"),
        }
    }
}

const fn form(process: &'static str, needs: &'static [&'static str]) -> Form {
    Form {
        process,
        needs,
        may: &["process", "gaps", "cv"],
    }
}

/// Every process of an open loop.
const OPEN: [Form; 9] = [
    Form {
        process: "constant",
        needs: &["rate"],
        may: &["process"],
    },
    Form {
        process: "poisson",
        needs: &["rate"],
        may: &["process"],
    },
    Form {
        process: "gamma",
        needs: &["rate", "cv"],
        may: &["process"],
    },
    Form {
        process: "ramp",
        needs: &["from", "to"],
        may: &["process", "gaps", "cv", "shape", "over"],
    },
    form("steps", &["steps"]),
    form("spike", &["rate", "peak", "at", "length"]),
    form("sine", &["rate", "amplitude", "period"]),
    form("on_off", &["rate", "on", "off"]),
    Form {
        process: "trace",
        needs: &["file"],
        may: &["process", "scale", "window"],
    },
];

/// A closed loop has no process.
const CLOSED: Form = Form {
    process: "a closed loop",
    needs: &["concurrency"],
    may: &["think_time", "user_rate"],
};

/// Words for `gaps`; `gamma` needs `cv`.
const GAPS: [&str; 3] = ["constant", "poisson", "gamma"];
const SHAPES: [&str; 2] = ["linear", "exponential"];

/// Reads one table of arrivals.
struct Reader<'a> {
    raw: &'a RawArrivals,
    /// Of the whole table.
    span: Span,
    /// For instance "load `peak`".
    what: &'a str,
    problems: &'a mut Problems,
}

/// Reads arrivals; `length` is the load's duration, where it has one.
pub(in crate::manifest) fn arrivals(
    written: &crate::manifest::span::Spanned<RawArrivals>,
    length: Option<Duration>,
    what: &str,
    problems: &mut Problems,
) -> Option<Arrivals> {
    let raw = &written.value;
    let mut reader = Reader {
        raw,
        span: written.span.clone(),
        what,
        problems,
    };
    let open = raw.process.is_some() || raw.rate.is_some();
    let closed = raw.concurrency.is_some() || raw.think_time.is_some() || raw.user_rate.is_some();
    match (open, closed) {
        (true, true) => reader.wrong("mixes an open and a closed loop"),
        (false, false) if raw.keys().is_empty() => reader.wrong("is empty"),
        (false, false) => reader.wrong("has neither `process` nor `concurrency`"),
        (false, true) => reader.closed(),
        (true, false) => {
            // A rate alone means what every load tool means by it: evenly spaced.
            let process = raw.process.as_ref();
            let name = process.map_or("constant", |process| process.get_ref().as_str());
            let Some(form) = OPEN.iter().find(|form| form.process == name) else {
                let names = OPEN.map(|form| form.process);
                let message = format!("`arrivals.process` of {what} cannot be `{name}`");
                let span = process.map_or(written.span.clone(), Spanned::span);
                reader.problems.at(span, message, suggest(name, &names));
                return None;
            };
            if !reader.fits(form) {
                return None;
            }
            reader.open(name, length)
        }
    }
}

/// Returns how long levels that are written one after another take: the length of a load that names none.
pub(in crate::manifest) fn length_of_steps(raw: &RawArrivals) -> Option<Duration> {
    let steps = raw.steps.as_ref()?.get_ref();
    Some(steps.iter().map(|step| step.duration.0).sum())
}

impl Reader<'_> {
    fn wrong<T>(&mut self, reason: &str) -> Option<T> {
        let message = format!("`arrivals` of {} {reason}", self.what);
        self.problems
            .at(self.span.clone(), message, Some(HELP.to_owned()));
        None
    }

    fn bad<T>(&mut self, span: Span, key: &str, reason: &str, help: Option<String>) -> Option<T> {
        let message = format!("`arrivals.{key}` of {} {reason}", self.what);
        self.problems.at(span, message, help);
        None
    }

    /// Returns whether every key is there that the form needs, and none that it has no use for.
    fn fits(&mut self, form: &Form) -> bool {
        let (keys, mut fits) = (self.raw.keys(), true);
        for need in form.needs {
            if !keys.iter().any(|(key, _)| key == need) {
                let help = format!("{} needs {}.", form.called(), listed(form.needs));
                let message = format!("`arrivals` of {} has no `{need}`", self.what);
                self.problems.at(self.span.clone(), message, Some(help));
                fits = false;
            }
        }
        for (key, span) in keys {
            if !form.needs.contains(&key) && !form.may.contains(&key) {
                let reason = format!("means nothing for {}", form.called());
                let known = [form.needs, form.may].concat();
                let help = format!("It has {}.", listed(&known));
                self.bad::<()>(span, key, &reason, Some(help));
                fits = false;
            }
        }
        fits
    }

    fn closed(&mut self) -> Option<Arrivals> {
        if !self.fits(&CLOSED) {
            return None;
        }
        let concurrency = self.raw.concurrency.as_ref()?;
        if *concurrency.get_ref() == 0 {
            return self.bad(
                concurrency.span(),
                "concurrency",
                "must be at least 1",
                None,
            );
        }
        let think_time = self.raw.think_time.as_ref();
        Some(Arrivals::Closed(Users {
            concurrency: *concurrency.get_ref(),
            think_time: think_time.map_or(Duration::ZERO, |time| time.get_ref().0),
            user_rate: self.raw.user_rate.as_ref().map(|rate| *rate.get_ref()),
        }))
    }

    fn open(&mut self, process: &str, length: Option<Duration>) -> Option<Arrivals> {
        let gaps = match process {
            "constant" => Some(Gaps::Even),
            "poisson" => Some(Gaps::Exponential),
            "gamma" => self.gamma(),
            _ => self.gaps(),
        };
        let rate = self.raw.rate.as_ref();
        let rate = rate.map_or(0.0, |rate| rate.get_ref().per_second());
        let curve = match process {
            "trace" => return self.trace(),
            "ramp" => self.ramp(length),
            "steps" => self.steps(),
            "spike" => self.spike(rate),
            "sine" => self.sine(rate),
            "on_off" => self.on_off(rate),
            _ => Some(Curve::Flat(rate)),
        };
        Some(Arrivals::Open {
            gaps: gaps?,
            curve: curve?,
        })
    }

    fn gaps(&mut self) -> Option<Gaps> {
        let Some(written) = &self.raw.gaps else {
            return match &self.raw.cv {
                None => Some(Gaps::Even),
                Some(cv) => {
                    let help = "Add `gaps = \"gamma\"`.".to_owned();
                    self.bad(cv.span(), "cv", "belongs to gamma gaps", Some(help))
                }
            };
        };
        match written.get_ref().as_str() {
            "constant" => Some(Gaps::Even),
            "poisson" => Some(Gaps::Exponential),
            "gamma" => self.gamma(),
            other => {
                let reason = format!("cannot be `{other}`");
                self.bad(written.span(), "gaps", &reason, suggest(other, &GAPS))
            }
        }
    }

    fn gamma(&mut self) -> Option<Gaps> {
        let Some(cv) = &self.raw.cv else {
            return self.wrong("has gamma gaps and no `cv`");
        };
        let value = *cv.get_ref();
        if value.is_finite() && (0.01..=100.0).contains(&value) {
            Some(Gaps::Gamma { cv: value })
        } else {
            let help = "1 is Poisson, less is evener, more is burstier.".to_owned();
            self.bad(cv.span(), "cv", "must be between 0.01 and 100", Some(help))
        }
    }

    fn ramp(&mut self, length: Option<Duration>) -> Option<Curve> {
        let (from, to) = (self.raw.from.as_ref()?, self.raw.to.as_ref()?);
        let (first, last) = (from.get_ref().per_second(), to.get_ref().per_second());
        let over = self.raw.over.as_ref().map(|over| over.get_ref().0);
        let Some(over) = over.or(length).filter(|over| !over.is_zero()) else {
            return self.wrong(
                "does not say how long the ramp takes: add `over`, or give the load a `duration`",
            );
        };
        let over_s = over.as_secs_f64();
        let shape = self.raw.shape.as_ref();
        match shape.map_or("linear", |shape| shape.get_ref().as_str()) {
            "linear" if first + last > 0.0 => Some(Curve::Linear {
                from: first,
                to: last,
                over_s,
            }),
            "exponential" if first > 0.0 && last > 0.0 => Some(Curve::Exponential {
                from: first,
                to: last,
                over_s,
            }),
            "linear" => self.bad(
                to.span(),
                "to",
                "must be above zero when `from` is not",
                None,
            ),
            "exponential" => {
                let span = if first > 0.0 { to.span() } else { from.span() };
                self.bad(
                    span,
                    "shape",
                    "is exponential, which never reaches or leaves zero",
                    None,
                )
            }
            other => {
                let span = shape.map_or_else(|| self.span.clone(), Spanned::span);
                let reason = format!("cannot be `{other}`");
                self.bad(span, "shape", &reason, suggest(other, &SHAPES))
            }
        }
    }

    fn steps(&mut self) -> Option<Curve> {
        let written = self.raw.steps.as_ref()?;
        let levels: Arc<[Level]> = written
            .get_ref()
            .iter()
            .map(|step| level(step.rate.per_second(), step.duration.0))
            .collect();
        if levels.iter().any(|level| level.length_s <= 0.0) {
            return self.bad(written.span(), "steps", "has one of no `duration`", None);
        }
        if levels.iter().all(|level| level.rate <= 0.0) {
            return self.bad(written.span(), "steps", "never send anything", None);
        }
        Some(Curve::Levels {
            levels,
            again: false,
        })
    }

    fn spike(&mut self, rate: f64) -> Option<Curve> {
        let at = self.raw.at.as_ref()?.get_ref().0;
        let length = self.positive(self.raw.length.as_ref()?, "length")?;
        let peak = self.raw.peak.as_ref()?.get_ref().per_second();
        let before = (!at.is_zero()).then(|| level(rate, at));
        let then = [level(peak, length), level(rate, Duration::from_secs(1))];
        Some(Curve::Levels {
            levels: before.into_iter().chain(then).collect(),
            again: false,
        })
    }

    fn sine(&mut self, mean: f64) -> Option<Curve> {
        let period = self.positive(self.raw.period.as_ref()?, "period")?;
        let swing = mean * self.raw.amplitude.as_ref()?.get_ref().value();
        Some(Curve::Sine {
            mean,
            swing,
            period_s: period.as_secs_f64(),
        })
    }

    fn on_off(&mut self, rate: f64) -> Option<Curve> {
        let on = self.positive(self.raw.on.as_ref()?, "on")?;
        let off = self.positive(self.raw.off.as_ref()?, "off")?;
        Some(Curve::Levels {
            levels: [level(rate, on), level(0.0, off)].into(),
            again: true,
        })
    }

    fn trace(&mut self) -> Option<Arrivals> {
        let path = self.raw.file.as_ref()?.get_ref().clone();
        let scale = match &self.raw.scale {
            None => 1.0,
            Some(scale) if scale.get_ref().is_finite() && *scale.get_ref() > 0.0 => {
                *scale.get_ref()
            }
            Some(scale) => {
                let help = "2.0 replays twice as fast as was recorded.".to_owned();
                return self.bad(scale.span(), "scale", "must be above zero", Some(help));
            }
        };
        let window = match &self.raw.window {
            None => None,
            Some(window) => match window.get_ref().as_slice() {
                [from, to] if from.0 < to.0 => Some((from.0, to.0)),
                _ => {
                    let help = "Write the beginning and the end, `[\"10m\", \"20m\"]`.".to_owned();
                    return self.bad(window.span(), "window", "is not a span of time", Some(help));
                }
            },
        };
        Some(Arrivals::Trace(TraceFile {
            path,
            scale,
            window,
        }))
    }

    fn positive(&mut self, time: &Spanned<Time>, key: &str) -> Option<Duration> {
        let value = time.get_ref().0;
        if value.is_zero() {
            return self.bad(time.span(), key, "must be above zero", None);
        }
        Some(value)
    }
}

fn level(rate: f64, length: Duration) -> Level {
    Level {
        rate,
        length_s: length.as_secs_f64(),
    }
}

/// Returns keys as they stand in a sentence: `a`, `b`, and `c`.
fn listed(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}

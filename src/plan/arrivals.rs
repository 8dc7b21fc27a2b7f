//! A load's arrivals, resolved: a trace is read; and shown, in words and in the stored plan.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::error::PlanError;
use crate::error::Result;
use crate::load::{Timing, read_trace};
use crate::manifest::{Arrivals, Curve, Gaps, Length, Level, Load, Until, Users};
use crate::measure::{show_duration, show_rate};

/// Resolves when the requests of a load are sent, and until when; `folder` is the manifest's.
pub(super) fn timing(folder: &Path, load: &Load) -> Result<(Timing, Until)> {
    let timing = match &load.arrivals {
        Arrivals::Open { gaps, curve } => Timing::Drawn {
            gaps: *gaps,
            curve: curve.clone(),
        },
        Arrivals::Trace(trace) => Timing::Listed(read_trace(folder, trace)?.into()),
        Arrivals::Closed(users) => Timing::Closed(*users),
    };
    let until = match (load.until, &timing) {
        (Length::Until(until), _) => until,
        // The last arrival falls before the end.
        (Length::WholeTrace, Timing::Listed(due)) => {
            Until::Duration(Duration::from_nanos(due.last().map_or(0, |last| last + 1)))
        }
        (Length::WholeTrace, _) => {
            return Err(PlanError::NoLength {
                load: load.name.clone(),
            }
            .into());
        }
    };
    Ok((timing, until))
}

/// Returns arrivals in words: `20/s`, `8 users`.
pub(super) fn show(arrivals: &Arrivals) -> String {
    match arrivals {
        Arrivals::Open { curve, .. } => show_curve(curve),
        Arrivals::Trace(trace) => format!("trace {}", trace.path.display()),
        Arrivals::Closed(users) if users.concurrency == 1 => "1 user".to_owned(),
        Arrivals::Closed(users) => format!("{} users", users.concurrency),
    }
}

fn show_curve(curve: &Curve) -> String {
    match curve {
        Curve::Flat(at) => show_rate(*at),
        Curve::Linear { from, to, .. } | Curve::Exponential { from, to, .. } => {
            format!("{} to {}", show_rate(*from), show_rate(*to))
        }
        Curve::Levels { levels, .. } => {
            let highest = levels.iter().map(|level| level.rate).fold(0.0, f64::max);
            format!("up to {}", show_rate(highest))
        }
        Curve::Sine { mean, swing, .. } => {
            format!("{} to {}", show_rate(mean - swing), show_rate(mean + swing))
        }
    }
}

/// Returns arrivals as they are stored with the run.
pub(super) fn document(arrivals: &Arrivals) -> Value {
    match arrivals {
        Arrivals::Open { gaps, curve } => of_curve(*gaps, curve),
        Arrivals::Trace(trace) => json!({
            "process": "trace",
            "file": trace.path,
            "scale": trace.scale,
            "window": trace.window.map(|(from, to)| [show_duration(from), show_duration(to)]),
        }),
        Arrivals::Closed(Users {
            concurrency,
            think_time,
            user_rate,
        }) => {
            let mut users =
                json!({"concurrency": concurrency, "think_time": show_duration(*think_time)});
            if let Some(rate) = user_rate {
                users["user_rate"] = json!(rate.to_string());
            }
            users
        }
    }
}

fn of_curve(gaps: Gaps, curve: &Curve) -> Value {
    let (name, cv) = match gaps {
        Gaps::Even => ("constant", None),
        Gaps::Exponential => ("poisson", None),
        Gaps::Gamma { cv } => ("gamma", Some(cv)),
    };
    let mut document = match curve {
        Curve::Flat(at) => json!({"process": name, "rate": show_rate(*at)}),
        Curve::Linear { from, to, over_s } => {
            json!({"process": "ramp", "gaps": name, "from": show_rate(*from), "to": show_rate(*to), "over": time(*over_s)})
        }
        Curve::Exponential { from, to, over_s } => json!({
            "process": "ramp", "shape": "exponential", "gaps": name,
            "from": show_rate(*from), "to": show_rate(*to), "over": time(*over_s),
        }),
        Curve::Levels { levels, again } => {
            let level = |level: &Level| json!({"rate": show_rate(level.rate), "duration": time(level.length_s)});
            let levels: Vec<Value> = levels.iter().map(level).collect();
            json!({"process": "steps", "gaps": name, "steps": levels, "again": again})
        }
        Curve::Sine {
            mean,
            swing,
            period_s,
        } => json!({
            "process": "sine", "gaps": name, "rate": show_rate(*mean), "amplitude": swing / mean, "period": time(*period_s),
        }),
    };
    if let Some(cv) = cv {
        document["cv"] = json!(cv);
    }
    document
}

fn time(seconds: f64) -> String {
    show_duration(Duration::from_secs_f64(seconds))
}

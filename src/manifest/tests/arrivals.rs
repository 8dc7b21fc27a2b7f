//! Every form of `arrivals`, and what is said of wrong ones.

use std::time::Duration;

use super::super::testing::{SMALL, parse, render, wrong};
use super::super::*;

const PLAIN: &str = "arrivals = { process = \"poisson\", rate = \"20/s\" }";

fn load(arrivals: &str, length: &str) -> Load {
    let text = SMALL
        .replacen(PLAIN, &format!("arrivals = {{ {arrivals} }}"), 1)
        .replacen("duration = \"60s\"", length, 1);
    let manifest = parse(&text).unwrap_or_else(|error| panic!("{}", render(&error)));
    manifest.load_named("peak").unwrap().clone()
}

fn curve(arrivals: &str) -> Curve {
    match load(arrivals, "duration = \"60s\"").arrivals {
        Arrivals::Open { curve, .. } => curve,
        other => panic!("{other:?}"),
    }
}

/// The first problem's own line.
fn says(arrivals: &str) -> String {
    let text = SMALL.replacen(PLAIN, &format!("arrivals = {{ {arrivals} }}"), 1);
    let said = wrong(&text);
    let first = said.lines().next().unwrap_or_default();
    let help = said.split("help: ").nth(1).unwrap_or_default();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{first} | {help}")
}

#[test]
fn every_process_becomes_its_curve_and_its_gaps() {
    let gaps = |arrivals: &str| load(arrivals, "duration = \"60s\"").arrivals.gaps();
    assert_eq!(curve("rate = \"20/s\""), Curve::Flat(20.0));
    assert_eq!(gaps("rate = \"20/s\""), Gaps::Even);
    assert_eq!(
        gaps("process = \"gamma\", rate = \"20/s\", cv = 2.5"),
        Gaps::Gamma { cv: 2.5 }
    );
    let (from, to) = (0.0, 50.0);
    assert_eq!(
        curve("process = \"ramp\", from = \"0/s\", to = \"50/s\""),
        Curve::Linear {
            from,
            to,
            over_s: 60.0
        }
    );
    let exponential = "process = \"ramp\", from = \"1/s\", to = \"50/s\", shape = \"exponential\", over = \"30s\", gaps = \"poisson\"";
    assert_eq!(
        curve(exponential),
        Curve::Exponential {
            from: 1.0,
            to,
            over_s: 30.0
        }
    );
    assert_eq!(gaps(exponential), Gaps::Exponential);
    let level = |rate, length_s| Level { rate, length_s };
    assert_eq!(
        curve(
            "process = \"spike\", rate = \"5/s\", peak = \"90/s\", at = \"20s\", length = \"3s\""
        ),
        Curve::Levels {
            levels: [level(5.0, 20.0), level(90.0, 3.0), level(5.0, 1.0)].into(),
            again: false
        }
    );
    assert_eq!(
        curve("process = \"on_off\", rate = \"5/s\", on = \"2s\", off = \"8s\""),
        Curve::Levels {
            levels: [level(5.0, 2.0), level(0.0, 8.0)].into(),
            again: true
        }
    );
    assert_eq!(
        curve("process = \"sine\", rate = \"20/s\", amplitude = \"50%\", period = \"10s\""),
        Curve::Sine {
            mean: 20.0,
            swing: 10.0,
            period_s: 10.0
        }
    );
}

#[test]
fn steps_and_traces_have_lengths_of_their_own() {
    let steps = "process = \"steps\", steps = [{ rate = \"5/s\", duration = \"10s\" }, { rate = \"0/s\", duration = \"5s\" }]";
    assert_eq!(
        load(steps, "").until,
        Length::Until(Until::Duration(Duration::from_secs(15)))
    );
    let trace = "process = \"trace\", file = \"t.jsonl\", scale = 2, window = [\"1m\", \"2m\"]";
    let load = load(trace, "");
    assert_eq!(load.until, Length::WholeTrace);
    assert_eq!(
        load.arrivals,
        Arrivals::Trace(TraceFile {
            path: "t.jsonl".into(),
            scale: 2.0,
            window: Some((Duration::from_mins(1), Duration::from_mins(2)))
        })
    );
}

#[test]
fn what_is_wrong_with_arrivals_is_said_at_its_key() {
    let said: Vec<String> = [
        "process = \"gama\", rate = \"1/s\"",
        "process = \"gamma\", rate = \"1/s\"",
        "process = \"gamma\", rate = \"1/s\", cv = 0",
        "process = \"poisson\", rate = \"1/s\", peak = \"5/s\"",
        "process = \"ramp\", from = \"0/s\", to = \"0/s\"",
        "process = \"ramp\", from = \"0/s\", to = \"5/s\", shape = \"exponential\"",
        "process = \"ramp\", from = \"1/s\", to = \"5/s\", shape = \"steep\"",
        "process = \"ramp\", from = \"1/s\", to = \"5/s\", gaps = \"posson\"",
        "process = \"ramp\", from = \"1/s\", to = \"5/s\", cv = 2",
        "process = \"steps\", steps = [{ rate = \"0/s\", duration = \"5s\" }]",
        "process = \"steps\", steps = [{ rate = \"1/s\", duration = \"0s\" }]",
        "process = \"on_off\", rate = \"1/s\", on = \"1s\", off = \"0s\"",
        "process = \"trace\", file = \"t\", scale = 0",
        "process = \"trace\", file = \"t\", window = [\"5s\"]",
        "user_rate = \"1/s\"",
        "think_time = \"1s\", concurrency = 2, peak = \"1/s\"",
        "peak = \"1/s\"",
        "",
    ]
    .map(says)
    .to_vec();
    insta::assert_snapshot!(said.join("\n"), @r#"
x `arrivals.process` of load `peak` cannot be `gama` | Did you mean `gamma`?
x `arrivals` of load `peak` has no `cv` | `gamma` needs `rate` and `cv`.
x `arrivals.cv` of load `peak` must be between 0.01 and 100 | 1 is Poisson, less is evener, more is burstier.
x `arrivals.peak` of load `peak` means nothing for `poisson` | It has `rate` and `process`.
x `arrivals.to` of load `peak` must be above zero when `from` is not | 
x `arrivals.shape` of load `peak` is exponential, which never reaches or | 
x `arrivals.shape` of load `peak` cannot be `steep` | Known are `exponential`, `linear`.
x `arrivals.gaps` of load `peak` cannot be `posson` | Did you mean `poisson`?
x `arrivals.cv` of load `peak` belongs to gamma gaps | Add `gaps = "gamma"`.
x `arrivals.steps` of load `peak` never send anything | 
x `arrivals.steps` of load `peak` has one of no `duration` | 
x `arrivals.off` of load `peak` must be above zero | 
x `arrivals.scale` of load `peak` must be above zero | 2.0 replays twice as fast as was recorded.
x `arrivals.window` of load `peak` is not a span of time | Write the beginning and the end, `["10m", "20m"]`.
x `arrivals` of load `peak` has no `concurrency` | a closed loop needs `concurrency`.
x `arrivals.peak` of load `peak` means nothing for a closed loop | It has `concurrency`, `think_time`, and `user_rate`.
x `arrivals` of load `peak` has neither `process` nor `concurrency` | Write `arrivals = { process = "poisson", rate = "20/s" }`, or `{ concurrency = 8 }` for a closed loop.
x `arrivals` of load `peak` is empty | Write `arrivals = { process = "poisson", rate = "20/s" }`, or `{ concurrency = 8 }` for a closed loop.
"#);
}

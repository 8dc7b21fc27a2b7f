//! `arrivals` of `[load.NAME]`: which process, and whether its keys are all there and no others.
//! What they may be is the process's own affair.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::arrival::{ArrivalProcess, Arrivals, CLOSED, PROCESSES, Wrong, schema};
use crate::manifest::checker::Checker;
use crate::manifest::document;
use crate::registry::suggest;

/// What `arrivals` may look like.
pub(super) const HELP: &str = "Write `arrivals = { process = \"poisson\", rate = \"20/s\" }`, or \
                               `{ concurrency = 8 }` for a closed loop.";

/// The key in its load.
const KEY: &str = "arrivals";

/// The process of a rate alone: what every load tool means by it.
const DEFAULT: &str = "constant";

/// The keys of one process.
struct Form {
    process: &'static dyn ArrivalProcess,
    /// As messages call it.
    called: String,
    /// Those that must be there, in order.
    needs: Vec<String>,
    /// Those that may be there besides.
    may: Vec<String>,
}

/// Returns whether arrivals that are written like this can be as long as they are themselves.
pub(super) fn have_length(written: &document::Value) -> bool {
    let process = written.get_ref().get("process");
    let process = process.and_then(|it| PROCESSES.get(it.get_ref().as_str()?));
    process.is_some_and(ArrivalProcess::has_length)
}

/// Checks arrivals; `length` is the load's duration, where it has one.
pub(super) fn check(
    written: &document::Value,
    length: Option<Duration>,
    load: &mut Checker<'_>,
) -> Option<Arc<dyn Arrivals>> {
    let table = table(written, load)?;
    let process = process(written, table, load)?;
    let form = Form::of(process);
    if !form.fits(written, table, load) {
        return None;
    }
    let (read, clean) = load.read_key(KEY, written.clone(), |value| {
        let DeValue::Table(mut table) = value.get_ref().clone() else {
            return Ok(None);
        };
        table.remove("process");
        let keys = document::Value::new(value.span(), DeValue::Table(table));
        let read = form.process.read(ValueDeserializer::from(keys), length);
        read.map(Some)
    });
    match read.flatten().filter(|_| clean)? {
        Ok(arrivals) => Some(arrivals),
        Err(wrong) => {
            report(wrong, written, load);
            None
        }
    }
}

/// Returns the keys, all of which some process has, where `process` is a text.
fn table<'a>(written: &'a document::Value, load: &mut Checker<'_>) -> Option<&'a DeTable<'static>> {
    #[derive(Deserialize)]
    struct Process {
        #[serde(rename = "process")]
        _process: Option<String>,
    }
    let (_, mut right) = load.read_key(KEY, written.clone(), |value| {
        Process::deserialize(ValueDeserializer::from(value))
    });
    let DeValue::Table(table) = written.get_ref() else {
        if right {
            let message = format!("{}: expected a table, found an array", load.key(KEY));
            load.at(written.span(), message, None);
        }
        return None;
    };
    let schema = schema(&mut crate::schema::generator());
    let known = schema["properties"].as_object()?;
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    for key in table.keys() {
        let name = key.get_ref().as_ref();
        if !known.contains(&name) {
            let message = format!("unknown key `{name}` in {}", load.key(KEY));
            load.at(key.span(), message, suggest(name, &known));
            right = false;
        }
    }
    right.then_some(table)
}

/// Returns the process that is named, or that the keys mean.
fn process(
    written: &document::Value,
    table: &DeTable<'static>,
    load: &mut Checker<'_>,
) -> Option<&'static dyn ArrivalProcess> {
    let of_closed = Form::of(CLOSED);
    let has = |key: &str| table.contains_key(key);
    let closed = of_closed
        .needs
        .iter()
        .chain(&of_closed.may)
        .any(|key| has(key));
    let reason = match (has("process") || has("rate"), closed) {
        (true, true) => "mixes an open and a closed loop",
        (false, false) if table.is_empty() => "is empty",
        (false, false) => "has neither `process` nor `concurrency`",
        (false, true) => return Some(CLOSED),
        (true, false) => {
            let named = table.get("process");
            let name = named
                .and_then(|it| it.get_ref().as_str())
                .unwrap_or(DEFAULT);
            let process = PROCESSES.get(name);
            if process.is_none() {
                let span = named.map_or(written.span(), document::Value::span);
                let reason = format!("cannot be `{name}`");
                let help = suggest(name, &PROCESSES.names());
                load.bad("arrivals.process", &span, &reason, help);
            }
            return process;
        }
    };
    report(Wrong::whole(reason), written, load);
    None
}

/// Reports what is wrong where it stands.
fn report(wrong: Wrong, written: &document::Value, load: &mut Checker<'_>) {
    let value = wrong
        .at
        .or(wrong.key)
        .and_then(|key| written.get_ref().get(key));
    let span = value.map_or(written.span(), document::Value::span);
    match wrong.key {
        Some(key) => load.bad(&format!("{KEY}.{key}"), &span, &wrong.reason, wrong.help),
        None => load.bad(KEY, &span, &wrong.reason, Some(HELP.to_owned())),
    }
}

impl Form {
    fn of(process: &'static dyn ArrivalProcess) -> Self {
        let schema = process.schema(&mut crate::schema::generator()).to_value();
        let keys = schema["properties"].as_object().into_iter().flatten();
        let required = schema["required"].as_array();
        let is_needed = |key: &String| required.is_some_and(|it| it.iter().any(|it| it == key));
        let (needs, others): (Vec<String>, Vec<String>) =
            keys.map(|(key, _)| key.clone()).partition(is_needed);
        let is_open = process.name() != CLOSED.name();
        let name = is_open.then(|| "process".to_owned());
        Self {
            called: if is_open {
                format!("`{}`", process.name())
            } else {
                process.name().to_owned()
            },
            process,
            needs,
            may: name.into_iter().chain(others).collect(),
        }
    }

    /// Returns whether every key is there that the process needs, and none that it has no use for.
    fn fits(
        &self,
        written: &document::Value,
        table: &DeTable<'static>,
        load: &mut Checker<'_>,
    ) -> bool {
        let mut fits = true;
        for need in &self.needs {
            if !table.contains_key(need.as_str()) {
                let help = format!("{} needs {}.", self.called, listed(&self.needs));
                let reason = format!("has no `{need}`");
                load.bad(KEY, &written.span(), &reason, Some(help));
                fits = false;
            }
        }
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let known = [self.needs.as_slice(), &self.may].concat();
            if !known.iter().any(|known| known == name) {
                let reason = format!("means nothing for {}", self.called);
                let help = format!("It has {}.", listed(&known));
                load.bad(&format!("{KEY}.{name}"), &value.span(), &reason, Some(help));
                fits = false;
            }
        }
        fits
    }
}

/// Returns keys as they stand in a sentence: `a`, `b`, and `c`.
fn listed(keys: &[String]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use crate::arrival::{Gaps, Length, at};
    use crate::manifest::testing::{SMALL, parse, wrong};

    const PLAIN: &str = "arrivals = { process = \"poisson\", rate = \"20/s\" }";

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
    fn a_rate_alone_is_constant_and_a_trace_has_a_length() {
        let load = |arrivals: &str, length: &str| {
            let text = SMALL
                .replacen(PLAIN, &format!("arrivals = {{ {arrivals} }}"), 1)
                .replacen("duration = \"60s\"", length, 1);
            parse(&text).unwrap().load_named("peak").unwrap().clone()
        };
        let alone = load("rate = \"20/s\"", "duration = \"60s\"").arrivals;
        let constant = at(Gaps::Even, "20/s".parse().unwrap());
        assert_eq!(alone.document(), constant.document());
        let trace = "process = \"trace\", file = \"t.jsonl\"";
        assert_eq!(load(trace, "").until, Length::WholeTrace);
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
}

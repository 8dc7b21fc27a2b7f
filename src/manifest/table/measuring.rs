//! How a gate measures latencies: `mode` of `[gate]`, its rounds, `[gate.switch]`, and its budgets.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::load::max_cost;
use crate::manifest::checker::Checker;
use crate::manifest::span::Spanned;
use crate::measure::Time;

/// So many rounds are tried before a gate ends without a verdict.
const MAX_ROUNDS: u32 = 40;
/// More rounds than these are a mistake: a gate ends some day.
const MOST_ROUNDS: u32 = 1000;

/// The ways to compare releases that exist.
const MODES: [(&str, Mode); 2] = [("stored", Mode::Stored), ("abba", Mode::Abba)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Stored,
    Abba,
}

// What may be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSwitch {
    base: Option<Spanned<String>>,
    head: Option<Spanned<String>>,
}

/// The keys of `[gate]` that say how latencies are measured.
pub(super) struct RawMeasuring<'a> {
    pub(super) mode: Option<&'a Spanned<String>>,
    pub(super) rounds: Option<&'a Spanned<u32>>,
    pub(super) max_rounds: Option<&'a Spanned<u32>>,
    pub(super) slice: Option<&'a Spanned<Time>>,
    pub(super) max_time: Option<&'a Spanned<Time>>,
    pub(super) max_requests: Option<&'a Spanned<u64>>,
    pub(super) max_cost: Option<&'a Spanned<f64>>,
    pub(super) switch: Option<&'a Spanned<RawSwitch>>,
}

/// How a gate measures latencies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measuring {
    /// The head so many times, and what is stored of the base.
    Stored { rounds: u32 },
    /// The two in turns.
    Abba(Abba),
}

/// Base and head in one slot, in turns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Abba {
    /// The commands that put the base and the head into the slot, run by `sh -c`.
    pub(crate) base: String,
    pub(crate) head: String,
    /// How long each is measured in a round; the load's own duration without.
    pub(crate) slice: Option<Duration>,
    pub(crate) max_rounds: u32,
    /// Whichever is used up first ends the gate.
    pub(crate) max_time: Option<Duration>,
    pub(crate) max_requests: Option<u64>,
    /// USD.
    pub(crate) max_cost: Option<f64>,
}

impl Measuring {
    /// Checks the keys.
    pub(super) fn check(raw: &RawMeasuring<'_>, checker: &mut Checker<'_>) -> Self {
        let written = raw.mode.map(|mode| checker.choice("mode", mode, &MODES));
        let mode = match (written, raw.switch) {
            (Some(written), _) => written,
            (None, Some(_)) => Some(Mode::Abba),
            (None, None) => Some(Mode::Stored),
        };
        if let Some(rounds) = raw.rounds {
            bounded("rounds", rounds, checker);
        }
        if let Some(rounds) = raw.max_rounds {
            bounded("max_rounds", rounds, checker);
        }
        let switch = raw.switch.map(|it| switch(it, checker));
        if mode == Some(Mode::Abba) {
            return Self::Abba(abba(raw, switch, checker));
        }
        if mode == Some(Mode::Stored) {
            refuse_turns(raw, checker);
        }
        Self::Stored {
            rounds: raw.rounds.map_or(1, |it| it.value),
        }
    }
}

fn abba(
    raw: &RawMeasuring<'_>,
    switch: Option<(String, String)>,
    checker: &mut Checker<'_>,
) -> Abba {
    if let (None, Some(mode)) = (&switch, raw.mode) {
        let help = "Say how each release gets into the slot: `[gate.switch]` with `base = \"…\"` and `head = \"…\"`, commands that `sh -c` runs with STAGEGATE_COMMIT set.";
        let reason = "needs `[gate.switch]`";
        checker.bad("mode", &mode.span, reason, Some(help.to_owned()));
    }
    if let Some(rounds) = raw.rounds {
        let help =
            "`max_rounds` bounds those of `mode = \"abba\"`: it stops as soon as it can tell.";
        let reason = "is of `mode = \"stored\"`";
        checker.bad("rounds", &rounds.span, reason, Some(help.to_owned()));
    }
    for (key, time) in [("slice", raw.slice), ("max_time", raw.max_time)] {
        if let Some(time) = time.filter(|it| it.value.0.is_zero()) {
            checker.bad(key, &time.span, "must be above zero", None);
        }
    }
    checker.positive("max_requests", raw.max_requests);
    let (base, head) = switch.unwrap_or_default();
    Abba {
        base,
        head,
        slice: raw.slice.map(|it| it.value.0),
        max_rounds: raw.max_rounds.map_or(MAX_ROUNDS, |it| it.value),
        max_time: raw.max_time.map(|it| it.value.0),
        max_requests: raw.max_requests.map(|it| it.value),
        max_cost: raw.max_cost.map(|it| max_cost(it, checker)),
    }
}

/// Refuses what only measuring in turns knows.
fn refuse_turns(raw: &RawMeasuring<'_>, checker: &mut Checker<'_>) {
    let spans = [
        ("max_rounds", raw.max_rounds.map(|it| &it.span)),
        ("slice", raw.slice.map(|it| &it.span)),
        ("max_time", raw.max_time.map(|it| &it.span)),
        ("max_requests", raw.max_requests.map(|it| &it.span)),
        ("max_cost", raw.max_cost.map(|it| &it.span)),
        ("switch", raw.switch.map(|it| &it.span)),
    ];
    for (key, span) in spans {
        let Some(span) = span else { continue };
        let help = "That mode measures base and head in turns, and takes `[gate.switch]`.";
        let reason = "is of `mode = \"abba\"`";
        checker.bad(key, span, reason, Some(help.to_owned()));
    }
}

fn switch(written: &Spanned<RawSwitch>, checker: &mut Checker<'_>) -> (String, String) {
    let mut command = |key: &str, command: Option<&Spanned<String>>| {
        let name = format!("switch.{key}");
        match command {
            None => {
                let help = format!("Write it like `{key} = \"./deploy $STAGEGATE_COMMIT\"`.");
                checker.bad(&name, &written.span, "is missing", Some(help));
                String::new()
            }
            Some(command) if command.value.trim().is_empty() => {
                checker.bad(&name, &command.span, "is no command: it is empty", None);
                String::new()
            }
            Some(command) => command.value.clone(),
        }
    };
    let (base, head) = (&written.value.base, &written.value.head);
    (
        command("base", base.as_ref()),
        command("head", head.as_ref()),
    )
}

/// Checks that a number of rounds is at least 1, and not so large that it never ends.
fn bounded(key: &str, rounds: &Spanned<u32>, checker: &mut Checker<'_>) {
    checker.positive(key, Some(rounds));
    if rounds.value > MOST_ROUNDS {
        let reason = format!("must be at most {MOST_ROUNDS}");
        checker.bad(key, &rounds.span, &reason, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{SMALL, parse, spoilt};

    const LOADS: &str = "loads = [\"peak\"]";

    /// What is said of the small manifest with these keys in its gate.
    fn told(gate: &str) -> String {
        spoilt(LOADS, &format!("{LOADS}\n{gate}"))
    }

    fn measuring(gate: &str) -> Measuring {
        let text = SMALL.replace(LOADS, &format!("{LOADS}\n{gate}"));
        parse(&text).unwrap().gate.unwrap().measuring
    }

    #[test]
    fn a_switch_makes_it_turns_and_without_one_it_is_stored() {
        assert_eq!(measuring(""), Measuring::Stored { rounds: 1 });
        assert_eq!(measuring("rounds = 3"), Measuring::Stored { rounds: 3 });
        let switch = "switch = { base = \"./up\", head = \"./up $STAGEGATE_COMMIT\" }";
        let Measuring::Abba(abba) = measuring(switch) else {
            panic!("a switch is for turns");
        };
        assert_eq!((abba.base.as_str(), abba.max_rounds), ("./up", MAX_ROUNDS));
        let all = format!(
            "{switch}\nslice = \"20s\"\nmax_rounds = 12\nmax_time = \"30m\"\nmax_requests = 2000\nmax_cost = 5.0"
        );
        let expected = Abba {
            slice: Some(Duration::from_secs(20)),
            max_rounds: 12,
            max_time: Some(Duration::from_mins(30)),
            max_requests: Some(2000),
            max_cost: Some(5.0),
            ..abba
        };
        assert_eq!(measuring(&all), Measuring::Abba(expected));
    }

    #[test]
    fn keys_of_the_other_mode_are_refused() {
        for (written, key) in [
            ("slice = \"20s\"", "slice"),
            ("max_rounds = 9", "max_rounds"),
            ("max_time = \"1m\"", "max_time"),
            ("max_requests = 9", "max_requests"),
            ("max_cost = 1.0", "max_cost"),
        ] {
            let shown = told(written);
            assert!(shown.contains(key) && shown.contains("abba"), "{shown}");
        }
        let turns = "switch = { base = \"a\", head = \"b\" }\nrounds = 4";
        assert!(told(turns).contains("max_rounds"));
    }

    #[test]
    fn a_switch_names_both_commands_and_budgets_are_above_zero() {
        insta::assert_snapshot!(told("mode = \"abba\""), @r#"
x `mode` of `[gate]` needs `[gate.switch]`
    ,-[stagegate.toml:42:8]
 41 | loads = ["peak"]
 42 | mode = "abba"
    :        ^^^^^^
 43 | evals = ["answers"]
    `----
  help: Say how each release gets into the slot: `[gate.switch]` with `base =
        "…"` and `head = "…"`, commands that `sh -c` runs with
        STAGEGATE_COMMIT set.
"#);
        insta::assert_snapshot!(told("switch = { base = \"./up\" }"), @r#"
x `switch.head` of `[gate]` is missing
    ,-[stagegate.toml:42:10]
 41 | loads = ["peak"]
 42 | switch = { base = "./up" }
    :          ^^^^^^^^^^^^^^^^^
 43 | evals = ["answers"]
    `----
  help: Write it like `head = "./deploy $STAGEGATE_COMMIT"`.
"#);
        let switch = "switch = { base = \"a\", head = \"b\" }";
        for wrong in [
            "slice = \"0s\"",
            "max_time = \"0s\"",
            "max_requests = 0",
            "max_cost = 0.0",
            "max_rounds = 0",
            "max_rounds = 5",
            "max_rounds = 1001",
        ] {
            let shown = told(&format!("{switch}\n{wrong}"));
            assert!(shown.contains("must be"), "{shown}");
        }
        let empty = told("switch = { base = \" \", head = \"b\" }");
        assert!(empty.contains("is no command"), "{empty}");
    }
}

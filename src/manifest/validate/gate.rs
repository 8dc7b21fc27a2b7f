//! `[gate]`.

use std::time::Duration;

use toml::Spanned;

use super::{Heading, Known, all_exist, positive, read, rule};
use crate::manifest::document::{self, Table};
use crate::manifest::error::Problems;
use crate::manifest::model::Gate;
use crate::manifest::raw;
use crate::measure::Share;
use crate::registry::suggest;

/// The ways to compare releases that exist.
const MODES: [&str; 1] = ["stored"];

/// Fewer than five runs of a release say nothing about its spread; the contract, section 6.
const DEFAULT_ROUNDS: u32 = 5;

/// One false alarm in a hundred unchanged releases: a gate that cries wolf is switched off.
const DEFAULT_ALPHA: f64 = 0.01;

/// The usual level. Golden sets are small, and 0.01 would leave nearly every suite inconclusive.
pub(crate) const DEFAULT_EVAL_ALPHA: f64 = 0.05;

/// Below this, machines differ from themselves.
const DEFAULT_FLOOR: f64 = 0.02;

/// Below this, schedulers and timers are measured, and not the stage.
const DEFAULT_ABS_FLOOR: Duration = Duration::from_millis(1);

/// A change nobody would roll back for.
pub(crate) const DEFAULT_MARGIN: f64 = 0.05;

pub(super) fn gate(mut table: Table, known: &Known, problems: &mut Problems) -> Option<Gate> {
    let rules = table.entries.remove_entry("rule");
    let (raw, heading) = read::<raw::Gate>(table, &["rule"], problems);
    let rules = rules.map_or_else(Vec::new, |(key, value)| {
        let tables = document::tables(&key, value, "`[[gate.rule]]`", problems);
        let tables = tables.into_iter();
        tables
            .filter_map(|table| rule::rule(table, problems))
            .collect()
    });
    let raw = raw?;
    let what = &heading.what;
    if let Some(mode) = &raw.mode
        && !MODES.contains(&mode.get_ref().as_str())
    {
        let message = format!("`mode` of {what} cannot be `{}`", mode.get_ref());
        problems.at(mode.span(), message, suggest(mode.get_ref(), &MODES));
    }
    let by = |key: &str| format!("`{key}` of {what}");
    Some(Gate {
        rounds: positive(raw.rounds, "rounds", what, problems).unwrap_or(DEFAULT_ROUNDS),
        loads: all_exist(raw.loads, ("load", &known.loads), &by("loads"), problems),
        evals: all_exist(raw.evals, ("eval", &known.evals), &by("evals"), problems),
        faults: all_exist(
            raw.faults,
            ("fault", &known.faults),
            &by("faults"),
            problems,
        ),
        alpha: level(raw.alpha, "alpha", DEFAULT_ALPHA, &heading, problems),
        eval_alpha: level(
            raw.eval_alpha,
            "eval_alpha",
            DEFAULT_EVAL_ALPHA,
            &heading,
            problems,
        ),
        floor: raw.floor.unwrap_or_else(|| constant(DEFAULT_FLOOR)),
        abs_floor: raw.abs_floor.map_or(DEFAULT_ABS_FLOOR, |time| time.0),
        margin: raw.margin.unwrap_or_else(|| constant(DEFAULT_MARGIN)),
        rules,
        span: heading.span,
    })
}

fn constant(share: f64) -> Share {
    Share::new(share).expect("the constants of this file are between 0 and 1")
}

/// Checks that a significance level lies strictly between 0 and 1.
fn level(
    written: Option<Spanned<f64>>,
    key: &str,
    default: f64,
    heading: &Heading,
    problems: &mut Problems,
) -> f64 {
    let Some(written) = written else {
        return default;
    };
    let level = *written.get_ref();
    if !(level > 0.0 && level < 1.0) {
        let message = format!("`{key}` of {} must lie between 0 and 1", heading.what);
        let help = format!("The default is `{key} = {default}`.");
        problems.at(written.span(), message, Some(help));
    }
    level
}

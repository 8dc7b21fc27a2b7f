//! `[gate]`: what decides about a release.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::measuring::{Measuring, RawMeasuring, RawSwitch};
use super::rule::Rule;
use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::{self, Table};
use crate::manifest::span::Spanned;
use crate::measure::{Share, Time};
use crate::name::Name;
use crate::stats::least_rounds;

/// Those of what does not exist yet: drills.
const IDLE: [&str; 1] = ["faults"];

/// One false alarm in a hundred unchanged releases: a gate that cries wolf is switched off.
pub(crate) const DEFAULT_ALPHA: f64 = 0.01;

/// The usual level. Golden sets are small, and 0.01 would leave nearly every suite inconclusive.
pub(crate) const DEFAULT_EVAL_ALPHA: f64 = 0.05;

/// What is slower by less is no regression, however surely it is shown.
pub(crate) const DEFAULT_FLOOR: f64 = 0.02;

/// A change nobody would roll back for.
pub(crate) const DEFAULT_MARGIN: f64 = 0.05;

// What may be written, but for `rule`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawGate {
    mode: Option<Spanned<String>>,
    /// `passed` or `measured`.
    base: Option<Spanned<String>>,
    rounds: Option<Spanned<u32>>,
    max_rounds: Option<Spanned<u32>>,
    slice: Option<Spanned<Time>>,
    max_time: Option<Spanned<Time>>,
    max_requests: Option<Spanned<u64>>,
    max_cost: Option<Spanned<f64>>,
    switch: Option<Spanned<RawSwitch>>,
    #[serde(default)]
    loads: Vec<Spanned<Name>>,
    #[serde(default)]
    evals: Vec<Spanned<Name>>,
    #[serde(default)]
    faults: Vec<Spanned<Name>>,
    alpha: Option<Spanned<f64>>,
    eval_alpha: Option<Spanned<f64>>,
    floor: Option<Share>,
    abs_floor: Option<Time>,
    margin: Option<Share>,
}

/// Which releases may be a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BaseOf {
    /// Those whose gate did not fail: passed, could not tell, or was never run.
    Passed,
    /// All that were measured: a slow drift that each gate let through is then compared with its
    /// last step only.
    Measured,
}

/// What `base` may be.
const BASES: [(&str, BaseOf); 2] = [("passed", BaseOf::Passed), ("measured", BaseOf::Measured)];

/// `[gate]`.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    /// Which releases may be a base.
    pub(crate) base: BaseOf,
    /// How latencies are measured.
    pub(crate) measuring: Measuring,
    pub(crate) loads: Vec<Name>,
    pub(crate) evals: Vec<Name>,
    pub(crate) faults: Vec<Name>,
    /// One-sided, evals.
    pub(crate) eval_alpha: f64,
    /// One-sided, latencies.
    pub(crate) alpha: f64,
    /// Smaller increases of a latency are never called a regression.
    pub(crate) floor: Share,
    /// A change of a latency below this is none.
    pub(crate) abs_floor: Duration,
    /// "Unchanged" means: shown to be below this.
    pub(crate) margin: Share,
    pub(crate) rules: Vec<Rule>,
}

impl Gate {
    /// Checks the table.
    pub(in crate::manifest) fn check(mut table: Table, manifest: &mut Checker<'_>) -> Option<Self> {
        let rules = table.entries.remove_entry("rule");
        let rules = rules.map_or_else(Vec::new, |(key, value)| {
            let names = ("`[[gate.rule]]`", "gate.rule");
            document::tables(&key, value, names, manifest.problems())
        });
        let rules = rules.into_iter();
        let rules = rules.filter_map(|it| Rule::check(it, manifest)).collect();
        manifest.idle(&table, &IDLE);
        let (raw, mut checker) = manifest.read::<RawGate>(table, &["rule"]);
        let raw = raw?;
        let measuring = RawMeasuring {
            mode: raw.mode.as_ref(),
            rounds: raw.rounds.as_ref(),
            max_rounds: raw.max_rounds.as_ref(),
            slice: raw.slice.as_ref(),
            max_time: raw.max_time.as_ref(),
            max_requests: raw.max_requests.as_ref(),
            max_cost: raw.max_cost.as_ref(),
            switch: raw.switch.as_ref(),
        };
        let measuring = Measuring::check(&measuring, &mut checker);
        let base = raw.base.as_ref();
        let base = base.and_then(|base| checker.choice("base", base, &BASES));
        let alpha = level("alpha", raw.alpha.as_ref(), DEFAULT_ALPHA, &mut checker);
        if let Some(written) = raw.max_rounds.as_ref() {
            enough(written, alpha, &mut checker);
        }
        let eval_alpha = raw.eval_alpha.as_ref();
        Some(Self {
            base: base.unwrap_or(BaseOf::Passed),
            measuring,
            loads: checker.references("loads", raw.loads, Family::Load),
            evals: checker.references("evals", raw.evals, Family::Eval),
            faults: checker.references("faults", raw.faults, Family::Fault),
            eval_alpha: level("eval_alpha", eval_alpha, DEFAULT_EVAL_ALPHA, &mut checker),
            alpha,
            floor: raw.floor.unwrap_or_else(|| constant(DEFAULT_FLOOR)),
            abs_floor: raw.abs_floor.map_or(Duration::ZERO, |it| it.0),
            margin: raw.margin.unwrap_or_else(|| constant(DEFAULT_MARGIN)),
            rules,
        })
    }
}

/// Checks that so many rounds can decide anything.
fn enough(max_rounds: &Spanned<u32>, alpha: f64, checker: &mut Checker<'_>) {
    let least = least_rounds(alpha);
    if max_rounds.value > 0 && (max_rounds.value as usize) < least {
        let reason =
            format!("must be at least {least}: fewer rounds can show nothing at `alpha` = {alpha}");
        checker.bad("max_rounds", &max_rounds.span, &reason, None);
    }
}

fn constant(share: f64) -> Share {
    Share::new(share).expect("the constants of this file are between 0 and 1")
}

/// Checks that a significance level lies strictly between 0 and 1.
fn level(
    key: &str,
    written: Option<&Spanned<f64>>,
    default: f64,
    checker: &mut Checker<'_>,
) -> f64 {
    let Some(written) = written else {
        return default;
    };
    let level = written.value;
    if !(level > 0.0 && level < 1.0) {
        let help = format!("The default is `{key} = {default}`.");
        checker.bad(key, &written.span, "must lie between 0 and 1", Some(help));
    }
    level
}

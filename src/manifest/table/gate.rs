//! `[gate]`: what decides about a release.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::rule::Rule;
use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::{self, Table};
use crate::manifest::span::{Span, Spanned};
use crate::measure::{Share, Time};
use crate::name::Name;

/// The ways to compare releases that exist.
const MODES: [(&str, ()); 1] = [("stored", ())];

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

// What may be written, but for `rule`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawGate {
    mode: Option<Spanned<String>>,
    /// `passed` or `measured`.
    base: Option<Spanned<String>>,
    rounds: Option<Spanned<u32>>,
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
    /// All that were measured: a slow drift that each gate let through is then compared with its last step only.
    Measured,
}

/// What `base` may be.
const BASES: [(&str, BaseOf); 2] = [("passed", BaseOf::Passed), ("measured", BaseOf::Measured)];

/// `[gate]`.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    /// Which releases may be a base.
    pub(crate) base: BaseOf,
    /// Runs of the head.
    #[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
    pub(crate) rounds: u32,
    pub(crate) loads: Vec<Name>,
    pub(crate) evals: Vec<Name>,
    pub(crate) faults: Vec<Name>,
    /// One-sided, latency.
    #[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
    pub(crate) alpha: f64,
    /// One-sided, evals.
    pub(crate) eval_alpha: f64,
    /// Smaller changes are never called a regression.
    #[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
    pub(crate) floor: Share,
    #[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
    pub(crate) abs_floor: Duration,
    /// "Unchanged" means: shown to be below this.
    pub(crate) margin: Share,
    pub(crate) rules: Vec<Rule>,
    #[expect(
        dead_code,
        reason = "checked now, read by annotations of the manifest's lines"
    )]
    pub(crate) span: Span,
}

impl Gate {
    /// Checks the table.
    pub(in crate::manifest) fn check(mut table: Table, manifest: &mut Checker<'_>) -> Option<Self> {
        let rules = table.entries.remove_entry("rule");
        let rules = rules.map_or_else(Vec::new, |(key, value)| {
            document::tables(&key, value, "`[[gate.rule]]`", manifest.problems())
        });
        let rules = rules.into_iter();
        let rules = rules.filter_map(|it| Rule::check(it, manifest)).collect();
        let (raw, mut checker) = manifest.read::<RawGate>(table, &["rule"]);
        let raw = raw?;
        if let Some(mode) = &raw.mode {
            checker.choice("mode", mode, &MODES);
        }
        let base = raw.base.as_ref();
        let base = base.and_then(|base| checker.choice("base", base, &BASES));
        let rounds = checker.positive("rounds", raw.rounds.as_ref());
        Some(Self {
            base: base.unwrap_or(BaseOf::Passed),
            rounds: rounds.unwrap_or(DEFAULT_ROUNDS),
            loads: checker.references("loads", raw.loads, Family::Load),
            evals: checker.references("evals", raw.evals, Family::Eval),
            faults: checker.references("faults", raw.faults, Family::Fault),
            alpha: level("alpha", raw.alpha, DEFAULT_ALPHA, &mut checker),
            eval_alpha: level(
                "eval_alpha",
                raw.eval_alpha,
                DEFAULT_EVAL_ALPHA,
                &mut checker,
            ),
            floor: raw.floor.unwrap_or_else(|| constant(DEFAULT_FLOOR)),
            abs_floor: raw.abs_floor.map_or(DEFAULT_ABS_FLOOR, |time| time.0),
            margin: raw.margin.unwrap_or_else(|| constant(DEFAULT_MARGIN)),
            rules,
            span: checker.span,
        })
    }
}

fn constant(share: f64) -> Share {
    Share::new(share).expect("the constants of this file are between 0 and 1")
}

/// Checks that a significance level lies strictly between 0 and 1.
fn level(key: &str, written: Option<Spanned<f64>>, default: f64, checker: &mut Checker<'_>) -> f64 {
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

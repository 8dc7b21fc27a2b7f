//! Why a verdict is what it is: the reasons that decided, what should be known beside them, and the
//! sentence they make.

mod lost;

use std::collections::BTreeSet;

use self::lost::Lost;
use super::compare::{Cases, Compared};
use super::context::Context;
use super::judge::{Basis, Judged, Row};
use super::pair::{Matched, Pairing};
use super::sessions::GatedBy;
use super::wording::{count, percent, time, value};
use crate::metric::{EvalPart, Figure, LatencyMetric, Metric, Stat, Unit};
use crate::record::{Blame, Change, Comparison, Reason, VerdictKind};

/// More broken rules than this are only counted.
const NAMED: usize = 2;

/// Slower by less than this is not worth a word, whatever its share.
const WORTH_MS: f64 = 1.0;

/// Returns what the verdict rests on, then what should be known beside it.
pub(super) fn reasons(
    pairing: &Pairing<'_>,
    compared: &Compared,
    judged: &Judged,
    blame: &[Blame],
    context: &Context<'_>,
) -> Vec<Reason> {
    let told = Told {
        pairs: &pairing.pairs,
        compared,
        rows: &judged.rows,
        blame,
        context,
    };
    let lost = told.lost();
    let suites: Vec<&str> = lost.iter().map(|(suite, _)| suite.as_str()).collect();
    let broken = told.broken(&suites);
    let lost = lost.into_iter().map(|(_, reason)| reason);
    let beside = |it| Reason {
        decided: false,
        ..it
    };
    let slower = told.slower().into_iter();
    match judged.verdict {
        VerdictKind::Failed => lost.chain(broken).chain(slower).collect(),
        VerdictKind::Inconclusive => std::iter::once(told.undecided())
            .chain(lost.map(beside))
            .chain(slower)
            .collect(),
        VerdictKind::Passed => {
            let passed = told.passed().into_iter();
            let unjudged = told.unjudged_latencies().map(beside);
            let rest = lost.map(beside).chain(slower).chain(unjudged);
            passed.chain(rest).collect()
        }
    }
}

/// Returns the sentence.
pub(super) fn sentence(verdict: VerdictKind, reasons: &[Reason]) -> String {
    let is_passed = verdict == VerdictKind::Passed;
    let word = match verdict {
        VerdictKind::Failed => "failed",
        VerdictKind::Inconclusive => "inconclusive",
        VerdictKind::Passed => "passed",
    };
    let (decided, beside): (Vec<&Reason>, Vec<&Reason>) = reasons.iter().partition(|it| it.decided);
    let joined = |reasons: &[&Reason], between: &str| {
        let clauses: Vec<String> = reasons.iter().map(|it| clause(it)).collect();
        clauses.join(between)
    };
    let between = if is_passed { ", " } else { "; " };
    let mut text = format!("{word}: {}", joined(&decided, between));
    if !beside.is_empty() {
        text.push_str("; also: ");
        text.push_str(&joined(&beside, "; "));
    }
    text
}

/// Returns a reason with its owner, in one pair of brackets with whatever stands there already.
fn clause(reason: &Reason) -> String {
    let text = &reason.text;
    match (&reason.owner, text.strip_suffix(')')) {
        (None, _) => text.clone(),
        (Some(owner), Some(open)) => format!("{open}, owner {owner})"),
        (Some(owner), None) => format!("{text} (owner {owner})"),
    }
}

/// What the sentence is made of.
struct Told<'a> {
    pairs: &'a [Matched<'a>],
    compared: &'a Compared,
    rows: &'a [Row],
    blame: &'a [Blame],
    context: &'a Context<'a>,
}

impl Told<'_> {
    fn comparisons(&self) -> impl Iterator<Item = &Comparison> {
        self.rows.iter().map(|row| &row.comparison)
    }

    /// Names the stage whose own part of the slowdown is the largest, when it is clear of the runs'
    /// noise and of the margin. One run against one run shows nothing, so that it accuses nobody.
    fn slower(&self) -> Option<Reason> {
        let worst = self.blame.first()?;
        let mean = |pair: &Matched<'_>| {
            pair.base()?
                .stages
                .get(&worst.stage)?
                .metrics
                .get(&LatencyMetric::ResponseTime)?
                .mean
        };
        let before = self.pairs.iter().find_map(mean)?;
        // What sessions have shown of it is among the broken rules.
        let is_told = |c: &Comparison| {
            matches!(&c.metric, Metric::Load { stage, .. } if *stage == worst.stage)
                && c.verdict == Change::Regressed
        };
        if self.comparisons().any(is_told) {
            return None;
        }
        let worth = worst.change_ms >= WORTH_MS && worst.change_ms >= self.context.margin * before;
        if !worth || worst.low.is_none_or(|low| low <= 0.0) {
            return None;
        }
        let (by, at) = self
            .at_p95(worst)
            .map_or((worst.change_ms, "on average"), |by| (by, "at p95"));
        let (stage, by) = (&worst.stage, time(by));
        Some(Reason {
            text: format!("in this pair of runs `{stage}` is {by} slower {at}"),
            short: format!("{stage} +{by} {}", at.trim_start_matches("at ")),
            owner: worst.owner.clone(),
            decided: false,
        })
    }

    /// Returns by how much the p95 of that stage grew, in ms, where it is worth a word.
    fn at_p95(&self, worst: &Blame) -> Option<f64> {
        let p95 = Figure::Latency(LatencyMetric::ResponseTime, Stat::P95);
        let is_tail = |c: &&Comparison| matches!(&c.metric, Metric::Load { stage, figure, .. } if *stage == worst.stage && *figure == p95);
        let tail = self.comparisons().find(is_tail)?;
        let by = tail.head? - tail.base?;
        (by >= WORTH_MS).then_some(by)
    }

    /// Returns (name, reason) of each suite that regressed; the reason names the slice that holds
    /// most of the lost cases.
    fn lost(&self) -> Vec<(String, Reason)> {
        let is_alone = self
            .pairs
            .iter()
            .filter(|it| it.head.eval.is_some())
            .count()
            == 1;
        let clause = |pair: &Matched<'_>| {
            let (base, head) = (pair.base()?.eval.as_ref()?, pair.head.eval.as_ref()?);
            let name = &pair.head.name;
            let is_its =
                |c: &&Comparison| matches!(&c.metric, Metric::Eval { eval, .. } if eval == name);
            let rates = self.comparisons().filter(is_its);
            let bad: Vec<&Comparison> = rates
                .filter(|c| c.metric.is_pass_rate() && is_bad(c))
                .collect();
            let owner = bad.first()?.owner.clone();
            let slices = bad.iter().filter_map(|c| c.metric.slice());
            let lost = Lost::of(&Cases::new(base, head), slices)?;
            let whose = if is_alone {
                String::new()
            } else {
                format!("{name}: ")
            };
            let reason = Reason {
                text: format!("`eval.{name}` {}", lost.text()),
                short: format!("{whose}{}", lost.short()),
                owner,
                decided: true,
            };
            Some((name.clone(), reason))
        };
        self.pairs.iter().filter_map(clause).collect()
    }

    /// Names the broken rules, each metric once, but for those of the suites whose lost cases were
    /// named.
    fn broken(&self, named: &[&str]) -> Vec<Reason> {
        let is_named = |c: &Comparison| matches!(&c.metric, Metric::Eval { eval, .. } if named.contains(&eval.as_str()));
        let mut seen = BTreeSet::new();
        let failed: Vec<&Comparison> = self
            .comparisons()
            .filter(|c| c.outcome == Some(VerdictKind::Failed) && !is_named(c))
            .filter(|c| seen.insert(&c.metric))
            .collect();
        let mut reasons: Vec<Reason> = failed.iter().take(NAMED).map(|c| break_of(c)).collect();
        if failed.len() > NAMED {
            let more = count(failed.len() - NAMED, "broken rule");
            reasons.push(decisive(format!("and {more} more")));
        }
        reasons
    }

    fn undecided(&self) -> Reason {
        let say = |c: &Comparison| {
            let note = c.note.as_deref().unwrap_or("too little data");
            Reason {
                short: format!("{}: {note}", short_name(&c.metric)),
                ..decisive(format!("`{}`: {note}", c.metric))
            }
        };
        let mut refused = self.rows.iter().filter(|row| row.basis == Basis::Measured);
        let mut open = self
            .comparisons()
            .filter(|c| c.outcome == Some(VerdictKind::Inconclusive));
        match refused
            .next()
            .map(|row| &row.comparison)
            .or_else(|| open.next())
        {
            Some(comparison) => say(comparison),
            None if self.pairs.is_empty() => decisive("there is no run of the head"),
            None if self.pairs.iter().all(|pair| pair.base().is_none()) => {
                decisive("there is no run of the base to compare with")
            }
            None => self.unjudged_latencies().unwrap_or_else(|| {
                decisive("nothing was compared that decides: one run against one run is only shown")
            }),
        }
    }

    /// Says that latencies are gated and cannot be yet, and how much evidence there is.
    fn unjudged_latencies(&self) -> Option<Reason> {
        let gated = self.compared.measured.iter().filter_map(|it| it.units);
        let units = gated.min_by_key(|it| it.has).filter(|it| !it.suffice())?;
        let has = format!("{} of {} {}", units.has, units.needs, units.name);
        let remedy = match self.context.latency.by {
            GatedBy::Sessions(_) => " (`gate --seed-base N`)",
            GatedBy::Nothing | GatedBy::Rounds => "",
        };
        Some(Reason {
            short: format!("latencies not judged, {has}"),
            ..decisive(format!("latencies are not judged yet, with {has}{remedy}"))
        })
    }

    fn passed(&self) -> Vec<Reason> {
        let is_kept = |c: &&Comparison| c.outcome == Some(VerdictKind::Passed);
        let kept = self.comparisons().filter(is_kept).count();
        let metrics: BTreeSet<&Metric> = self
            .comparisons()
            .filter(|c| c.metric.is_pass_rate() && c.bound.is_some())
            .map(|c| &c.metric)
            .collect();
        let mut parts = Vec::new();
        if kept > 0 {
            parts.push(decisive(format!("{} kept", count(kept, "rule"))));
        }
        if !metrics.is_empty() {
            let cases = &self.compared.cases;
            let rates = count(metrics.len(), "pass rate");
            let broke = count(cases.broke.len(), "case");
            let fixed = cases.fixed.len();
            parts.push(Reason {
                short: format!("{broke} broke, {fixed} fixed"),
                ..decisive(format!(
                    "no regression in {rates}, {broke} broke and {fixed} fixed"
                ))
            });
        }
        parts.extend(self.could_have_seen().into_iter().map(decisive));
        parts.extend(self.accepted());
        parts
    }

    /// Names the changes for the worse that pass because they were accepted.
    fn accepted(&self) -> impl Iterator<Item = Reason> {
        let passed = self.rows.iter().filter(|row| {
            let is_kept = row.comparison.outcome == Some(VerdictKind::Passed);
            row.basis == Basis::Relative && is_kept
        });
        passed.filter_map(|row| {
            let c = &row.comparison;
            let (low, high) = (c.low?, c.high?);
            let is_worse = match c.metric.unit() {
                Unit::Time => low > 0.0,
                _ => high < 0.0,
            };
            let accepted = self.context.accepted(&c.metric).filter(|_| is_worse)?;
            let by = percent(c.change?.abs());
            Some(Reason {
                short: format!("{} {by} worse, accepted", short_name(&c.metric)),
                ..decisive(format!(
                    "`{}` is {by} worse, which was accepted until {} ({})",
                    c.metric, accepted.until, accepted.reason
                ))
            })
        })
    }

    /// Says of each suite that no rule holds against its base, how large a change would have gone
    /// unseen.
    fn could_have_seen(&self) -> Vec<String> {
        let unruled = |row: &&Row| {
            let c = &row.comparison;
            let is_whole = matches!(
                &c.metric,
                Metric::Eval {
                    part: EvalPart::PassRate,
                    ..
                }
            );
            is_whole && row.basis != Basis::Relative && c.verdict == Change::Inconclusive
        };
        let say = |row: &Row| {
            let c = &row.comparison;
            let half = (c.high? - c.low?) / 2.0;
            let points = percent(half).replace('%', " points");
            Some(format!("no change seen in `{}` (± {points})", c.metric))
        };
        self.rows.iter().filter(unruled).filter_map(say).collect()
    }
}

/// Makes a reason that the verdict rests on, of nobody's.
fn decisive(text: impl Into<String>) -> Reason {
    let text = text.into();
    Reason {
        short: text.clone(),
        text,
        owner: None,
        decided: true,
    }
}

/// Names a metric by its stage or suite and its figure, without the load it is of.
fn short_name(metric: &Metric) -> String {
    match metric {
        Metric::Load { stage, figure, .. } => format!("{stage} {figure}"),
        Metric::Eval { .. } | Metric::Fault { .. } | Metric::Run { .. } | Metric::Other(_) => {
            metric.to_string()
        }
    }
}

fn is_bad(comparison: &Comparison) -> bool {
    comparison.verdict == Change::Regressed || comparison.outcome == Some(VerdictKind::Failed)
}

fn break_of(comparison: &Comparison) -> Reason {
    let rule = comparison.rule.as_deref().unwrap_or_default();
    let is = comparison.head.map_or_else(
        || "was broken".to_owned(),
        |head| format!("is {}", value(head, comparison.metric.unit())),
    );
    let name = short_name(&comparison.metric);
    let slower = slower_by(comparison);
    let is = is
        + &slower
            .as_ref()
            .map_or_else(String::new, |by| format!(", {by} above the base"));
    Reason {
        short: match slower {
            Some(by) => format!("{name} +{by}, {rule}"),
            None => format!("{name} {}, {rule}", is.trim_start_matches("is ")),
        },
        owner: comparison.owner.clone(),
        ..decisive(format!("`{}` {is} ({rule})", comparison.metric))
    }
}

/// Returns by how much a latency grew that was shown to be slower.
fn slower_by(comparison: &Comparison) -> Option<String> {
    let is_load = matches!(comparison.metric, Metric::Load { .. });
    let is_shown = is_load && comparison.verdict == Change::Regressed;
    comparison.change.filter(|_| is_shown).map(percent)
}

#[cfg(test)]
mod tests;

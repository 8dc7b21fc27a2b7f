//! One sentence: the verdict, the stage and the slice to look at, and whose they are.

use std::collections::BTreeSet;

use super::compare::{Cases, Compared};
use super::context::Context;
use super::judge::{Basis, Judged, Row};
use super::pair::{Matched, Pairing};
use super::wording::{count, percent, time, value};
use crate::metric::{EvalPart, Figure, LatencyMetric, Metric, Stat};
use crate::record::{Blame, Change, Comparison, VerdictKind};

/// More broken rules than this are only counted.
const NAMED: usize = 2;

/// Slower by less than this is not worth a word, whatever its share.
const WORTH_MS: f64 = 1.0;

/// Returns the sentence.
pub(super) fn summary(
    pairing: &Pairing<'_>,
    compared: &Compared,
    judged: &Judged,
    blame: &[Blame],
    context: &Context<'_>,
) -> String {
    let told = Told {
        pairs: &pairing.pairs,
        compared,
        rows: &judged.rows,
        blame,
        context,
    };
    let mut clauses: Vec<String> = told.slower().into_iter().collect();
    let lost = told.lost();
    let suites: Vec<&str> = lost.iter().map(|(suite, _)| suite.as_str()).collect();
    let broken = told.broken(&suites);
    clauses.extend(lost.into_iter().map(|(_, clause)| clause));
    match judged.verdict {
        VerdictKind::Failed => {
            clauses.extend(broken);
            format!("failed: {}", clauses.join("; "))
        }
        VerdictKind::Inconclusive => {
            clauses.insert(0, told.undecided());
            format!("inconclusive: {}", clauses.join("; "))
        }
        VerdictKind::Passed => {
            clauses.insert(0, told.passed());
            format!("passed: {}", clauses.join("; "))
        }
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
    fn slower(&self) -> Option<String> {
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
        let worth = worst.change_ms >= WORTH_MS && worst.change_ms >= self.context.margin * before;
        if !worth || worst.low.is_none_or(|low| low <= 0.0) {
            return None;
        }
        let by = self
            .at_p95(worst)
            .unwrap_or_else(|| format!("{} slower on average", time(worst.change_ms)));
        Some(format!("in this pair of runs `{}` is {by}", worst.stage))
    }

    fn at_p95(&self, worst: &Blame) -> Option<String> {
        let p95 = Figure::Latency(LatencyMetric::ResponseTime, Stat::P95);
        let is_tail = |c: &&Comparison| matches!(&c.metric, Metric::Load { stage, figure, .. } if *stage == worst.stage && *figure == p95);
        let tail = self.comparisons().find(is_tail)?;
        let by = tail.head? - tail.base?;
        (by >= WORTH_MS).then(|| format!("{} slower at p95", time(by)))
    }

    /// Returns (name, clause) of each suite that regressed; the clause names the slice that holds
    /// most of the lost cases.
    fn lost(&self) -> Vec<(String, String)> {
        let clause = |pair: &Matched<'_>| {
            let (base, head) = (pair.base()?.eval.as_ref()?, pair.head.eval.as_ref()?);
            let name = &pair.head.name;
            let is_its =
                |c: &&Comparison| matches!(&c.metric, Metric::Eval { eval, .. } if eval == name);
            let rates = self.comparisons().filter(is_its);
            let bad: Vec<&Comparison> = rates
                .filter(|c| c.metric.is_pass_rate() && is_bad(c))
                .collect();
            let owner = owned(bad.first()?.owner.as_deref());
            let slices = bad.iter().filter_map(|c| c.metric.slice());
            let lost = what_was_lost(&Cases::new(base, head), slices)?;
            Some((name.clone(), format!("`eval.{name}` {lost}{owner}")))
        };
        self.pairs.iter().filter_map(clause).collect()
    }

    /// Names the broken rules, each metric once, but for those of the suites whose lost cases were
    /// named.
    fn broken(&self, named: &[&str]) -> Vec<String> {
        let is_named = |c: &Comparison| matches!(&c.metric, Metric::Eval { eval, .. } if named.contains(&eval.as_str()));
        let mut seen = BTreeSet::new();
        let failed: Vec<&Comparison> = self
            .comparisons()
            .filter(|c| c.outcome == Some(VerdictKind::Failed) && !is_named(c))
            .filter(|c| seen.insert(&c.metric))
            .collect();
        let mut clauses: Vec<String> = failed.iter().take(NAMED).map(|c| break_of(c)).collect();
        if failed.len() > NAMED {
            clauses.push(format!(
                "and {} more",
                count(failed.len() - NAMED, "broken rule")
            ));
        }
        clauses
    }

    fn undecided(&self) -> String {
        let say = |c: &Comparison| {
            let note = c.note.as_deref().unwrap_or("too little data");
            format!("`{}`: {note}", c.metric)
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
            None if self.pairs.is_empty() => "there is no run of the head".to_owned(),
            None if self.pairs.iter().all(|pair| pair.base().is_none()) => {
                "there is no run of the base to compare with".to_owned()
            }
            None => "nothing was compared that decides: one run against one run is only shown"
                .to_owned(),
        }
    }

    fn passed(&self) -> String {
        let is_kept = |c: &&Comparison| c.outcome == Some(VerdictKind::Passed);
        let kept = self.comparisons().filter(is_kept).count();
        let metrics: BTreeSet<&Metric> = self
            .comparisons()
            .filter(|c| c.metric.is_pass_rate() && c.bound.is_some())
            .map(|c| &c.metric)
            .collect();
        let mut parts = Vec::new();
        if kept > 0 {
            parts.push(format!("{} kept", count(kept, "rule")));
        }
        if !metrics.is_empty() {
            let cases = &self.compared.cases;
            parts.push(format!(
                "no regression in {}, {} broke and {} fixed",
                count(metrics.len(), "pass rate"),
                count(cases.broke.len(), "case"),
                cases.fixed.len(),
            ));
        }
        parts.extend(self.could_have_seen());
        parts.join(", ")
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
            Some(format!("no change shown in `{}`, ± {points}", c.metric))
        };
        self.rows.iter().filter(unruled).filter_map(say).collect()
    }
}

fn what_was_lost<'a>(cases: &Cases<'_>, slices: impl Iterator<Item = &'a str>) -> Option<String> {
    let broke = cases.changes().broke.len();
    if broke == 0 {
        return None;
    }
    let place = slices
        .map(|slice| (cases.broke_in(slice), slice))
        .filter(|(cases, _)| *cases > 0)
        .max_by_key(|(cases, _)| *cases)
        .map(|(cases, slice)| {
            if cases == broke {
                format!(", all in {slice}")
            } else {
                format!(", {cases} of them in {slice}")
            }
        });
    let place = place.unwrap_or_default();
    Some(format!(
        "lost {broke} of {}{place}",
        count(cases.len(), "case")
    ))
}

fn is_bad(comparison: &Comparison) -> bool {
    comparison.verdict == Change::Regressed || comparison.outcome == Some(VerdictKind::Failed)
}

fn break_of(comparison: &Comparison) -> String {
    let rule = comparison.rule.as_deref().unwrap_or_default();
    let owner = comparison
        .owner
        .as_ref()
        .map(|owner| format!(", owner {owner}"));
    let owner = owner.unwrap_or_default();
    let metric = &comparison.metric;
    match comparison.head {
        Some(head) => format!(
            "`{metric}` is {} ({rule}{owner})",
            value(head, metric.unit())
        ),
        None => format!("`{metric}` was broken ({rule}{owner})"),
    }
}

fn owned(owner: Option<&str>) -> String {
    owner.map_or_else(String::new, |owner| format!(" (owner {owner})"))
}

#[cfg(test)]
mod tests;

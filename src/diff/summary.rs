//! One sentence: the verdict, the stage and the slice to look at, and whose they are.

use std::collections::BTreeSet;

use super::compare::Matched;
use super::context::Context;
use super::paired::{Pairs, gather};
use super::wording::{count, time, value};
use crate::metric::{Figure, LatencyMetric, Metric, Stat};
use crate::record::{Blame, Change, Comparison, DiffDocument};
use crate::record::{EvalResult, VerdictKind};

/// More broken rules than this are only counted.
const NAMED: usize = 2;

/// Slower by less than this is not worth a word, whatever its share.
const WORTH_MS: f64 = 1.0;

/// Returns the sentence.
pub(super) fn summary(
    document: &DiffDocument,
    pairs: &[Matched<'_>],
    context: &Context<'_>,
) -> String {
    let mut clauses: Vec<String> = slower(document, pairs, context).into_iter().collect();
    let lost = lost(document, pairs);
    let suites: Vec<&str> = lost.iter().map(|(suite, _)| suite.as_str()).collect();
    let broken = broken(document, &suites);
    clauses.extend(lost.into_iter().map(|(_, clause)| clause));
    match document.verdict {
        VerdictKind::Failed => {
            clauses.extend(broken);
            format!("failed: {}", clauses.join("; "))
        }
        VerdictKind::Inconclusive => {
            clauses.insert(0, undecided(document, pairs));
            format!("inconclusive: {}", clauses.join("; "))
        }
        VerdictKind::Passed => {
            clauses.insert(0, passed(document));
            format!("passed: {}", clauses.join("; "))
        }
    }
}

/// Names the stage whose own part of the slowdown is the largest, when it is clear of the runs' noise and of the margin.
fn slower(document: &DiffDocument, pairs: &[Matched<'_>], context: &Context<'_>) -> Option<String> {
    let worst = document.blame.first()?;
    let mean = |pair: &Matched<'_>| {
        pair.base?
            .stages
            .get(&worst.stage)?
            .metrics
            .get(&LatencyMetric::ResponseTime)?
            .mean
    };
    let before = pairs.iter().find_map(mean)?;
    let worth = worst.change_ms >= WORTH_MS && worst.change_ms >= context.margin * before;
    if !worth || worst.low.is_none_or(|low| low <= 0.0) {
        return None;
    }
    let by = at_p95(document, worst)
        .unwrap_or_else(|| format!("{} slower on average", time(worst.change_ms)));
    Some(format!(
        "`{}` is {by}{}",
        worst.stage,
        owned(worst.owner.as_deref())
    ))
}

fn at_p95(document: &DiffDocument, worst: &Blame) -> Option<String> {
    let p95 = Figure::Latency(LatencyMetric::ResponseTime, Stat::P95);
    let is_tail = |c: &&Comparison| matches!(&c.metric, Metric::Load { stage, figure, .. } if *stage == worst.stage && *figure == p95);
    let tail = document.comparisons.iter().find(is_tail)?;
    let by = tail.head? - tail.base?;
    (by >= WORTH_MS).then(|| format!("{} slower at p95", time(by)))
}

/// Returns (name, clause) of each suite that regressed; the clause names the slice that holds most of
/// the lost cases.
fn lost(document: &DiffDocument, pairs: &[Matched<'_>]) -> Vec<(String, String)> {
    let clause = |pair: &Matched<'_>| {
        let (base, head) = (pair.base?.eval.as_ref()?, pair.head.eval.as_ref()?);
        let name = &pair.head.name;
        let of = |c: &&Comparison| {
            matches!(&c.metric, Metric::Eval { eval, .. } if eval == name)
                && c.metric.is_pass_rate()
        };
        let bad: Vec<&Comparison> = document
            .comparisons
            .iter()
            .filter(of)
            .filter(|c| is_bad(c))
            .collect();
        let owner = owned(bad.first()?.owner.as_deref());
        let slices = bad.iter().filter_map(|c| c.metric.slice());
        let clause = format!(
            "`eval.{name}` {}{owner}",
            what_was_lost(base, head, slices)?
        );
        Some((name.clone(), clause))
    };
    pairs.iter().filter_map(clause).collect()
}

fn what_was_lost<'a>(
    base: &EvalResult,
    head: &EvalResult,
    slices: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let (base, head) = (gather(base), gather(head));
    let pairs = Pairs::new(&base, &head);
    let broke = pairs.changes().broke;
    if broke.is_empty() {
        return None;
    }
    let inside = |slice: &str| {
        broke
            .iter()
            .filter(|id| head[id.as_str()].is_in(slice))
            .count()
    };
    let place = slices
        .map(|slice| (inside(slice), slice))
        .filter(|(cases, _)| *cases > 0)
        .max_by_key(|(cases, _)| *cases)
        .map(|(cases, slice)| {
            if cases == broke.len() {
                format!(", all in {slice}")
            } else {
                format!(", {cases} of them in {slice}")
            }
        });
    let place = place.unwrap_or_default();
    Some(format!(
        "lost {} of {}{place}",
        broke.len(),
        count(pairs.ids.len(), "case")
    ))
}

fn is_bad(comparison: &Comparison) -> bool {
    comparison.verdict == Change::Regressed || comparison.outcome == Some(VerdictKind::Failed)
}

/// Names the broken rules, each metric once, but for those of the suites whose lost cases were named.
fn broken(document: &DiffDocument, named: &[&str]) -> Vec<String> {
    let is_named = |c: &Comparison| matches!(&c.metric, Metric::Eval { eval, .. } if named.contains(&eval.as_str()));
    let mut seen = BTreeSet::new();
    let failed: Vec<&Comparison> = document
        .comparisons
        .iter()
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

fn undecided(document: &DiffDocument, pairs: &[Matched<'_>]) -> String {
    let open = |c: &&Comparison| c.outcome == Some(VerdictKind::Inconclusive);
    let invalid = |c: &&Comparison| matches!(c.metric, Metric::Run { .. });
    let say = |c: &Comparison| {
        let note = c.note.as_deref().unwrap_or("too little data");
        format!("`{}`: {note}", c.metric)
    };
    let all = &document.comparisons;
    match all.iter().find(invalid).or_else(|| all.iter().find(open)) {
        Some(comparison) => say(comparison),
        None if pairs.is_empty() => "there is no run of the head".to_owned(),
        None if pairs.iter().all(|pair| pair.base.is_none()) => {
            "there is no run of the base to compare with".to_owned()
        }
        None => "nothing was compared that decides: runs are only shown, or too small".to_owned(),
    }
}

fn passed(document: &DiffDocument) -> String {
    let kept = document
        .comparisons
        .iter()
        .filter(|c| c.outcome == Some(VerdictKind::Passed))
        .count();
    let compared = document
        .comparisons
        .iter()
        .filter(|c| c.metric.is_pass_rate() && c.bound.is_some())
        .count();
    let mut parts = Vec::new();
    if kept > 0 {
        parts.push(format!("{} kept", count(kept, "rule")));
    }
    if compared > 0 {
        let (broke, fixed) = (document.cases.broke.len(), document.cases.fixed.len());
        parts.push(format!(
            "no regression in {}, {} broke and {fixed} fixed",
            count(compared, "pass rate"),
            count(broke, "case"),
        ));
    }
    parts.join(", ")
}

fn owned(owner: Option<&str>) -> String {
    owner.map_or_else(String::new, |owner| format!(" (owner {owner})"))
}

#[cfg(test)]
mod tests {
    use crate::diff::fixtures::{answers, eval, load, max_drop, min, slo, stage, with};
    use crate::diff::{Mode, compare};
    use crate::manifest::Rule;
    use crate::metric::LatencyMetric;
    use crate::record::{RunRecord, StageResult};

    fn around(ms: f64) -> StageResult {
        stage(600, |i| ms * (0.9 + 0.2 * ((i * 37) % 101) as f64 / 100.0))
    }

    fn say(rules: &[Rule], base: &[RunRecord], head: &[RunRecord]) -> String {
        with(Mode::Gate, rules, |context| compare(base, head, context)).summary
    }

    fn peak(id: &str, rerank: f64) -> RunRecord {
        let mut gateway = around(50.0 + rerank);
        let p95 = gateway.metrics[&LatencyMetric::ResponseTime].p95;
        gateway.slo = vec![slo(150.0, p95)];
        load(id, [("gateway", gateway), ("rerank", around(rerank))])
    }

    #[test]
    fn a_failure_names_the_stage_the_slice_and_their_owners() {
        let base = [peak("b1", 60.0), eval("b2", answers(60, |_| true))];
        let head = [peak("h1", 120.0), eval("h2", answers(60, |i| i < 48))];
        insta::assert_snapshot!(
            say(&[max_drop(0.05)], &base, &head),
            @"failed: `rerank` is 65 ms slower at p95 (owner search-team); `eval.answers` lost 12 of 60 cases, all in lang=de (owner app-team); `load.peak.gateway.response_time.p95` is 185 ms (slo <= 150 ms, owner app-team)"
        );
    }

    #[test]
    fn a_pass_says_what_was_compared() {
        let base = [peak("b1", 60.0), eval("b2", answers(60, |i| i > 0))];
        let head = [peak("h1", 60.0), eval("h2", answers(60, |i| i > 0))];
        insta::assert_snapshot!(say(&[max_drop(0.05)], &base, &head), @"passed: 2 rules kept, no regression in 3 pass rates, 0 cases broke and 0 fixed");
    }

    #[test]
    fn a_slower_stage_is_mentioned_even_when_no_rule_broke() {
        let base = [peak("b1", 60.0)];
        let head = [peak("h1", 75.0)];
        insta::assert_snapshot!(say(&[], &base, &head), @"passed: 1 rule kept; `rerank` is 16 ms slower at p95 (owner search-team)");
    }

    #[test]
    fn a_broken_minimum_is_named_when_no_case_was_lost() {
        let runs = |id| [eval(id, answers(60, |i| i > 12))];
        insta::assert_snapshot!(say(&[min(0.9)], &runs("b"), &runs("h")), @"failed: `eval.answers.pass_rate` is 78.3% (min 90%, owner app-team)");
    }

    #[test]
    fn what_cannot_be_decided_says_what_it_takes() {
        let base = [eval("b", answers(20, |_| true))];
        let head = [eval("h", answers(20, |i| i > 0))];
        insta::assert_snapshot!(say(&[max_drop(0.05)], &base, &head), @"inconclusive: `eval.answers.pass_rate`: max_drop 5% takes about 129 cases at the flips seen, there are 20");
        insta::assert_snapshot!(say(&[], &[], &head), @"inconclusive: there is no run of the base to compare with");
        insta::assert_snapshot!(say(&[], &base, &[]), @"inconclusive: there is no run of the head");
        let shown = |id| [load(id, [("rerank", around(5.0))])];
        insta::assert_snapshot!(say(&[], &shown("b"), &shown("h")), @"inconclusive: nothing was compared that decides: runs are only shown, or too small");
    }
}

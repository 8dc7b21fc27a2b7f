//! The sentence in each kind of verdict.

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
        @"failed: `eval.answers` lost 12 of 60 cases, all in lang=de (owner app-team); `load.peak.gateway.response_time.p95` is 185 ms (slo <= 150 ms, owner app-team); also: in this pair of runs `rerank` is 65 ms slower at p95"
    );
}

/// stumbles S7: what decided comes first, what did not is told as such.
#[test]
fn a_reason_says_whether_it_decided() {
    let base = [peak("b1", 60.0), eval("b2", answers(60, |_| true))];
    let head = [peak("h1", 120.0), eval("h2", answers(60, |i| i < 48))];
    let document = with(Mode::Gate, &[max_drop(0.05)], |context| {
        compare(&base, &head, context)
    });
    let told: Vec<(&str, bool)> = document
        .reasons
        .iter()
        .map(|it| (it.short.as_str(), it.decided))
        .collect();
    assert_eq!(
        told,
        [
            ("12 cases lost, all lang=de", true),
            ("gateway response_time.p95 185 ms, slo <= 150 ms", true),
            ("rerank +65 ms p95", false)
        ]
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
    insta::assert_snapshot!(say(&[], &base, &head), @"passed: 1 rule kept; also: in this pair of runs `rerank` is 16 ms slower at p95");
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
    insta::assert_snapshot!(say(&[max_drop(0.05)], &base, &head), @"inconclusive: `eval.answers.pass_rate`: max_drop 5% takes about 167 cases at the flips seen, there are 20");
    insta::assert_snapshot!(say(&[], &[], &head), @"inconclusive: there is no run of the base to compare with");
    insta::assert_snapshot!(say(&[], &base, &[]), @"inconclusive: there is no run of the head");
    let shown = |id| [load(id, [("rerank", around(5.0))])];
    insta::assert_snapshot!(say(&[], &shown("b"), &shown("h")), @"inconclusive: nothing was compared that decides: one run against one run is only shown");
}

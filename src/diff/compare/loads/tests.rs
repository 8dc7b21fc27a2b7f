//! Loads compared stage by stage.

use crate::diff::fixtures::{load, rule, stage, with};
use crate::diff::{Mode, compare};
use crate::metric::LatencyMetric;
use crate::record::{Change, Comparison, DiffDocument};
use crate::record::{StageResult, VerdictKind};

fn of<'a>(document: &'a DiffDocument, metric: &str) -> &'a Comparison {
    document
        .comparisons
        .iter()
        .find(|c| c.metric.to_string() == metric)
        .unwrap()
}

/// Answers in 50 to 150 ms, slower by the factor.
fn spread(n: u64, factor: f64) -> StageResult {
    stage(n, |i| (50.0 + (i * 37 % 101) as f64) * factor)
}

fn diff(base: StageResult, head: StageResult) -> DiffDocument {
    let (base, head) = (
        [load("b", [("rerank", base)])],
        [load("h", [("rerank", head)])],
    );
    with(Mode::Diff, &[], |context| compare(&base, &head, context))
}

#[test]
fn a_slower_stage_is_shown_with_its_interval_and_never_gated_on() {
    let document = diff(spread(1000, 1.0), spread(1000, 1.5));
    let p95 = of(&document, "load.peak.rerank.response_time.p95");
    assert!((p95.change.unwrap() - 0.5).abs() < 0.005);
    assert!(0.3 < p95.low.unwrap() && p95.low.unwrap() < 0.5);
    assert!(0.5 < p95.high.unwrap() && p95.high.unwrap() < 0.7);
    assert_eq!(
        (p95.verdict, p95.outcome, p95.n),
        (Change::Insufficient, None, 1000)
    );
    assert_eq!((p95.method.as_str(), p95.p), ("mover", None));
    assert_eq!(
        p95.note.as_deref(),
        Some("one run against one run: shown, never gated on")
    );
    assert_eq!(p95.owner.as_deref(), Some("search-team"));
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
}

#[test]
fn shares_change_by_difference_and_rates_by_ratio() {
    let mut head = spread(1000, 1.0);
    (head.ok, head.failed) = (950, 50);
    (head.error_rate, head.attainment) = (Some(0.05), Some(0.95));
    head.goodput_rps = 0.95 * 1000.0 / 30.0;
    let document = diff(spread(1000, 1.0), head);
    let errors = of(&document, "load.peak.rerank.error_rate");
    assert!((errors.change.unwrap() - 0.05).abs() < 1e-12);
    assert!(errors.low.unwrap() > 0.03 && errors.high.unwrap() < 0.07);
    let goodput = of(&document, "load.peak.rerank.goodput_rps");
    assert!((goodput.change.unwrap() + 0.05).abs() < 1e-9);
    assert!(
        !document
            .comparisons
            .iter()
            .any(|c| c.metric.to_string().ends_with("fallback_rate"))
    );
}

#[test]
fn a_null_percentile_is_not_listed_unless_a_rule_names_it() {
    let (base, head) = (
        [load("b", [("rerank", spread(50, 1.0))])],
        [load("h", [("rerank", spread(50, 1.0))])],
    );
    let listed = |rules: &[crate::manifest::Rule]| {
        with(Mode::Diff, rules, |context| compare(&base, &head, context))
            .comparisons
            .into_iter()
            .filter(|c| c.metric.to_string().contains("response_time"))
            .map(|c| c.metric.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), ["load.peak.rerank.response_time.p50"]);
    let asked = [
        rule("load.peak.rerank.response_time.p95"),
        rule("load.peak.rerank.response_time.mean"),
    ];
    assert_eq!(listed(&asked).len(), 3);
}

#[test]
fn without_histograms_only_the_values_are_compared() {
    let plain = |factor| {
        let mut stage = spread(1000, factor);
        let summary = stage.metrics.get_mut(&LatencyMetric::ResponseTime).unwrap();
        (summary.histogram, summary.intervals) = (None, Vec::new());
        stage
    };
    let document = diff(plain(1.0), plain(2.0));
    let p95 = of(&document, "load.peak.rerank.response_time.p95");
    assert!((p95.change.unwrap() - 1.0).abs() < 0.005);
    assert_eq!((p95.low, p95.high), (None, None));
}

#[test]
fn a_new_stage_has_no_change() {
    let base = [load("b", [])];
    let head = [load("h", [("rerank", spread(1000, 1.0))])];
    let document = with(Mode::Diff, &[], |context| compare(&base, &head, context));
    let p95 = of(&document, "load.peak.rerank.response_time.p95");
    assert_eq!((p95.base, p95.change), (None, None));
    assert_eq!(p95.note.as_deref(), Some("no base to compare with"));
}

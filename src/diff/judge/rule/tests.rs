//! Rules over small hand-made runs.

use crate::diff::fixtures::{answers, eval, load, max_drop, min, rule, slo, stage, with};
use crate::diff::{Mode, compare};
use crate::manifest::Rule;
use crate::measure::{Growth, Share};
use crate::metric::{Limit, Unit};
use crate::record::{Change, Comparison, DiffDocument};
use crate::record::{RunRecord, ScoreEstimate, VerdictKind};

fn time_limit(value: f64) -> Limit {
    let unit = Unit::Time;
    Limit { value, unit }
}

const P95: &str = "load.peak.gateway.response_time.p95";

fn gate(rules: &[Rule], base: &[RunRecord], head: &[RunRecord]) -> DiffDocument {
    with(Mode::Gate, rules, |context| compare(base, head, context))
}

fn judged(document: &DiffDocument) -> Vec<&Comparison> {
    document
        .comparisons
        .iter()
        .filter(|c| c.rule.is_some())
        .collect()
}

/// The base passed everything; the head lost the first cases.
fn after_losing(lost: usize, n: usize) -> ([RunRecord; 1], [RunRecord; 1]) {
    (
        [eval("b", answers(n, |_| true))],
        [eval("h", answers(n, |i| i >= lost))],
    )
}

#[test]
fn max_drop_passes_fails_and_cannot_tell() {
    for (lost, n, outcome, change) in [
        (0, 200, VerdictKind::Passed, Change::Unchanged),
        (1, 30, VerdictKind::Inconclusive, Change::Inconclusive),
        (20, 200, VerdictKind::Failed, Change::Regressed),
    ] {
        let (base, head) = after_losing(lost, n);
        let document = gate(&[max_drop(0.05)], &base, &head);
        let rate = judged(&document)[0];
        assert_eq!(
            (rate.outcome, rate.verdict),
            (Some(outcome), change),
            "{lost} of {n}"
        );
        assert_eq!(rate.rule.as_deref(), Some("max_drop 5%"));
        assert_eq!(document.verdict, outcome);
    }
}

#[test]
fn an_undecided_drop_says_how_many_cases_it_takes() {
    let (base, head) = after_losing(1, 30);
    let document = gate(&[max_drop(0.05)], &base, &head);
    let note = judged(&document)[0].note.as_deref();
    assert_eq!(
        note,
        Some("max_drop 5% takes about 133 cases at the flips seen, there are 30")
    );
}

#[test]
fn a_small_drop_that_max_drop_agreed_to_is_no_regression() {
    let (base, head) = after_losing(8, 1000);
    assert_eq!(gate(&[min(0.9)], &base, &head).verdict, VerdictKind::Failed);
    let document = gate(&[min(0.9), max_drop(0.05)], &base, &head);
    assert_eq!(document.comparisons[0].verdict, Change::Unchanged);
    assert_eq!(judged(&document).len(), 2);
    // The slice that holds all of the loss still counts.
    assert_eq!(document.verdict, VerdictKind::Failed);
}

#[test]
fn min_is_judged_by_the_heads_estimate_and_one_rule_may_hold_both() {
    let (base, head) = after_losing(20, 200);
    let both = Rule {
        max_drop: Share::new(0.2),
        ..min(0.95)
    };
    let document = gate(&[both], &base, &head);
    let rate = judged(&document)[0];
    assert_eq!(rate.rule.as_deref(), Some("min 95%, max_drop 20%"));
    assert_eq!(rate.outcome, Some(VerdictKind::Failed));
}

#[test]
fn without_a_base_only_absolute_limits_count() {
    let head = [eval("h", answers(50, |i| i > 2))];
    let document = gate(&[min(0.9), max_drop(0.05)], &[], &head);
    let outcomes: Vec<_> = judged(&document).iter().map(|c| c.outcome).collect();
    assert_eq!(outcomes, [None, Some(VerdictKind::Passed)]);
    assert_eq!(document.verdict, VerdictKind::Passed);

    let document = gate(&[max_drop(0.05)], &[], &head);
    let rate = judged(&document)[0];
    let note = "no base to compare with; max_drop not judged: no base, only absolute limits count";
    assert_eq!((rate.outcome, rate.verdict), (None, Change::Insufficient));
    assert_eq!(rate.note.as_deref(), Some(note));
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
}

#[test]
fn latency_rules_judge_the_limit_and_only_show_the_increase() {
    let runs = |id, ms: f64| [load(id, [("gateway", stage(100, |_| ms))])];
    let limited = |ms| Rule {
        max: Some(time_limit(f64::from(ms))),
        max_increase: Growth::new(0.05),
        ..rule(P95)
    };
    for (limit, outcome) in [(500, VerdictKind::Passed), (300, VerdictKind::Failed)] {
        let document = gate(&[limited(limit)], &runs("b", 100.0), &runs("h", 400.0));
        let p95 = judged(&document)[0];
        assert_eq!(
            (p95.outcome, p95.verdict),
            (Some(outcome), Change::Insufficient)
        );
        let note = "one run against one run: shown, never gated on; \
                    max_increase not judged yet: one run against one run cannot tell, only absolute limits count";
        assert_eq!(p95.note.as_deref(), Some(note));
        assert_eq!(document.verdict, outcome);
    }
}

#[test]
fn a_rate_is_judged_and_shown_in_requests_a_second() {
    for (least, outcome, said) in [
        (2.0, VerdictKind::Passed, "passed: 1 rule kept"),
        (
            20.0,
            VerdictKind::Failed,
            "failed: `load.peak.gateway.goodput_rps` is 3.3/s (min 20/s, owner app-team)",
        ),
    ] {
        let least = Rule {
            min: Some(Limit {
                value: least,
                unit: Unit::Rate,
            }),
            ..rule("load.peak.gateway.goodput_rps")
        };
        // 100 good answers in 30 s.
        let head = [load("h", [("gateway", stage(100, |_| 1.0))])];
        let document = gate(&[least], &[], &head);
        let goodput = judged(&document)[0];
        assert_eq!(goodput.outcome, Some(outcome));
        assert_eq!(document.summary, said);
    }
}

#[test]
fn a_limit_on_a_null_percentile_cannot_be_judged() {
    let limit = Rule {
        max: Some(time_limit(1_000.0)),
        ..rule(P95)
    };
    let head = [load("h", [("gateway", stage(30, |_| 1.0))])];
    let document = gate(&[limit], &[], &head);
    let p95 = judged(&document)[0];
    assert_eq!(p95.outcome, Some(VerdictKind::Inconclusive));
    let note = "no base to compare with; p95 takes 72 samples, there are 30";
    assert_eq!(p95.note.as_deref(), Some(note));
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
}

#[test]
fn a_metric_that_was_not_measured_cannot_be_judged() {
    let limit = Rule {
        min: Some(Limit {
            value: 0.5,
            unit: Unit::Share,
        }),
        ..rule("eval.other.pass_rate")
    };
    let (base, head) = after_losing(0, 200);
    let document = gate(&[limit], &base, &head);
    let judged = judged(&document);
    let other = judged
        .iter()
        .find(|it| it.metric.to_string() == "eval.other.pass_rate");
    let other = other.unwrap();
    assert_eq!(other.outcome, Some(VerdictKind::Inconclusive));
    assert_eq!(other.note.as_deref(), Some("not measured in the head"));
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
}

fn with_slo(id: &str, value: Option<f64>) -> [RunRecord; 1] {
    let mut gateway = stage(100, |_| 1.0);
    gateway.slo = vec![slo(100.0, value)];
    [load(id, [("gateway", gateway)])]
}

#[test]
fn an_slo_is_kept_broken_or_not_to_be_judged() {
    for (value, outcome) in [
        (Some(99.0), VerdictKind::Passed),
        (Some(101.0), VerdictKind::Failed),
        (None, VerdictKind::Inconclusive),
    ] {
        let document = gate(&[], &[], &with_slo("h", value));
        let p95 = judged(&document)[0];
        assert_eq!(
            (p95.metric.to_string(), p95.outcome),
            (P95.to_owned(), Some(outcome))
        );
        assert_eq!(p95.rule.as_deref(), Some("slo <= 100 ms"));
        assert_eq!(document.verdict, outcome);
    }
}

#[test]
fn diff_forgives_an_slo_that_the_base_missed_and_gate_does_not() {
    let (base, head) = (with_slo("b", Some(150.0)), with_slo("h", Some(150.0)));
    for (mode, outcome) in [(Mode::Diff, None), (Mode::Gate, Some(VerdictKind::Failed))] {
        let document = with(mode, &[], |context| compare(&base, &head, context));
        assert_eq!(judged(&document)[0].outcome, outcome);
    }
    let document = with(Mode::Diff, &[], |context| {
        compare(&with_slo("b", Some(9.0)), &head, context)
    });
    assert_eq!(document.verdict, VerdictKind::Failed);
}

#[test]
fn a_must_pass_case_needs_no_statistics() {
    let (base, mut head) = after_losing(1, 500);
    head[0].eval.as_mut().unwrap().must_pass_broken = vec!["q0000".to_owned()];
    let document = gate(&[max_drop(0.05)], &base, &head);
    let broken = judged(&document)[1];
    assert_eq!(broken.metric.to_string(), "eval.answers.must_pass");
    assert_eq!(broken.rule.as_deref(), Some("must_pass: q0000"));
    assert_eq!(document.verdict, VerdictKind::Failed);
}

/// field 3: a rule shows the value it was decided by, the head's own, and not that of the cases
/// both sides have.
#[test]
fn a_rule_shows_the_value_it_was_decided_by() {
    let base = [eval("b", answers(20, |_| true))];
    let mut head = [eval("h", answers(40, |i| i < 20))];
    head[0].eval.as_mut().unwrap().golden.digest = "blake3:2".to_owned();
    let document = gate(&[min(0.9)], &base, &head);
    let rate = judged(&document)[0];
    assert_eq!((rate.base, rate.head), (Some(1.0), Some(0.5)));
    assert_eq!((rate.change, rate.n), (None, 40));
    assert_eq!(rate.outcome, Some(VerdictKind::Failed));
    assert!(
        document
            .summary
            .contains("`eval.answers.pass_rate` is 50% (min 90%")
    );
    let note = "by all 40 cases of the head; 20 are paired with the base";
    assert_eq!(rate.note.as_deref(), Some(note));
    // The change is told too, and a relative limit stands beside the paired value.
    let paired = document.comparisons.iter().find(|c| c.change == Some(0.0));
    assert_eq!(paired.and_then(|it| it.head), Some(1.0));
    let both = Rule {
        max_drop: Share::new(0.1),
        ..min(0.9)
    };
    let document = gate(&[both], &base, &head);
    let rows: Vec<_> = judged(&document)
        .into_iter()
        .map(|it| (it.rule.clone().unwrap(), it.head, it.outcome))
        .collect();
    let relative = (
        "max_drop 10%".to_owned(),
        Some(1.0),
        Some(VerdictKind::Inconclusive),
    );
    let absolute = ("min 90%".to_owned(), Some(0.5), Some(VerdictKind::Failed));
    assert_eq!(rows, [relative, absolute]);
}

/// field 2: a case that eval did not count for an assertion is not counted as 0 by a rule.
#[test]
fn an_assertion_has_one_score_whichever_command_shows_it() {
    let unscored = |id: &str| {
        let mut cases = answers(20, |i| i < 10);
        for case in &mut cases[10..] {
            case.error = Some("unscored: recall: nothing is relevant".to_owned());
            case.assertions.insert("contains".to_owned(), 1.0);
        }
        for case in &mut cases[..10] {
            case.assertions.insert("recall".to_owned(), 1.0);
        }
        let mut run = eval(id, cases);
        let all = ScoreEstimate {
            score: 1.0,
            low: 0.8,
            high: 1.0,
        };
        let scores = &mut run.eval.as_mut().unwrap().assertions;
        scores.insert("contains".to_owned(), all.clone());
        scores.insert("recall".to_owned(), ScoreEstimate { score: 0.5, ..all });
        run
    };
    let of = |name: &str| Rule {
        min: min(0.9).min,
        ..rule(name)
    };
    let rules = [
        of("eval.answers.contains.score"),
        of("eval.answers.recall.score"),
        of("eval.answers.pass_rate"),
    ];
    let document = gate(&rules, &[unscored("b")], &[unscored("h")]);
    let shown: Vec<_> = judged(&document)
        .into_iter()
        .map(|it| (it.head, it.outcome))
        .collect();
    let kept = (Some(1.0), Some(VerdictKind::Passed));
    let broken = (Some(0.5), Some(VerdictKind::Failed));
    assert_eq!(shown, [broken, kept, broken]);
}

//! Verdicts and exit codes.

use proptest::prelude::*;

use crate::diff::fixtures::{answer, answers, eval, load, max_drop, min, slo, stage, with};
use crate::diff::status;
use crate::diff::{Mode, compare};
use crate::exit::Status;
use crate::manifest::Rule;
use crate::record::{Change, RunRecord, StageResult, ValidityVerdict, VerdictKind};

fn decide(mode: Mode, rules: &[Rule], base: &[RunRecord], head: &[RunRecord]) -> Status {
    with(mode, rules, |context| {
        status(&compare(base, head, context), base, head)
    })
}

#[test]
fn nothing_compared_is_inconclusive() {
    let run = || [eval("x", answers(100, |_| true))];
    for (base, head) in [
        (vec![], vec![]),
        (run().to_vec(), vec![]),
        (vec![], run().to_vec()),
    ] {
        assert_eq!(decide(Mode::Diff, &[], &base, &head), Status::Inconclusive);
    }
    assert_eq!(decide(Mode::Diff, &[], &run(), &run()), Status::Passed);
}

#[test]
fn an_invalid_run_is_refused_whatever_else_was_found() {
    let mut invalid = load("h2", [("gateway", stage(100, |_| 1.0))]);
    invalid.validity.verdict = ValidityVerdict::Invalid;
    invalid.validity.reasons = vec!["schedule lag p99 9 ms".to_owned()];
    let base = [eval("b", answers(50, |_| true))];
    let head = [eval("h1", answers(50, |_| false)), invalid];
    let document = with(Mode::Gate, &[], |context| compare(&base, &head, context));
    assert_eq!(status(&document, &base, &head), Status::Invalid);
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
    let note = "`load.peak`: the head's run `h2` is invalid: schedule lag p99 9 ms";
    assert!(document.summary.contains(note), "{}", document.summary);
}

#[test]
fn a_gate_on_an_unchanged_flaky_release_fails_at_most_as_often_as_agreed() {
    // A linear congruence is random enough to flip one case in twelve on each side.
    let mut state = 41_u64;
    let mut flips = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).is_multiple_of(12)
    };
    let mut release = |id| {
        let passed: Vec<bool> = (0..80).map(|_| !flips()).collect();
        [eval(id, answers(80, |i| passed[i]))]
    };
    let failed = (0..200)
        .filter(|_| {
            let (base, head) = (release("b"), release("h"));
            decide(Mode::Gate, &[max_drop(0.05)], &base, &head) == Status::Failed
        })
        .count();
    // 200 runs at 5 % exceed 18 with a chance below 0.4 %.
    assert!(failed <= 18, "{failed} of 200");
}

fn badness(status: Status) -> u8 {
    match status {
        Status::Passed => 0,
        Status::Inconclusive => 1,
        _ => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Of one slice: with several, one that is at the very edge may fall back when a case of
    /// another breaks, as that makes the least p of the family smaller by chance.
    #[test]
    fn a_worse_head_never_improves_the_verdict(
        outcomes in prop::collection::vec((any::<bool>(), any::<bool>()), 2..60),
        worse in any::<prop::sample::Index>(),
        margin in 0.01..0.4,
        least in 0.1..1.0,
        gate in any::<bool>(),
    ) {
        let worse = worse.index(outcomes.len());
        let mode = if gate { Mode::Gate } else { Mode::Diff };
        let of = |id: &str, passes: &dyn Fn(usize) -> bool| {
            let one = |i: usize| answer(&format!("q{i:04}"), "en", passes(i));
            [eval(id, (0..outcomes.len()).map(one).collect())]
        };
        let base = of("b", &|i| outcomes[i].0);
        let head = of("h", &|i| outcomes[i].1);
        let after = of("h", &|i| i != worse && outcomes[i].1);
        let rules = [max_drop(margin), min(least)];
        for rules in [&rules[..], &rules[..1], &[]] {
            let before = badness(decide(mode, rules, &base, &head));
            prop_assert!(badness(decide(mode, rules, &base, &after)) >= before);
        }
    }

    #[test]
    fn a_slower_head_never_keeps_an_slo_that_a_faster_one_missed(
        before in 1.0..200.0, slower in 0.0..100.0, base in 1.0..200.0, gate in any::<bool>(),
    ) {
        let mode = if gate { Mode::Gate } else { Mode::Diff };
        let run = |id, value: f64| {
            let slo = vec![slo(100.0, Some(value))];
            [load(id, [("gateway", StageResult { slo, ..StageResult::default() })])]
        };
        let first = badness(decide(mode, &[], &run("b", base), &run("h", before)));
        let then = badness(decide(mode, &[], &run("b", base), &run("h", before + slower)));
        prop_assert!(then >= first);
    }
}

fn unruled(mode: Mode, base: RunRecord, head: RunRecord) -> Status {
    decide(mode, &[], &[base], &[head])
}

/// statistics 6: too little data is not passed, and a suite without a rule is judged by the margin;
/// 10: 58 against 59.
#[test]
fn a_suite_without_a_rule_must_show_that_it_lost_less_than_the_margin() {
    let run = |id: &str, n| eval(id, answers(n, |_| true));
    for mode in [Mode::Diff, Mode::Gate] {
        for (n, status) in [
            (1, Status::Inconclusive),
            (2, Status::Inconclusive),
            (58, Status::Inconclusive),
            (59, Status::Passed),
        ] {
            assert_eq!(unruled(mode, run("b", n), run("h", n)), status, "{n} cases");
        }
    }
    let rules = [max_drop(0.1)];
    for (n, status) in [(28, Status::Inconclusive), (29, Status::Passed)] {
        assert_eq!(
            decide(Mode::Gate, &rules, &[run("b", n)], &[run("h", n)]),
            status
        );
    }
}

/// statistics 6: with absolute rules only, kept, and nothing shown to be worse, it passes and says
/// what it could have seen.
#[test]
fn absolute_rules_alone_pass_and_say_what_they_could_have_seen() {
    let (base, head) = (
        [eval("b", answers(20, |_| true))],
        [eval("h", answers(20, |_| true))],
    );
    let document = with(Mode::Gate, &[min(0.9)], |context| {
        compare(&base, &head, context)
    });
    assert_eq!(document.verdict, VerdictKind::Passed);
    insta::assert_snapshot!(document.summary, @"passed: 1 rule kept, no regression in 3 pass rates, 0 cases broke and 0 fixed, no change seen in `eval.answers.pass_rate` (± 16.1 points)");
}

fn with_errors(
    id: &str,
    n: usize,
    errs: impl Fn(usize) -> bool,
    passes: impl Fn(usize) -> bool,
) -> RunRecord {
    let mut cases = answers(n, |i| passes(i) && !errs(i));
    for (i, case) in cases.iter_mut().enumerate().filter(|(i, _)| errs(*i)) {
        case.error = Some(format!("timeout: {i}"));
        case.assertions.clear();
    }
    let errors = cases.iter().filter(|case| case.error.is_some()).count() as u64;
    let mut run = eval(id, cases);
    let eval = run.eval.as_mut().unwrap();
    eval.errors = errors;
    eval.error_kinds.insert("timeout".to_owned(), errors);
    run
}

/// statistics 1: a service that answers nothing but errors never passes, whatever the base and the
/// rules are.
#[test]
fn a_head_without_a_single_answer_fails() {
    let dead = |id: &str| with_errors(id, 200, |_| true, |_| true);
    let alive = eval("b", answers(200, |_| true));
    for base in [vec![dead("b")], vec![alive.clone()], vec![]] {
        for rules in [vec![], vec![max_drop(0.05)], vec![min(0.0)]] {
            let status = decide(Mode::Gate, &rules, &base, &[dead("h")]);
            assert_eq!(status, Status::Failed);
        }
    }
    let mut never = dead("h");
    let kinds = &mut never.eval.as_mut().unwrap().error_kinds;
    *kinds = [("connect".to_owned(), 200)].into();
    assert_eq!(
        unruled(Mode::Diff, alive.clone(), never),
        Status::Unmeasured
    );
    // A base of which nothing has a grade is nothing to compare with.
    assert_eq!(unruled(Mode::Gate, dead("b"), alive), Status::Inconclusive);
}

/// statistics 1, for a load: an error to every request is no speed.
#[test]
fn a_stage_that_answers_no_request_fails_and_keeps_its_lines() {
    let silent = StageResult {
        attempted: 100,
        failed: 100,
        error_rate: Some(1.0),
        errors: [("status 500".to_owned(), 100)].into(),
        ..StageResult::default()
    };
    let base = [load("b", [("gateway", stage(100, |_| 1.0))])];
    let head = [load("h", [("gateway", silent)])];
    let document = with(Mode::Gate, &[], |context| compare(&base, &head, context));
    assert_eq!(document.verdict, VerdictKind::Failed);
    // statistics 8: the latency lines say that there is no answer.
    let p95 = document
        .comparisons
        .iter()
        .find(|c| c.metric.to_string() == "load.peak.gateway.response_time.p95");
    let p95 = p95.unwrap();
    assert!(p95.base.is_some() && p95.head.is_none());
    assert!(
        p95.note
            .as_deref()
            .unwrap()
            .contains("no answer in the head")
    );
}

/// statistics 2: what was planned and is absent counts as failed.
#[test]
fn absent_cases_are_failures_and_no_smaller_suite() {
    let base = || eval("b", answers(200, |_| true));
    let without = |gone: usize| {
        let mut head = eval("h", answers(200, |_| true));
        head.eval.as_mut().unwrap().cases.truncate(200 - gone);
        head
    };
    for rules in [
        vec![],
        vec![max_drop(0.05)],
        vec![max_drop(0.5)],
        vec![min(0.9)],
    ] {
        let status = decide(Mode::Gate, &rules, &[base()], &[without(40)]);
        assert_eq!(status, Status::Failed);
    }
    // Two of them are within what may be lost.
    assert_eq!(
        decide(Mode::Gate, &[max_drop(0.05)], &[base()], &[without(2)]),
        Status::Passed
    );
    // Absent on both sides: nothing is known of them, and the worst is assumed.
    let mut base = without(40);
    base.id = "b".to_owned();
    assert_eq!(unruled(Mode::Gate, base, without(40)), Status::Inconclusive);
}

/// statistics 2: a side that was not finished decides nothing.
#[test]
fn an_incomplete_side_decides_nothing() {
    let whole = |id: &str| eval(id, answers(200, |_| true));
    let cut = |id: &str, passes: bool| {
        let mut run = eval(id, answers(200, |_| passes));
        run.eval.as_mut().unwrap().cases.truncate(60);
        run.complete = false;
        run
    };
    for passes in [true, false] {
        for rules in [vec![], vec![max_drop(0.05)], vec![min(0.5)]] {
            let status = decide(Mode::Gate, &rules, &[whole("b")], &[cut("h", passes)]);
            assert_eq!(status, Status::Inconclusive);
        }
    }
    assert_eq!(
        decide(Mode::Gate, &[min(0.5)], &[cut("b", true)], &[whole("h")]),
        Status::Inconclusive
    );
    let document = with(Mode::Diff, &[], |context| {
        compare(&[whole("b")], &[cut("h", true)], context)
    });
    insta::assert_snapshot!(document.summary, @"inconclusive: `eval.answers`: the head's run `h` is incomplete, 60 of 200 answers, so that it decides nothing");
}

/// statistics 11: errors of the base do not lower the bar.
#[test]
fn errors_of_the_base_are_judged_both_ways() {
    // 40 of 200 timeouts in the base; 20 real losses among the 160 that it answered.
    let base = with_errors("b", 200, |i| i < 40, |_| true);
    let head = eval("h", answers(200, |i| i < 180));
    let document = with(Mode::Gate, &[max_drop(0.05)], |context| {
        compare(
            std::slice::from_ref(&base),
            std::slice::from_ref(&head),
            context,
        )
    });
    let rate = &document.comparisons[0];
    assert_eq!(
        (rate.outcome, rate.verdict),
        (Some(VerdictKind::Inconclusive), Change::Inconclusive)
    );
    insta::assert_snapshot!(rate.note.as_deref().unwrap(), @"errored, counted as failed: 40 in the base (40 where the stage failed), 0 in the head; had the base's errors passed, the change would be −10 points; max_drop 5% cannot be judged: 20% of the base's answers have no grade, and what more than 5% hide could be a drop");
    // A worsening that is shown both ways still fails.
    let worse = eval("h", answers(200, |i| i < 100));
    assert_eq!(
        decide(Mode::Gate, &[max_drop(0.05)], &[base], &[worse]),
        Status::Failed
    );
    // Few errors forbid nothing.
    let few = with_errors("b", 200, |i| i < 2, |_| true);
    let head = eval("h", answers(200, |_| true));
    assert_eq!(
        decide(Mode::Gate, &[max_drop(0.05)], &[few], &[head]),
        Status::Passed
    );
}

/// statistics 6: a document holds no digits that only the arithmetic left.
#[test]
fn numbers_of_a_comparison_have_twelve_digits_at_most() {
    for (n, lost, won) in [(200, 3, 0), (97, 5, 1), (311, 14, 4), (1000, 20, 9)] {
        let base = [eval("b", answers(n, |i| !(lost..lost + won).contains(&i)))];
        let head = [eval("h", answers(n, |i| i >= lost))];
        let document = with(Mode::Gate, &[max_drop(0.05)], |context| {
            compare(&base, &head, context)
        });
        for it in &document.comparisons {
            let all = [
                it.base,
                it.head,
                it.change,
                it.low,
                it.high,
                it.p,
                it.p_decided,
                it.bound,
            ];
            for value in all.into_iter().flatten() {
                let digits = value.to_string();
                let decimals = digits.split_once('.').map_or(0, |(_, it)| it.len());
                assert!(decimals <= 12, "{}: {digits}", it.metric);
            }
        }
        let whole = document
            .comparisons
            .iter()
            .find(|it| it.metric.is_pass_rate());
        assert!(whole.unwrap().p.is_some());
    }
}

/// statistics 20: the p that is printed and the verdict agree.
#[test]
fn the_verdict_agrees_with_its_p() {
    let base = [eval("b", answers(100, |_| true))];
    for (lost, p, verdict) in [
        (3, 0.125, Change::Inconclusive),
        (4, 0.0625, Change::Regressed),
    ] {
        let head = [eval("h", answers(100, |i| i % 2 == 1 || i / 2 >= lost))];
        let document = with(Mode::Gate, &[min(0.5)], |context| {
            compare(&base, &head, context)
        });
        let rate = &document.comparisons[0];
        assert_eq!((rate.p, rate.p_decided), (Some(p), Some(p / 2.0)));
        assert_eq!(rate.verdict, verdict, "{lost} lost");
        assert_eq!(
            rate.bound.unwrap() < 0.0 && verdict == Change::Regressed,
            verdict == Change::Regressed
        );
    }
}

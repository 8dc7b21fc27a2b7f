//! What must hold of a comparison whatever the runs are: no order matters, nothing changed is no
//! regression, and who was better before is worse after.

use proptest::prelude::*;

use super::fixtures::{answer, answers, eval, load, max_drop, min, rule, slo, stage, with};
use super::{Mode, compare, status};
use crate::exit::Status;
use crate::metric::{Limit, Metric, Unit};
use crate::record::{
    CaseResult, Change, Comparison, DiffDocument, RunRecord, StageResult, ValidityVerdict,
    VerdictKind,
};

fn gate(base: &[RunRecord], head: &[RunRecord]) -> DiffDocument {
    with(Mode::Gate, &[], |context| compare(base, head, context))
}

fn of<'a>(document: &'a DiffDocument, metric: &str) -> &'a Comparison {
    let metric = Metric::parse(metric).unwrap();
    let mut found = document.comparisons.iter();
    found.find(|it| it.metric == metric).unwrap()
}

fn rate(document: &DiffDocument) -> &Comparison {
    of(document, "eval.answers.pass_rate")
}

fn around(ms: f64) -> StageResult {
    stage(600, |i| ms * (0.9 + 0.2 * ((i * 37) % 101) as f64 / 100.0))
}

/// What became of so many cases: `None` is an error.
fn outcomes() -> impl Strategy<Value = Vec<Option<bool>>> {
    let one = prop_oneof![12 => Just(Some(true)), 5 => Just(Some(false)), 1 => Just(None)];
    proptest::collection::vec(one, 40..90)
}

fn graded(outcomes: &[Option<bool>], repeats: usize) -> Vec<CaseResult> {
    let case = |(at, outcome): (usize, &Option<bool>)| {
        let id = format!("q{:04}", at / repeats);
        let lang = if (at / repeats).is_multiple_of(3) {
            "en"
        } else {
            "de"
        };
        CaseResult {
            repeat: u32::try_from(at % repeats).unwrap(),
            error: outcome.is_none().then(|| "no answer".to_owned()),
            ..answer(&id, lang, *outcome == Some(true))
        }
    };
    outcomes.iter().enumerate().map(case).collect()
}

fn suite(id: &str, cases: Vec<CaseResult>, repeats: u32) -> RunRecord {
    let mut run = eval(id, cases);
    let it = run.eval.as_mut().unwrap();
    it.repeats = repeats;
    it.errors = it.cases.iter().filter(|case| case.error.is_some()).count() as u64;
    run
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_same_answers_again_are_no_regression(outcomes in outcomes(), repeats in 1..3_u32) {
        let cases = graded(&outcomes, repeats as usize);
        let found = gate(&[suite("b", cases.clone(), repeats)], &[suite("h", cases, repeats)]);
        for comparison in &found.comparisons {
            prop_assert_ne!(comparison.verdict, Change::Regressed, "{}", &comparison.metric);
            prop_assert_ne!(comparison.verdict, Change::Improved, "{}", &comparison.metric);
            prop_assert!(comparison.change.is_none_or(|it| it.abs() < 1e-9));
        }
        prop_assert_ne!(found.verdict, VerdictKind::Failed);
        prop_assert!(found.cases.broke.is_empty() && found.cases.fixed.is_empty());
    }

    #[test]
    fn seen_from_the_head_the_base_changed_the_other_way(one in outcomes(), other in outcomes()) {
        let graded_all = |it: &[Option<bool>]| it.iter().map(|it| Some(it.unwrap_or(false))).collect::<Vec<_>>();
        let length = one.len().min(other.len());
        let before = graded(&graded_all(&one[..length]), 1);
        let after = graded(&graded_all(&other[..length]), 1);
        let there = gate(&[suite("b", before.clone(), 1)], &[suite("h", after.clone(), 1)]);
        let back = gate(&[suite("b", after, 1)], &[suite("h", before, 1)]);
        let (there_rate, back_rate) = (rate(&there), rate(&back));
        let change = there_rate.change.unwrap();
        prop_assert!((change + back_rate.change.unwrap()).abs() < 1e-9);
        prop_assert!((there_rate.low.unwrap() + back_rate.high.unwrap()).abs() < 1e-9);
        prop_assert!((there_rate.p.unwrap() - back_rate.p.unwrap()).abs() < 1e-9);
        prop_assert_eq!(&there.cases.broke, &back.cases.fixed);
        prop_assert_eq!(&there.cases.fixed, &back.cases.broke);
        if there_rate.verdict == Change::Regressed {
            prop_assert!(change < 0.0 && back_rate.verdict != Change::Regressed);
        }
    }

    #[test]
    fn numbers_of_a_comparison_fit_together(one in outcomes(), other in outcomes(), repeats in 1..3_u32) {
        let before = suite("b", graded(&one, repeats as usize), repeats);
        let after = suite("h", graded(&other, repeats as usize), repeats);
        let found = gate(&[before], &[after]);
        for it in &found.comparisons {
            if let (Some(low), Some(change), Some(high)) = (it.low, it.change, it.high) {
                prop_assert!(low <= change + 1e-9 && change <= high + 1e-9, "{}", &it.metric);
                prop_assert!((-1.0..=1.0).contains(&low) && (-1.0..=1.0).contains(&high));
            }
            prop_assert!(it.p.is_none_or(|p| (0.0..=1.0).contains(&p)));
            if let (Some(base), Some(head), Some(change)) = (it.base, it.head, it.change) {
                prop_assert!((head - base - change).abs() < 1e-9, "{}", &it.metric);
            }
        }
        let text = serde_json::to_value(&found).unwrap();
        let read: DiffDocument = serde_json::from_value(text.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(&read).unwrap(), text);
    }

    #[test]
    fn a_stricter_limit_never_passes_what_a_looser_one_fails(passed in 0..100_usize, limit in 0.0..0.9_f64) {
        let outcome = |share: f64| {
            let head = [eval("h", answers(100, |i| i < passed))];
            let found = with(Mode::Gate, &[min(share)], |context| compare(&[], &head, context));
            found.verdict
        };
        let kept = passed as f64 / 100.0 >= limit;
        prop_assert_eq!(outcome(limit) == VerdictKind::Passed, kept);
        prop_assert!(outcome(limit) == VerdictKind::Passed || outcome(limit + 0.1) != VerdictKind::Passed);
    }
}

proptest! {
    // Percentiles with their intervals take a while without optimisation.
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn the_order_of_answers_and_of_runs_changes_nothing(one in outcomes(), other in outcomes(), at in 0..40_usize) {
        let (mut before, mut after) = (graded(&one, 1), graded(&other, 1));
        let runs = |before: &[CaseResult], after: &[CaseResult]| {
            let base = [suite("b1", before.to_vec(), 1), load("b2", [("gateway", around(50.0))])];
            let head = [suite("h1", after.to_vec(), 1), load("h2", [("gateway", around(55.0))])];
            (base, head)
        };
        let (base, head) = runs(&before, &after);
        let found = gate(&base, &head);
        before.rotate_left(at);
        after.reverse();
        let (mut base, mut head) = runs(&before, &after);
        base.reverse();
        head.reverse();
        let again = gate(&base, &head);
        prop_assert_eq!(&found.comparisons, &again.comparisons);
        prop_assert_eq!((&found.verdict, &found.summary), (&again.verdict, &again.summary));
        prop_assert_eq!((found.cases, found.blame), (again.cases, again.blame));
    }

    #[test]
    fn latencies_turned_round_change_by_the_inverse(before in 20.0..200.0_f64, after in 20.0..200.0_f64) {
        let runs = |id, ms| [load(id, [("gateway", around(ms))])];
        let there = gate(&runs("b", before), &runs("h", after));
        let back = gate(&runs("b", after), &runs("h", before));
        for metric in ["load.peak.gateway.response_time.p50", "load.peak.gateway.response_time.p95"] {
            let (one, other) = (of(&there, metric), of(&back, metric));
            let product = (1.0 + one.change.unwrap()) * (1.0 + other.change.unwrap());
            prop_assert!((product - 1.0).abs() < 1e-9);
            // One run against one run shows nothing.
            prop_assert!(one.verdict != Change::Regressed && other.verdict != Change::Regressed);
        }
        let sum: f64 = there.blame.iter().map(|it| it.change_ms).sum();
        prop_assert!((sum - (after - before)).abs() < 0.05 * (after + before));
    }
}

/// A tag may hold any sign, also the one that stands before its value.
#[test]
fn a_slice_is_of_its_tag_and_of_no_other() {
    let tagged = |id: &str, passed: bool| {
        let mut cases = answers(60, |i| i < 40 || passed);
        for (at, case) in cases.iter_mut().enumerate() {
            let value = if at < 40 { "c" } else { "d" };
            case.tags = [
                ("a=b".to_owned(), value.to_owned()),
                ("lang".to_owned(), "en".to_owned()),
            ]
            .into();
        }
        let mut run = eval(id, cases);
        let eval = run.eval.as_mut().unwrap();
        let slice = eval.slices.values().next().unwrap().clone();
        eval.slices = [
            ("a=b=c".to_owned(), slice.clone()),
            ("a=b=d".to_owned(), slice),
        ]
        .into();
        run
    };
    let found = gate(&[tagged("b", true)], &[tagged("h", false)]);
    let slice =
        |name: &str| of(&found, &format!("eval.answers.slice.\"{name}\".pass_rate")).clone();
    let (kept, lost) = (slice("a=b=c"), slice("a=b=d"));
    assert_eq!(
        (kept.change, kept.verdict),
        (Some(0.0), Change::Inconclusive)
    );
    assert_eq!((lost.change, lost.verdict), (Some(-1.0), Change::Regressed));
    assert!(found.summary.contains("all in a=b=d"), "{}", found.summary);
}

#[test]
fn of_several_runs_the_newest_of_the_same_environment_is_compared() {
    let run = |id: &str, env: &str, passed: usize| {
        let mut run = eval(id, answers(60, |i| i < passed));
        run.env = env.to_owned();
        run
    };
    let base = [
        run("b1", "eu", 50),
        run("b2", "eu", 55),
        run("b3", "us", 10),
    ];
    let found = gate(&base, &[run("h1", "eu", 1), run("h2", "eu", 60)]);
    let share = |value: Option<f64>| (value.unwrap() * 60.0).round();
    assert_eq!(share(rate(&found).base), 55.0);
    assert_eq!(rate(&found).head, Some(1.0));
    // Where the environment is new, the newest run of any other stands in.
    let found = gate(&base, &[run("h2", "asia", 60)]);
    assert_eq!(share(rate(&found).base), 10.0);
    assert_eq!(found.base.runs, ["b1", "b2", "b3"]);
    assert_eq!(found.base.id.as_deref(), Some("b3"));
}

#[test]
fn runs_of_another_name_or_kind_are_not_compared() {
    let mut other = eval("b", answers(60, |_| true));
    other.name = "questions".to_owned();
    let found = gate(&[other], &[eval("h", answers(60, |_| true))]);
    assert_eq!(rate(&found).base, None);
    assert_eq!(found.verdict, VerdictKind::Inconclusive);
    let found = gate(
        &[load("b", [("gateway", around(50.0))])],
        &[eval("h", answers(60, |_| true))],
    );
    assert_eq!(rate(&found).base, None);
}

#[test]
fn what_was_not_finished_or_is_invalid_decides_nothing() {
    let good = || eval("b", answers(60, |_| true));
    let mut cut = eval("h", answers(60, |i| i < 10));
    cut.complete = false;
    let found = gate(&[good()], &[cut]);
    assert_eq!(found.verdict, VerdictKind::Inconclusive);
    let note = found.comparisons[0].note.clone().unwrap();
    assert!(note.contains("incomplete, 60 of 60 answers"), "{note}");
    let mut bad = load("h", [("gateway", around(50.0))]);
    bad.validity.verdict = ValidityVerdict::Invalid;
    bad.validity.reasons = vec!["too late".to_owned()];
    let (base, head) = ([good()], [bad]);
    let found = gate(&base, &head);
    assert_eq!(found.verdict, VerdictKind::Inconclusive);
    assert_eq!(status(&found, &base, &head), Status::Invalid);
}

#[test]
fn a_head_that_nobody_reached_is_not_measured_and_one_that_only_fails_has_failed() {
    let silent = |word: &str| {
        let stage = StageResult {
            attempted: 50,
            failed: 50,
            errors: [(word.to_owned(), 50)].into(),
            error_rate: Some(1.0),
            ..StageResult::default()
        };
        [load("h", [("gateway", stage)])]
    };
    let base = [load("b", [("gateway", around(50.0))])];
    for (word, expected, verdict) in [
        ("connect", Status::Unmeasured, VerdictKind::Inconclusive),
        ("dns", Status::Unmeasured, VerdictKind::Inconclusive),
        ("timeout", Status::Failed, VerdictKind::Failed),
        ("status 500", Status::Failed, VerdictKind::Failed),
    ] {
        let head = silent(word);
        let found = gate(&base, &head);
        assert_eq!(found.verdict, verdict, "{word}");
        assert_eq!(status(&found, &base, &head), expected, "{word}");
    }
}

#[test]
fn a_case_that_must_pass_needs_no_statistics() {
    let mut head = eval("h", answers(60, |_| true));
    head.eval.as_mut().unwrap().must_pass_broken = vec!["q0001".to_owned()];
    let base = [eval("b", answers(60, |_| true))];
    let found = gate(&base, &[head]);
    assert_eq!(found.verdict, VerdictKind::Failed);
    let broken = found
        .comparisons
        .iter()
        .find(|it| it.outcome == Some(VerdictKind::Failed));
    assert_eq!(broken.unwrap().rule.as_deref(), Some("must_pass: q0001"));
    assert!(found.summary.contains("q0001"), "{}", found.summary);
}

#[test]
fn an_slo_that_the_base_missed_too_fails_a_gate_and_no_diff() {
    let run = |id: &str| {
        let mut stage = around(100.0);
        stage.slo = vec![slo(50.0, Some(108.0))];
        [load(id, [("gateway", stage)])]
    };
    let judged = |mode| with(mode, &[], |context| compare(&run("b"), &run("h"), context)).verdict;
    assert_eq!(judged(Mode::Gate), VerdictKind::Failed);
    assert_ne!(judged(Mode::Diff), VerdictKind::Failed);
}

#[test]
fn limits_of_rates_and_times_are_judged_in_their_units() {
    let limited = |metric: &str, value: f64, unit: Unit, is_max: bool| {
        let limit = Some(Limit { value, unit });
        let mut rule = rule(metric);
        if is_max {
            rule.max = limit;
        } else {
            rule.min = limit;
        }
        let head = [load("h", [("gateway", around(50.0))])];
        let found = with(Mode::Gate, &[rule], |context| compare(&[], &head, context));
        let it = of(&found, metric);
        (it.outcome, it.rule.clone().unwrap())
    };
    let passed = Some(VerdictKind::Passed);
    let failed = Some(VerdictKind::Failed);
    let p95 = "load.peak.gateway.response_time.p95";
    assert_eq!(
        limited(p95, 60.0, Unit::Time, true),
        (passed, "max 60 ms".to_owned())
    );
    assert_eq!(
        limited(p95, 40.0, Unit::Time, true),
        (failed, "max 40 ms".to_owned())
    );
    let goodput = "load.peak.gateway.goodput_rps";
    assert_eq!(
        limited(goodput, 20.0, Unit::Rate, false),
        (passed, "min 20/s".to_owned())
    );
    assert_eq!(
        limited(goodput, 20.5, Unit::Rate, false),
        (failed, "min 20.5/s".to_owned())
    );
    let errors = "load.peak.gateway.error_rate";
    assert_eq!(
        limited(errors, 0.0, Unit::Share, true),
        (passed, "max 0%".to_owned())
    );
}

/// Without evidence nothing is told to be unchanged: three cases that stayed right prove little.
#[test]
fn few_cases_excuse_no_rule() {
    let few = |id: &str| [eval(id, answers(3, |_| true))];
    let rules = [max_drop(0.05)];
    let found = with(Mode::Gate, &rules, |context| {
        compare(&few("b"), &few("h"), context)
    });
    assert_eq!(found.verdict, VerdictKind::Inconclusive);
    let note = rate(&found).note.clone().unwrap_or_default();
    assert!(note.contains("59"), "{note}");
    let many = |id: &str| [eval(id, answers(59, |_| true))];
    let found = with(Mode::Gate, &rules, |context| {
        compare(&many("b"), &many("h"), context)
    });
    assert_eq!(found.verdict, VerdictKind::Passed);
}

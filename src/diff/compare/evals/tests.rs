//! Suites compared case by case.

use crate::diff::fixtures::{answer, answers, eval, with};
use crate::diff::{Mode, compare};
use crate::record::{CaseResult, RunRecord, SliceEstimate, VerdictKind};
use crate::record::{Change, Comparison, DiffDocument};

fn diff(base: &RunRecord, head: &RunRecord) -> DiffDocument {
    let (base, head) = (std::slice::from_ref(base), std::slice::from_ref(head));
    with(Mode::Diff, &[], |context| compare(base, head, context))
}

fn of<'a>(document: &'a DiffDocument, metric: &str) -> &'a Comparison {
    document
        .comparisons
        .iter()
        .find(|c| c.metric.to_string() == metric)
        .unwrap()
}

fn near(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!(
        (found - expected).abs() < 1e-6,
        "found {found}, expected {expected}"
    );
}

/// The 2×2 table (both passed, only base, only head, neither).
fn table(both: usize, lost: usize, won: usize, neither: usize) -> [RunRecord; 2] {
    let n = both + lost + won + neither;
    let base = eval("b", answers(n, |i| i < both + lost));
    let head = eval(
        "h",
        answers(n, |i| {
            i < both || (both + lost..both + lost + won).contains(&i)
        }),
    );
    [base, head]
}

#[test]
fn single_answers_are_compared_by_mid_p_and_tangos_score() {
    let [base, head] = table(40, 5, 12, 23);
    let document = diff(&base, &head);
    let rate = of(&document, "eval.answers.pass_rate");
    assert_eq!((rate.method.as_str(), rate.n), ("mid_p+min_p", 80));
    near(rate.base, 45.0 / 80.0);
    near(rate.head, 52.0 / 80.0);
    near(rate.change, 7.0 / 80.0);
    near(rate.low, -0.014_742);
    near(rate.high, 0.194_394);
    near(rate.p, 0.096_252);
    assert_eq!(
        (document.cases.broke.len(), document.cases.fixed.len()),
        (5, 12)
    );
    assert_eq!(rate.verdict, Change::Improved);
    assert_eq!(document.verdict, VerdictKind::Passed);
}

#[test]
fn a_pass_rate_shown_to_be_lower_fails_without_any_rule() {
    let [base, head] = table(48, 12, 0, 0);
    let document = diff(&base, &head);
    let rate = of(&document, "eval.answers.pass_rate");
    assert_eq!(rate.verdict, Change::Regressed);
    assert!(rate.bound.unwrap() < 0.0);
    assert_eq!(rate.outcome, Some(VerdictKind::Failed));
    assert_eq!(rate.rule.as_deref(), Some("max_drop 5% (margin)"));
    assert_eq!(rate.owner.as_deref(), Some("app-team"));
    assert_eq!(document.verdict, VerdictKind::Failed);
}

#[test]
fn an_equal_release_is_unchanged_once_there_are_enough_cases() {
    for (n, expected) in [(3, Change::Inconclusive), (100, Change::Unchanged)] {
        let cases = || answers(n, |_| true);
        let document = diff(&eval("b", cases()), &eval("h", cases()));
        assert_eq!(of(&document, "eval.answers.pass_rate").verdict, expected);
    }
}

#[test]
fn a_slice_that_broke_is_found_although_the_whole_is_not_lower() {
    // English gains what German loses.
    let base = eval("b", answers(40, |i| i >= 10));
    let head = eval("h", answers(40, |i| i < 30));
    let document = diff(&base, &head);
    assert_eq!(
        of(&document, "eval.answers.pass_rate").verdict,
        Change::Inconclusive
    );
    let de = of(&document, "eval.answers.slice.\"lang=de\".pass_rate");
    assert_eq!(
        (de.verdict, de.n, de.method.as_str()),
        (Change::Regressed, 20, "mid_p+min_p")
    );
    // Two-sided; and one-sided: as rare as ten flips of either slice that all go one way.
    near(de.p, 2.0 / 2048.0);
    let found = de.p_decided.unwrap();
    assert!((found - 2.0 / 2048.0).abs() < 1e-3, "{found}");
    let en = of(&document, "eval.answers.slice.\"lang=en\".pass_rate");
    assert_eq!(en.verdict, Change::Improved);
    near(en.p, 2.0 / 2048.0);
    assert!(en.p_decided.unwrap() > 0.99);
    assert_eq!(document.verdict, VerdictKind::Failed);
}

fn repeated(passes: impl Fn(usize, u32) -> bool) -> Vec<CaseResult> {
    (0..12)
        .flat_map(|case| (0..3).map(move |repeat| (case, repeat)))
        .map(|(case, repeat)| CaseResult {
            repeat,
            ..answer(
                &format!("q{case}"),
                if case < 6 { "en" } else { "de" },
                passes(case, repeat),
            )
        })
        .collect()
}

#[test]
fn repeats_are_averaged_before_cases_are_compared() {
    let base = eval("b", repeated(|_, _| true));
    let head = eval("h", repeated(|case, repeat| case > 2 || repeat == 0));
    let document = diff(&base, &head);
    let rate = of(&document, "eval.answers.pass_rate");
    assert_eq!((rate.method.as_str(), rate.n), ("paired_t", 12));
    near(rate.change, -2.0 * 3.0 / 36.0);
    assert_eq!(document.cases.broke, ["q0", "q1", "q2"]);
}

#[test]
fn fewer_than_ten_groups_decide_nothing() {
    let grouped = |passed: bool| {
        let mut cases = answers(60, |_| passed);
        for (index, case) in cases.iter_mut().enumerate() {
            case.group = Some(format!("g{}", index % 9));
        }
        cases
    };
    let document = diff(&eval("b", grouped(true)), &eval("h", grouped(false)));
    let rate = of(&document, "eval.answers.pass_rate");
    assert_eq!((rate.verdict, rate.bound), (Change::Inconclusive, None));
    assert_eq!(
        rate.note.as_deref(),
        Some("9 independent cases or groups, a decision takes 10")
    );
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
}

#[test]
fn an_errored_case_stays_in_the_denominator_and_is_counted_apart() {
    let base = eval("b", answers(20, |_| true));
    let mut cases = answers(20, |_| true);
    cases[0].error = Some("timeout".to_owned());
    let document = diff(&base, &eval("h", cases));
    let rate = of(&document, "eval.answers.pass_rate");
    assert_eq!(rate.n, 20);
    near(rate.head, 0.95);
    let note = "errored, counted as failed: 0 in the base, 1 in the head; ";
    assert!(rate.note.as_deref().unwrap().starts_with(note));
    // The assertion was scored, and eval counts it so (statistics 6.7, field 2).
    near(of(&document, "eval.answers.contains.score").head, 1.0);
}

#[test]
fn a_changed_golden_set_is_compared_over_the_cases_both_have() {
    let base = eval("b", answers(20, |_| true));
    let mut head = eval("h", answers(25, |_| true));
    head.eval.as_mut().unwrap().golden.digest = "blake3:2".to_owned();
    let document = diff(&base, &head);
    let rate = of(&document, "eval.answers.pass_rate");
    assert_eq!(rate.n, 20);
    let note = "the golden set changed: compared over the 20 cases with the same id on both sides, 5 left out; ";
    assert!(rate.note.as_deref().unwrap().starts_with(note));
}

#[test]
fn no_common_case_is_insufficient_and_never_passed() {
    let base = eval("b", vec![answer("old", "en", true)]);
    let head = eval("h", vec![answer("new", "en", true)]);
    let document = diff(&base, &head);
    let rate = of(&document, "eval.answers.pass_rate");
    assert_eq!((rate.verdict, rate.n), (Change::Insufficient, 0));
    let note = "no case is on both sides; max_drop 5% cannot be judged";
    assert_eq!(rate.note.as_deref(), Some(note));
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
}

/// Contract, section 6: who failed is counted apart.
#[test]
fn errors_are_told_apart_by_who_failed() {
    let errored = |kinds: &[(&str, u64)]| {
        let count: u64 = kinds.iter().map(|(_, times)| times).sum();
        let mut cases = answers(40, |_| true);
        for case in cases.iter_mut().take(count as usize) {
            (case.passed, case.error) = (false, Some("no grade".to_owned()));
        }
        let mut run = eval("r", cases);
        let suite = run.eval.as_mut().unwrap();
        let kinds = kinds
            .iter()
            .map(|(kind, times)| ((*kind).to_owned(), *times));
        (suite.errors, suite.error_kinds) = (count, kinds.collect());
        run
    };
    let note = |base: &RunRecord, head: &RunRecord| {
        let document = diff(base, head);
        let note = of(&document, "eval.answers.pass_rate").note.clone();
        note.unwrap_or_default()
    };
    let (whole, mut untold) = (errored(&[]), errored(&[("timeout", 2)]));
    untold.eval.as_mut().unwrap().error_kinds.clear();
    let head = errored(&[("unscored", 1), ("status 500", 2), ("request", 1)]);
    insta::assert_snapshot!(note(&whole, &head), @"errored, counted as failed: 0 in the base, 4 in the head (2 where the stage failed, 1 that could not be scored, 1 that could not be sent)");
    insta::assert_snapshot!(note(&head, &whole), @"errored, counted as failed: 4 in the base (2 where the stage failed, 1 that could not be scored, 1 that could not be sent), 0 in the head; had the base's errors passed, the change would be ±0 points; max_drop 5% cannot be judged: 10% of the base's answers have no grade, and what more than 5% hide could be a drop");
    insta::assert_snapshot!(note(&untold, &head), @"errored, counted as failed: 2 in the base, 4 in the head (2 where the stage failed, 1 that could not be scored, 1 that could not be sent); had the base's errors passed, the change would be −10 points; max_drop 5% cannot be judged: 10% of the head's answers have no grade, and what more than 5% hide could be a drop");
}

/// security 12: however many slices there are, comparing them takes bounded time and memory, and
/// says so.
#[test]
fn very_many_slices_are_compared_up_to_a_number() {
    const SLICES: usize = 30_000;
    let side = |id: &str, lost: usize| {
        let mut cases = answers(SLICES, |i| i >= lost);
        let users = cases.iter_mut().enumerate();
        users.for_each(|(i, case)| {
            // Three of one user, the others have one each.
            let user = if i < 3 { 0 } else { i };
            drop(case.tags.insert("user".to_owned(), format!("u={user}")));
        });
        let mut run = eval(id, cases);
        let eval = run.eval.as_mut().unwrap();
        for case in &eval.cases {
            let slice = eval.slices.entry(format!("user={}", case.tags["user"]));
            let slice = slice.or_insert(SliceEstimate {
                cases: 0,
                value: 1.0,
                low: 0.0,
                high: 1.0,
            });
            slice.cases += 1;
            slice.value = slice.value.min(f64::from(u8::from(case.passed)));
        }
        run
    };
    let (base, head) = (side("b", 0), side("h", 6000));
    let begun = std::time::Instant::now();
    let document = diff(&base, &head);
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    let slices = document
        .comparisons
        .iter()
        .filter(|it| it.metric.slice().is_some());
    assert_eq!(slices.count(), 1000);
    assert!(
        of(&document, "eval.answers.slice.\"user=u=0\".pass_rate")
            .base
            .is_some()
    );
    let whole = of(&document, "eval.answers.pass_rate");
    assert_eq!(whole.verdict, Change::Regressed);
    let note = whole.note.as_deref().unwrap();
    assert!(
        note.contains("the 1000 with the most cases are compared, 29000 are left out"),
        "{note}"
    );
}

//! Two runs of an eval suite compared: pass rate, assertion scores, and slices.

use super::context::Context;
use super::measured::{Evidence, Measured};
use super::paired::{Pair, PairedChange, Pairs, assertions, gather, slices};
use super::wording::count;
use crate::metric::{EvalPart, Metric};
use crate::record::EvalResult;
use crate::record::{CaseChanges, Change};
use crate::stats::{CONFIDENCE, MIN_CLUSTERS, holm};

/// What comparing a suite gave.
pub(super) struct EvalComparison {
    pub(super) measured: Vec<Measured>,
    pub(super) cases: CaseChanges,
}

/// Compares two runs of a suite; without a base only the head's values are listed.
pub(super) fn compare(
    name: &str,
    base: Option<&EvalResult>,
    head: &EvalResult,
    context: &Context<'_>,
) -> EvalComparison {
    let owner = (context.owner)(&head.stage);
    let mut found = match base {
        Some(base) => both(name, base, head, context),
        None => EvalComparison {
            measured: head_only(name, head),
            cases: CaseChanges::default(),
        },
    };
    for measured in &mut found.measured {
        measured.comparison.owner.clone_from(&owner);
    }
    found
}

fn head_only(name: &str, head: &EvalResult) -> Vec<Measured> {
    let whole = Some(head.pass_rate.value);
    let scores = head
        .assertions
        .iter()
        .map(|(key, of)| (score_metric(name, key), Some(of.score)));
    let parts = head
        .slices
        .iter()
        .map(|(key, of)| (slice_metric(name, key), Some(of.value)));
    let all = std::iter::once((rate_metric(name), whole))
        .chain(scores)
        .chain(parts);
    all.map(|(metric, value)| {
        let mut measured = Measured::shown(metric, None, value);
        measured.comparison.n = head.golden.cases;
        measured.comparison.note = Some("no base to compare with".to_owned());
        measured
    })
    .collect()
}

fn both(name: &str, base: &EvalResult, head: &EvalResult, context: &Context<'_>) -> EvalComparison {
    let (base_cases, head_cases) = (gather(base), gather(head));
    let pairs = Pairs::new(&base_cases, &head_cases);
    let mut measured = Vec::new();

    let mut whole = paired(
        &pairs,
        rate_metric(name),
        &pairs.pass_rates(|_| true),
        context,
    );
    whole.head_alone = Some(head.pass_rate.value);
    explain(&mut whole, &pairs, base, head);
    measured.push(whole);

    for assertion in assertions(base, head) {
        let values = pairs.scores(assertion);
        let mut score = paired(&pairs, score_metric(name, assertion), &values, context);
        score.head_alone = head.assertions.get(assertion).map(|of| of.score);
        measured.push(score);
    }
    measured.extend(sliced(name, &pairs, base, head, context));
    EvalComparison {
        measured,
        cases: pairs.changes(),
    }
}

/// Says what the pairing left out and what errored.
fn explain(whole: &mut Measured, pairs: &Pairs<'_>, base: &EvalResult, head: &EvalResult) {
    let note = &mut whole.comparison;
    if pairs.ids.is_empty() {
        note.add_note("no case is on both sides");
    } else if pairs.unpaired() > 0 {
        let why = if base.golden.digest == head.golden.digest {
            ""
        } else {
            "the golden set changed: "
        };
        note.add_note(&format!(
            "{why}compared over the {} with the same id on both sides, {} left out",
            count(pairs.ids.len(), "case"),
            pairs.unpaired()
        ));
    } else if base.golden.digest != head.golden.digest {
        note.add_note("the golden set changed, with the same ids on both sides");
    }
    let (before, after) = pairs.errored();
    if before + after > 0 {
        note.add_note(&format!(
            "errored, counted as failed: {before} in the base, {after} in the head"
        ));
    }
}

/// Compares every slice; the p-values are one-sided for "worse" and adjusted by Holm over the slices.
fn sliced(
    name: &str,
    pairs: &Pairs<'_>,
    base: &EvalResult,
    head: &EvalResult,
    context: &Context<'_>,
) -> Vec<Measured> {
    let mut family = Vec::new();
    let mut measured: Vec<Measured> = slices(base, head)
        .into_iter()
        .enumerate()
        .map(|(index, slice)| {
            let values = pairs.pass_rates(|case| case.is_in(slice));
            let mut part = Measured::shown(slice_metric(name, slice), None, None);
            part.head_alone = head.slices.get(slice).map(|of| of.value);
            match pairs.change(&values) {
                Some(change) => {
                    describe(&mut part, &values, &change);
                    if !change.few_clusters {
                        family.push((index, change.p_worse));
                    }
                }
                None => part.comparison.add_note("no case is on both sides"),
            }
            part
        })
        .collect();
    let raw: Vec<f64> = family.iter().map(|(_, p)| *p).collect();
    let slices = raw.len() as f64;
    for ((index, _), p) in family.iter().zip(holm(&raw)) {
        let part = &mut measured[*index];
        let Evidence::Paired(difference) = part.evidence else {
            continue;
        };
        part.comparison.p = Some(p);
        part.comparison.method.push_str("+holm");
        part.comparison.verdict = if p <= context.eval_alpha {
            part.comparison.bound = Some(difference.upper_bound(context.eval_alpha));
            Change::Regressed
        } else {
            part.comparison.bound = Some(difference.lower_bound(context.eval_alpha));
            if difference.lower_bound(context.eval_alpha / slices) > 0.0 {
                Change::Improved
            } else if difference.lower_bound(context.eval_alpha) > -context.margin {
                Change::Unchanged
            } else {
                Change::Inconclusive
            }
        };
    }
    measured
}

fn paired(
    pairs: &Pairs<'_>,
    metric: Metric,
    values: &[Pair<'_>],
    context: &Context<'_>,
) -> Measured {
    let mut measured = Measured::shown(metric, None, None);
    let Some(change) = pairs.change(values) else {
        return measured;
    };
    describe(&mut measured, values, &change);
    let Evidence::Paired(difference) = measured.evidence else {
        return measured;
    };
    let (lower, upper) = (
        difference.lower_bound(context.eval_alpha),
        difference.upper_bound(context.eval_alpha),
    );
    let (verdict, bound) = if upper < 0.0 {
        (Change::Regressed, upper)
    } else if lower > 0.0 {
        (Change::Improved, lower)
    } else if lower > -context.margin {
        (Change::Unchanged, lower)
    } else {
        (Change::Inconclusive, lower)
    };
    measured.comparison.verdict = verdict;
    measured.comparison.bound = Some(bound);
    measured
}

/// Fills in the values and the interval.
fn describe(measured: &mut Measured, values: &[Pair<'_>], change: &PairedChange) {
    let mean = |of: fn(&Pair<'_>) -> f64| values.iter().map(of).sum::<f64>() / values.len() as f64;
    let interval = change.difference.interval(CONFIDENCE);
    let comparison = &mut measured.comparison;
    comparison.base = Some(mean(|pair| pair.base));
    comparison.head = Some(mean(|pair| pair.head));
    comparison.change = Some(change.difference.estimate);
    comparison.low = Some(interval.low);
    comparison.high = Some(interval.high);
    comparison.p = Some(change.p);
    comparison.n = change.difference.n;
    change.method.clone_into(&mut comparison.method);
    measured.evidence = if change.few_clusters {
        comparison.verdict = Change::Inconclusive;
        comparison.add_note(&format!(
            "{} independent cases or groups, a decision takes {MIN_CLUSTERS}",
            change.difference.clusters
        ));
        Evidence::FewClusters(change.difference)
    } else {
        Evidence::Paired(change.difference)
    };
}

fn rate_metric(name: &str) -> Metric {
    Metric::eval(name, EvalPart::PassRate)
}

fn score_metric(name: &str, assertion: &str) -> Metric {
    Metric::eval(name, EvalPart::Score(assertion.to_owned()))
}

fn slice_metric(name: &str, slice: &str) -> Metric {
    Metric::eval(name, EvalPart::Slice(slice.to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::diff::fixtures::{answer, answers, eval, with};
    use crate::diff::{Mode, compare};
    use crate::record::{CaseResult, RunRecord, VerdictKind};
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
    fn single_answers_are_compared_by_mcnemar_and_bonett_price() {
        let [base, head] = table(40, 5, 12, 23);
        let document = diff(&base, &head);
        let rate = of(&document, "eval.answers.pass_rate");
        assert_eq!((rate.method.as_str(), rate.n), ("mcnemar", 80));
        near(rate.base, 45.0 / 80.0);
        near(rate.head, 52.0 / 80.0);
        near(rate.change, 7.0 / 80.0);
        near(rate.low, -0.017_169);
        near(rate.high, 0.187_901);
        near(rate.p, 0.143_463);
        assert_eq!(
            (document.cases.broke.len(), document.cases.fixed.len()),
            (5, 12)
        );
        assert_eq!(document.verdict, VerdictKind::Passed);
    }

    #[test]
    fn a_pass_rate_shown_to_be_lower_fails_without_any_rule() {
        let [base, head] = table(48, 12, 0, 0);
        let document = diff(&base, &head);
        let rate = of(&document, "eval.answers.pass_rate");
        assert_eq!(rate.verdict, Change::Regressed);
        assert!(rate.bound.unwrap() < 0.0);
        assert_eq!(rate.outcome, None);
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
            (Change::Regressed, 20, "mcnemar+holm")
        );
        // One-sided, times the two slices.
        near(de.p, 2.0 / 1024.0);
        let en = of(&document, "eval.answers.slice.\"lang=en\".pass_rate");
        assert_eq!(en.verdict, Change::Improved);
        near(en.p, 1.0);
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
        let note = "errored, counted as failed: 0 in the base, 1 in the head";
        assert_eq!(rate.note.as_deref(), Some(note));
        near(of(&document, "eval.answers.contains.score").head, 0.95);
    }

    #[test]
    fn a_changed_golden_set_is_compared_over_the_cases_both_have() {
        let base = eval("b", answers(20, |_| true));
        let mut head = eval("h", answers(25, |_| true));
        head.eval.as_mut().unwrap().golden.digest = "blake3:2".to_owned();
        let document = diff(&base, &head);
        let rate = of(&document, "eval.answers.pass_rate");
        assert_eq!(rate.n, 20);
        let note = "the golden set changed: compared over the 20 cases with the same id on both sides, 5 left out";
        assert_eq!(rate.note.as_deref(), Some(note));
    }

    #[test]
    fn no_common_case_is_insufficient_and_never_passed() {
        let base = eval("b", vec![answer("old", "en", true)]);
        let head = eval("h", vec![answer("new", "en", true)]);
        let document = diff(&base, &head);
        let rate = of(&document, "eval.answers.pass_rate");
        assert_eq!((rate.verdict, rate.n), (Change::Insufficient, 0));
        assert_eq!(rate.note.as_deref(), Some("no case is on both sides"));
        assert_eq!(document.verdict, VerdictKind::Inconclusive);
    }
}

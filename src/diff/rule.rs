//! Rules and SLOs: each ends as a comparison that says what was asked, whether it was kept, and why.

use super::context::{Context, Mode};
use super::measured::{Evidence, Measured};
use super::wording::{percent, value};
use crate::manifest::Rule;
use crate::metric::{Better, EvalPart, Limit, Metric};
use crate::record::{Change, Comparison};
use crate::record::{EvalResult, RunRecord, SloResult, VerdictKind};
use crate::stats::{Difference, MIN_CLUSTERS, cases_needed};

/// One limit of a rule, judged; `None` when it does not count.
struct Judged {
    outcome: Option<VerdictKind>,
    note: Option<String>,
}

impl Judged {
    fn kept(kept: bool) -> Self {
        let outcome = if kept {
            VerdictKind::Passed
        } else {
            VerdictKind::Failed
        };
        Self {
            outcome: Some(outcome),
            note: None,
        }
    }

    fn inconclusive(note: String) -> Self {
        Self {
            outcome: Some(VerdictKind::Inconclusive),
            note: Some(note),
        }
    }

    fn insufficient(note: String) -> Self {
        Self {
            outcome: None,
            note: Some(note),
        }
    }
}

/// Judges a rule and returns its comparison.
pub(super) fn judge(rule: &Rule, measured: &Measured, context: &Context<'_>) -> Comparison {
    let mut comparison = measured.comparison.clone();
    comparison.rule = Some(in_words(rule));
    let mut parts = Vec::new();
    let limits = [(rule.min, true), (rule.max, false)];
    for (limit, least) in limits {
        if let Some(limit) = limit {
            parts.push(absolute(measured, limit, least));
        }
    }
    if let Some(margin) = rule.max_drop {
        parts.push(max_drop(margin.value(), measured, &mut comparison, context));
    }
    if rule.max_increase.is_some() {
        parts.push(Judged::insufficient(no_rounds("max_increase", measured)));
    }
    for part in parts {
        comparison.outcome = worst(comparison.outcome, part.outcome);
        if let Some(note) = part.note {
            comparison.add_note(&note);
        }
    }
    comparison
}

/// Returns the worse outcome; a part that does not count changes nothing.
pub(super) fn worst(one: Option<VerdictKind>, other: Option<VerdictKind>) -> Option<VerdictKind> {
    let badness = |outcome: &VerdictKind| match outcome {
        VerdictKind::Passed => 0,
        VerdictKind::Inconclusive => 1,
        VerdictKind::Failed => 2,
    };
    one.into_iter().chain(other).max_by_key(badness)
}

fn absolute(measured: &Measured, limit: Limit, least: bool) -> Judged {
    let Some(value) = measured.head_alone else {
        let why = measured
            .missing
            .as_deref()
            .unwrap_or("not measured in the head");
        return Judged::inconclusive(why.to_owned());
    };
    let better = if least { Better::Higher } else { Better::Lower };
    Judged::kept(limit.is_kept(value, better))
}

/// Judges non-inferiority: passed when the one-sided lower bound of the change is above −`margin`; else failed when the
/// upper bound is below 0; else inconclusive.
fn max_drop(
    margin: f64,
    measured: &Measured,
    comparison: &mut Comparison,
    context: &Context<'_>,
) -> Judged {
    let alpha = context.eval_alpha;
    let difference = match measured.evidence {
        Evidence::Paired(difference) => difference,
        Evidence::FewClusters(_) => {
            comparison.verdict = Change::Inconclusive;
            return Judged::inconclusive(format!(
                "max_drop {} takes at least {MIN_CLUSTERS} independent cases or groups",
                percent(margin)
            ));
        }
        Evidence::Shown => return Judged::insufficient(no_rounds("max_drop", measured)),
    };
    let (lower, upper) = (difference.lower_bound(alpha), difference.upper_bound(alpha));
    if lower > -margin {
        comparison.bound = Some(lower);
        if matches!(comparison.verdict, Change::Inconclusive | Change::Regressed) {
            comparison.verdict = Change::Unchanged;
        }
        return Judged::kept(true);
    }
    if upper < 0.0 {
        comparison.bound = Some(upper);
        comparison.verdict = Change::Regressed;
        return Judged::kept(false);
    }
    comparison.bound = Some(lower);
    comparison.verdict = Change::Inconclusive;
    Judged::inconclusive(what_it_takes(&difference, margin, alpha))
}

fn what_it_takes(difference: &Difference, margin: f64, alpha: f64) -> String {
    let has = difference.n;
    let needs = cases_needed(difference.variance_per_case(), margin, alpha);
    match needs {
        Some(needs) if needs > has => format!(
            "max_drop {} takes about {needs} cases at the flips seen, there are {has}",
            percent(margin)
        ),
        // Enough cases had nothing changed: the estimate itself is too near the margin.
        Some(_) => format!(
            "a drop of {} is neither shown nor excluded by {has} cases",
            percent(margin)
        ),
        None => "max_drop 0% can never be shown; give it a margin".to_owned(),
    }
}

fn no_rounds(limit: &str, measured: &Measured) -> String {
    if measured.comparison.base.is_none() {
        format!("{limit} not judged: no base, only absolute limits count")
    } else {
        format!("{limit} not judged: it takes five runs of the base, only absolute limits count")
    }
}

fn in_words(rule: &Rule) -> String {
    let mut words = Vec::new();
    let limit = |limit: Limit| value(limit.value, limit.unit);
    words.extend(rule.min.map(|min| format!("min {}", limit(min))));
    words.extend(rule.max.map(|max| format!("max {}", limit(max))));
    words.extend(
        rule.max_increase
            .map(|share| format!("max_increase {}", percent(share.value()))),
    );
    words.extend(
        rule.max_drop
            .map(|share| format!("max_drop {}", percent(share.value()))),
    );
    words.join(", ")
}

/// Judges an SLO of a stage under load. `diff` forgives what the base missed too.
pub(super) fn judge_slo(
    slo: &SloResult,
    base: Option<&SloResult>,
    mut comparison: Comparison,
    context: &Context<'_>,
) -> Comparison {
    comparison.rule = Some(slo_in_words(slo));
    comparison.outcome = match slo.met {
        Some(true) => Some(VerdictKind::Passed),
        None => {
            comparison.add_note("the SLO cannot be judged: too few samples");
            // `diff` asks what got worse; what cannot be told of a load that only the head has, is no answer to that.
            let asked = context.mode == Mode::Gate || base.is_some();
            asked.then_some(VerdictKind::Inconclusive)
        }
        Some(false) if context.mode == Mode::Diff && base.is_some_and(|b| b.met == Some(false)) => {
            comparison.add_note("the base missed this SLO too");
            None
        }
        Some(false) => Some(VerdictKind::Failed),
    };
    comparison
}

fn slo_in_words(slo: &SloResult) -> String {
    let sign = match slo.metric.better() {
        Better::Higher => ">=",
        Better::Lower | Better::Neither => "<=",
    };
    format!("slo {sign} {}", value(slo.limit, slo.metric.unit()))
}

/// Returns the comparison of `must_pass` cases that did not pass; `None` when all did.
pub(super) fn judge_must_pass(
    run: &RunRecord,
    eval: &EvalResult,
    context: &Context<'_>,
) -> Option<Comparison> {
    let broken = &eval.must_pass_broken;
    if broken.is_empty() {
        return None;
    }
    let mut comparison =
        Measured::shown(Metric::eval(&run.name, EvalPart::MustPass), None, None).comparison;
    comparison.n = broken.len() as u64;
    comparison.rule = Some(format!("must_pass: {}", broken.join(", ")));
    comparison.outcome = Some(VerdictKind::Failed);
    comparison.owner = (context.owner)(&eval.stage);
    Some(comparison)
}

#[cfg(test)]
mod tests {
    use crate::diff::fixtures::{answers, eval, load, max_drop, min, rule, slo, stage, with};
    use crate::diff::{Mode, compare};
    use crate::manifest::Rule;
    use crate::measure::Share;
    use crate::metric::{Limit, Unit};
    use crate::record::{Change, Comparison, DiffDocument};
    use crate::record::{RunRecord, VerdictKind};

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
            Some("max_drop 5% takes about 102 cases at the flips seen, there are 30")
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
        let note =
            "no base to compare with; max_drop not judged: no base, only absolute limits count";
        assert_eq!((rate.outcome, rate.verdict), (None, Change::Insufficient));
        assert_eq!(rate.note.as_deref(), Some(note));
        assert_eq!(document.verdict, VerdictKind::Inconclusive);
    }

    #[test]
    fn latency_rules_judge_the_limit_and_only_show_the_increase() {
        let runs = |id, ms: f64| [load(id, [("gateway", stage(100, |_| ms))])];
        let limited = |ms| Rule {
            max: Some(time_limit(f64::from(ms))),
            max_increase: Share::new(0.05),
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
                        max_increase not judged: it takes five runs of the base, only absolute limits count";
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
        let other = judged(&document)[0];
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
}

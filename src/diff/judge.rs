//! The verdict over all comparisons, and the exit status that follows from it.

use crate::exit::Status;
use crate::record::{Change, Comparison, DiffDocument};
use crate::record::{RunRecord, ValidityVerdict, VerdictKind};

/// Returns the verdict: failed by a broken rule or a regression found, inconclusive by a rule that cannot be judged or
/// when there was nothing to judge by, else passed.
///
/// A regression counts unless a rule of its own metric decided about it: a drop within `max_drop` was agreed to.
pub(super) fn verdict(comparisons: &[Comparison], invalid: bool) -> VerdictKind {
    if invalid {
        return VerdictKind::Inconclusive;
    }
    let any = |wanted: VerdictKind| comparisons.iter().any(|c| c.outcome == Some(wanted));
    let found = |c: &Comparison| c.verdict == Change::Regressed && counts(c);
    if any(VerdictKind::Failed) || comparisons.iter().any(found) {
        VerdictKind::Failed
    } else if any(VerdictKind::Inconclusive) || !comparisons.iter().any(is_evidence) {
        VerdictKind::Inconclusive
    } else {
        VerdictKind::Passed
    }
}

/// Returns whether a regression of this metric fails the whole: pass rates do, of a suite and of a slice. An
/// assertion's score only explains.
fn counts(comparison: &Comparison) -> bool {
    comparison.metric.is_pass_rate()
}

/// Returns whether anything was decided by it: a rule judged, or two releases compared with enough data for a bound.
fn is_evidence(comparison: &Comparison) -> bool {
    let compared = comparison.verdict != Change::Insufficient && comparison.bound.is_some();
    comparison.outcome.is_some() || compared
}

/// Returns the exit status: an invalid run on either side refuses the comparison.
pub(crate) fn status(document: &DiffDocument, base: &[RunRecord], head: &[RunRecord]) -> Status {
    if base.iter().chain(head).any(is_invalid) {
        return Status::Invalid;
    }
    match document.verdict {
        VerdictKind::Passed => Status::Passed,
        VerdictKind::Failed => Status::Failed,
        VerdictKind::Inconclusive => Status::Inconclusive,
    }
}

/// Returns whether the generator declared the run invalid.
pub(super) fn is_invalid(run: &RunRecord) -> bool {
    run.validity.verdict == ValidityVerdict::Invalid
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::status;
    use crate::diff::fixtures::{answers, eval, load, max_drop, min, slo, stage, with};
    use crate::diff::{Mode, compare};
    use crate::exit::Status;
    use crate::manifest::Rule;
    use crate::record::{RunRecord, StageResult, ValidityVerdict, VerdictKind};

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
            let base = [eval("b", answers(outcomes.len(), |i| outcomes[i].0))];
            let head = [eval("h", answers(outcomes.len(), |i| outcomes[i].1))];
            let after = [eval("h", answers(outcomes.len(), |i| i != worse && outcomes[i].1))];
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
}

//! Two runs of an eval suite compared: pass rate, assertion scores, and slices.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::cases::{Cases, Pair};
use super::measured::{Evidence, Measured, Sides};
use super::paired::Paired;
use crate::diff::context::Context;
use crate::diff::wording::{change_of, count};
use crate::metric::{EvalPart, Metric};
use crate::record::EvalResult;

/// So many slices are compared, at most, where rules do not name more: judging them as one family
/// takes time and memory for each.
const MOST_SLICES: usize = 1000;

/// Compares two runs of a suite; without a base only the head's values are listed.
pub(super) fn compare(
    name: &str,
    base: Option<&EvalResult>,
    head: &EvalResult,
    context: &Context<'_>,
) -> Vec<Measured> {
    let parts = Parts::of(name, base, head, context);
    let mut measured = match base {
        Some(base) => both(name, base, head, &parts),
        None => head_only(name, head, &parts),
    };
    let owner = (context.owner)(&head.stage);
    for it in &mut measured {
        it.owner.clone_from(&owner);
    }
    measured
}

/// What two runs of a suite are compared by.
struct Parts {
    /// The pass rate, then the scores, then the slices.
    all: Vec<EvalPart>,
    /// How many slices are not compared, for there are so many.
    left_out: usize,
}

impl Parts {
    /// Takes what either run reports; of very many slices those of the most cases, and those that
    /// rules name. How they came out has no part in it, so that the family stays one.
    fn of(name: &str, base: Option<&EvalResult>, head: &EvalResult, context: &Context<'_>) -> Self {
        let runs = || base.into_iter().chain([head]);
        let scores: BTreeSet<&String> = runs().flat_map(|it| it.assertions.keys()).collect();
        let mut sizes: BTreeMap<&String, u64> = BTreeMap::new();
        for (slice, estimate) in runs().flat_map(|it| &it.slices) {
            let size = sizes.entry(slice).or_default();
            *size = estimate.cases.max(*size);
        }
        let mut slices: Vec<(&String, u64)> = sizes.into_iter().collect();
        let count = slices.len();
        if count > MOST_SLICES {
            let rules = context.rules.iter().filter_map(|rule| match &rule.metric {
                Metric::Eval { eval, .. } if eval == name => rule.metric.slice(),
                _ => None,
            });
            let named: BTreeSet<&str> = rules.collect();
            slices.sort_by_key(|(slice, size)| (!named.contains(slice.as_str()), Reverse(*size)));
            slices.truncate(MOST_SLICES.max(named.len()));
        }
        let left_out = count - slices.len();
        let slices = slices.into_iter().map(|it| EvalPart::Slice(it.0.clone()));
        let scores = scores.into_iter().cloned().map(EvalPart::Score);
        let whole = std::iter::once(EvalPart::PassRate);
        let mut all: Vec<EvalPart> = whole.chain(scores).chain(slices).collect();
        all.sort();
        Self { all, left_out }
    }

    /// Says how many slices are not compared.
    fn note(&self) -> Option<String> {
        let left_out = self.left_out;
        (left_out > 0).then(|| {
            format!("of the slices, the {MOST_SLICES} with the most cases are compared, {left_out} are left out")
        })
    }
}

fn head_only(name: &str, head: &EvalResult, parts: &Parts) -> Vec<Measured> {
    let alone = parts.all.iter().map(|part| {
        let value = alone(head, part);
        let mut measured = Measured::shown(Metric::eval(name, part.clone()), None, value);
        measured.n = head.golden.cases;
        measured.notes.push("no base to compare with".to_owned());
        if *part == EvalPart::PassRate {
            measured.notes.extend(parts.note());
        }
        measured
    });
    alone.collect()
}

fn both(name: &str, base: &EvalResult, head: &EvalResult, parts: &Parts) -> Vec<Measured> {
    let cases = Cases::new(base, head);
    let one = |part: EvalPart| {
        let sides = Sides {
            base: alone(base, &part),
            head: alone(head, &part),
        };
        let pairs = match &part {
            EvalPart::Slice(slice) => cases.of_slice(slice),
            EvalPart::Score(_) if sides.base.is_none() || sides.head.is_none() => Vec::new(),
            EvalPart::Score(assertion) => cases.scores(assertion),
            EvalPart::PassRate | EvalPart::MustPass => cases.pass_rates(),
        };
        let is_whole = part == EvalPart::PassRate;
        let mut measured = paired(Metric::eval(name, part), sides, &pairs);
        measured.n = if pairs.is_empty() {
            0
        } else {
            head.golden.cases
        };
        if is_whole {
            measured.notes.extend(what_was_compared(&cases, base, head));
            measured
                .notes
                .extend(errors(&cases, (base, head), measured.paired()));
            measured.notes.extend(parts.note());
        }
        measured
    };
    parts.all.iter().cloned().map(one).collect()
}

/// Returns what a side shows by itself. A planned case that is absent has not passed.
fn alone(eval: &EvalResult, part: &EvalPart) -> Option<f64> {
    match part {
        EvalPart::PassRate => Some(eval.pass_rate.value * eval.share_present()),
        EvalPart::Score(key) => eval.assertions.get(key).map(|of| of.score),
        EvalPart::Slice(key) => eval.slices.get(key).map(|of| of.value),
        EvalPart::MustPass => None,
    }
}

fn paired(metric: Metric, alone: Sides, pairs: &[Pair]) -> Measured {
    let mut measured = Measured {
        alone,
        ..Measured::shown(metric, None, None)
    };
    match Paired::new(pairs) {
        Some(paired) => measured.evidence = Evidence::Paired(Box::new(paired)),
        None => measured.notes.push("no case is on both sides".to_owned()),
    }
    measured
}

/// Says what the pairing left out.
fn what_was_compared(cases: &Cases<'_>, base: &EvalResult, head: &EvalResult) -> Option<String> {
    let same = base.golden.digest == head.golden.digest;
    if cases.len() == 0 {
        None
    } else if cases.left_out > 0 {
        let why = if same { "" } else { "the golden set changed: " };
        Some(format!(
            "{why}compared over the {} with the same id on both sides, {} left out",
            count(cases.len(), "case"),
            cases.left_out
        ))
    } else {
        (!same).then(|| "the golden set changed, with the same ids on both sides".to_owned())
    }
}

/// Says what was not graded, and what that leaves open.
fn errors(
    cases: &Cases<'_>,
    (base, head): (&EvalResult, &EvalResult),
    paired: Option<&Paired>,
) -> Vec<String> {
    let mut notes = Vec::new();
    let (before, after) = cases.errored();
    if before + after > 0 {
        let side = |count: usize, eval: &EvalResult| match eval.who_failed() {
            // Of the cases that were compared; the kinds are those of the whole suite.
            Some(sides) if count > 0 => format!(" ({sides})"),
            _ => String::new(),
        };
        let (of_base, of_head) = (side(before, base), side(after, head));
        notes.push(format!(
            "errored, counted as failed: {before} in the base{of_base}, \
             {after} in the head{of_head}"
        ));
    }
    let (before, after) = cases.absent;
    if before + after > 0 {
        notes.push(format!(
            "planned and absent, counted as failed: {before} in the base, {after} in the head"
        ));
    }
    if let Some(change) = paired.and_then(Paired::estimate_if_errors_had_passed) {
        notes.push(format!(
            "had the base's errors passed, the change would be {}",
            change_of(change)
        ));
    }
    notes
}

#[cfg(test)]
mod tests;

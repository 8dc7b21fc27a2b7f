//! Rules: each ends as a comparison that says what was asked, whether it was kept, why, and by
//! which value.

mod words;

use self::words::{absolute_words, in_words, not_judged};
use super::latency::what_it_takes;
use super::{Basis, Row, bare};
use crate::diff::compare::{Measured, Open};
use crate::diff::context::Context;
use crate::diff::wording::{count, percent};
use crate::manifest::Rule;
use crate::metric::{Better, Metric};
use crate::record::{Change, Comparison, VerdictKind};

/// Two values closer than this are told as one.
const ALIKE: f64 = 1e-9;

/// One limit of a rule, judged; `None` when it does not count.
struct Limited {
    outcome: Option<VerdictKind>,
    note: Option<String>,
}

impl Limited {
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

    fn open(note: String) -> Self {
        Self {
            outcome: Some(VerdictKind::Inconclusive),
            note: Some(note),
        }
    }

    fn not_judged(note: String) -> Self {
        Self {
            outcome: None,
            note: Some(note),
        }
    }

    /// Puts what was found into the row.
    fn tell(self, comparison: &mut Comparison) {
        comparison.outcome = worst(comparison.outcome, self.outcome);
        if let Some(note) = self.note {
            comparison.add_note(&note);
        }
    }
}

/// Judges a rule of a metric whose change is `bare`.
///
/// Limits of the head alone and limits of the change stand in one row where the head has one value;
/// where the paired cases show another one, each stands beside the value that decided it.
pub(super) fn judge(
    rule: &Rule,
    measured: &Measured,
    bare: &Comparison,
    context: &Context<'_>,
) -> Vec<Row> {
    let has_absolute = rule.min.is_some() || rule.max.is_some();
    let has_relative = rule.max_drop.is_some()
        || rule.max_increase.is_some()
        || decides_latency(rule, measured, context);
    let mut rows = Vec::new();
    let is_one = is_alike(measured.alone.head, bare.head);
    if has_relative || is_one {
        let basis = if has_relative {
            Basis::Relative
        } else {
            Basis::Absolute
        };
        let mut comparison = bare.clone();
        if is_one {
            absolute(rule, measured, &mut comparison);
        }
        relative(rule, measured, &mut comparison, context);
        let words = if is_one {
            [
                absolute_words(rule),
                relative_words(rule, measured, context),
            ]
            .concat()
        } else {
            relative_words(rule, measured, context)
        };
        comparison.rule = Some(words.join(", "));
        rows.push(Row { comparison, basis });
    }
    if has_absolute && !is_one {
        let mut comparison = bare::alone(measured);
        comparison.rule = Some(absolute_words(rule).join(", "));
        absolute(rule, measured, &mut comparison);
        let all = usize::try_from(measured.n).unwrap_or(usize::MAX);
        comparison.add_note(&if measured.shift().is_some() {
            format!(
                "by all {} of the head, of all its rounds",
                count(all, "request")
            )
        } else {
            let cases = count(all, "case");
            format!(
                "by all {cases} of the head; {} are paired with the base",
                bare.n
            )
        });
        rows.push(Row {
            comparison,
            basis: Basis::Absolute,
        });
    }
    rows
}

/// Judges the pass rate of a suite that has no rule: it must not have dropped by the gate's margin.
pub(super) fn judge_without(
    measured: &Measured,
    bare: &Comparison,
    context: &Context<'_>,
) -> Vec<Row> {
    let mut comparison = bare.clone();
    let words = format!("max_drop {} (margin)", percent(context.margin));
    let words = with_accepted(vec![words], &measured.metric, context);
    comparison.rule = Some(words.join(", "));
    max_drop(context.margin, measured, &mut comparison, context).tell(&mut comparison);
    by_change(comparison)
}

/// Judges a pass rate whose drop no rule is about, and some of which was accepted: a drop that may
/// be larger fails, and nothing is held up.
pub(super) fn judge_accepted(
    measured: &Measured,
    bare: &Comparison,
    context: &Context<'_>,
) -> Vec<Row> {
    let mut comparison = bare.clone();
    comparison.rule = context.said_of(&measured.metric);
    let mut judged = max_drop(0.0, measured, &mut comparison, context);
    judged.outcome = judged.outcome.filter(|it| *it != VerdictKind::Inconclusive);
    judged.tell(&mut comparison);
    by_change(comparison)
}

fn is_alike(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= ALIKE,
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Returns the worse outcome; a part that does not count changes nothing.
fn worst(one: Option<VerdictKind>, other: Option<VerdictKind>) -> Option<VerdictKind> {
    let badness = |outcome: &VerdictKind| match outcome {
        VerdictKind::Passed => 0,
        VerdictKind::Inconclusive => 1,
        VerdictKind::Failed => 2,
    };
    one.into_iter().chain(other).max_by_key(badness)
}

fn absolute(rule: &Rule, measured: &Measured, comparison: &mut Comparison) {
    for (limit, better) in [(rule.min, Better::Higher), (rule.max, Better::Lower)] {
        let Some(limit) = limit else { continue };
        let judged = match measured.alone.head {
            Some(value) => Limited::kept(limit.is_kept(value, better)),
            None => Limited::open(why_missing(measured, comparison)),
        };
        judged.tell(comparison);
    }
}

/// Says why the head has no value, if the note does not say it already.
fn why_missing(measured: &Measured, comparison: &Comparison) -> String {
    let why = measured
        .missing
        .as_deref()
        .unwrap_or("not measured in the head");
    let is_said = comparison
        .note
        .as_ref()
        .is_some_and(|note| note.contains(why));
    if is_said {
        "so that the limit cannot be judged".to_owned()
    } else {
        why.to_owned()
    }
}

fn relative(rule: &Rule, measured: &Measured, comparison: &mut Comparison, context: &Context<'_>) {
    if let Some(margin) = rule.max_drop {
        max_drop(margin.value(), measured, comparison, context).tell(comparison);
    }
    if decides_latency(rule, measured, context) {
        latency(measured, comparison, context).tell(comparison);
    } else if rule.max_increase.is_some() {
        let note = match measured.units {
            Some(_) if measured.is_decided() => {
                "a stricter max_increase of the same metric decides".to_owned()
            }
            Some(_) => "max_increase not judged, only absolute limits count".to_owned(),
            None => not_judged("max_increase", comparison),
        };
        Limited::not_judged(note).tell(comparison);
    }
}

/// Returns whether a rule is the one that a latency's evidence is held against: of those with a
/// `max_increase` the strictest, and where there is none of them the first.
fn decides_latency(rule: &Rule, measured: &Measured, context: &Context<'_>) -> bool {
    let mut of_metric = context.rules.iter().filter(|it| it.metric == rule.metric);
    measured.is_decided()
        && match context.rule_increase(&rule.metric) {
            Some(strictest) => rule.max_increase.is_some_and(|it| it.value() == strictest),
            None => of_metric
                .next()
                .is_some_and(|first| std::ptr::eq(first, rule)),
        }
}

/// Tells what the evidence decided.
fn latency(measured: &Measured, comparison: &Comparison, context: &Context<'_>) -> Limited {
    let Some(takes) = what_it_takes(measured, context) else {
        return Limited::open(why_missing(measured, comparison));
    };
    match comparison.verdict {
        Change::Regressed => Limited::kept(false),
        Change::Unchanged | Change::Improved => Limited::kept(true),
        Change::Inconclusive | Change::Insufficient => Limited::open(takes),
    }
}

/// Judges a latency that no rule names.
pub(super) fn judge_latency(
    measured: &Measured,
    bare: &Comparison,
    context: &Context<'_>,
) -> Vec<Row> {
    let mut comparison = bare.clone();
    let words = vec![latency_words(context)];
    let words = with_accepted(words, &measured.metric, context);
    comparison.rule = Some(words.join(", "));
    // Until there is enough evidence it is listed, as not judged.
    if measured.is_decided() {
        latency(measured, bare, context).tell(&mut comparison);
    }
    by_change(comparison)
}

/// Returns what decides where no rule says by how much a latency may grow.
fn latency_words(context: &Context<'_>) -> String {
    let floor = percent(context.latency.floor);
    format!("floor {floor}, margin {}", percent(context.margin))
}

/// Judges non-inferiority: kept when a drop of `margin` is excluded; else broken when a worsening
/// is shown; else it cannot be told.
fn max_drop(
    margin: f64,
    measured: &Measured,
    comparison: &mut Comparison,
    context: &Context<'_>,
) -> Limited {
    let alpha = context.eval_alpha;
    let margin = context.widened(&measured.metric, margin);
    let Some(paired) = measured.paired() else {
        return if judges_drop(measured) {
            Limited::open(format!("max_drop {} cannot be judged", percent(margin)))
        } else {
            Limited::not_judged(not_judged("max_drop", comparison))
        };
    };
    let open = match paired.excludes(margin, alpha) {
        Ok(()) => {
            comparison.bound = Some(paired.lower_bound(alpha));
            if matches!(comparison.verdict, Change::Inconclusive | Change::Regressed) {
                comparison.verdict = Change::Unchanged;
            }
            return Limited::kept(true);
        }
        Err(open) => open,
    };
    let is_decidable = paired.too_few_clusters().is_none();
    if is_decidable && comparison.p_decided.is_some_and(|p| p <= alpha) {
        // A rule with a wider limit may have agreed to the drop before.
        if comparison.verdict != Change::Regressed {
            comparison.bound = Some(paired.upper_bound(alpha));
            comparison.verdict = Change::Regressed;
        }
        return Limited::kept(false);
    }
    comparison.bound = is_decidable.then(|| paired.lower_bound(alpha));
    if comparison.verdict != Change::Improved {
        comparison.verdict = Change::Inconclusive;
    }
    if matches!(open, Open::FewClusters) {
        // That is said of the change already.
        return Limited {
            outcome: Some(VerdictKind::Inconclusive),
            note: None,
        };
    }
    Limited::open(in_words(&open, margin))
}

/// Returns whether there is anything to judge a drop by: cases that both sides have, or two suites
/// that share none.
fn judges_drop(measured: &Measured) -> bool {
    let has_both = measured.alone.base.is_some() && measured.alone.head.is_some();
    let is_eval = matches!(measured.metric, Metric::Eval { .. });
    measured.paired().is_some() || (is_eval && has_both)
}

fn relative_words(rule: &Rule, measured: &Measured, context: &Context<'_>) -> Vec<String> {
    let told = |words: String, is_judged: bool| {
        if is_judged {
            words
        } else {
            // In every format, and beside what is kept: it is not.
            format!("{words} (not judged)")
        }
    };
    let increase = match rule.max_increase {
        Some(it) => Some(told(
            format!("max_increase {}", percent(it.value())),
            measured.units.is_some() && measured.is_decided(),
        )),
        None => decides_latency(rule, measured, context).then(|| latency_words(context)),
    };
    let drop = rule.max_drop.map(|it| {
        told(
            format!("max_drop {}", percent(it.value())),
            judges_drop(measured),
        )
    });
    let changes = increase.into_iter().chain(drop).collect();
    with_accepted(changes, &rule.metric, context)
}

/// Adds to the limits of a change what was accepted beyond them.
fn with_accepted(limits: Vec<String>, metric: &Metric, context: &Context<'_>) -> Vec<String> {
    let accepted = context.said_of(metric).filter(|_| !limits.is_empty());
    limits.into_iter().chain(accepted).collect()
}

/// Returns the only row of a metric that is judged by its change alone.
fn by_change(comparison: Comparison) -> Vec<Row> {
    vec![Row {
        comparison,
        basis: Basis::Relative,
    }]
}

#[cfg(test)]
mod tests;

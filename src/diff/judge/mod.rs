//! The second pass: what the rules, the SLOs, and the cases that must pass say of what was
//! compared, and the verdict.

mod answered;
mod bare;
mod change;
mod latency;
mod must_pass;
mod rule;
mod slo;

use std::collections::BTreeMap;

use super::compare::{Compared, Measured};
use super::context::Context;
use super::pair::{Matched, Pairing, SideName, is_invalid};
use crate::exit::Status;
use crate::manifest::Rule;
use crate::metric::{EvalPart, Metric};
use crate::record::{Change, Comparison, DiffDocument};
use crate::record::{RunRecord, SloResult, VerdictKind};

/// Two releases judged.
pub(super) struct Judged {
    /// Every metric once, or once per rule that judged it.
    pub(super) rows: Vec<Row>,
    pub(super) verdict: VerdictKind,
}

/// A comparison, and what it was judged by.
pub(super) struct Row {
    pub(super) comparison: Comparison,
    pub(super) basis: Basis,
}

/// What a row rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// No rule.
    Shown,
    /// The head by itself.
    Absolute,
    /// The head against the base, perhaps with an absolute limit beside it.
    Relative,
    /// Whether there is anything to judge: a run that is invalid, not complete, or without an
    /// answer.
    Measured,
}

/// Judges everything that was compared.
pub(super) fn judge(pairing: &Pairing<'_>, compared: &Compared, context: &Context<'_>) -> Judged {
    let mut judging = Judging {
        measured: &compared.measured,
        bare: change::decide(&compared.measured, context),
        unfit: pairing.pairs.iter().flat_map(unfit).collect(),
        judged: BTreeMap::new(),
    };
    judging.rules(pairing, context);
    let fit = || pairing.pairs.iter().filter(|pair| pair.is_fit());
    for pair in fit() {
        for (slo, base, metric) in slo::of(pair) {
            let shown = judging.bare_of(&metric, slo, base, pair.head, context);
            judging.keep(Basis::Absolute, slo::judge(slo, base, shown, context));
        }
    }
    for pair in fit() {
        if let Some(broken) = must_pass::judge(pair.head, context) {
            judging.keep(Basis::Absolute, broken);
        }
        for silent in answered::judge(pair.head, context) {
            judging.keep(Basis::Measured, silent);
        }
    }
    let rows = judging.in_order();
    Judged {
        verdict: verdict(&rows, pairing.has_invalid()),
        rows,
    }
}

/// Returns a row for each run of a pair that decides nothing.
fn unfit(pair: &Matched<'_>) -> Vec<Comparison> {
    let row = |(side, run, why): (SideName, &RunRecord, String)| {
        let metric = Metric::Run {
            kind: run.kind.word().to_owned(),
            name: run.name.clone(),
        };
        let mut measured = Measured::shown(metric, None, None);
        let word = side.word();
        measured
            .notes
            .push(format!("the {word}'s run `{}` {why}", run.id));
        let mut row = bare::alone(&measured);
        row.note = measured.notes.pop();
        row.rule = Some("a complete and valid run".to_owned());
        row.outcome = Some(VerdictKind::Inconclusive);
        row
    };
    pair.unfit().into_iter().map(row).collect()
}

struct Judging<'a> {
    measured: &'a [Measured],
    /// What became of each metric, in the order of `measured`.
    bare: Vec<Comparison>,
    /// Rows of runs that decide nothing.
    unfit: Vec<Comparison>,
    /// By metric, so that several rules of one metric stand together.
    judged: BTreeMap<Metric, Vec<Row>>,
}

impl Judging<'_> {
    fn rules(&mut self, pairing: &Pairing<'_>, context: &Context<'_>) {
        self.accepted(context);
        let mut rules: Vec<&Rule> = context.rules.iter().collect();
        // A drop that `max_drop` agreed to is no regression for the other rules of the metric.
        rules.sort_by_key(|rule| rule.max_drop.is_none());
        for rule in rules {
            self.rule(&rule.metric, |measured, bare| {
                rule::judge(rule, measured, bare, context)
            });
        }
        for metric in &context.latency.unruled {
            let place = self.measured.iter().position(|it| it.metric == *metric);
            if place.is_some_and(|at| self.measured[at].units.is_some()) {
                self.rule(metric, |measured, bare| {
                    rule::judge_latency(measured, bare, context)
                });
            }
        }
        // A suite without any rule must not have lost more than the margin.
        for pair in pairing.pairs.iter().filter(|pair| pair.is_fit()) {
            let name = &pair.head.name;
            let of_suite =
                |rule: &Rule| matches!(&rule.metric, Metric::Eval { eval, .. } if eval == name);
            let is_compared = pair.head.eval.is_some() && pair.base().is_some();
            if is_compared && !context.rules.iter().any(of_suite) {
                let metric = Metric::eval(name, EvalPart::PassRate);
                self.rule(&metric, |measured, bare| {
                    rule::judge_without(measured, bare, context)
                });
            }
        }
    }

    /// Judges the pass rates whose drop no rule is about, and some of which was accepted.
    fn accepted(&mut self, context: &Context<'_>) {
        for accept in context.accepted {
            let metric = &accept.metric;
            let is_about = |rule: &Rule| rule.metric == *metric && rule.max_drop.is_some();
            let is_ruled = context.rules.iter().any(is_about) || self.judged.contains_key(metric);
            let is_there = self.measured.iter().any(|it| it.metric == *metric);
            if metric.is_pass_rate() && is_there && !is_ruled {
                self.rule(metric, |measured, bare| {
                    rule::judge_accepted(measured, bare, context)
                });
            }
        }
    }

    /// Judges a metric; what the rule says of its change holds for the rules after it.
    fn rule(&mut self, metric: &Metric, judge: impl FnOnce(&Measured, &Comparison) -> Vec<Row>) {
        let place = self.measured.iter().position(|it| it.metric == *metric);
        let rows = if let Some(at) = place {
            judge(&self.measured[at], &self.bare[at])
        } else {
            let mut measured = Measured::shown(metric.clone(), None, None);
            measured.missing = self.why_missing(metric);
            judge(&measured, &bare::alone(&measured))
        };
        for row in rows {
            if let (Some(at), Basis::Relative) = (place, row.basis) {
                self.bare[at].verdict = row.comparison.verdict;
                self.bare[at].bound = row.comparison.bound;
            }
            self.keep(row.basis, row.comparison);
        }
    }

    /// Returns why a metric is not there, where its run was refused.
    fn why_missing(&self, metric: &Metric) -> Option<String> {
        let (kind, name) = match metric {
            Metric::Eval { eval, .. } => ("eval", eval),
            Metric::Load { load, .. } => ("load", load),
            _ => return None,
        };
        let is_its_run = |row: &&Comparison| matches!(&row.metric, Metric::Run { kind: of, name: run } if of == kind && run == name);
        self.unfit.iter().find(is_its_run)?.note.clone()
    }

    /// Returns the comparison of an SLO's metric, before the SLO.
    fn bare_of(
        &self,
        metric: &Metric,
        slo: &SloResult,
        base: Option<&SloResult>,
        run: &RunRecord,
        context: &Context<'_>,
    ) -> Comparison {
        let place = self.measured.iter().position(|it| it.metric == *metric);
        place.map_or_else(
            || slo::shown(metric, slo, base, run, context),
            |at| self.bare[at].clone(),
        )
    }

    fn keep(&mut self, basis: Basis, comparison: Comparison) {
        let rows = self.judged.entry(comparison.metric.clone()).or_default();
        rows.push(Row { comparison, basis });
    }

    /// Returns every metric once, or once per rule that judged it, in the order of measuring; runs
    /// that decide nothing come first, and rules without a measurement last.
    fn in_order(mut self) -> Vec<Row> {
        let unfit = self.unfit.into_iter();
        let mut all: Vec<Row> = unfit
            .map(|comparison| Row {
                comparison,
                basis: Basis::Measured,
            })
            .collect();
        for comparison in self.bare {
            let rows = self.judged.remove(&comparison.metric).unwrap_or_default();
            // What the change is, must not go unseen where only the head by itself was judged.
            let is_told = rows
                .iter()
                .any(|row| row.comparison.change == comparison.change);
            if !is_told {
                all.push(Row {
                    comparison,
                    basis: Basis::Shown,
                });
            }
            all.extend(rows);
        }
        all.extend(self.judged.into_values().flatten());
        for row in &mut all {
            row.comparison.settle();
        }
        all
    }
}

/// Returns the verdict: failed by a broken rule or a regression found, inconclusive by a rule that
/// cannot be judged or when there was nothing to judge by, else passed.
///
/// A regression counts unless a rule of its own metric decided about it: a drop within `max_drop`
/// was agreed to.
fn verdict(rows: &[Row], invalid: bool) -> VerdictKind {
    if invalid {
        return VerdictKind::Inconclusive;
    }
    let any = |wanted: VerdictKind| {
        rows.iter()
            .any(|row| row.comparison.outcome == Some(wanted))
    };
    let is_found = |row: &Row| {
        // An assertion's score only explains.
        row.comparison.verdict == Change::Regressed && row.comparison.metric.is_pass_rate()
    };
    if any(VerdictKind::Failed) || rows.iter().any(is_found) {
        VerdictKind::Failed
    } else if any(VerdictKind::Inconclusive) || !any(VerdictKind::Passed) {
        VerdictKind::Inconclusive
    } else {
        VerdictKind::Passed
    }
}

/// Returns the exit status: an invalid run on either side refuses the comparison, and a head that
/// was never reached is no measurement.
pub(crate) fn status(document: &DiffDocument, base: &[RunRecord], head: &[RunRecord]) -> Status {
    if head.iter().any(answered::never_reached) {
        return Status::Unmeasured;
    }
    if base.iter().chain(head).any(is_invalid) {
        return Status::Invalid;
    }
    match document.verdict {
        VerdictKind::Passed => Status::Passed,
        VerdictKind::Failed => Status::Failed,
        VerdictKind::Inconclusive => Status::Inconclusive,
    }
}

impl Comparison {
    /// Adds a sentence to the note.
    fn add_note(&mut self, text: &str) {
        match &mut self.note {
            Some(note) => {
                note.push_str("; ");
                note.push_str(text);
            }
            None => self.note = Some(text.to_owned()),
        }
    }

    /// Rounds every number to twelve digits and twelve decimals: what is behind them is left of the
    /// arithmetic. A number smaller than these decimals keeps its digits.
    fn settle(&mut self) {
        const DECIMALS: f64 = 1e12;
        let numbers = [
            &mut self.base,
            &mut self.head,
            &mut self.change,
            &mut self.low,
            &mut self.high,
            &mut self.p,
            &mut self.p_decided,
            &mut self.bound,
        ];
        for number in numbers.into_iter().flatten() {
            let digits = format!("{number:.11e}");
            let digits = digits.parse().unwrap_or(*number) + 0.0;
            let decimals = (digits * DECIMALS).round() / DECIMALS;
            *number = if decimals == 0.0 { digits } else { decimals };
        }
    }
}

#[cfg(test)]
mod tests;

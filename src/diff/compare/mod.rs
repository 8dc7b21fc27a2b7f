//! The first pass: what each metric is on both sides, and what is known of its change.

mod cases;
mod evals;
mod gated;
mod loads;
mod measured;
mod paired;

use std::collections::BTreeSet;

pub(super) use cases::Cases;
pub(super) use measured::{Evidence, Measured, Stages};
pub(super) use paired::{MOST_ERRORS, Open, Paired};

use super::context::Context;
use super::pair::Pairing;
use crate::metric::{EvalPart, Figure, LatencyMetric, Metric, Stat};
use crate::record::{CaseChanges, RunKind, RunRecord};

/// Two releases compared, and nothing judged.
pub(super) struct Compared {
    /// In the order of measuring.
    pub(super) measured: Vec<Measured>,
    pub(super) cases: CaseChanges,
}

/// Compares the runs that may decide anything.
pub(super) fn compare(pairing: &Pairing<'_>, context: &Context<'_>) -> Compared {
    let asked = context.rules.iter().map(|rule| &rule.metric);
    let asked: BTreeSet<&Metric> = asked.chain(&context.latency.unruled).collect();
    let mut measured = Vec::new();
    let (mut broke, mut fixed) = (BTreeSet::new(), BTreeSet::new());
    for pair in pairing.pairs.iter().filter(|pair| pair.is_fit()) {
        let name = &pair.head.name;
        if let Some(head) = &pair.head.eval {
            let base = pair.base().and_then(|run| run.eval.as_ref());
            measured.extend(evals::compare(name, base, head, context));
            if let Some(base) = base {
                let changes = Cases::new(base, head).changes();
                broke.extend(changes.broke);
                fixed.extend(changes.fixed);
            }
        }
        if pair.head.kind == RunKind::Load {
            measured.extend(loads::compare(pair.base(), pair.head, &asked, context));
        }
    }
    for (base, partner) in &pairing.before {
        measured.extend(gone(base, *partner, context));
    }
    Compared {
        measured,
        cases: CaseChanges {
            broke: broke.into_iter().collect(),
            fixed: fixed.into_iter().collect(),
        },
    }
}

/// Lists what only the base measured: a suite or a stage that fell away must not go unseen.
fn gone(base: &RunRecord, partner: Option<&RunRecord>, context: &Context<'_>) -> Vec<Measured> {
    let missing = |metric: Metric, value: Option<f64>, stage: &str| {
        let mut shown = Measured::shown(metric, value, None);
        shown.notes.push("not measured in the head".to_owned());
        shown.owner = (context.owner)(stage);
        shown
    };
    let mut all = Vec::new();
    if let (Some(eval), None) = (&base.eval, partner) {
        let metric = Metric::eval(&base.name, EvalPart::PassRate);
        all.push(missing(metric, Some(eval.pass_rate.value), &eval.stage));
    }
    let stages = base.stages.iter().filter(|_| base.kind == RunKind::Load);
    for (stage, result) in stages {
        if !partner.is_some_and(|run| run.stages.contains_key(stage)) {
            let p95 = Figure::Latency(LatencyMetric::ResponseTime, Stat::P95);
            let metric = Metric::load(&base.name, stage, p95);
            let summary = result.metrics.get(&LatencyMetric::ResponseTime);
            all.push(missing(
                metric,
                summary.and_then(|summary| summary.p95),
                stage,
            ));
        }
    }
    all
}

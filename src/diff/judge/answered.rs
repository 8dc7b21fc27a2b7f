//! Whether there was an answer at all: a suite or a stage of which every request failed is broken,
//! whatever the rules say.

use super::bare;
use crate::diff::compare::Measured;
use crate::diff::context::Context;
use crate::measure::Failure;
use crate::metric::{EvalPart, Figure, Metric, ShareMetric};
use crate::record::{Comparison, RunKind, RunRecord, StageResult, VerdictKind};

/// Returns a row for the suite, or for each stage under load, of which no request was answered as
/// it should be.
pub(super) fn judge(run: &RunRecord, context: &Context<'_>) -> Vec<Comparison> {
    let suite = run
        .eval
        .iter()
        .filter(|eval| eval.is_ungraded())
        .map(|eval| {
            let rate = Some(eval.pass_rate.value);
            let mut measured =
                Measured::shown(Metric::eval(&run.name, EvalPart::PassRate), None, rate);
            measured.n = eval.golden.cases;
            measured.owner = (context.owner)(&eval.stage);
            row(&measured, !eval.never_reached())
        });
    let stages = run
        .stages
        .iter()
        .filter(|(_, stage)| run.kind == RunKind::Load && is_silent(stage));
    let stages = stages.map(|(name, stage)| {
        let metric = Metric::load(&run.name, name, Figure::Share(ShareMetric::ErrorRate));
        let mut measured = Measured::shown(metric, None, stage.error_rate);
        measured.n = stage.attempted;
        measured.owner = (context.owner)(name).or_else(|| stage.owner.clone());
        row(&measured, is_reached(stage))
    });
    suite.chain(stages).collect()
}

fn row(measured: &Measured, reached: bool) -> Comparison {
    let mut row = bare::alone(measured);
    row.rule = Some("at least one answer".to_owned());
    let (outcome, note) = if reached {
        (VerdictKind::Failed, "every request of the head failed")
    } else {
        (VerdictKind::Inconclusive, "the head was never reached")
    };
    row.outcome = Some(outcome);
    row.note = Some(note.to_owned());
    row
}

/// Returns whether nothing that a run sent arrived anywhere.
pub(super) fn never_reached(run: &RunRecord) -> bool {
    if let Some(eval) = &run.eval {
        return eval.never_reached();
    }
    let stages = || run.stages.values();
    run.kind == RunKind::Load
        && stages().next().is_some()
        && stages().all(|stage| is_silent(stage) && !is_reached(stage))
}

fn is_silent(stage: &StageResult) -> bool {
    stage.attempted > 0 && stage.failed == stage.attempted
}

fn is_reached(stage: &StageResult) -> bool {
    stage.errors.is_empty()
        || stage
            .errors
            .keys()
            .any(|word| Failure::word_is_reached(word))
}

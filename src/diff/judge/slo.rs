//! SLOs of stages under load.

use super::bare;
use crate::diff::compare::Measured;
use crate::diff::context::{Context, Mode};
use crate::diff::pair::Matched;
use crate::diff::wording::value;
use crate::metric::{Better, Metric};
use crate::record::{Comparison, RunKind, RunRecord, SloResult, VerdictKind};

/// Returns the SLOs of a head's load, each with that of the base and the metric.
pub(super) fn of<'a>(pair: &Matched<'a>) -> Vec<(&'a SloResult, Option<&'a SloResult>, Metric)> {
    let head = pair.head;
    let stages = head.stages.iter().filter(|_| head.kind == RunKind::Load);
    let of_stage = |(stage, result): (&'a String, &'a crate::record::StageResult)| {
        let before = pair.base().and_then(|run| run.stages.get(stage));
        let one = |slo: &'a SloResult| {
            let base = before.and_then(|it| it.slo.iter().find(|of| of.metric == slo.metric));
            (
                slo,
                base,
                Metric::load(&head.name, stage, slo.metric.clone()),
            )
        };
        result.slo.iter().map(one).collect::<Vec<_>>()
    };
    stages.flat_map(of_stage).collect()
}

/// Returns the comparison of an SLO whose metric is not compared otherwise.
pub(super) fn shown(
    metric: &Metric,
    slo: &SloResult,
    base: Option<&SloResult>,
    run: &RunRecord,
    context: &Context<'_>,
) -> Comparison {
    let before = base.and_then(|slo| slo.value);
    let mut measured = Measured::shown(metric.clone(), before, slo.value);
    if let Metric::Load { stage, .. } = metric {
        let recorded = || run.stages.get(stage).and_then(|it| it.owner.clone());
        measured.owner = (context.owner)(stage).or_else(recorded);
    }
    bare::alone(&measured)
}

/// Judges an SLO of a stage under load. `diff` forgives what the base missed too.
pub(super) fn judge(
    slo: &SloResult,
    base: Option<&SloResult>,
    mut comparison: Comparison,
    context: &Context<'_>,
) -> Comparison {
    comparison.rule = Some(in_words(slo));
    comparison.outcome = match slo.met {
        Some(true) => Some(VerdictKind::Passed),
        None => {
            comparison.add_note("the SLO cannot be judged: too few samples");
            // `diff` asks what got worse; what cannot be told of a load that only the head has, is
            // no answer to that.
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

fn in_words(slo: &SloResult) -> String {
    let sign = match slo.metric.better() {
        Better::Higher => ">=",
        Better::Lower | Better::Neither => "<=",
    };
    format!("slo {sign} {}", value(slo.limit, slo.metric.unit()))
}

//! Cases that must pass: no statistics for these.

use super::bare;
use crate::diff::compare::Measured;
use crate::diff::context::Context;
use crate::metric::{EvalPart, Metric};
use crate::record::{Comparison, RunRecord, VerdictKind};

/// Returns the comparison of `must_pass` cases that did not pass; `None` when all did.
pub(super) fn judge(run: &RunRecord, context: &Context<'_>) -> Option<Comparison> {
    let eval = run.eval.as_ref()?;
    let broken = &eval.must_pass_broken;
    if broken.is_empty() {
        return None;
    }
    let mut measured = Measured::shown(Metric::eval(&run.name, EvalPart::MustPass), None, None);
    measured.n = broken.len() as u64;
    measured.owner = (context.owner)(&eval.stage);
    let mut comparison = bare::alone(&measured);
    comparison.rule = Some(format!("must_pass: {}", broken.join(", ")));
    comparison.outcome = Some(VerdictKind::Failed);
    Some(comparison)
}

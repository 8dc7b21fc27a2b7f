//! A suite of the manifest, with the flags that override it, resolved into the engine's plan.

use std::sync::Arc;

use super::project::{Project, StageCall};
use crate::error::Result;
use crate::eval::{EvalPlan, Step};
use crate::manifest::Eval;
use crate::transport::MAX_BYTES;

/// Resolves a suite; with `only`, the cases of those ids.
pub(crate) fn eval_plan(
    project: &Project,
    eval: &Eval,
    repeats: Option<u32>,
    only: &[String],
) -> Result<EvalPlan> {
    let (before, steps) = if let Some(pipeline) = project.manifest.pipeline(eval.stage.as_str()) {
        let steps = pipeline.steps.iter();
        let steps: Result<Vec<_>, _> = steps.map(|it| project.stage(it.as_str())).collect();
        (Vec::new(), steps?)
    } else {
        let stage = project.stage(eval.stage.as_str())?;
        (project.steps_before(&stage)?, vec![stage])
    };
    let called = before.iter().chain(&steps);
    let names = called.map(|step| step.name.as_str());
    let scope = project.scope(names.chain([eval.stage.as_str()]))?;
    let plan = EvalPlan {
        name: eval.name.to_string(),
        stage: eval.stage.to_string(),
        steps: steps.into_iter().map(step).collect(),
        before: before.into_iter().map(step).collect(),
        golden: Arc::new(project.golden(&eval.golden)?),
        checks: project.checks(&eval.name),
        repeats: repeats.unwrap_or(eval.repeats),
        concurrency: eval.concurrency,
        slice_by: eval.slice_by.clone(),
        must_pass: eval.must_pass.clone(),
        scope,
        max_bytes: MAX_BYTES,
    };
    plan.check()?;
    plan.checks.prepare(&project.folder)?;
    Ok(if only.is_empty() {
        plan
    } else {
        plan.only(only)?
    })
}

fn step(stage: StageCall) -> Step {
    Step {
        name: stage.name,
        call: stage.call,
        timeouts: stage.timeouts,
    }
}

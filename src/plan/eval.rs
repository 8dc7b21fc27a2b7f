//! A suite of the manifest, with the flags that override it, resolved into the engine's plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::project::Project;
use crate::error::Result;
use crate::eval::EvalPlan;
use crate::manifest::Eval;
use crate::measure::Clock;
use crate::text::quoted;

/// What the flags say about one run of a suite.
#[derive(Clone, Debug, Default)]
pub(crate) struct EvalOptions {
    pub(crate) repeats: Option<u32>,
    /// Only the cases of these ids, where there are any.
    pub(crate) only: Vec<String>,
    /// Whether the newest incomplete run is continued.
    pub(crate) resume: bool,
}

impl EvalOptions {
    /// Returns the flags as they would be typed again, each after a space.
    pub(crate) fn typed(&self) -> String {
        let repeats = self.repeats.map(|it| format!(" --repeats {it}"));
        let only = self.only.iter().map(|it| format!(" --only {}", quoted(it)));
        repeats.into_iter().chain(only).collect()
    }
}

/// Resolves a suite.
pub(crate) fn eval_plan(
    project: &Project,
    eval: &Eval,
    options: &EvalOptions,
    clock: &Clock,
) -> Result<EvalPlan> {
    let EvalOptions { repeats, only, .. } = options;
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
    let checks = project.checks(&eval.name);
    let asked: Result<BTreeMap<_, _>> = checks
        .stages()
        .map(|name| Ok((name.to_owned(), project.stage(name)?)))
        .collect();
    let asked = asked?;
    let asking = asked.keys().map(String::as_str);
    let scope = project.scope(names.chain([eval.stage.as_str()]).chain(asking))?;
    let plan = EvalPlan {
        name: eval.name.to_string(),
        stage: eval.stage.to_string(),
        steps,
        before,
        golden: Arc::new(project.golden(&eval.golden)?),
        checks,
        asked,
        repeats: repeats.unwrap_or(eval.repeats),
        concurrency: eval.concurrency,
        slice_by: eval.slice_by.clone(),
        must_pass: eval.must_pass.clone(),
        scope,
        clock: clock.clone(),
    };
    plan.check()?;
    plan.checks.prepare(&project.folder)?;
    Ok(if only.is_empty() {
        plan
    } else {
        plan.only(only)?
    })
}

//! A load test.

use super::Experiment;
use super::quality;
use super::recording::{Ending, Recorded};
use crate::error::Result;
use crate::exit::Status;
use crate::load::{Keep, LoadPlan, LoadResult};
use crate::manifest::Load;
use crate::measure::Event;
use crate::plan::{Portion, load_plan, plan_document};
use crate::record::{Generator, RunKind, RunRecord, Warning};

/// A load that was measured and is not stored yet.
#[derive(Clone)]
pub(super) struct Measured {
    pub(super) record: RunRecord,
    pub(super) never_reached: bool,
    pub(super) status: Status,
}

/// Runs one load, as the flags may have changed it, and stores it.
pub(crate) async fn run_load(
    experiment: &Experiment,
    load: &Load,
    portion: &Portion,
) -> Result<Recorded> {
    let measured = measure_load(experiment, load, portion).await?;
    Ok(experiment.finish(measured.record, measured.status).await)
}

/// Runs one load.
pub(super) async fn measure_load(
    experiment: &Experiment,
    load: &Load,
    portion: &Portion,
) -> Result<Measured> {
    let plan = load_plan(&experiment.site(), load, portion).await?;
    let name = load.name.as_str();
    let record = RunRecord {
        seed: load.seed,
        plan: plan_document(load, &plan),
        ..experiment.begin(RunKind::Load, name)
    };
    tell_plan(experiment, &plan);
    let (mut result, scored) = match &load.score_with {
        None => (
            experiment.drive(("load", name), &plan, &Keep::default())?,
            None,
        ),
        Some(suite) => {
            let suite = experiment.project.eval(suite.as_str())?;
            quality::run_scored(experiment, (name, &plan), suite).await?
        }
    };
    tell_result(experiment, &plan, &mut result);
    let ending = Ending {
        complete: result.complete,
        never_reached: result.never_reached,
        validity: result.validity.verdict,
        stages: &result.stages,
    };
    let status = ending.of_load();
    let (eval, quality) = scored.map(|it| (it.eval, it.quality)).unzip();
    let record = RunRecord {
        duration_s: result.duration_s,
        complete: result.complete,
        validity: result.validity,
        generator: Some(Generator {
            calibration: experiment.store.calibration(),
            ..result.generator
        }),
        stages: result.stages,
        eval,
        quality,
        warnings: result.over_budget.map(|budget| {
            let key = Some(budget.key().to_owned());
            vec![Warning::OverBudget { key }]
        }),
        ..record
    };
    Ok(Measured {
        record,
        never_reached: result.never_reached,
        status,
    })
}

fn tell_plan(experiment: &Experiment, plan: &LoadPlan) {
    let secrets = experiment.project.secrets_that_are_set();
    // An address may be a secret.
    let detail = |text: String| {
        let text = secrets.redact(&text).into_owned();
        experiment.sink.emit(Event::Detail(text));
    };
    for stage in &plan.stages {
        detail(format!("stage `{}` is at {}", stage.name, stage.address));
    }
    for (name, scenario) in plan.scenario_names().zip(&plan.scenarios) {
        let count = scenario.cases.requests.len();
        detail(format!("`{name}`: requests prepared: {count}"));
    }
}

/// Says what the figures alone do not: what the failures look like, and that a budget ended the
/// run.
fn tell_result(experiment: &Experiment, plan: &LoadPlan, result: &mut LoadResult) {
    experiment.tell_remarks(&result.remarks, &mut result.stages);
    if let Some(budget) = result.over_budget {
        let key = budget.key();
        experiment.warn(format!(
            "the run stopped before its end because `{key}` was reached"
        ));
    }
    if plan.max_tokens.is_some() && result.by_chunks > 0 {
        let answers = result.by_chunks;
        experiment.warn(format!(
            "`max_tokens_total`: of {answers} answers the stage did not say the tokens: they count by their chunks, and their prompts not at all"
        ));
    }
}

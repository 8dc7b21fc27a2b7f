//! `stagegate load`: load tests.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::Context;
use super::limit::find_limit;
use super::measured::{add_versions, keep, new_record, present_release};
use super::quality::{ask_at_idle, keep_answers, score_captured, suite_of};
use crate::error::Result;
use crate::exit::Status;
use crate::load::{Keep, LoadPlan, LoadResult, Shard, run};
use crate::manifest::Until;
use crate::measure::{Event, Rate, parse_duration};
use crate::plan::{Caller, LoadOverrides, PlanError, Project, load_plan, plan_document};
use crate::record::{
    Generator, Release, RunKind, RunRecord, StageResult, ValidityVerdict, VerdictKind,
};
use crate::report::View;
use crate::store::Store;
use crate::transport::Client;

/// Load-test stages as the manifest's [load.NAME] says
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArgs {
    /// Loads to run; all of them when none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Put only this stage or pipeline under load; may be given several times
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<String>,
    /// Send at this rate in an open loop, for instance `20/s`
    #[arg(long, value_name = "RATE", conflicts_with = "concurrency")]
    rate: Option<Rate>,
    /// Let this many users send in a closed loop
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,
    /// Measure for so long, for instance `30s`
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Take the arrivals and cases of this seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Find the highest arrival rate at which every SLO holds, and what gives way first
    #[arg(long, conflicts_with_all = ["concurrency", "shard", "start_at"])]
    find_limit: bool,
    /// Send only shard I of N of the load; `runs merge` puts the parts together
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Begin to measure at this time, for instance `2026-11-24T14:30:00Z`
    #[arg(long, value_name = "T")]
    start_at: Option<Timestamp>,
}

/// Runs the command.
pub(crate) async fn load(context: &Context, args: &LoadArgs) -> Result<Status> {
    let project = context.project()?;
    let known = project
        .manifest
        .loads
        .iter()
        .map(|load| load.name.to_string())
        .collect();
    let names = project.names("load", &args.names, known)?;
    for stage in &args.stages {
        if project.manifest.pipeline(stage).is_none() {
            project.stage(stage)?;
        }
    }
    let client = Client::default();
    let release = present_release(context, &project)?;
    let overrides = LoadOverrides {
        stages: args.stages.clone(),
        rate: args.rate,
        concurrency: args.concurrency,
        duration: args.duration,
        seed: args.seed,
        shard: args.shard,
        start_at: args.start_at,
    };
    if args.start_at.is_some() && names.len() > 1 {
        return Err(PlanError::Conflict {
            message: format!(
                "`--start-at` is for one load, and there are {}",
                names.len()
            ),
            help: "Name the load.".to_owned(),
        }
        .into());
    }
    let mut runs = Vec::new();
    let mut status = Status::Passed;
    for name in &names {
        let (record, one) = if args.find_limit {
            find_limit(context, &project, &client, &release, name, &overrides).await?
        } else {
            run_load(context, &project, &client, &release, name, &overrides).await?
        };
        status = status.and(one);
        runs.push(record);
        if status == Status::Interrupted {
            break;
        }
    }
    Ok(context.emit(&View::of_runs(&runs), status))
}

/// Runs one load and stores it.
pub(super) async fn run_load(
    context: &Context,
    project: &Project,
    client: &Client,
    release: &Release,
    name: &str,
    overrides: &LoadOverrides,
) -> Result<(RunRecord, Status)> {
    let load = project
        .manifest
        .load_named(name)
        .expect("the name was looked up before");
    let load = overrides.apply(load);
    let mut plan = load_plan(project, client, &load, &overrides.stages).await?;
    overrides.take_shard(&mut plan, (context.now)())?;
    let mut record = new_record(project, release, RunKind::Load, name, (context.now)());
    record.seed = load.seed;
    record.plan = plan_document(&load, &plan);
    for target in &plan.targets {
        let (stage, address) = (&target.measured.name, &target.endpoint);
        context
            .ui
            .detail(&format!("stage `{stage}` is at {address}"));
    }
    for (name, scenario) in plan.scenario_names().zip(&plan.scenarios) {
        let count = scenario.cases.requests.len();
        context
            .ui
            .detail(&format!("`{name}`: requests prepared: {count}"));
    }
    let result = match suite_of(project, &load) {
        None => run_plan(context, ("load", name), &plan, &Keep::default())?,
        Some(suite) => {
            let idle = ask_at_idle(context, project, &mut plan, suite)?;
            let keep = keep_answers(&plan, suite);
            let mut result = run_plan(context, ("load", name), &plan, &keep)?;
            if let Some(scored) = score_captured(project, suite, &plan, &mut result, idle)? {
                (record.eval, record.quality) = (Some(scored.eval), Some(scored.quality));
            }
            result
        }
    };
    tell(context, project, client, &plan, &result)?;
    let status = status_of(&Ended {
        complete: result.complete,
        never_reached: result.never_reached,
        validity: result.validity.verdict,
        stages: &result.stages,
    });
    record.duration_s = result.duration_s;
    record.complete = result.complete;
    record.validity = result.validity;
    record.generator = Some(Generator {
        calibration: Store::open(&project.folder).calibration(),
        ..result.generator
    });
    record.stages = result.stages;
    record.verdict = verdict(status);
    add_versions(context, project, client, &mut record).await;
    let status = keep(context, project, &record, status);
    Ok((record, status))
}

/// Runs a plan, with its progress shown under a kind and a name.
pub(super) fn run_plan(
    context: &Context,
    (kind, name): (&'static str, &str),
    plan: &LoadPlan,
    keep: &Keep,
) -> Result<LoadResult> {
    let progress = context.ui.progress();
    progress.emit(started(kind, name, plan));
    let run = || run(plan, progress.as_ref(), &context.interrupted, keep);
    Ok(tokio::task::block_in_place(run)?)
}

fn started(kind: &'static str, name: &str, plan: &LoadPlan) -> Event {
    Event::Started {
        kind,
        name: name.to_owned(),
        total: match plan.until {
            // How many turns its sessions have is not known before.
            Until::Requests(_) if plan.scenarios.iter().any(|it| it.cases.sessions.is_some()) => {
                None
            }
            Until::Requests(count) if plan.scenarios.iter().all(|it| it.share.is_some()) => {
                Some(count)
            }
            Until::Requests(count) => Some(count * plan.scenarios.len() as u64),
            Until::Duration(_) => None,
        },
        duration: match plan.until {
            Until::Requests(_) => None,
            Until::Duration(duration) => Some(duration),
        },
    }
}

/// Says what the figures alone do not: what the failures look like, and that a budget ended the run.
fn tell(
    context: &Context,
    project: &Project,
    client: &Client,
    plan: &LoadPlan,
    result: &LoadResult,
) -> Result<()> {
    for target in &plan.targets {
        let (stage, address) = (&target.measured.name, &target.endpoint);
        // What a stage sends back may hold the secrets that were sent to it.
        let caller = Caller::new(project, client, stage)?;
        let examples = result.examples.get(stage).into_iter().flatten();
        for (failure, detail) in examples.filter(|(_, detail)| !detail.is_empty()) {
            let detail = caller.redact(detail);
            context.ui.note(&format!(
                "stage `{stage}` at {address}, {failure}: {detail}"
            ));
        }
    }
    if result.over_budget {
        context.ui.warn(
            "the run stopped before its end because `max_requests` or `max_cost` was reached",
        );
    }
    Ok(())
}

/// What decides how a load ends.
pub(super) struct Ended<'a> {
    pub(super) complete: bool,
    pub(super) never_reached: bool,
    pub(super) validity: ValidityVerdict,
    pub(super) stages: &'a BTreeMap<String, StageResult>,
}

/// Returns how a load ends, by the contract, section 2.
pub(super) fn status_of(ended: &Ended<'_>) -> Status {
    let stages = || ended.stages.values();
    let mut status = Status::Passed;
    if !ended.complete {
        status = status.and(Status::Interrupted);
    }
    if ended.never_reached {
        status = status.and(Status::Unmeasured);
    }
    if ended.validity == ValidityVerdict::Invalid {
        status = status.and(Status::Invalid);
    }
    let every_one_failed =
        |stage: &StageResult| stage.attempted > 0 && stage.failed == stage.attempted;
    if stages().any(|stage| stage.slo.iter().any(|slo| slo.met == Some(false)))
        || stages().any(every_one_failed)
    {
        status = status.and(Status::Failed);
    }
    if stages().any(|stage| stage.slo.iter().any(|slo| slo.met.is_none()))
        || stages().any(|stage| stage.attempted == 0)
    {
        status = status.and(Status::Inconclusive);
    }
    status
}

/// Returns the verdict that a status stands for; an interrupted or unmeasured run has none.
pub(super) fn verdict(status: Status) -> Option<VerdictKind> {
    match status {
        Status::Passed => Some(VerdictKind::Passed),
        Status::Failed => Some(VerdictKind::Failed),
        Status::Inconclusive | Status::Invalid => Some(VerdictKind::Inconclusive),
        Status::Usage | Status::Interrupted | Status::Unmeasured => None,
    }
}

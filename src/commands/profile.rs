//! `stagegate profile`: where the time goes.

use std::time::Duration;

use clap::Args;

use super::Context;
use super::load::verdict;
use super::measured::{add_versions, keep, new_record, present_release};
use crate::error::Result;
use crate::exit::Status;
use crate::measure::{Event, Rate, parse_duration};
use crate::plan::{ProfileOverrides, Project, default_whole, profile_plan};
use crate::profile::{ProfileRun, run};
use crate::record::{Release, RunKind, RunRecord, StageResult, ValidityVerdict};
use crate::report::View;
use crate::transport::Client;

/// Profile latency: each stage alone and inside the pipeline, at low load and at a given load
#[derive(Args, Clone, Debug)]
pub(crate) struct ProfileArgs {
    /// Stages or pipelines to profile; without any, the entry of the deployment
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
    /// Take the arrivals and the data of this load; without it, of the first that calls the stage
    #[arg(long, value_name = "NAME")]
    load: Option<String>,
    /// Send at this rate in an open loop, for instance `20/s`
    #[arg(long, value_name = "RATE", conflicts_with = "concurrency")]
    rate: Option<Rate>,
    /// Let this many users send in a closed loop
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,
    /// Take so long for each measurement; 5s without it
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    duration: Option<Duration>,
}

/// Runs the command.
pub(crate) async fn profile(context: &Context, args: &ProfileArgs) -> Result<Status> {
    let project = context.project()?;
    let wholes = if args.stages.is_empty() {
        vec![default_whole(&project.manifest)?]
    } else {
        args.stages.clone()
    };
    let client = Client::default();
    let release = present_release(context, &project)?;
    let overrides = ProfileOverrides {
        load: args.load.clone(),
        rate: args.rate,
        concurrency: args.concurrency,
        each: args.duration,
    };
    let mut runs = Vec::new();
    let mut status = Status::Passed;
    for whole in &wholes {
        let (record, one) =
            run_profile(context, &project, &client, &release, whole, &overrides).await?;
        status = status.and(one);
        runs.push(record);
        if status == Status::Interrupted {
            break;
        }
    }
    Ok(context.emit(&View::of_runs(&runs), status))
}

async fn run_profile(
    context: &Context,
    project: &Project,
    client: &Client,
    release: &Release,
    whole: &str,
    overrides: &ProfileOverrides,
) -> Result<(RunRecord, Status)> {
    let mut plan = profile_plan(project, client, whole, overrides).await?;
    let mut record = new_record(project, release, RunKind::Profile, whole, (context.now)());
    record.seed = plan.inside.seed;
    let progress = context.ui.progress();
    progress.emit(Event::Started {
        kind: "profile",
        name: whole.to_owned(),
        total: None,
        duration: Some(plan.length()),
    });
    let found =
        tokio::task::block_in_place(|| run(&mut plan, progress.as_ref(), &context.interrupted))?;
    progress.emit(Event::Finished {
        complete: found.complete,
    });
    drop(progress);
    let status = status_of(&found);
    record.duration_s = plan.length().as_secs_f64();
    record.complete = found.complete;
    record.validity = found.validity;
    record.generator = found.generator;
    record.stages = found.stages;
    record.profile = Some(found.profile);
    record.verdict = verdict(status);
    add_versions(context, project, client, &mut record).await;
    let status = keep(context, project, &record, status);
    Ok((record, status))
}

/// Returns how a profile ends. It judges no SLO: what it measures is where the time goes.
fn status_of(found: &ProfileRun) -> Status {
    let mut status = Status::Passed;
    if !found.complete {
        status = status.and(Status::Interrupted);
    }
    if found.never_reached {
        status = status.and(Status::Unmeasured);
    }
    if found.validity.verdict == ValidityVerdict::Invalid {
        status = status.and(Status::Invalid);
    }
    let every_one_failed =
        |stage: &StageResult| stage.attempted > 0 && stage.failed == stage.attempted;
    if found.stages.values().any(every_one_failed) {
        status = status.and(Status::Failed);
    }
    status
}

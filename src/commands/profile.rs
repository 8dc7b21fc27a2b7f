//! `stagegate profile`: where the time goes.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::Context;
use super::several::Several;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::run_profile;
use crate::measure::{Rate, parse_duration};
use crate::plan::{ProfileOverrides, default_whole};

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
    let project = Arc::new(context.project()?);
    let wholes = if args.stages.is_empty() {
        vec![default_whole(&project.manifest)?]
    } else {
        args.stages.clone()
    };
    let overrides = ProfileOverrides {
        load: args.load.clone(),
        rate: args.rate,
        concurrency: args.concurrency,
        each: args.duration,
    };
    let experiment = context.experiment(&project)?;
    let work = Box::pin(async {
        let mut runs = Several::default();
        for whole in &wholes {
            if runs.take(run_profile(&experiment, whole, &overrides).await?) {
                break;
            }
        }
        Ok(runs)
    });
    match context.while_up(&experiment, work).await? {
        Some(runs) => Ok(runs.show(context)),
        None => Ok(Status::Interrupted),
    }
}

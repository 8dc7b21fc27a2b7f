//! `stagegate load`: load tests.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::Context;
use super::several::Several;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::{find_capacity, run_load};
use crate::intake::CONCURRENCY;
use crate::measure::{Rate, parse_duration, show_duration};
use crate::plan::{LoadOverrides, PlanError, Portion};
use crate::record::Shard;

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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CONCURRENCY.most().cast_signed()))]
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

impl LoadArgs {
    /// Returns the flags that make the run another one than the manifest's, as they would be
    /// written.
    fn changes(&self) -> Vec<String> {
        let stages = self.stages.iter().map(|it| format!("--stage {it}"));
        let rate = self.rate.map(|it| format!("--rate {it}"));
        let users = self.concurrency.map(|it| format!("--concurrency {it}"));
        let length = self.duration.map(show_duration);
        let length = length.map(|it| format!("--duration {it}"));
        let seed = self.seed.map(|it| format!("--seed {it}"));
        let all = stages.chain(rate).chain(users).chain(length).chain(seed);
        all.collect()
    }
}

/// Runs the command.
pub(crate) async fn load(context: &Context, args: &LoadArgs) -> Result<Status> {
    let project = Arc::new(context.project()?);
    let overrides = LoadOverrides {
        rate: args.rate,
        concurrency: args.concurrency,
        duration: args.duration,
        seed: args.seed,
    };
    let portion = Portion {
        stages: args.stages.clone(),
        shard: args.shard,
        start_at: args.start_at,
    };
    let loads = project.loads(&args.names)?;
    let loads: Vec<_> = loads.into_iter().map(|it| overrides.apply(it)).collect();
    for stage in &args.stages {
        if project.manifest.pipeline(stage).is_none() {
            project.stage(stage)?;
        }
    }
    if args.start_at.is_some() && loads.len() > 1 {
        let loads = loads.len();
        return Err(PlanError::OneStart { loads }.into());
    }
    let experiment = context.experiment_with(&project, args.changes())?;
    let work = Box::pin(async {
        let mut runs = Several::default();
        for load in &loads {
            let run = if args.find_limit {
                find_capacity(&experiment, load, &portion, args.duration).await?
            } else {
                run_load(&experiment, load, &portion).await?
            };
            if runs.take(run) {
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

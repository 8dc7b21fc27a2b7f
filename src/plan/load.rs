//! A load of the manifest, with the flags that override it, resolved into the engine's plan.

use std::sync::Arc;
use std::time::Duration;

use super::arrivals;
use super::error::PlanError;
use super::overrides::Portion;
use super::sender::Sender;
use super::site::Site;
use crate::error::Result;
use crate::load::LoadPlan;
use crate::manifest::{self, Load, ShareOfArrivals};
use crate::protocol::TraceIds;
use crate::record::Shard;

/// The length of the intervals of the time series.
const INTERVAL: Duration = Duration::from_secs(1);

/// Resolves a load: reads its data, writes every request (calling the steps before a stage once for
/// each case), and resolves every address.
pub(crate) async fn load_plan(site: &Site<'_>, load: &Load, portion: &Portion) -> Result<LoadPlan> {
    let (mut stages, mut scenarios) = (Vec::new(), Vec::new());
    let sender = |sends| Sender::new(site, load, sends);
    if load.mix.is_empty() {
        let sender = sender(&load.sends)?;
        for name in names(load, &portion.stages) {
            scenarios.push(sender.scenario(&name, &mut stages).await?);
        }
    } else {
        if let Some(stage) = portion.stages.first() {
            return Err(PlanError::StageOfMix {
                stage: stage.clone(),
                load: load.name.clone(),
            }
            .into());
        }
        for (kind, share) in load.mix.iter().zip(manifest::Scenario::shares(&load.mix)) {
            enough_users(load, kind, share)?;
            let sender = sender(&kind.sends)?;
            let mut scenario = sender.scenario(kind.target.as_str(), &mut stages).await?;
            sender.make_scenario(&mut scenario, kind, share)?;
            scenarios.push(scenario);
        }
    }
    let (timing, until) = arrivals::timing(&site.project.folder, load)?;
    let shard = portion.shard.unwrap_or(Shard::WHOLE);
    Ok(LoadPlan {
        stages,
        scenarios,
        timing,
        honour_retry_after: load.honour_retry_after,
        connections: load.connections,
        traces: Arc::new(TraceIds::new(load.seed)),
        shard,
        start: portion.start(load.warmup, site.clock)?,
        until,
        warmup: load.warmup,
        seed: load.seed,
        max_requests: load.max_requests.map(|most| shard.share(most)),
        max_cost: load.max_cost.map(|most| most / f64::from(shard.of)),
        max_tokens: load.max_tokens_total.map(|most| shard.share(most)),
        interval: INTERVAL,
        clock: site.clock.clone(),
    })
}

/// Checks that a kind of user has a user, of as many as a flag may have made them.
fn enough_users(
    load: &Load,
    scenario: &manifest::Scenario,
    share: ShareOfArrivals,
) -> Result<(), PlanError> {
    match load.arrivals.users() {
        Some(users) if share.users(users.concurrency).is_empty() => Err(PlanError::NoUser {
            users: users.concurrency,
            scenario: scenario.name.clone(),
            load: load.name.clone(),
        }),
        _ => Ok(()),
    }
}

/// Returns the targets of a load, or those that are put under it instead, each once.
fn names(load: &Load, only: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let targets = load.targets.iter().map(ToString::to_string);
    let targets = targets.filter(|_| only.is_empty());
    for name in only.iter().cloned().chain(targets) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

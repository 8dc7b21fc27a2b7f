//! A profile of a stage or pipeline, resolved into the loads that it is made of.

use std::time::Duration;

use super::arrivals::show;
use super::error::PlanError;
use super::load::load_plan;
use super::project::Project;
use crate::error::Result;
use crate::load::LoadPlan;
use crate::manifest::{Arrivals, Gaps, Length, Load, Manifest, Topology, Until, Users};
use crate::measure::Rate;
use crate::name::Name;
use crate::profile::ProfilePlan;
use crate::transport::Client;

/// Long enough for a p95 of a fast stage, short enough to be done for each stage twice.
const EACH: Duration = Duration::from_secs(5);

/// Left out at the beginning of each measurement: connections are made then.
const WARMUP: Duration = Duration::from_millis(500);

/// The flags of `profile`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProfileOverrides {
    /// The load of the manifest that is given.
    pub(crate) load: Option<String>,
    pub(crate) rate: Option<Rate>,
    pub(crate) concurrency: Option<u32>,
    /// How long each measurement takes.
    pub(crate) each: Option<Duration>,
}

/// Returns what is profiled when nothing is named: what users call, else the only pipeline, else the only stage.
pub(crate) fn default_whole(manifest: &Manifest) -> Result<String, PlanError> {
    let only_pipeline = match manifest.pipelines.as_slice() {
        [one] => Some(&one.name),
        _ => None,
    };
    let only_stage = match manifest.stages.as_slice() {
        [one] => Some(&one.name),
        _ => None,
    };
    let entry = manifest.deployment.entry.as_ref();
    let whole = entry.or(only_pipeline).or(only_stage);
    whole
        .map(ToString::to_string)
        .ok_or_else(|| PlanError::Conflict {
            message: "the manifest does not say what users call".to_owned(),
            help: "Name a stage or a pipeline, or set `entry` of `[deployment]`.".to_owned(),
        })
}

/// Resolves the profile of one stage or pipeline.
pub(crate) async fn profile_plan(
    project: &Project,
    client: &Client,
    whole: &str,
    overrides: &ProfileOverrides,
) -> Result<ProfilePlan> {
    let manifest = &project.manifest;
    let (parts, driven) = if let Some(pipeline) = manifest.pipeline(whole) {
        (pipeline.steps.clone(), true)
    } else {
        project.stage(whole)?;
        let topology = Topology::new(manifest);
        let below = topology.below(whole).into_iter().cloned();
        (below.collect(), false)
    };
    let load = given(project, whole, overrides)?;
    let each = overrides.each.unwrap_or(EACH);
    let mut alone = Vec::new();
    for part in &parts {
        alone.push(plan_of(project, client, &load, std::slice::from_ref(part)).await?);
    }
    let whole_name: Name = whole.parse().map_err(|_| PlanError::Conflict {
        message: format!("`{whole}` is not a name"),
        help: "Name a stage or a pipeline of the manifest.".to_owned(),
    })?;
    let beside = if driven || parts.is_empty() {
        None
    } else {
        Some(plan_of(project, client, &load, &parts).await?)
    };
    let inside = plan_of(project, client, &load, &[whole_name]).await?;
    Ok(ProfilePlan {
        given: inside.timing.clone(),
        inside,
        whole: whole.to_owned(),
        parts: parts.iter().map(ToString::to_string).collect(),
        alone,
        beside,
        load: show(&load.arrivals),
        each,
    })
}

async fn plan_of(
    project: &Project,
    client: &Client,
    load: &Load,
    targets: &[Name],
) -> Result<LoadPlan> {
    let load = Load {
        targets: targets.to_vec(),
        mix: Vec::new(),
        ..load.clone()
    };
    load_plan(project, client, &load, &[]).await
}

/// Returns the given load: the one named, else the first that calls the whole, else one made of the flags.
fn given(project: &Project, whole: &str, overrides: &ProfileOverrides) -> Result<Load, PlanError> {
    let manifest = &project.manifest;
    let calls_it = |load: &&Load| load.targets.iter().any(|target| *target == *whole);
    let named = match &overrides.load {
        Some(name) => Some(manifest.load_named(name).ok_or_else(|| {
            PlanError::Unknown {
                family: "load",
                name: name.clone(),
                manifest: project.manifest_path(),
                known: manifest
                    .loads
                    .iter()
                    .map(|load| load.name.to_string())
                    .collect(),
            }
        })?),
        None => manifest
            .loads
            .iter()
            .find(calls_it)
            .or_else(|| manifest.loads.first()),
    };
    let gaps = named.map_or(Gaps::Even, |load| load.arrivals.gaps());
    let closed = overrides
        .concurrency
        .map(|users| Arrivals::Closed(Users::restless(users)));
    let open = overrides.rate.map(|rate| Arrivals::at(gaps, rate));
    let flags = open.or(closed);
    let arrivals = flags
        .or_else(|| named.map(|load| load.arrivals.clone()))
        .ok_or_else(|| PlanError::Conflict {
            message: "there is no load to profile under".to_owned(),
            help: "Give `--rate` or `--concurrency`, or add a `[load.NAME]` to the manifest."
                .to_owned(),
        })?;
    let base = named.cloned();
    Ok(Load {
        until: Length::Until(Until::Duration(EACH)),
        arrivals: arrivals.clone(),
        warmup: WARMUP,
        score_with: None,
        max_requests: None,
        max_cost: None,
        ..base.unwrap_or_else(|| Load::bare(arrivals, Until::Duration(EACH)))
    })
}

//! A profile of a stage or pipeline, resolved into the loads that it is made of.

use std::time::Duration;

use super::error::PlanError;
use super::load::{Site, load_plan};
use super::overrides::Portion;
use super::project::Project;
use crate::arrival::{self, Gaps, Length, Timing, Until, Users};
use crate::error::Result;
use crate::load::LoadPlan;
use crate::manifest::{Load, Manifest, Topology};
use crate::measure::Rate;
use crate::name::Name;
use crate::record::Level;

/// Long enough for a p95 of a fast stage, short enough to be done for each stage twice.
const EACH: Duration = Duration::from_secs(5);

/// Left out at the beginning of each measurement: connections are made then.
const WARMUP: Duration = Duration::from_millis(500);

/// One user who waits for each answer: nothing queues behind anything.
const LOW: Timing = Timing::Closed(Users::restless(1));

/// What a profile measures, resolved.
pub(crate) struct ProfilePlan {
    pub(crate) whole: String,
    pub(crate) parts: Vec<String>,
    /// At low load, and at the given one.
    pub(crate) levels: [LevelPlan; 2],
    /// Whether the whole drives its parts itself, as a pipeline does.
    pub(crate) driven: bool,
    /// The given load in words.
    pub(crate) load: String,
    pub(crate) seed: u64,
    /// How long each measurement takes.
    pub(crate) each: Duration,
}

/// The measurements at one level of load.
pub(crate) struct LevelPlan {
    pub(crate) level: Level,
    /// One load for each part.
    pub(crate) alone: Vec<LoadPlan>,
    pub(crate) inside: LoadPlan,
    /// The parts, called by one user each while `inside` runs; `None` where `inside` calls them itself.
    pub(crate) beside: Option<LoadPlan>,
}

impl ProfilePlan {
    /// Returns how many measurements there are, one after another.
    pub(crate) fn measurements(&self) -> u32 {
        let of_level = |level: &LevelPlan| level.alone.len() as u32 + 1;
        self.levels.iter().map(of_level).sum()
    }

    /// Returns how long the measurements take, without draining.
    pub(crate) fn length(&self) -> Duration {
        self.each * self.measurements()
    }
}

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
    whole.map(ToString::to_string).ok_or(PlanError::NoEntry)
}

/// Resolves the profile of one stage or pipeline.
pub(crate) async fn profile_plan(
    site: &Site<'_>,
    whole: &str,
    overrides: &ProfileOverrides,
) -> Result<ProfilePlan> {
    let (project, manifest) = (site.project, &site.project.manifest);
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
        alone.push(plan_of(site, &load, std::slice::from_ref(part)).await?);
    }
    let whole_name: Name = whole.parse().map_err(|_| PlanError::NoName {
        written: whole.to_owned(),
    })?;
    let beside = if driven || parts.is_empty() {
        None
    } else {
        Some(plan_of(site, &load, &parts).await?)
    };
    let inside = plan_of(site, &load, &[whole_name]).await?;
    let sent = |plan: &LoadPlan, timing: &Timing| LoadPlan {
        timing: timing.clone(),
        until: Until::Duration(each),
        ..plan.clone()
    };
    let level = |level, timing: &Timing| LevelPlan {
        level,
        alone: alone.iter().map(|plan| sent(plan, timing)).collect(),
        inside: sent(&inside, timing),
        beside: beside.as_ref().map(|plan| sent(plan, &LOW)),
    };
    Ok(ProfilePlan {
        levels: [level(Level::Low, &LOW), level(Level::Given, &inside.timing)],
        driven: beside.is_none(),
        seed: inside.seed,
        whole: whole.to_owned(),
        parts: parts.iter().map(ToString::to_string).collect(),
        load: load.arrivals.show(),
        each,
    })
}

async fn plan_of(site: &Site<'_>, load: &Load, targets: &[Name]) -> Result<LoadPlan> {
    let load = Load {
        targets: targets.to_vec(),
        mix: Vec::new(),
        ..load.clone()
    };
    load_plan(site, &load, &Portion::default()).await
}

/// Returns the given load: the one named, else the first that calls the whole, else one made of the flags.
fn given(project: &Project, whole: &str, overrides: &ProfileOverrides) -> Result<Load, PlanError> {
    let manifest = &project.manifest;
    let calls_it = |load: &&Load| load.targets.iter().any(|target| *target == *whole);
    let named = match &overrides.load {
        Some(name) => Some(project.load(name)?),
        None => manifest
            .loads
            .iter()
            .find(calls_it)
            .or_else(|| manifest.loads.first()),
    };
    let gaps = named.map_or(Gaps::Even, |load| load.arrivals.gaps());
    let users = overrides.concurrency.map(Users::restless);
    let closed = users.map(arrival::closed);
    let open = overrides.rate.map(|rate| arrival::at(gaps, rate));
    let flags = open.or(closed);
    let arrivals = flags
        .or_else(|| named.map(|load| load.arrivals.clone()))
        .ok_or(PlanError::NoLoad)?;
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

//! A profile of a stage or pipeline, resolved into the loads that it is made of.

use std::time::Duration;

use super::error::PlanError;
use super::load::load_plan;
use super::overrides::Portion;
use super::project::Project;
use super::site::Site;
use crate::arrival::{self, Gaps, Length, Timing, Until, Users};
use crate::error::Result;
use crate::load::LoadPlan;
use crate::manifest::{Load, Manifest, Topology};
use crate::measure::Rate;
use crate::name::Name;
use crate::record::Level;

/// Long enough for a p95 of a fast stage, short enough to be done for each stage twice.
const EACH: Duration = Duration::from_secs(5);

/// A stage that calls others is measured for at least so long at the given load where no length is
/// asked for, and for as long as the calls beside it need, at most a minute: they are few.
const BESIDE: Duration = Duration::from_secs(20);
const LONGEST_BESIDE: Duration = Duration::from_mins(1);
/// So many calls of each stage beside the load are waited for.
const CALLS_BESIDE: f64 = 12.0;
/// A stage is called beside a load at most at this rate, per second, and at most at this share of
/// what one user alone can ask: more would queue with the load's own calls.
const MOST_BESIDE: f64 = 1.0;
const SHARE_BESIDE: f64 = 0.05;

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
    /// Of a stage that calls others: those of its parts that are called by other parts.
    pub(crate) nested: Vec<String>,
    /// The given load in words.
    pub(crate) load: String,
    pub(crate) seed: u64,
    /// How long each measurement takes.
    pub(crate) each: Duration,
    /// Whether that was asked for.
    is_asked: bool,
}

/// The measurements at one level of load.
pub(crate) struct LevelPlan {
    pub(crate) level: Level,
    /// One load for each part.
    pub(crate) alone: Vec<LoadPlan>,
    pub(crate) inside: LoadPlan,
}

impl ProfilePlan {
    /// Returns how many measurements there are, one after another.
    pub(crate) fn measurements(&self) -> u32 {
        let of_level = |level: &LevelPlan| level.alone.len() as u32 + 1;
        self.levels.iter().map(of_level).sum()
    }

    /// Returns about how long the measurements take, without draining.
    pub(crate) fn length(&self) -> Duration {
        let beside = if self.driven || self.is_asked {
            Duration::ZERO
        } else {
            BESIDE.saturating_sub(self.each)
        };
        self.each * self.measurements() + beside
    }

    /// Returns the whole under the given load, with a load for each part that calls it beside, so
    /// seldom that it disturbs nothing. `alone` are the rates, per second, at which one user who
    /// waits for each answer got through the parts.
    ///
    /// At random moments, because calls in step with the load's own would meet the same of it each
    /// time.
    pub(crate) fn beside(&self, level: &LevelPlan, alone: &[f64]) -> (LoadPlan, Vec<LoadPlan>) {
        let rates: Vec<f64> = alone.iter().map(|rate| rate_beside(*rate)).collect();
        let slowest = rates.iter().copied().fold(MOST_BESIDE, f64::min);
        let needed = Duration::from_secs_f64((CALLS_BESIDE / slowest).min(1e6));
        let length = if self.is_asked {
            self.each
        } else {
            needed.clamp(BESIDE.max(self.each), LONGEST_BESIDE.max(self.each))
        };
        let until = Until::Duration(length);
        let call = |(plan, rate): (&LoadPlan, f64)| LoadPlan {
            timing: Timing::at(Gaps::Exponential, rate),
            until,
            ..plan.clone()
        };
        let calls = level.alone.iter().zip(rates).map(call).collect();
        let inside = LoadPlan {
            until,
            ..level.inside.clone()
        };
        (inside, calls)
    }
}

fn rate_beside(alone: f64) -> f64 {
    /// A stage that answered nothing alone is called a few times all the same.
    const LEAST: f64 = 0.01;
    (SHARE_BESIDE * alone).clamp(LEAST, MOST_BESIDE)
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

/// Returns what is profiled when nothing is named: what users call, else the only pipeline, else
/// the only stage.
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
    };
    Ok(ProfilePlan {
        levels: [level(Level::Low, &LOW), level(Level::Given, &inside.timing)],
        driven: driven || parts.is_empty(),
        nested: nested(manifest, whole, &parts),
        is_asked: overrides.each.is_some(),
        seed: inside.seed,
        whole: whole.to_owned(),
        parts: parts.iter().map(ToString::to_string).collect(),
        load: load.arrivals.show(),
        each,
    })
}

/// Returns the parts that a stage does not call itself, or that a part of it calls too.
fn nested(manifest: &Manifest, whole: &str, parts: &[Name]) -> Vec<String> {
    if manifest.pipeline(whole).is_some() {
        return Vec::new();
    }
    let topology = Topology::new(manifest);
    let by_a_part = |part: &&Name| {
        let mut callers = parts.iter();
        callers.any(|caller| topology.callees(caller.as_str()).contains(part))
    };
    let found = parts.iter().filter(by_a_part);
    found.map(ToString::to_string).collect()
}

async fn plan_of(site: &Site<'_>, load: &Load, targets: &[Name]) -> Result<LoadPlan> {
    let load = Load {
        targets: targets.to_vec(),
        mix: Vec::new(),
        ..load.clone()
    };
    load_plan(site, &load, &Portion::default()).await
}

/// Returns the given load: the one named, else the first that calls the whole, else one made of the
/// flags.
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
        max_tokens_total: None,
        ..base.unwrap_or_else(|| Load::bare(arrivals, Until::Duration(EACH)))
    })
}

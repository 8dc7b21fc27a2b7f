//! `stagegate load --find-limit`: the highest arrival rate at which every SLO holds.

use std::time::Duration;

use super::Context;
use super::load::{run_plan, verdict};
use super::measured::{add_versions, keep, new_record};
use crate::error::Result;
use crate::exit::Status;
use crate::load::{Keep, LoadPlan, LoadResult, Search, Timing, growth};
use crate::manifest::{Arrivals, Curve, Gaps, ShareOfArrivals, Until};
use crate::measure::min_samples;
use crate::metric::Figure;
use crate::metric::LatencyMetric;
use crate::plan::{LoadOverrides, PlanError, Project, load_plan, plan_document};
use crate::record::{
    GaveWay, LimitResult, Probe, Release, RunKind, RunRecord, SloResult, StageResult,
    ValidityVerdict,
};
use crate::transport::Client;

/// A probe without `--duration`: long enough to see a queue grow.
const PROBE: Duration = Duration::from_secs(5);
/// The longest that a probe is stretched to, for a percentile that needs more samples.
const LONGEST: Duration = Duration::from_mins(1);
/// Left out at the beginning of each probe: connections are made then.
const WARMUP: Duration = Duration::from_millis(500);
/// What takes longer than so many times the longest limit has failed: a queue need not be waited for to its end.
const PATIENCE: u32 = 4;
/// After a probe that broke, a stage still works on what it was sent.
const PAUSE: Duration = Duration::from_millis(500);

/// Growth of the median response time, in ms each second, from which on a stage is sent more than it can do: 2.5 %.
const GROWTH: f64 = 25.0;
/// Over the probe it must have grown by this share of its median, or it may be chance.
const GROWN: f64 = 0.2;

/// What a probe says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Yes,
    No,
    /// Too few samples.
    Unknown,
    /// The generator could not keep up.
    Generator,
}

/// Searches the limit of one load and stores what was found.
pub(super) async fn find_limit(
    context: &Context,
    project: &Project,
    client: &Client,
    release: &Release,
    name: &str,
    overrides: &LoadOverrides,
) -> Result<(RunRecord, Status)> {
    let load = project.manifest.load_named(name);
    let load = overrides.apply(load.expect("the name was looked up before"));
    let mut plan = load_plan(project, client, &load, &overrides.stages).await?;
    prepare(&mut plan)?;
    let mut record = new_record(project, release, RunKind::Limit, name, (context.now)());
    record.seed = load.seed;
    record.plan = plan_document(&load, &plan);
    let probing = Probing {
        context,
        gaps: load.arrivals.gaps(),
        length: overrides.duration.unwrap_or(PROBE),
    };
    let start = match &load.arrivals {
        Arrivals::Open { curve, .. } if curve.first_rate() > 0.0 => curve.first_rate(),
        _ => 10.0,
    };
    let status = probing.search(&mut plan, start, &mut record).await?;
    record.verdict = verdict(status);
    add_versions(context, project, client, &mut record).await;
    let status = keep(context, project, &record, status);
    Ok((record, status))
}

/// Makes a plan ready for probes; without an SLO there is nothing to hold.
fn prepare(plan: &mut LoadPlan) -> Result<(), PlanError> {
    let slos = || plan.measured().flat_map(|measured| measured.slo.iter());
    if slos().next().is_none() {
        return Err(PlanError::Conflict {
            message: "`--find-limit` needs an SLO, and no stage of this load has one".to_owned(),
            help: "Add `slo = { response_time.p95 = \"500ms\" }` to the stage.".to_owned(),
        });
    }
    let longest = slos().filter_map(|slo| match &slo.figure {
        Figure::Latency(..) => Some(Duration::from_secs_f64(slo.limit.value / 1e3)),
        _ => None,
    });
    let patience = longest
        .max()
        .map(|limit| (limit * PATIENCE).max(WARMUP * 2));
    for target in &mut plan.targets {
        let total = target.timeouts.total;
        target.timeouts.total = patience.map_or(total, |patience| patience.min(total));
    }
    plan.warmup = WARMUP;
    plan.max_requests = None;
    Ok(())
}

struct Probing<'a> {
    context: &'a Context,
    gaps: Gaps,
    length: Duration,
}

impl Probing<'_> {
    async fn search(
        &self,
        plan: &mut LoadPlan,
        start: f64,
        record: &mut RunRecord,
    ) -> Result<Status> {
        let mut search = Search::new(start);
        let mut found = LimitResult::default();
        let mut stopped = Held::Yes;
        while let Some(rate) = search.next_rate() {
            let result = self.probe(plan, rate)?;
            record.complete = result.complete;
            if result.never_reached {
                "the stage was not reached".clone_into(&mut found.summary);
                record.limit = Some(found);
                return Ok(Status::Unmeasured);
            }
            if !result.complete {
                break;
            }
            let growing = growing(&result);
            let held = match judge(&result) {
                // What cannot keep up breaks every latency in the end, however short the probe.
                Held::Yes if growing.is_some() => Held::No,
                held => held,
            };
            record.duration_s += result.duration_s;
            found
                .probes
                .push(probe_of((rate, plan), held, &result, growing.as_ref()));
            if matches!(held, Held::Unknown | Held::Generator) {
                stopped = held;
                record.validity = result.validity;
                break;
            }
            search.tell(rate, held == Held::Yes);
            if held == Held::Yes {
                if search.low() == Some(rate) {
                    record.stages = result.stages;
                    record.generator = Some(result.generator);
                }
            } else {
                if search.high() == Some(rate) {
                    found.gave_way = first_to_give_way(&result).or(growing);
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        (found.rate, found.low, found.high) = (search.low(), search.low(), search.high());
        let status = status(record.complete, stopped, &found);
        found.summary = summary(stopped, &found);
        record.limit = Some(found);
        Ok(status)
    }

    fn probe(&self, plan: &mut LoadPlan, rate: f64) -> Result<LoadResult> {
        let samples = plan
            .measured()
            .flat_map(|measured| &measured.slo)
            .filter_map(|slo| match &slo.figure {
                Figure::Latency(_, stat) => stat.quantile().map(min_samples),
                _ => None,
            });
        // A third more than is needed, because arrivals may be random.
        // Of a mix, each stage may have no more than the smallest share.
        let shares = plan.scenarios.iter().filter_map(|scenario| scenario.share);
        let share = shares.map(ShareOfArrivals::size).fold(1.0, f64::min);
        let needed = samples.max().unwrap_or(0) as f64 * 1.34 / rate / share;
        let needed = Duration::try_from_secs_f64(needed).unwrap_or(LONGEST);
        plan.until = Until::Duration(self.length.max(needed.min(LONGEST)));
        plan.timing = Timing::Drawn {
            gaps: self.gaps,
            curve: Curve::Flat(rate),
        };
        let name = format!("{}/s", shown(rate));
        run_plan(self.context, ("probe at", &name), plan, &Keep::default())
    }
}

fn slos(result: &LoadResult) -> impl Iterator<Item = (&String, &SloResult)> {
    result
        .stages
        .iter()
        .flat_map(|(stage, result)| result.slo.iter().map(move |slo| (stage, slo)))
}

fn judge(result: &LoadResult) -> Held {
    if result.validity.verdict == ValidityVerdict::Invalid {
        Held::Generator
    } else if slos(result).any(|(_, slo)| slo.met == Some(false)) {
        Held::No
    } else if slos(result).any(|(_, slo)| slo.met.is_none()) {
        Held::Unknown
    } else {
        Held::Yes
    }
}

/// Finds the target whose response time grows fastest, where one grows as it does when it is sent more than it can do.
fn growing(result: &LoadResult) -> Option<GaveWay> {
    let of = |(stage, it): (&String, &StageResult)| {
        let metric = it.metrics.get(&LatencyMetric::ResponseTime)?;
        let whole = metric
            .series()
            .filter(|(interval, _)| interval.end_s <= result.duration_s + 1e-9);
        let medians = whole.filter_map(|(interval, histogram)| {
            let middle = f64::midpoint(interval.start_s, interval.end_s);
            Some((middle, histogram.quantile_ms(0.5)?))
        });
        let medians: Vec<(f64, f64)> = medians.collect();
        let value = growth(&medians)?;
        let grown = value * result.duration_s > GROWN * metric.p50.unwrap_or(0.0);
        (value > GROWTH && grown).then(|| GaveWay {
            stage: stage.clone(),
            owner: it.owner.clone(),
            metric: Figure::Other("backlog".to_owned()),
            limit: GROWTH,
            value: Some(value),
        })
    };
    let value = |it: &GaveWay| it.value.unwrap_or(0.0);
    let found = result.stages.iter().filter_map(of);
    found.max_by(|a, b| value(a).total_cmp(&value(b)))
}

fn probe_of(
    (rate, plan): (f64, &LoadPlan),
    held: Held,
    result: &LoadResult,
    growing: Option<&GaveWay>,
) -> Probe {
    // The steps of a pipeline are no arrivals of their own.
    let scenarios = plan
        .scenario_names()
        .filter_map(|name| result.stages.get(name));
    let missed = slos(result).filter(|(_, slo)| slo.met == Some(false));
    Probe {
        rate,
        duration_s: result.duration_s,
        held: match held {
            Held::Yes => Some(true),
            Held::No => Some(false),
            Held::Unknown | Held::Generator => None,
        },
        goodput_rps: scenarios.map(|it| it.goodput_rps).sum(),
        broke: missed
            .map(|(stage, slo)| format!("{stage}.{}", slo.metric))
            .chain(growing.map(|it| format!("{}.{}", it.stage, it.metric)))
            .collect(),
    }
}

/// Finds the SLO that was missed by most: failures count for more than any time.
fn first_to_give_way(result: &LoadResult) -> Option<GaveWay> {
    let missed = slos(result).filter(|(_, slo)| slo.met == Some(false));
    let by = |slo: &SloResult| slo.value.map_or(f64::MAX, |value| value / slo.limit);
    missed
        .max_by(|(_, a), (_, b)| by(a).total_cmp(&by(b)))
        .map(|(stage, slo)| GaveWay {
            stage: stage.clone(),
            owner: result.stages[stage].owner.clone(),
            metric: slo.metric.clone(),
            limit: slo.limit,
            value: slo.value,
        })
}

fn status(complete: bool, stopped: Held, found: &LimitResult) -> Status {
    match (complete, stopped, found.low, found.high) {
        (false, ..) => Status::Interrupted,
        (_, Held::Yes | Held::No, Some(_), Some(_)) => Status::Passed,
        (_, Held::Yes | Held::No, None, _) => Status::Failed,
        _ => Status::Inconclusive,
    }
}

fn summary(stopped: Held, found: &LimitResult) -> String {
    let first = found.gave_way.as_ref().map_or_else(String::new, |slo| {
        let owner = slo.owner.as_ref();
        let owner = owner.map_or_else(String::new, |owner| format!(" ({owner})"));
        format!("; `{}`{owner} gives way first: {}", slo.stage, slo.metric)
    });
    match (found.low, found.high) {
        _ if stopped == Held::Generator => format!(
            "the generator itself was at its limit; every SLO held at {}",
            found
                .low
                .map_or_else(|| "no rate".to_owned(), |low| format!("{}/s", shown(low)))
        ),
        (Some(low), Some(high)) => format!(
            "every SLO holds up to {}/s, and not at {}/s{first}",
            shown(low),
            shown(high)
        ),
        (Some(low), None) => format!(
            "every SLO held at {}/s, the highest rate that was tried",
            shown(low)
        ),
        (None, Some(high)) => format!("not even {}/s keeps every SLO{first}", shown(high)),
        (None, None) => "no rate could be judged: too few samples".to_owned(),
    }
}

/// Returns a rate with three significant digits.
fn shown(rate: f64) -> String {
    let digits = 2 - rate.abs().log10().floor() as i32;
    let scale = 10_f64.powi(digits);
    let rounded = (rate * scale).round() / scale;
    format!("{rounded:.*}", digits.max(0) as usize)
}

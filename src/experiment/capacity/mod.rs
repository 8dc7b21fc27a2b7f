//! The capacity of a load: the highest arrival rate at which every SLO holds, and what gives way first.

mod growth;
mod search;

use std::collections::BTreeMap;
use std::time::Duration;

use self::growth::growing;
use self::search::Search;
use super::Experiment;
use super::recording::Recorded;
use crate::error::Result;
use crate::exit::Status;
use crate::load::{Keep, LoadResult};
use crate::manifest::Load;
use crate::plan::{Portion, capacity_plan, plan_document};
use crate::record::{
    GaveWay, Generator, LimitResult, Probe, RunKind, RunRecord, SloResult, StageResult, Validity,
    ValidityVerdict,
};

/// After a probe that broke, a stage still works on what it was sent.
const PAUSE: Duration = Duration::from_millis(500);

/// Searches the limit of one load with probes of at least that length, and stores what was found.
pub(crate) async fn find_capacity(
    experiment: &Experiment,
    load: &Load,
    portion: &Portion,
    length: Option<Duration>,
) -> Result<Recorded> {
    let plan = capacity_plan(&experiment.site(), load, portion, length).await?;
    let record = RunRecord {
        seed: load.seed,
        plan: plan_document(load, &plan.load),
        ..experiment.begin(RunKind::Limit, load.name.as_str())
    };
    let targets: Vec<&str> = plan.load.scenario_names().collect();
    let probe = |rate| {
        let name = format!("{}/s", shown(rate));
        experiment.drive(("probe at", &name), &plan.at(rate), &Keep::default())
    };
    let pause = || experiment.clock.sleep(PAUSE);
    let found = tokio::task::block_in_place(|| search(plan.first_rate, &targets, probe, pause))?;
    let status = found.status();
    let record = RunRecord {
        duration_s: found.duration_s,
        complete: found.complete,
        validity: found.validity,
        stages: found.stages,
        generator: found.generator,
        limit: Some(found.limit),
        ..record
    };
    Ok(experiment.finish(record, status).await)
}

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

/// What a search found.
struct Found {
    limit: LimitResult,
    /// What the last probe said.
    last: Held,
    complete: bool,
    never_reached: bool,
    /// Of all probes together.
    duration_s: f64,
    validity: Validity,
    /// At the highest rate that held.
    stages: BTreeMap<String, StageResult>,
    generator: Option<Generator>,
}

/// Searches from a rate on, per second. `probe` sends the load at a rate, and `pause` waits after one that broke; `targets` are what
/// the arrivals go to.
fn search(
    first_rate: f64,
    targets: &[&str],
    mut probe: impl FnMut(f64) -> Result<LoadResult>,
    mut pause: impl FnMut(),
) -> Result<Found> {
    let mut search = Search::new(first_rate);
    let mut found = Found::nothing();
    while let Some(rate) = search.next_rate() {
        let result = probe(rate)?;
        found.complete = result.complete;
        if result.never_reached {
            found.never_reached = true;
            break;
        }
        if !result.complete {
            break;
        }
        let growing = growing(&result);
        found.last = match judge(&result) {
            Held::Yes if growing.is_some() => Held::No,
            held => held,
        };
        found.duration_s += result.duration_s;
        let shown = probe_of(rate, targets, found.last, &result, growing.as_ref());
        found.limit.probes.push(shown);
        match found.last {
            Held::Unknown | Held::Generator => {
                found.validity = result.validity;
                break;
            }
            Held::Yes => {
                search.tell(rate, true);
                if search.low() == Some(rate) {
                    found.stages = result.stages;
                    found.generator = Some(result.generator);
                }
            }
            Held::No => {
                search.tell(rate, false);
                if search.high() == Some(rate) {
                    found.limit.gave_way = first_to_give_way(&result).or(growing);
                }
                pause();
            }
        }
    }
    if !found.never_reached {
        let limit = &mut found.limit;
        (limit.rate, limit.low, limit.high) = (search.low(), search.low(), search.high());
    }
    found.limit.summary = found.summary();
    Ok(found)
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

fn probe_of(
    rate: f64,
    targets: &[&str],
    held: Held,
    result: &LoadResult,
    growing: Option<&GaveWay>,
) -> Probe {
    // The steps of a pipeline are no arrivals of their own.
    let whole = targets.iter().filter_map(|name| result.stages.get(*name));
    let missed = slos(result).filter(|(_, slo)| slo.met == Some(false));
    Probe {
        rate,
        duration_s: result.duration_s,
        held: match held {
            Held::Yes => Some(true),
            Held::No => Some(false),
            Held::Unknown | Held::Generator => None,
        },
        goodput_rps: whole.map(|it| it.goodput_rps).sum(),
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

impl Found {
    fn nothing() -> Self {
        Self {
            limit: LimitResult::default(),
            last: Held::Yes,
            complete: true,
            never_reached: false,
            duration_s: 0.0,
            validity: Validity::default(),
            stages: BTreeMap::new(),
            generator: None,
        }
    }

    fn status(&self) -> Status {
        let LimitResult { low, high, .. } = self.limit;
        match (self.last, low, high) {
            _ if self.never_reached => Status::Unmeasured,
            _ if !self.complete => Status::Interrupted,
            (Held::Yes | Held::No, Some(_), Some(_)) => Status::Passed,
            (Held::Yes | Held::No, None, _) => Status::Failed,
            _ => Status::Inconclusive,
        }
    }

    fn summary(&self) -> String {
        let limit = &self.limit;
        let first = limit.gave_way.as_ref().map_or_else(String::new, |slo| {
            let owner = slo.owner.as_ref();
            let owner = owner.map_or_else(String::new, |owner| format!(" ({owner})"));
            format!("; `{}`{owner} gives way first: {}", slo.stage, slo.metric)
        });
        match (limit.low.map(shown), limit.high.map(shown)) {
            _ if self.never_reached => "the stage was not reached".to_owned(),
            (low, _) if self.last == Held::Generator => format!(
                "the generator itself was at its limit; every SLO held at {}",
                low.map_or_else(|| "no rate".to_owned(), |low| format!("{low}/s"))
            ),
            (Some(low), Some(high)) => {
                format!("every SLO holds up to {low}/s, and not at {high}/s{first}")
            }
            (Some(low), None) => {
                format!("every SLO held at {low}/s, the highest rate that was tried")
            }
            (None, Some(high)) => format!("not even {high}/s keeps every SLO{first}"),
            (None, None) => "no rate could be judged: too few samples".to_owned(),
        }
    }
}

/// Returns a rate with three significant digits.
fn shown(rate: f64) -> String {
    let digits = 2 - rate.abs().log10().floor() as i32;
    let scale = 10_f64.powi(digits);
    let rounded = (rate * scale).round() / scale;
    format!("{rounded:.*}", digits.max(0) as usize)
}

#[cfg(test)]
mod tests;

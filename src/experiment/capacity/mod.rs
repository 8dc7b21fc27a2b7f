//! The capacity of a load: the highest arrival rate at which every SLO holds, and what gives way first.

mod growth;
mod ladder;
mod search;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use self::growth::{growing, must_last};
use self::ladder::{Ladder, Shown};
use self::search::Search;
use self::verdict::{Held, judge, shown as shown_by, slos};
use super::Experiment;
use super::recording::Recorded;
use crate::error::Result;
use crate::exit::Status;
use crate::load::{Keep, LoadResult};
use crate::manifest::Load;
use crate::measure::{Event, show_duration};
use crate::plan::{Look, Portion, capacity_plan, plan_document};
use crate::record::{
    GaveWay, Generator, LimitResult, Probe, RunKind, RunRecord, SloResult, StageResult, Validity,
    ValidityVerdict,
};

/// After a probe that broke, a stage still works on what it was sent.
const PAUSE: Duration = Duration::from_millis(500);
/// A probe that the generator spoilt is made again, so often in all: a busy neighbour goes away, a rate that is too high for this machine
/// does not.
const TRIES: u32 = 3;

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
    let (short, long) = plan.takes();
    let takes = format!(
        "the limit of `{}` takes about {} to {}",
        load.name,
        show_duration(whole_seconds(short)),
        show_duration(whole_seconds(long))
    );
    let how = match plan.long {
        Some(each) => format!(
            "short probes say where to look, probes of {} give the interval; with `--duration 5s` only the short ones are made",
            show_duration(each)
        ),
        None => "short probes only, which give no interval: those take a `--duration` of a minute or more".to_owned(),
    };
    experiment.sink.emit(Event::Note(format!("{takes}: {how}")));
    let targets: Vec<&str> = plan.load.scenario_names().collect();
    let probe = |look: Look| {
        let name = format!("{}/s", shown(look.rate));
        let kind = if look.long {
            "long probe at"
        } else {
            "probe at"
        };
        experiment.drive((kind, &name), &plan.at(look), &Keep::default())
    };
    let pause = || experiment.clock.sleep(PAUSE);
    let course = Course {
        first_rate: plan.first_rate,
        long: plan.long.is_some(),
        targets: &targets,
    };
    let found = tokio::task::block_in_place(|| search(&course, probe, pause))?;
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

fn whole_seconds(of: Duration) -> Duration {
    Duration::from_secs(of.as_secs_f64().round() as u64)
}

/// What a search goes by.
struct Course<'a> {
    /// Per second.
    first_rate: f64,
    /// Whether long probes follow the short ones.
    long: bool,
    /// What the arrivals go to.
    targets: &'a [&'a str],
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
    /// Of the probe whose figures are shown; where there is none, of the one that the generator spoilt.
    validity: Validity,
    /// At the highest rate that held.
    stages: BTreeMap<String, StageResult>,
    generator: Option<Generator>,
    /// How long a probe must be at least, in s, as the answers so far show.
    must_last_s: f64,
}

/// Searches from a rate on. `probe` sends the load as it is told, and `pause` waits after what broke.
///
/// Short probes only say where to look: they begin with an empty stage, and end before a queue has come to its length. Long ones on
/// a ladder of rates give the interval.
fn search(
    course: &Course<'_>,
    mut probe: impl FnMut(Look) -> Result<LoadResult>,
    mut pause: impl FnMut(),
) -> Result<Found> {
    let mut found = Found::nothing();
    let mut search = Search::new(course.first_rate);
    while let Some(rate) = search.next_rate() {
        let look = found.look(rate, false);
        let Some(result) = found.take(course, look, &mut probe, &mut pause)? else {
            break;
        };
        found.must_last_s = found.must_last_s.max(must_last(&result));
        match found.last {
            Held::Unknown | Held::Generator => break,
            Held::Yes => {
                search.tell(rate, true);
                if search.low() == Some(rate) {
                    found.show(result);
                }
            }
            Held::No => {
                search.tell(rate, false);
                if search.high() == Some(rate) {
                    found.limit.gave_way = first_to_give_way(&result);
                }
                pause();
            }
        }
    }
    if !found.never_reached {
        let limit = &mut found.limit;
        (limit.rate, limit.low, limit.high) = (search.low(), search.low(), search.high());
    }
    let judged = matches!(found.last, Held::Yes | Held::No);
    let ends = search.low().zip(search.high());
    if let Some((low, high)) = ends.filter(|_| course.long && judged && found.complete) {
        climb(
            &mut found,
            course,
            Ladder::between(low, high),
            &mut probe,
            &mut pause,
        )?;
    }
    found.limit.summary = found.summary();
    Ok(found)
}

/// Makes the long probes, and takes the interval that they show.
fn climb(
    found: &mut Found,
    course: &Course<'_>,
    mut ladder: Ladder,
    probe: &mut impl FnMut(Look) -> Result<LoadResult>,
    pause: &mut impl FnMut(),
) -> Result<()> {
    let mut gave_way: Option<(f64, GaveWay)> = None;
    while let Some(rate) = ladder.next_rate() {
        let look = found.look(rate, true);
        let Some(result) = found.take(course, look, probe, pause)? else {
            break;
        };
        if found.last == Held::Generator {
            break;
        }
        let seen = shown_by(&result);
        ladder.tell(seen);
        if ladder.low() == Some(rate) {
            found.show(result);
        } else if seen == Shown::Breaks {
            let lower = gave_way.as_ref().is_none_or(|(known, _)| rate < *known);
            if let Some(first) = first_to_give_way(&result).filter(|_| lower) {
                gave_way = Some((rate, first));
            }
            pause();
        }
    }
    if let Some((low, high)) = ladder.interval() {
        let limit = &mut found.limit;
        (limit.rate, limit.low, limit.high) = (Some(low), Some(low), Some(high));
        limit.interval = true;
        if let Some((_, first)) = gave_way {
            limit.gave_way = Some(first);
        }
        // What is between the ends was left open, and that is no fault of the search.
        found.last = Held::Yes;
    }
    Ok(())
}

fn probe_of(look: Look, targets: &[&str], held: Held, result: &LoadResult) -> Probe {
    // The steps of a pipeline are no arrivals of their own.
    let whole = targets.iter().filter_map(|name| result.stages.get(*name));
    let missed = slos(result).filter(|(_, slo)| slo.met == Some(false));
    Probe {
        rate: look.rate,
        duration_s: result.duration_s,
        long: look.long,
        held: match held {
            Held::Yes => Some(true),
            Held::No => Some(false),
            Held::Unknown | Held::Generator => None,
        },
        goodput_rps: whole.map(|it| it.goodput_rps).sum(),
        broke: missed
            .map(|(stage, slo)| format!("{stage}.{}", slo.metric))
            .chain(growing(result).map(|it| format!("{}.{}", it.stage, it.metric)))
            .collect(),
    }
}

/// Finds the SLO that was missed by most, failures counting for more than any time; where none was, the backlog that grew.
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
        .or_else(|| growing(result))
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
            must_last_s: 0.0,
        }
    }

    fn look(&self, rate: f64, long: bool) -> Look {
        Look {
            rate,
            long,
            at_least_s: self.must_last_s,
        }
    }

    /// Makes a probe, again where the generator spoilt it, and returns what came of it; `None` where it did not come to its end.
    fn take(
        &mut self,
        course: &Course<'_>,
        look: Look,
        probe: &mut impl FnMut(Look) -> Result<LoadResult>,
        pause: &mut impl FnMut(),
    ) -> Result<Option<LoadResult>> {
        for tries in 1..=TRIES {
            let result = probe(look)?;
            self.complete = result.complete;
            self.never_reached = result.never_reached;
            if self.never_reached || !self.complete {
                return Ok(None);
            }
            self.last = if look.long && result.validity.verdict != ValidityVerdict::Invalid {
                match shown_by(&result) {
                    Shown::Holds => Held::Yes,
                    Shown::Breaks => Held::No,
                    Shown::Open => Held::Unknown,
                }
            } else {
                judge(&result)
            };
            self.duration_s += result.duration_s;
            let shown = probe_of(look, course.targets, self.last, &result);
            self.limit.probes.push(shown);
            if self.last != Held::Generator || tries == TRIES {
                if self.stages.is_empty() {
                    self.validity = result.validity.clone();
                }
                return Ok(Some(result));
            }
            pause();
        }
        Ok(None)
    }

    /// Shows the figures of that probe.
    fn show(&mut self, result: LoadResult) {
        self.stages = result.stages;
        self.generator = Some(result.generator);
        self.validity = result.validity;
    }

    fn status(&self) -> Status {
        let LimitResult { low, high, .. } = self.limit;
        match (self.last, low, high) {
            _ if self.never_reached => Status::Unmeasured,
            _ if !self.complete => Status::Interrupted,
            (Held::Generator, ..) => Status::Inconclusive,
            (_, Some(_), Some(_)) => Status::Passed,
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
            (Some(low), Some(high)) if limit.interval => {
                format!(
                    "every SLO holds at {low}/s, and not at {high}/s: the limit is between them{first}"
                )
            }
            (Some(low), Some(high)) => format!(
                "every SLO held at {low}/s and broke at {high}/s, by probes that are too short for an interval{first}"
            ),
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
mod simulated;
#[cfg(test)]
mod tests;

//! The capacity of a load: the highest arrival rate at which every SLO holds, and what gives way
//! first.

mod found;
mod growth;
mod ladder;
mod search;
mod verdict;

use std::time::Duration;

use self::found::{Course, Found, shown};
use self::growth::{growing, must_last};
use self::ladder::{Ladder, Shown};
use self::search::Search;
use self::verdict::{Held, shown as shown_by, slos};
use super::Experiment;
use super::recording::Recorded;
use crate::error::Result;
use crate::load::{Keep, LoadResult, Remarks};
use crate::manifest::Load;
use crate::measure::{Event, show_duration};
use crate::plan::{Look, Portion, capacity_plan, plan_document};
use crate::record::{GaveWay, RunKind, RunRecord, SloResult};

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
    let mut remarks = Remarks::default();
    let probe = |look: Look| {
        let name = format!("{}/s", shown(look.rate));
        let kind = if look.long {
            "long probe at"
        } else {
            "probe at"
        };
        let result = experiment.drive((kind, &name), &plan.at(look), &Keep::default())?;
        remarks.add(&result.remarks);
        Ok(result)
    };
    let pause = || experiment.clock.sleep(PAUSE);
    let course = Course {
        first_rate: plan.first_rate,
        long: plan.long.is_some(),
        targets: &targets,
    };
    let mut found = tokio::task::block_in_place(|| search(&course, probe, pause))?;
    experiment.tell_remarks(&remarks, &mut found.stages);
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

/// Searches from a rate on. `probe` sends the load as it is told, and `pause` waits after what
/// broke.
///
/// Short probes only say where to look: they begin with an empty stage, and end before a queue has
/// come to its length. Long ones on a ladder of rates give the interval.
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
                found.held.push((rate, result));
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
        found.ends(search.low(), search.high());
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
        if seen == Shown::Holds {
            found.held.push((rate, result));
        } else if seen == Shown::Breaks {
            let lower = gave_way.as_ref().is_none_or(|(known, _)| rate < *known);
            if let Some(first) = first_to_give_way(&result).filter(|_| lower) {
                gave_way = Some((rate, first));
            }
            pause();
        }
    }
    if let Some((low, high)) = ladder.interval() {
        found.ends(Some(low), Some(high));
        found.limit.interval = true;
        // What is between the ends was left open, and that is no fault of the search.
        found.last = Held::Yes;
    } else if ladder.low().or(ladder.high()).is_some() {
        found.overrule(ladder.low(), ladder.high());
    }
    if let Some((_, first)) = gave_way {
        found.limit.gave_way = Some(first);
    }
    Ok(())
}

/// Finds the SLO that was missed by most, failures counting for more than any time; where none was,
/// the backlog that grew.
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

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

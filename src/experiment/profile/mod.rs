//! The latency profile: each stage alone and inside the pipeline, at low load and at a given load.
//! The measurements follow one another, so that none disturbs the next.

mod cell;
mod summary;
mod waterfall;

use std::collections::BTreeMap;
use std::time::Duration;

use self::cell::cells;
use self::summary::summary;
use self::waterfall::waterfalls;
use super::Experiment;
use super::recording::{Ending, Recorded};
use crate::error::Result;
use crate::load::{Keep, LoadError, LoadPlan, LoadResult, Remarks};
use crate::measure::{Event, EventSink};
use crate::plan::{ProfileOverrides, ProfilePlan, profile_plan};
use crate::record::{
    Generator, Level, Place, ProfileResult, RunKind, RunRecord, StageResult, Validity,
    ValidityVerdict,
};

/// Profiles one stage or pipeline, and stores what was found.
pub(crate) async fn run_profile(
    experiment: &Experiment,
    whole: &str,
    overrides: &ProfileOverrides,
) -> Result<Recorded> {
    let plan = profile_plan(&experiment.site(), whole, overrides).await?;
    let record = experiment.begin(RunKind::Profile, whole);
    let sink = experiment.sink.as_ref();
    sink.emit(Event::Started {
        kind: "profile",
        name: whole.to_owned(),
        total: None,
        duration: Some(plan.length()),
    });
    let send: &Send = &|plan, sink, keep| experiment.send(plan, sink, keep);
    let mut found = tokio::task::block_in_place(|| measure(&plan, sink, send))?;
    sink.emit(Event::Finished {
        complete: found.complete,
    });
    experiment.tell_remarks(&found.remarks, &mut found.stages);
    let ending = Ending {
        complete: found.complete,
        never_reached: found.never_reached,
        validity: found.validity.verdict,
        stages: &found.stages,
    };
    // It judges no SLO: what it measures is where the time goes.
    let status = ending.of_measuring();
    let record = RunRecord {
        seed: plan.seed,
        duration_s: plan.length().as_secs_f64(),
        complete: found.complete,
        validity: found.validity,
        generator: found.generator,
        stages: found.stages,
        profile: Some(found.profile),
        ..record
    };
    Ok(experiment.finish(record, status).await)
}

/// What a profile found.
struct Found {
    profile: ProfileResult,
    /// The whole and its parts under the given load.
    stages: BTreeMap<String, StageResult>,
    validity: Validity,
    /// Of the run under the given load.
    generator: Option<Generator>,
    /// Of all measurements.
    remarks: Remarks,
    complete: bool,
    never_reached: bool,
}

/// Sends one load.
type Send<'a> =
    dyn Fn(&LoadPlan, &dyn EventSink, &Keep) -> Result<LoadResult, LoadError> + Sync + 'a;

/// Runs every measurement, or those before the interruption.
fn measure(plan: &ProfilePlan, sink: &dyn EventSink, send: &Send<'_>) -> Result<Found, LoadError> {
    let mut found = Found::nothing(plan);
    let mut course = Course {
        sink,
        send,
        each: plan.each,
        all: plan.measurements(),
        past: 0,
    };
    let mut alone = Vec::new();
    for level in &plan.levels {
        for part in &level.alone {
            let result = course.measure(part)?;
            if level.level == Level::Low {
                alone.push(answers_per_s(&result));
            }
            if !found.take(Place::Alone, level.level, &result) {
                return Ok(found);
            }
        }
        let (inside, beside) = if plan.driven || level.level == Level::Low {
            (course.measure(&level.inside)?, Vec::new())
        } else {
            let (inside, calls) = plan.beside(level, &alone);
            course.both(&inside, &calls)?
        };
        for result in std::iter::once(&inside).chain(&beside) {
            if !found.take(Place::Inside, level.level, result) {
                return Ok(found);
            }
        }
        if level.level == Level::Given {
            found.conclude(&level.inside, &plan.nested, inside, beside);
        }
    }
    Ok(found)
}

/// Returns how many answers came each second.
fn answers_per_s(result: &LoadResult) -> f64 {
    let ok: u64 = result.stages.values().map(|it| it.ok).sum();
    ok as f64 / result.duration_s.max(1e-9)
}

impl Found {
    fn nothing(plan: &ProfilePlan) -> Self {
        Self {
            profile: ProfileResult {
                whole: plan.whole.clone(),
                parts: plan.parts.clone(),
                driven: plan.driven,
                load: plan.load.clone(),
                ..ProfileResult::default()
            },
            stages: BTreeMap::new(),
            validity: Validity::default(),
            generator: None,
            remarks: Remarks::default(),
            complete: true,
            never_reached: false,
        }
    }

    /// Takes one measurement and returns whether it came to its end.
    fn take(&mut self, place: Place, level: Level, result: &LoadResult) -> bool {
        self.complete &= result.complete;
        self.never_reached |= result.never_reached;
        self.remarks.add(&result.remarks);
        self.profile
            .cells
            .extend(cells(place, level, &result.stages));
        if result.validity.verdict > self.validity.verdict {
            self.validity.verdict = result.validity.verdict;
        }
        if result.validity.verdict != ValidityVerdict::Valid {
            let words = match level {
                Level::Low => "low load",
                Level::Given => "the given load",
            };
            let stages: Vec<&str> = result.stages.keys().map(String::as_str).collect();
            let which = format!("{} at {words}", stages.join(", "));
            let reasons = result.validity.reasons.iter();
            self.validity
                .reasons
                .extend(reasons.map(|reason| format!("{which}: {reason}")));
        }
        self.complete
    }

    fn conclude(
        &mut self,
        plan: &LoadPlan,
        nested: &[String],
        inside: LoadResult,
        beside: Vec<LoadResult>,
    ) {
        let stages = plan.stages.iter();
        let names: Vec<String> = stages.map(|it| it.name.clone()).collect();
        self.profile.waterfalls = waterfalls(&inside.traces, &names);
        self.stages = inside.stages;
        self.stages
            .extend(beside.into_iter().flat_map(|it| it.stages));
        self.generator = Some(inside.generator);
        self.profile.summary = summary(&self.profile, nested);
    }
}

/// Where in the whole a measurement is.
struct Course<'a> {
    sink: &'a dyn EventSink,
    send: &'a Send<'a>,
    each: Duration,
    all: u32,
    past: u32,
}

impl Course<'_> {
    fn measure(&mut self, plan: &LoadPlan) -> Result<LoadResult, LoadError> {
        let note = plan.scenario_names().collect::<Vec<_>>().join(", ");
        let part = PartOf {
            sink: self.sink,
            before: self.each * self.past,
            note: format!("{} of {}: {note}", self.past + 1, self.all),
        };
        self.past += 1;
        (self.send)(plan, &part, &KEEP)
    }

    /// Sends a load, and the calls beside it.
    fn both(
        &mut self,
        inside: &LoadPlan,
        calls: &[LoadPlan],
    ) -> Result<(LoadResult, Vec<LoadResult>), LoadError> {
        let send = self.send;
        std::thread::scope(|scope| {
            let call = |plan| move || send(plan, &Quiet, &Keep::default());
            let calls: Vec<_> = calls.iter().map(|plan| scope.spawn(call(plan))).collect();
            let inside = self.measure(inside);
            let joined = calls.into_iter().map(|it| {
                it.join().map_err(|_| {
                    LoadError::from(std::io::Error::other(
                        "a thread of the profile ended without a result",
                    ))
                })?
            });
            let joined: Result<Vec<_>, _> = joined.collect();
            Ok((inside?, joined?))
        })
    }
}

const KEEP: Keep = Keep {
    replies_of: Vec::new(),
    traces: true,
};

/// Shows one measurement as a part of the whole.
struct PartOf<'a> {
    sink: &'a dyn EventSink,
    before: Duration,
    note: String,
}

impl EventSink for PartOf<'_> {
    fn emit(&self, event: Event) {
        if let Event::Progress {
            elapsed,
            done,
            failed,
            in_flight,
            ..
        } = event
        {
            self.sink.emit(Event::Progress {
                elapsed: self.before + elapsed,
                done,
                failed,
                in_flight,
                note: self.note.clone(),
            });
        }
    }
}

struct Quiet;

impl EventSink for Quiet {
    fn emit(&self, _: Event) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::testing::{invalid, result};

    fn nothing() -> Found {
        Found {
            profile: ProfileResult::default(),
            stages: BTreeMap::new(),
            validity: Validity::default(),
            generator: None,
            remarks: Remarks::default(),
            complete: true,
            never_reached: false,
        }
    }

    fn of(stage: &'static str) -> LoadResult {
        result([(stage, StageResult::default())])
    }

    #[test]
    fn a_profile_is_as_good_as_its_worst_measurement_and_says_which_that_was() {
        let mut found = nothing();
        assert!(found.take(Place::Alone, Level::Low, &of("llm")));
        let bad = LoadResult {
            validity: invalid(),
            ..of("rerank")
        };
        assert!(found.take(Place::Alone, Level::Given, &bad));
        assert!(found.take(Place::Inside, Level::Given, &of("llm")));
        assert_eq!(found.validity.verdict, ValidityVerdict::Invalid);
        assert_eq!(
            found.validity.reasons,
            ["rerank at the given load: too late"]
        );
        assert_eq!(found.profile.cells.len(), 3);
    }

    #[test]
    fn an_interruption_ends_the_profile_with_what_it_has() {
        let mut found = nothing();
        let broken_off = LoadResult {
            complete: false,
            ..of("llm")
        };
        assert!(!found.take(Place::Alone, Level::Low, &broken_off));
        assert_eq!((found.complete, found.profile.cells.len()), (false, 1));
    }
}

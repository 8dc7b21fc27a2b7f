//! The measurements of a profile, one after another, so that none disturbs the next.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::cell::cells;
use super::summary::summary;
use super::waterfall::waterfalls;
use crate::load::{self, Keep, LoadError, LoadPlan, LoadResult, RequestLog, Timing};
use crate::manifest::{Until, Users};
use crate::measure::{Event, EventSink};
use crate::record::{
    Generator, Level, Place, ProfileResult, StageResult, Validity, ValidityVerdict,
};

/// One user who waits for each answer: nothing queues behind anything.
const LOW: Timing = Timing::Closed(Users::restless(1));

/// What a profile measures, resolved. The arrivals of the plans are set for each measurement.
pub(crate) struct ProfilePlan {
    pub(crate) whole: String,
    pub(crate) parts: Vec<String>,
    /// One load for each part.
    pub(crate) alone: Vec<LoadPlan>,
    pub(crate) inside: LoadPlan,
    /// The parts, called while `inside` runs; `None` where `inside` drives them itself.
    pub(crate) beside: Option<LoadPlan>,
    pub(crate) given: Timing,
    /// The given load in words.
    pub(crate) load: String,
    /// How long each measurement takes.
    pub(crate) each: Duration,
}

/// What a profile found.
pub(crate) struct ProfileRun {
    pub(crate) profile: ProfileResult,
    /// The whole and its parts under the given load.
    pub(crate) stages: BTreeMap<String, StageResult>,
    pub(crate) validity: Validity,
    /// Of the run under the given load.
    pub(crate) generator: Option<Generator>,
    pub(crate) complete: bool,
    pub(crate) never_reached: bool,
}

impl ProfilePlan {
    fn measurements(&self) -> usize {
        2 * self.alone.len() + 2
    }

    /// Returns how long the measurements take, without draining.
    pub(crate) fn length(&self) -> Duration {
        self.each * self.measurements() as u32
    }
}

/// Runs every measurement, or those before the interruption.
pub(crate) fn run(
    plan: &mut ProfilePlan,
    sink: &dyn EventSink,
    interrupted: &AtomicBool,
) -> Result<ProfileRun, LoadError> {
    let mut found = ProfileRun {
        profile: ProfileResult {
            whole: plan.whole.clone(),
            parts: plan.parts.clone(),
            driven: plan.beside.is_none(),
            load: plan.load.clone(),
            ..ProfileResult::default()
        },
        stages: BTreeMap::new(),
        validity: Validity::default(),
        generator: None,
        complete: true,
        never_reached: false,
    };
    let mut course = Course {
        sink,
        interrupted,
        each: plan.each,
        all: plan.measurements() as u32,
        past: 0,
    };
    for level in [Level::Low, Level::Given] {
        let given = plan.given.clone();
        let timing = if level == Level::Low { &LOW } else { &given };
        for part in &mut plan.alone {
            let result = course.measure(part, timing)?;
            if !found.take(Place::Alone, level, &result) {
                return Ok(found);
            }
        }
        let (inside, beside) = course.both(&mut plan.inside, timing, plan.beside.as_mut())?;
        for result in [Some(&inside), beside.as_ref()].into_iter().flatten() {
            if !found.take(Place::Inside, level, result) {
                return Ok(found);
            }
        }
        if level == Level::Given {
            found.conclude(plan, inside, beside);
        }
    }
    Ok(found)
}

impl ProfileRun {
    /// Takes one measurement and returns whether it came to its end.
    fn take(&mut self, place: Place, level: Level, result: &LoadResult) -> bool {
        self.complete &= result.complete;
        self.never_reached |= result.never_reached;
        self.profile
            .cells
            .extend(cells(place, level, &result.stages));
        let words = |level| {
            if level == Level::Low {
                "low load"
            } else {
                "the given load"
            }
        };
        if result.validity.verdict > self.validity.verdict {
            self.validity.verdict = result.validity.verdict;
        }
        if result.validity.verdict != ValidityVerdict::Valid {
            let stages: Vec<&str> = result.stages.keys().map(String::as_str).collect();
            let which = format!("{} at {}", stages.join(", "), words(level));
            let reasons = result.validity.reasons.iter();
            self.validity
                .reasons
                .extend(reasons.map(|reason| format!("{which}: {reason}")));
        }
        self.complete
    }

    fn conclude(&mut self, plan: &ProfilePlan, inside: LoadResult, beside: Option<LoadResult>) {
        let names: Vec<String> = plan
            .inside
            .targets
            .iter()
            .map(|it| it.measured.name.clone())
            .collect();
        let traces: Vec<RequestLog> = inside.traces;
        self.profile.waterfalls = waterfalls(&traces, &names);
        self.stages = inside.stages;
        self.stages
            .extend(beside.map(|it| it.stages).unwrap_or_default());
        self.generator = Some(inside.generator);
        self.profile.summary = summary(&self.profile);
    }
}

/// Where in the whole a measurement is.
struct Course<'a> {
    sink: &'a dyn EventSink,
    interrupted: &'a AtomicBool,
    each: Duration,
    all: u32,
    past: u32,
}

impl Course<'_> {
    fn measure(&mut self, plan: &mut LoadPlan, timing: &Timing) -> Result<LoadResult, LoadError> {
        let note = plan.scenario_names().collect::<Vec<_>>().join(", ");
        self.prepare(plan, timing);
        let part = Shard {
            sink: self.sink,
            before: self.each * self.past,
            note: format!("{} of {}: {note}", self.past + 1, self.all),
        };
        self.past += 1;
        load::run(plan, &part, self.interrupted, &KEEP)
    }

    fn both(
        &mut self,
        inside: &mut LoadPlan,
        timing: &Timing,
        beside: Option<&mut LoadPlan>,
    ) -> Result<(LoadResult, Option<LoadResult>), LoadError> {
        let Some(beside) = beside else {
            return Ok((self.measure(inside, timing)?, None));
        };
        self.prepare(beside, &LOW);
        let beside = &*beside;
        let interrupted = self.interrupted;
        std::thread::scope(|scope| {
            let quiet = Quiet;
            let other =
                scope.spawn(move || load::run(beside, &quiet, interrupted, &Keep::default()));
            let inside = self.measure(inside, timing);
            let other = other.join().map_err(|_| {
                LoadError::from(std::io::Error::other(
                    "a thread of the profile ended without a result",
                ))
            })?;
            Ok((inside?, Some(other?)))
        })
    }

    fn prepare(&self, plan: &mut LoadPlan, timing: &Timing) {
        plan.timing = timing.clone();
        plan.until = Until::Duration(self.each);
    }
}

const KEEP: Keep = Keep {
    replies_of: Vec::new(),
    traces: true,
};

/// Shows one measurement as a part of the whole.
struct Shard<'a> {
    sink: &'a dyn EventSink,
    before: Duration,
    note: String,
}

impl EventSink for Shard<'_> {
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

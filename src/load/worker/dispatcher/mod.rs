//! What a worker sends and counts: what is due becomes a request, and what has ended becomes
//! figures, and perhaps the next request. No socket and no clock: times come in, requests go out.

mod complete;
mod due;
#[cfg(test)]
mod tests;

pub(crate) use due::Due;

use std::collections::BTreeMap;

use super::capture::Answers;
use super::request::{Completion, Ended, Intent, Request};
use super::request_log::RequestLogs;
use super::shared::{Keep, Shared, WorkerResult};
use crate::arrival::Until;
use crate::load::id::{ScenarioId, StageId, TallyId};
use crate::load::plan::{Budget, LoadPlan};
use crate::load::schedule::Schedule;
use crate::load::tally::count::Counter;
use crate::measure::nanos;
use crate::metric::LatencyMetric;

/// After so long a request that this machine could not send is given up, and its user asks again.
const RETRY_NS: u64 = 10_000_000;

/// The requests of one worker, before they are sent and after they have ended.
pub(crate) struct Dispatcher<'a> {
    plan: &'a LoadPlan,
    shared: &'a Shared,
    /// By scenario.
    schedules: Vec<Schedule>,
    /// Sessions between two turns, by when the next is due; the second number tells those of one
    /// moment apart.
    turns: BTreeMap<(u64, u64), Intent>,
    /// How many sessions have begun.
    sessions: u64,
    /// How many turns have been put off.
    departures: u64,
    /// The sessions that are over, with their scenarios: nothing needs to be kept for them any
    /// more.
    over: Vec<(u64, ScenarioId)>,
    /// The end of the measured phase, where it is a time.
    end: Option<u64>,
    /// By [`TallyId`].
    tallies: Vec<Counter>,
    captured: Answers,
    logs: Option<RequestLogs>,
    /// t = 0.
    start: u64,
    in_flight: u64,
    exhausted: u64,
    over_budget: Option<Budget>,
    /// Ok answers that did not say their tokens, where these are on a budget.
    by_chunks: u64,
}

impl<'a> Dispatcher<'a> {
    /// Makes the dispatcher of a worker with these schedules; `start` is t = 0 on the clock of all
    /// times.
    pub(crate) fn new(
        plan: &'a LoadPlan,
        shared: &'a Shared,
        schedules: Vec<Schedule>,
        start: u64,
        keep: Keep,
    ) -> Self {
        let window = match plan.until {
            Until::Duration(duration) => Some(nanos(duration)),
            Until::Requests(_) => None,
        };
        Self {
            plan,
            shared,
            schedules,
            turns: BTreeMap::new(),
            sessions: 0,
            departures: 0,
            over: Vec::new(),
            end: window.map(|window| start + window),
            tallies: plan
                .measured()
                .map(|measured| Counter::new(measured.limits(), window, plan.interval))
                .map(|counter| counter.budgeted(plan.has_budget()))
                .collect(),
            captured: Answers::of(keep.replies_of),
            logs: keep.traces.then(RequestLogs::default),
            start,
            in_flight: 0,
            exhausted: 0,
            over_budget: None,
            by_chunks: 0,
        }
    }

    /// Returns how many requests have been handed out and have not ended.
    pub(crate) const fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Returns whether a time is in the measured phase, or after it.
    pub(crate) const fn is_measured(&self, time: u64) -> bool {
        time >= self.start
    }

    /// Reads the answer of a request that has ended.
    pub(crate) fn read(&self, ended: Ended) -> Completion {
        let stage = ended.stage();
        ended.read(&self.plan.stages[stage])
    }

    /// Returns the sessions that have ended since the last call, with their scenarios' stages.
    pub(crate) fn take_over(&mut self) -> Vec<(u64, &'a [StageId])> {
        let plan = self.plan;
        let steps = |scenario: ScenarioId| plan.scenarios[scenario].steps.as_slice();
        let over = self.over.drain(..);
        over.map(|(owner, scenario)| (owner, steps(scenario)))
            .collect()
    }

    /// Counts a connection to a stage that was begun.
    pub(crate) fn dialed(&mut self, stage: StageId) {
        self.tallies[LoadPlan::tally_of_stage(stage)]
            .counts
            .connections += 1;
    }

    /// Counts how long a part of opening a connection took, in ns, until `at`, if it was begun in
    /// the measured phase.
    pub(crate) fn opened(
        &mut self,
        stage: StageId,
        metric: LatencyMetric,
        (since, at): (u64, u64),
        took: u64,
    ) {
        if self.is_measured(since) {
            let tally = &mut self.tallies[LoadPlan::tally_of_stage(stage)];
            tally.opened(metric, at - self.start, took);
        }
    }

    /// Counts a request that is still open when the run is over.
    pub(crate) fn still_open(&mut self, request: &Request) {
        let intent = &request.intent;
        let whole = intent.pipeline.as_ref();
        let whole = whole.map(|_| self.plan.tally_of(intent.scenario));
        let own = LoadPlan::tally_of_stage(intent.target);
        for tally in whole.into_iter().chain([own]) {
            let tally = &mut self.tallies[tally];
            tally.counts.attempted += u64::from(intent.measured);
            tally.counts.in_flight_at_end += u64::from(intent.measured);
        }
    }

    /// Returns what has been counted, at the end of the run; what is due by `now` and was not taken
    /// up was not sent.
    pub(crate) fn into_result(mut self, now: u64) -> WorkerResult {
        if self.over_budget.is_none() {
            for scenario in self.plan.scenario_ids() {
                let overdue = self.schedules[scenario].overdue(now);
                self.tally_of(scenario).counts.not_sent += overdue;
            }
            let turns = self.turns.range(..=(now, u64::MAX));
            let measured = turns.filter(|((due, _), _)| *due >= self.start);
            let scenarios: Vec<ScenarioId> = measured.map(|(_, it)| it.scenario).collect();
            for scenario in scenarios {
                self.tally_of(scenario).counts.not_sent += 1;
            }
        }
        WorkerResult {
            counted: self
                .tallies
                .into_iter()
                .map(Counter::into_counted)
                .collect(),
            captured: self.captured.into_vec(),
            traces: self.logs.map(RequestLogs::into_vec).unwrap_or_default(),
            exhausted: self.exhausted,
            over_budget: self.over_budget,
            by_chunks: self.by_chunks,
            ..WorkerResult::default()
        }
    }

    fn tally_of(&mut self, scenario: ScenarioId) -> &mut Counter {
        let tally: TallyId = self.plan.tally_of(scenario);
        &mut self.tallies[tally]
    }
}

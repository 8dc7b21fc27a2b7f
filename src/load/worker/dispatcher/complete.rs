//! Where a request ends: what it is counted as, and what it sets off.

use std::sync::atomic::Ordering;

use super::{Dispatcher, RETRY_NS};
use crate::load::id::{StageId, TallyId};
use crate::load::plan::LoadPlan;
use crate::load::tally::summarise::price;
use crate::load::worker::capture::Captured;
use crate::load::worker::pipeline::Pipeline;
use crate::load::worker::request::{Completion, Intent, Request};
use crate::load::worker::request_log::{LoggedStep, RequestLog};
use crate::load::worker::session::Progress;
use crate::measure::{Failure, nanos};
use crate::protocol::{Reply, Usage};
use crate::record::TokenCounts;
use crate::stage::Wait;

impl Dispatcher<'_> {
    /// Counts a request that this machine could not send, at `now`.
    pub(crate) fn not_sent(&mut self, request: Box<Request>, now: u64) {
        self.exhausted += 1;
        let intent = &request.intent;
        if intent.pipeline.as_ref().is_some_and(|it| !it.is_at_start()) {
            let detail = "this machine has no socket left".to_owned();
            let ended = request.failed(Failure::Exhausted, detail, now);
            // A step that failed has no next one.
            let _none = self.complete(self.read(ended), now);
            return;
        }
        self.in_flight -= 1;
        let (scenario, measured, user) = (intent.scenario, intent.measured, intent.user);
        self.tally_of(scenario).counts.not_sent += u64::from(measured);
        self.schedules[scenario].answered(user, now + RETRY_NS);
    }

    /// Takes a request that has ended: the end of its arrival, or of one step of it. Returns the
    /// request of the next step, which is due at once and taken up at `now`.
    pub(crate) fn complete(
        &mut self,
        mut completion: Completion,
        now: u64,
    ) -> Option<Box<Request>> {
        self.in_flight -= 1;
        if let Ok(reply) = &completion.outcome {
            let target = completion.intent.target;
            self.spend(target, reply);
            let tally = &mut self.tallies[LoadPlan::tally_of_stage(target)];
            tally.look_at(&self.plan.stages[target], reply);
        }
        match completion.intent.pipeline.take() {
            None => {
                self.log(&completion, None);
                self.concluded(completion, now);
                None
            }
            Some(pipeline) => self.stepped(pipeline, completion, now),
        }
    }

    fn stepped(
        &mut self,
        mut pipeline: Box<Pipeline>,
        mut completion: Completion,
        now: u64,
    ) -> Option<Box<Request>> {
        let plan = self.plan;
        let Intent {
            scenario, target, ..
        } = completion.intent;
        if completion.intent.measured {
            let tally = LoadPlan::tally_of_stage(target);
            let good = self.tallies[tally].record(&completion, self.start, false);
            self.capture(tally, &completion, good);
        }
        let scenario = &plan.scenarios[scenario];
        let (step, reply) = (logged(&completion), completion.outcome.as_ref().ok());
        match pipeline.go_on(plan, scenario, step, reply) {
            None => {
                let completion = whole_way(plan, &pipeline, completion);
                self.log(&completion, Some(pipeline.past()));
                self.concluded(completion, now);
                None
            }
            Some((next, Err(failure))) => {
                completion.intent.target = next;
                completion.outcome = Err(failure);
                self.concluded(whole_way(plan, &pipeline, completion), now);
                None
            }
            Some((next, Ok(prepared))) => {
                let due = completion.stamps.end.unwrap_or(now);
                let intent = Intent {
                    target: next,
                    pipeline: Some(pipeline),
                    ..completion.intent
                };
                self.shared.sent.fetch_add(1, Ordering::Relaxed);
                self.in_flight += 1;
                let stage = &plan.stages[next];
                Some(Request::new(
                    intent,
                    prepared,
                    (due, now),
                    (stage, &plan.traces),
                ))
            }
        }
    }

    /// Counts the end of an arrival.
    fn concluded(&mut self, mut completion: Completion, now: u64) {
        let Intent { scenario, user, .. } = completion.intent;
        let end = completion.stamps.end.unwrap_or(now);
        // A user who is told to come back later does, where the load says so.
        let asked = completion.outcome.as_ref().err();
        let rest = asked
            .filter(|_| self.plan.honour_retry_after)
            .map(|failure| {
                let timeout = self.plan.stages[completion.intent.target].timeouts.total;
                nanos(Wait::of(failure, timeout).bounded())
            });
        let rested = end.saturating_add(rest.unwrap_or(0));
        let goes_on = self.next_turn(&mut completion, rested);
        if !goes_on {
            self.schedules[scenario].answered(user, rested);
        }
        if !completion.intent.measured {
            return;
        }
        let completion = &completion;
        let open_loop = self.plan.timing.is_open();
        let tally = self.plan.tally_of(scenario);
        let good = self.tallies[tally].record(completion, self.start, open_loop);
        self.capture(tally, completion, good);
        self.shared.done.fetch_add(1, Ordering::Relaxed);
        if completion.outcome.is_err() {
            self.shared.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Goes on with the session that an answer belongs to; returns whether its next turn will be
    /// sent.
    fn next_turn(&mut self, completion: &mut Completion, rested: u64) -> bool {
        let plan = self.plan;
        let intent = &mut completion.intent;
        let (scenario, user) = (intent.scenario, intent.user);
        let (Some(mut session), Some(sessions)) = (
            intent.session.take(),
            &plan.scenarios[scenario].cases.sessions,
        ) else {
            return false;
        };
        let progress = session.go_on(sessions, completion.outcome.as_ref().ok());
        let due = rested.saturating_add(nanos(sessions.think_time));
        let is_in_time = self.end.is_none_or(|end| due < end);
        if progress == Progress::Next && is_in_time {
            let intent = Intent {
                scenario,
                target: plan.scenarios[scenario].steps[0],
                case: session.case(sessions),
                measured: due >= self.start,
                session: Some(session),
                user,
                pipeline: None,
            };
            self.departures += 1;
            self.turns.insert((due, self.departures), intent);
            return true;
        }
        let counts = &mut self.tally_of(scenario).counts;
        counts.sessions_finished += u64::from(session.measured && progress == Progress::Finished);
        counts.sessions_failed += u64::from(session.measured && progress == Progress::Failed);
        self.over.push((session.owner(), scenario));
        false
    }

    /// Keeps the stamps of an arrival that was answered: those of its steps, or of its one request.
    fn log(&mut self, completion: &Completion, steps: Option<&[LoggedStep]>) {
        let intent = &completion.intent;
        let is_kept = intent.measured && completion.outcome.is_ok();
        if let Some(logs) = self.logs.as_mut().filter(|_| is_kept) {
            logs.push(RequestLog {
                scenario: intent.scenario,
                steps: match steps {
                    Some(steps) => steps.to_vec(),
                    None => vec![logged(completion)],
                },
            });
        }
    }

    fn capture(&mut self, tally: TallyId, completion: &Completion, good_in_window: bool) {
        if let Ok(reply) = &completion.outcome {
            self.captured.take(tally, || Captured {
                scenario: completion.intent.scenario,
                case: completion.intent.case,
                reply: reply.clone(),
                stamps: completion.stamps,
                gaps: completion.gaps.clone(),
                good_in_window,
                trace: completion.trace,
            });
        }
    }

    /// Counts what an answer has cost, by the server's tokens or else by chunks; warm-up is paid
    /// for too.
    fn spend(&mut self, target: StageId, reply: &Reply) {
        let cost = self.plan.stages[target].cost;
        if cost.is_none() && self.plan.max_tokens.is_none() {
            return;
        }
        let usage = reply.usage.unwrap_or(Usage {
            output: reply.chunks,
            ..Usage::default()
        });
        let tokens = usage.input + usage.output;
        self.shared.tokens.fetch_add(tokens, Ordering::Relaxed);
        self.by_chunks += u64::from(reply.usage.is_none());
        if let Some(cost) = cost {
            let usd = price(cost).usd(&TokenCounts {
                input: usage.input,
                output: usage.output,
                cached: usage.cached,
                cache_write: usage.cache_write,
                reasoning: usage.reasoning,
            });
            self.shared
                .spent
                .fetch_add((usd * 1e9) as u64, Ordering::Relaxed);
        }
    }
}

/// Returns what is kept of a request that has ended.
const fn logged(completion: &Completion) -> LoggedStep {
    LoggedStep {
        stage: completion.intent.target,
        stamps: completion.stamps,
        trace: completion.trace,
    }
}

/// Returns the end of a pipeline's whole way, given that of its last step.
fn whole_way(plan: &LoadPlan, pipeline: &Pipeline, completion: Completion) -> Completion {
    let scenario = &plan.scenarios[completion.intent.scenario];
    let stage = &plan.stages[completion.intent.target].name;
    let (stamps, outcome) =
        pipeline.conclude(scenario, stage, completion.stamps, completion.outcome);
    Completion {
        stamps,
        outcome,
        ..completion
    }
}

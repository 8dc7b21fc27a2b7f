//! Where a request ends: what it is recorded as, and what it sets off.

use std::sync::atomic::Ordering;

use crate::load::arrival::nanos;
use crate::load::worker::capture::Captured;
use crate::load::worker::request::{Completion, Intent, Request};
use crate::load::worker::request_log::RequestLog;
use crate::load::worker::session::Progress;
use crate::load::worker::steps::Steps;
use crate::load::worker::{SWEEP_NS, Worker};
use crate::measure::{Failure, Stamps, now_ns};
use crate::protocol::Reply;

impl Worker<'_> {
    /// Counts a request that this machine could not send.
    pub(crate) fn not_sent(&mut self, request: Request) {
        self.exhausted += 1;
        let intent = &request.intent;
        if intent.steps.as_ref().is_some_and(|it| !it.is_at_start()) {
            self.in_flight += 1;
            let detail = "this machine has no socket left".to_owned();
            return self.ended(request.fail(Failure::Exhausted, detail, now_ns()));
        }
        let recorder = self.plan.recorder(intent.scenario);
        self.recorders[recorder].not_sent += u64::from(intent.measured);
        let later = now_ns() + SWEEP_NS;
        self.schedules[intent.scenario].answered(intent.user, later);
    }

    /// Takes a request that has ended: the end of its arrival, or of one step of it.
    pub(crate) fn ended(&mut self, mut completion: Completion) {
        self.in_flight -= 1;
        if let Ok(reply) = &completion.outcome {
            self.spend(completion.intent.target, reply);
        }
        match completion.intent.steps.take() {
            None => {
                let steps = vec![(completion.intent.target, completion.stamps)];
                self.trace(&completion, steps);
                self.concluded(completion);
            }
            Some(steps) => self.stepped(steps, completion),
        }
    }

    fn stepped(&mut self, mut steps: Box<Steps>, mut completion: Completion) {
        let plan = self.plan;
        let Intent {
            scenario, target, ..
        } = completion.intent;
        if completion.intent.measured {
            let good = self.recorders[target].record(&completion, self.start, false);
            self.capture(target, &completion, good);
        }
        match steps.go_on(plan, &plan.scenarios[scenario], &completion) {
            None => {
                let past = steps.past();
                let completion = steps.conclude(plan, completion);
                self.trace(&completion, past);
                self.concluded(completion);
            }
            Some((next, Err(error))) => {
                completion.intent.target = next;
                completion.outcome = Err(error);
                self.concluded(steps.conclude(plan, completion));
            }
            Some((next, Ok(prepared))) => {
                let due = completion.stamps.end.unwrap_or_else(now_ns);
                let intent = Intent {
                    target: next,
                    steps: Some(steps),
                    ..completion.intent
                };
                let mut request = Request::new(intent, due, now_ns(), &plan.targets[next]);
                request.prepared = Some(prepared);
                self.shared.sent.fetch_add(1, Ordering::Relaxed);
                self.begin(request);
            }
        }
    }

    /// Records the end of an arrival.
    fn concluded(&mut self, mut completion: Completion) {
        let Intent { scenario, user, .. } = completion.intent;
        let end = completion.stamps.end.unwrap_or_else(now_ns);
        // A user who is told to come back later does, where the load says so.
        let rest = if self.plan.honour_retry_after {
            completion.retry_after
        } else {
            0
        };
        let rested = end.saturating_add(rest);
        let goes_on = self.next_turn(&mut completion, rested);
        if !goes_on {
            self.schedules[scenario].answered(user, rested);
        }
        if !completion.intent.measured {
            return;
        }
        let completion = &completion;
        let open_loop = self.plan.timing.is_open();
        let recorder = self.plan.recorder(scenario);
        let good = self.recorders[recorder].record(completion, self.start, open_loop);
        self.capture(recorder, completion, good);
        self.shared.done.fetch_add(1, Ordering::Relaxed);
        if completion.outcome.is_err() {
            self.shared.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Goes on with the session that an answer belongs to; returns whether its next turn will be sent.
    fn next_turn(&mut self, completion: &mut Completion, rested: u64) -> bool {
        let plan = self.plan;
        let intent = &mut completion.intent;
        let scenario = intent.scenario;
        let (Some(mut session), Some(sessions)) = (
            intent.session.take(),
            &plan.scenarios[scenario].cases.sessions,
        ) else {
            return false;
        };
        let user = intent.user;
        let progress = session.go_on(sessions, completion);
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
                steps: None,
            };
            self.departures += 1;
            self.turns.insert((due, self.departures), intent);
            return true;
        }
        let counts = &mut self.recorders[plan.recorder(scenario)].sessions;
        counts.finished += u64::from(session.measured && progress == Progress::Finished);
        counts.failed += u64::from(session.measured && progress == Progress::Failed);
        for step in &plan.scenarios[scenario].steps {
            if let Some(at) = self.connections.take_kept(session.owner(), *step) {
                self.connections.close(at, self.poll.registry());
            }
        }
        false
    }

    fn trace(&mut self, completion: &Completion, steps: Vec<(usize, Stamps)>) {
        let intent = &completion.intent;
        if let (Some(traces), true) = (
            &mut self.traces,
            intent.measured && completion.outcome.is_ok(),
        ) {
            traces.push(RequestLog {
                scenario: intent.scenario,
                steps,
            });
        }
    }

    fn capture(&mut self, recorder: usize, completion: &Completion, good_in_window: bool) {
        if let Ok(reply) = &completion.outcome {
            self.captured.take(recorder, || Captured {
                scenario: completion.intent.scenario,
                case: completion.intent.case,
                reply: reply.clone(),
                stamps: completion.stamps,
                gaps: completion.gaps.clone(),
                good_in_window,
            });
        }
    }

    /// Counts what an answer has cost, by the server's tokens or else by chunks; warm-up is paid for too.
    fn spend(&self, target: usize, reply: &Reply) {
        let Some(cost) = self.plan.targets[target].measured.cost else {
            return;
        };
        let (input, output) = reply
            .usage
            .map_or((0, reply.chunks), |usage| (usage.input, usage.output));
        // USD per million tokens are 1e3 nano-USD per token.
        let nanos = (input as f64 * cost.input + output as f64 * cost.output) * 1e3;
        self.shared.spent.fetch_add(nanos as u64, Ordering::Relaxed);
    }
}

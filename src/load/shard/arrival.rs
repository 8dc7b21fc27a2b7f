//! Where a request ends: what it is recorded as, and what it sets off.

use std::sync::atomic::Ordering;

use super::{SWEEP_NS, Shard};
use crate::load::arrival::nanos;
use crate::load::attempt::{Attempt, Errand, Finished};
use crate::load::captured::Captured;
use crate::load::journey::Journey;
use crate::load::session::Progress;
use crate::load::trace::Trace;
use crate::measure::{Failure, Stamps, now_ns};
use crate::protocol::Reply;

impl Shard<'_> {
    /// Counts a request that this machine could not send.
    pub(super) fn not_sent(&mut self, attempt: Attempt) {
        self.exhausted += 1;
        let errand = &attempt.errand;
        if errand.journey.as_ref().is_some_and(|it| !it.is_at_start()) {
            self.in_flight += 1;
            let detail = "this machine has no socket left".to_owned();
            return self.ended(attempt.fail(Failure::Exhausted, detail, now_ns()));
        }
        let recorder = self.plan.recorder(errand.flow);
        self.recorders[recorder].not_sent += u64::from(errand.measured);
        let later = now_ns() + SWEEP_NS;
        self.feeds[errand.flow].answered(errand.user, later);
    }

    /// Takes a request that has ended: the end of its arrival, or of one step of it.
    pub(super) fn ended(&mut self, mut finished: Finished) {
        self.in_flight -= 1;
        if let Ok(reply) = &finished.outcome {
            self.spend(finished.errand.target, reply);
        }
        match finished.errand.journey.take() {
            None => {
                let steps = vec![(finished.errand.target, finished.stamps)];
                self.trace(&finished, steps);
                self.concluded(finished);
            }
            Some(journey) => self.stepped(journey, finished),
        }
    }

    fn stepped(&mut self, mut journey: Box<Journey>, mut finished: Finished) {
        let plan = self.plan;
        let Errand { flow, target, .. } = finished.errand;
        if finished.errand.measured {
            let good = self.recorders[target].record(&finished, self.start, false);
            self.capture(target, &finished, good);
        }
        match journey.go_on(plan, &plan.flows[flow], &finished) {
            None => {
                let steps = journey.past();
                let finished = journey.conclude(plan, finished);
                self.trace(&finished, steps);
                self.concluded(finished);
            }
            Some((next, Err(error))) => {
                finished.errand.target = next;
                finished.outcome = Err(error);
                self.concluded(journey.conclude(plan, finished));
            }
            Some((next, Ok(request))) => {
                let due = finished.stamps.end.unwrap_or_else(now_ns);
                let errand = Errand {
                    target: next,
                    journey: Some(journey),
                    ..finished.errand
                };
                let mut attempt = Attempt::new(errand, due, now_ns(), &plan.targets[next]);
                attempt.request = Some(request);
                self.shared.sent.fetch_add(1, Ordering::Relaxed);
                self.begin(attempt);
            }
        }
    }

    /// Records the end of an arrival.
    fn concluded(&mut self, mut finished: Finished) {
        let Errand { flow, user, .. } = finished.errand;
        let end = finished.stamps.end.unwrap_or_else(now_ns);
        // A user who is told to come back later does, where the load says so.
        let rest = if self.plan.honour_retry_after {
            finished.retry_after
        } else {
            0
        };
        let rested = end.saturating_add(rest);
        let goes_on = self.next_turn(&mut finished, rested);
        if !goes_on {
            self.feeds[flow].answered(user, rested);
        }
        if !finished.errand.measured {
            return;
        }
        let finished = &finished;
        let open_loop = self.plan.timing.is_open();
        let recorder = self.plan.recorder(flow);
        let good = self.recorders[recorder].record(finished, self.start, open_loop);
        self.capture(recorder, finished, good);
        self.shared.done.fetch_add(1, Ordering::Relaxed);
        if finished.outcome.is_err() {
            self.shared.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Goes on with the session that an answer belongs to; returns whether its next turn will be sent.
    fn next_turn(&mut self, finished: &mut Finished, rested: u64) -> bool {
        let plan = self.plan;
        let errand = &mut finished.errand;
        let flow = errand.flow;
        let (Some(mut session), Some(sessions)) =
            (errand.session.take(), &plan.flows[flow].cases.sessions)
        else {
            return false;
        };
        let user = errand.user;
        let progress = session.go_on(sessions, finished);
        let due = rested.saturating_add(nanos(sessions.think_time));
        let is_in_time = self.end.is_none_or(|end| due < end);
        if progress == Progress::Next && is_in_time {
            let errand = Errand {
                flow,
                target: plan.flows[flow].steps[0],
                case: session.case(sessions),
                measured: due >= self.start,
                session: Some(session),
                user,
                journey: None,
            };
            self.departures += 1;
            self.turns.insert((due, self.departures), errand);
            return true;
        }
        let counts = &mut self.recorders[plan.recorder(flow)].sessions;
        counts.finished += u64::from(session.measured && progress == Progress::Finished);
        counts.failed += u64::from(session.measured && progress == Progress::Failed);
        for step in &plan.flows[flow].steps {
            if let Some(at) = self.connections.take_kept(session.owner(), *step) {
                self.connections.close(at, self.poll.registry());
            }
        }
        false
    }

    fn trace(&mut self, finished: &Finished, steps: Vec<(usize, Stamps)>) {
        let errand = &finished.errand;
        if let (Some(traces), true) = (
            &mut self.traces,
            errand.measured && finished.outcome.is_ok(),
        ) {
            traces.push(Trace {
                flow: errand.flow,
                steps,
            });
        }
    }

    fn capture(&mut self, recorder: usize, finished: &Finished, good_in_window: bool) {
        if let Ok(reply) = &finished.outcome {
            self.captured.take(recorder, || Captured {
                flow: finished.errand.flow,
                case: finished.errand.case,
                reply: reply.clone(),
                stamps: finished.stamps,
                gaps: finished.gaps.clone(),
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

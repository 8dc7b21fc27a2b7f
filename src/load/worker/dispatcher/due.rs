//! What is due next, and the request that it becomes.

use std::sync::atomic::Ordering;

use super::Dispatcher;
use crate::load::id::ScenarioId;
use crate::load::plan::Budget;
use crate::load::schedule::{Arrival, Schedule};
use crate::load::wire::encode::Prepared;
use crate::load::worker::pipeline::Pipeline;
use crate::load::worker::request::{Completion, Intent, Request};
use crate::load::worker::session::Session;
use crate::protocol::CallFailure;

/// What a look at the schedules brought.
pub(crate) enum Due {
    /// Nothing is due yet.
    Nothing,
    /// A request to be sent.
    Send(Box<Request>),
    /// Something was due that could not be written, and has been counted as failed.
    Failed,
}

impl Dispatcher<'_> {
    /// Returns when something is due next, as far as that is known.
    pub(crate) fn next_at(&self) -> Option<u64> {
        if self.over_budget.is_some() {
            return None;
        }
        let turn = self.turns.keys().next().map(|(at, _)| *at);
        self.schedules
            .iter()
            .filter_map(Schedule::next_at)
            .chain(turn)
            .min()
    }

    /// Takes up what is due by `now`: a turn of a session, else the earliest arrival of all
    /// scenarios, so that none waits behind another's backlog.
    pub(crate) fn take_due(&mut self, now: u64) -> Due {
        if self.over_budget.is_some() {
            return Due::Nothing;
        }
        if let Some(entry) = self.turns.first_entry().filter(|it| it.key().0 <= now) {
            let ((due, _), intent) = entry.remove_entry();
            return if self.within_budget() {
                self.first_request(intent, due, now)
            } else {
                Due::Nothing
            };
        }
        let schedules = self.plan.scenario_ids();
        let earliest = schedules
            .filter_map(|scenario| Some((self.schedules[scenario].next_at()?, scenario)))
            .min()
            .filter(|(at, _)| *at <= now);
        let Some((_, scenario)) = earliest else {
            return Due::Nothing;
        };
        match self.schedules[scenario].take(now) {
            Some(due) if self.within_budget() => {
                let intent = self.first_intent(scenario, due);
                self.first_request(intent, due.intended, now)
            }
            _ => Due::Nothing,
        }
    }

    fn first_intent(&mut self, scenario: ScenarioId, due: Arrival) -> Intent {
        let plan = &self.plan.scenarios[scenario];
        let number = scenario.0 as u64;
        let chosen = plan.sequence.case(self.plan.seed, number, due.index);
        let session = plan.cases.sessions.as_ref().map(|sessions| {
            self.sessions += 1;
            let phase = if due.measured { "" } else { "w" };
            let name = format!("{number}-{phase}{}", due.index);
            let session = Session::new(sessions, self.sessions, &name, chosen, due.measured);
            (session.case(sessions), Box::new(session))
        });
        if due.measured && session.is_some() {
            self.tally_of(scenario).counts.sessions_begun += 1;
        }
        let (case, session) = session.map_or((chosen, None), |(case, it)| (case, Some(it)));
        Intent {
            scenario,
            target: plan.steps[0],
            case,
            measured: due.measured,
            session,
            user: due.user,
            pipeline: None,
        }
    }

    /// Writes the first request of an arrival, or of a session's turn.
    fn first_request(&mut self, mut intent: Intent, intended: u64, now: u64) -> Due {
        let plan = self.plan;
        let scenario = &plan.scenarios[intent.scenario];
        let stage = &plan.stages[intent.target];
        let scope = match &mut intent.session {
            Some(session) => Some(session.enter(plan, intent.scenario)),
            None => scenario.cases.scopes.get(intent.case).cloned(),
        };
        let ready = scenario.cases.requests.get(intent.case).cloned();
        let prepared = match (ready, &scope) {
            (Some(prepared), _) => Ok(prepared),
            (None, Some(scope)) => stage
                .request(scope)
                .and_then(|request| Prepared::new(&request, plan.connections)),
            (None, None) => Err(CallFailure::unsent("there is no such case")),
        };
        if scenario.whole.is_some() {
            intent.pipeline = scope.map(|scope| Box::new(Pipeline::new(scenario, scope)));
        }
        self.in_flight += 1;
        match prepared {
            Ok(prepared) => Due::Send(Request::new(
                intent,
                prepared,
                (intended, now),
                (stage, &plan.traces),
            )),
            Err(error) => {
                let end = Completion::unwritten(intent, (intended, now), error, now);
                // A request that was not written has no next step.
                let _none = self.complete(end, now);
                Due::Failed
            }
        }
    }

    /// Takes one request of the run's budgets; returns false where there is none left.
    pub(super) fn within_budget(&mut self) -> bool {
        let requests = self.shared.sent.fetch_add(1, Ordering::Relaxed);
        let usd = self.shared.spent.load(Ordering::Relaxed) as f64 / 1e9;
        let tokens = self.shared.tokens.load(Ordering::Relaxed);
        let plan = self.plan;
        self.over_budget = if plan.max_requests.is_some_and(|most| requests >= most) {
            Some(Budget::Requests)
        } else if plan.max_cost.is_some_and(|most| usd >= most) {
            Some(Budget::Cost)
        } else if plan.max_tokens.is_some_and(|most| tokens >= most) {
            Some(Budget::Tokens)
        } else {
            None
        };
        self.over_budget.is_none()
    }
}

//! One arrival on its way through the steps of a pipeline.

use crate::load::id::StageId;
use crate::load::plan::{LoadPlan, Scenario};
use crate::load::wire::encode::Prepared;
use crate::load::worker::request::Completion;
use crate::measure::Stamps;
use crate::protocol::CallFailure;
use crate::stage::Steps;
use crate::template::Scope;

/// A pipeline under way.
pub(crate) struct Pipeline {
    steps: Steps,
    /// The stamps of the steps that have ended, with their stages.
    past: Vec<(StageId, Stamps)>,
}

impl Pipeline {
    /// Sets out with what the templates of its case see.
    pub(crate) fn new(scenario: &Scenario, scope: Scope) -> Self {
        Self {
            steps: Steps::new(scope),
            past: Vec::with_capacity(scenario.steps.len()),
        }
    }

    /// Returns whether its first step has yet to be answered.
    pub(crate) const fn is_at_start(&self) -> bool {
        self.steps.place() == 0
    }

    /// Takes what a step brought. Returns the next step's stage and request, or `None` when the way ends here.
    pub(crate) fn go_on(
        &mut self,
        plan: &LoadPlan,
        scenario: &Scenario,
        completion: &Completion,
    ) -> Option<(StageId, Result<Prepared, CallFailure>)> {
        let stage = completion.intent.target;
        self.past.push((stage, completion.stamps));
        let reply = completion.outcome.as_ref().ok()?;
        let next = *scenario.steps.get(self.steps.place() + 1)?;
        self.steps.go_on(&plan.stages[stage], reply);
        let request = plan.stages[next].request(self.steps.scope());
        Some((
            next,
            request.and_then(|it| Prepared::new(&it, plan.connections)),
        ))
    }

    /// Returns the stamps of the steps that have ended, with their stages.
    pub(crate) fn past(&self) -> &[(StageId, Stamps)] {
        &self.past
    }

    /// Returns the end of the whole way: due when the first step was, answered when the last one was.
    pub(crate) fn conclude(
        &self,
        plan: &LoadPlan,
        scenario: &Scenario,
        mut completion: Completion,
    ) -> Completion {
        let first = self.past.first().map_or(completion.stamps, |(_, it)| *it);
        completion.stamps = Stamps {
            first_content: completion.stamps.first_content,
            first_answer: completion.stamps.first_answer,
            last_content: completion.stamps.last_content,
            end: completion.stamps.end,
            ..first
        };
        let stage = &plan.stages[completion.intent.target];
        completion.outcome = match completion.outcome {
            Ok(reply) => Ok(self.steps.whole(reply)),
            Err(failure) if scenario.steps.len() > 1 => Err(failure.in_step(&stage.name)),
            failed => failed,
        };
        completion
    }
}

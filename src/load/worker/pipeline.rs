//! One arrival on its way through the steps of a pipeline.

use crate::load::id::StageId;
use crate::load::plan::{LoadPlan, Scenario};
use crate::load::wire::encode::Prepared;
use crate::load::worker::request_log::LoggedStep;
use crate::measure::Stamps;
use crate::protocol::{CallFailure, Reply};
use crate::stage::Steps;
use crate::template::Scope;

/// A pipeline under way.
pub(crate) struct Pipeline {
    steps: Steps,
    /// The steps that have ended.
    past: Vec<LoggedStep>,
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

    /// Takes what a step brought, where it brought anything. Returns the next step's stage and
    /// request, or `None` when the way ends here.
    pub(crate) fn go_on(
        &mut self,
        plan: &LoadPlan,
        scenario: &Scenario,
        step: LoggedStep,
        reply: Option<&Reply>,
    ) -> Option<(StageId, Result<Prepared, CallFailure>)> {
        self.past.push(step);
        let reply = reply?;
        let next = *scenario.steps.get(self.steps.place() + 1)?;
        self.steps.go_on(&plan.stages[step.stage], reply);
        let request = plan.stages[next].request(self.steps.scope());
        Some((
            next,
            request.and_then(|it| Prepared::new(&it, plan.connections)),
        ))
    }

    /// Returns the steps that have ended.
    pub(crate) fn past(&self) -> &[LoggedStep] {
        &self.past
    }

    /// Returns the stamps of the whole way, due when the first step was, and what it brought, given
    /// those of its last step, which called `stage`.
    pub(crate) fn conclude(
        &self,
        scenario: &Scenario,
        stage: &str,
        stamps: Stamps,
        outcome: Result<Reply, CallFailure>,
    ) -> (Stamps, Result<Reply, CallFailure>) {
        let first = self.past.first().map_or(stamps, |it| it.stamps);
        let whole = Stamps {
            first_content: stamps.first_content,
            first_answer: stamps.first_answer,
            last_content: stamps.last_content,
            end: stamps.end,
            ..first
        };
        let outcome = match outcome {
            Ok(reply) => Ok(self.steps.whole(reply)),
            Err(failure) if scenario.steps.len() > 1 => Err(failure.in_step(stage)),
            failed => failed,
        };
        (whole, outcome)
    }
}

//! One arrival on its way through the steps of a pipeline.

use serde_json::Value;

use crate::load::id::StageId;
use crate::load::plan::{LoadPlan, Scenario};
use crate::load::wire::encode::Prepared;
use crate::load::worker::request::Completion;
use crate::measure::{Failure, Stamps};
use crate::protocol::ReadError;
use crate::template::Scope;

/// What has come of the steps so far.
pub(crate) struct Steps {
    /// The place of the present step in the pipeline.
    step: usize,
    /// What the present step's request is made of: the case, and what came back before.
    scope: Scope,
    /// The stamps of the steps that have ended, with their targets.
    past: Vec<(StageId, Stamps)>,
}

impl Steps {
    /// Sets out with what the templates of its case see.
    pub(crate) fn new(scenario: &Scenario, scope: Scope) -> Self {
        Self {
            step: 0,
            scope,
            past: Vec::with_capacity(scenario.steps.len()),
        }
    }

    /// Returns whether the pipeline has not yet begun to answer.
    pub(crate) fn is_at_start(&self) -> bool {
        self.step == 0
    }

    /// Takes what a step brought. Returns the next step's number and request, or `None` when the way ends here.
    pub(crate) fn go_on(
        &mut self,
        plan: &LoadPlan,
        scenario: &Scenario,
        completion: &Completion,
    ) -> Option<(StageId, Result<Prepared, ReadError>)> {
        let target = completion.intent.target;
        self.past.push((target, completion.stamps));
        let reply = completion.outcome.as_ref().ok()?;
        let next = *scenario.steps.get(self.step + 1)?;
        self.step += 1;
        let name = plan.targets[target].measured.name.clone();
        self.scope
            .steps
            .insert(name, Value::Object(reply.outputs.clone()));
        let request = plan.targets[next].call.request(&self.scope);
        let request = request.map_err(|error| ReadError {
            failure: Failure::Request,
            detail: error.to_string(),
        });
        let request = request.and_then(|it| Prepared::new(&it, plan.connections));
        Some((next, request))
    }

    /// Returns the stamps of the steps that have ended, with their targets.
    pub(crate) fn past(&self) -> Vec<(StageId, Stamps)> {
        self.past.clone()
    }

    /// Returns the end of the whole way: due when the first step was, answered when the last one was.
    pub(crate) fn conclude(self, plan: &LoadPlan, mut completion: Completion) -> Completion {
        let first = self.past.first().map_or(completion.stamps, |(_, it)| *it);
        completion.stamps = Stamps {
            first_content: completion.stamps.first_content,
            last_content: completion.stamps.last_content,
            end: completion.stamps.end,
            ..first
        };
        let step = &plan.targets[completion.intent.target].measured.name;
        completion.outcome = match completion.outcome {
            Ok(reply) => Ok(reply.with_outputs_of(&self.scope.steps)),
            Err(error) => Err(ReadError {
                detail: format!("step `{step}`: {}", error.detail),
                ..error
            }),
        };
        completion
    }
}

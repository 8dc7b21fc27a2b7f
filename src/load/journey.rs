//! One arrival on its way through the steps of a pipeline.

use serde_json::Value;

use super::attempt::Finished;
use super::plan::{Flow, LoadPlan, Prepared};
use crate::measure::{Failure, Stamps};
use crate::protocol::ReadError;
use crate::template::Scope;

/// What has come of the steps so far.
pub(super) struct Journey {
    /// The place of the present step in the pipeline.
    step: usize,
    /// What the present step's request is made of: the case, and what came back before.
    scope: Scope,
    /// The stamps of the steps that have ended, with their targets.
    past: Vec<(usize, Stamps)>,
}

impl Journey {
    /// Sets out with what the templates of its case see.
    pub(super) fn new(flow: &Flow, scope: Scope) -> Self {
        Self {
            step: 0,
            scope,
            past: Vec::with_capacity(flow.steps.len()),
        }
    }

    /// Returns whether the pipeline has not yet begun to answer.
    pub(super) fn is_at_start(&self) -> bool {
        self.step == 0
    }

    /// Takes what a step brought. Returns the next step's number and request, or `None` when the way ends here.
    pub(super) fn go_on(
        &mut self,
        plan: &LoadPlan,
        flow: &Flow,
        finished: &Finished,
    ) -> Option<(usize, Result<Prepared, ReadError>)> {
        let target = finished.errand.target;
        self.past.push((target, finished.stamps));
        let reply = finished.outcome.as_ref().ok()?;
        let next = *flow.steps.get(self.step + 1)?;
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
    pub(super) fn past(&self) -> Vec<(usize, Stamps)> {
        self.past.clone()
    }

    /// Returns the end of the whole way: due when the first step was, answered when the last one was.
    pub(super) fn conclude(self, plan: &LoadPlan, mut finished: Finished) -> Finished {
        let first = self.past.first().map_or(finished.stamps, |(_, it)| *it);
        finished.stamps = Stamps {
            first_content: finished.stamps.first_content,
            last_content: finished.stamps.last_content,
            end: finished.stamps.end,
            ..first
        };
        let step = &plan.targets[finished.errand.target].measured.name;
        finished.outcome = match finished.outcome {
            Ok(reply) => Ok(reply.with_outputs_of(&self.scope.steps)),
            Err(error) => Err(ReadError {
                detail: format!("step `{step}`: {}", error.detail),
                ..error
            }),
        };
        finished
    }
}

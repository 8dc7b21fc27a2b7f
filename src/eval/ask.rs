//! Asks one case once: fills in the request, calls the steps before and the target, and asks again when told to wait.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::attempt::{Answer, Attempt, AttemptError, redact_reply};
use super::plan::{EvalPlan, Step};
use crate::golden::Case;
use crate::measure::Failure;
use crate::stage::CallFailure;
use crate::template::Scope;
use crate::transport::{Called, Client};

/// How often a case is asked at most, when the stage is busy or drops the connection.
const TRIES: u32 = 3;

/// The first pause where the stage does not say how long; it doubles with each try.
const PAUSE: Duration = Duration::from_millis(500);

/// A stage that wants us to wait longer has said no.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What the untimed steps before the target brought for one case, once they have run.
pub(super) type Given = OnceCell<Map<String, Value>>;

/// Asks one case once.
pub(super) async fn ask(
    plan: &EvalPlan,
    client: &Client,
    case: &Case,
    repeat: u32,
    given: &Given,
) -> Attempt {
    let mut asking = Asking {
        plan,
        client,
        seed: (&case.id, repeat),
        retries: 0,
    };
    let mut scope = plan.scope_of(case);
    let outcome = asking.outcome(&mut scope, given).await;
    Attempt {
        outcome,
        steps: scope.steps,
        retries: asking.retries,
    }
}

fn in_step(step: &Step, error: AttemptError) -> AttemptError {
    AttemptError {
        detail: format!("step `{}`: {}", step.name, error.detail),
        ..error
    }
}

struct Asking<'a> {
    plan: &'a EvalPlan,
    client: &'a Client,
    /// Spreads the pauses of different cases, the same in every run.
    seed: (&'a str, u32),
    retries: u32,
}

impl Asking<'_> {
    async fn outcome(&mut self, scope: &mut Scope, given: &Given) -> Result<Answer, AttemptError> {
        let run = async { self.before(scope.clone()).await };
        let steps = given.get_or_try_init(|| run).await;
        scope.steps.clone_from(steps?);
        let mut earlier = Map::new();
        let mut response_time = Duration::ZERO;
        for (place, step) in self.plan.steps.iter().enumerate() {
            let called = self.call(step, scope).await.map_err(|error| {
                let is_pipeline = self.plan.steps.len() > 1;
                if is_pipeline {
                    in_step(step, error)
                } else {
                    error
                }
            })?;
            // Of the calls that were answered; pauses before asking again are no part of an answer.
            response_time += called.response_time;
            let reply = redact_reply(called.reply, &self.plan.scope.secrets);
            if place + 1 == self.plan.steps.len() {
                return Ok(Answer {
                    reply: reply.with_outputs_of(&earlier),
                    // Microseconds: what is finer is noise of the clock, not of the stage.
                    response_time_ms: response_time.as_micros() as f64 / 1e3,
                });
            }
            let outputs = Value::Object(reply.outputs);
            scope.steps.insert(step.name.clone(), outputs.clone());
            earlier.insert(step.name.clone(), outputs);
        }
        unreachable!("a plan has at least one step")
    }

    /// Runs the steps before the target and returns their outputs by name.
    async fn before(&mut self, mut scope: Scope) -> Result<Map<String, Value>, AttemptError> {
        for step in &self.plan.before {
            let called = self
                .call(step, &scope)
                .await
                .map_err(|error| in_step(step, error))?;
            let reply = redact_reply(called.reply, &self.plan.scope.secrets);
            scope
                .steps
                .insert(step.name.clone(), Value::Object(reply.outputs));
        }
        Ok(scope.steps)
    }

    async fn call(&mut self, step: &Step, scope: &Scope) -> Result<Called, AttemptError> {
        let request = step
            .call
            .request(scope)
            .map_err(|error| self.error(&CallFailure::unsent(error.to_string())))?;
        for attempt in 0.. {
            let reader = step.call.reader();
            let (timeouts, max_bytes) = (step.timeouts, self.plan.max_bytes);
            let failure = match self
                .client
                .call(request.clone(), reader, timeouts, max_bytes)
                .await
            {
                Ok(called) => return Ok(called),
                Err(failure) => failure,
            };
            match self.pause(&failure, attempt) {
                Some(pause) if attempt + 1 < TRIES => tokio::time::sleep(pause).await,
                _ => return Err(self.error(&failure)),
            }
            self.retries += 1;
        }
        unreachable!("the loop ends by returning")
    }

    /// Returns how long to wait before asking again; `None` for failures that asking again does not mend, or would hide.
    fn pause(&self, failure: &CallFailure, attempt: u32) -> Option<Duration> {
        if !matches!(failure.failure, Failure::Status(429 | 503) | Failure::Reset) {
            return None;
        }
        let pause = failure.retry_after.unwrap_or(PAUSE * 2_u32.pow(attempt));
        if pause > LONGEST_PAUSE {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (self.seed, attempt).hash(&mut hasher);
        let jitter = (hasher.finish() % 1000) as f64 / 1000.0;
        Some(pause.mul_f64(1.0 + 0.25 * jitter))
    }

    fn error(&self, failure: &CallFailure) -> AttemptError {
        AttemptError {
            kind: failure.failure.to_string(),
            detail: self.plan.scope.secrets.redact(&failure.detail).into_owned(),
            reached: failure.failure.reached(),
        }
    }
}

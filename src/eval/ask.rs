//! Asks one case once: fills in the request, and calls the steps before and the stage, or the steps
//! of the pipeline.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::assertion::Subject;
use super::attempt::{Answer, Attempt};
use super::plan::EvalPlan;
use super::question::{Question, Told};
use crate::golden::Case;
use crate::measure::Failure;
use crate::protocol::{CallFailure, TraceParent};
use crate::stage::{Stage, Steps};
use crate::template::Scope;
use crate::transport::{Called, Client};

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
        asked_pause: Duration::ZERO,
        trace: None,
    };
    let scope = plan.scope_of(case);
    let run = async { asking.before(scope.clone()).await };
    let before = match given.get_or_try_init(|| run).await {
        Ok(before) => before.clone(),
        Err(failure) => return asking.attempt(Err(failure), scope.steps),
    };
    let mut steps = Steps::new(Scope {
        steps: before,
        ..scope
    });
    let outcome = asking.outcome(&mut steps).await;
    asking.attempt(outcome, steps.into_scope().steps)
}

/// Asks what the assertions still need to know of other stages before they score the answer to the
/// case at `index`. The attempt holds afterwards what was told; its own retries stay as they were.
pub(super) async fn ask_questions(
    plan: &EvalPlan,
    client: &Client,
    (index, repeat): (usize, u32),
    attempt: &mut Attempt,
) {
    let id = &plan.golden.cases[index].id;
    for (key, questions) in open_questions(plan, index, attempt) {
        let mut told = Vec::with_capacity(questions.len());
        for question in &questions {
            let mut asking = Asking {
                plan,
                client,
                seed: (id, repeat),
                retries: 0,
                asked_pause: Duration::ZERO,
                trace: None,
            };
            let outcome = match plan.asked.get(&question.stage) {
                Some(stage) => asking.call(stage, &question.scope).await,
                None => Err(CallFailure::new(Failure::Request, "it is not defined")),
            };
            let outcome = outcome.map(|called| called.reply);
            told.push(outcome.map_err(|failure| CallFailure {
                detail: format!("asking stage `{}`: {}", question.stage, failure.detail),
                ..failure
            }));
        }
        attempt.told.insert(key, told);
    }
}

/// Returns what is still to be asked about the answer to a case, by assertion. Nothing is asked
/// about a call that brought no answer.
pub(super) fn open_questions(
    plan: &EvalPlan,
    index: usize,
    attempt: &Attempt,
) -> Vec<(String, Vec<Question>)> {
    let Ok(answer) = &attempt.outcome else {
        return Vec::new();
    };
    let scope = plan.scope_of_answer(index, attempt);
    let mut questions = plan.checks.questions(&Subject::of(answer, &scope));
    questions.retain(|(key, questions)| {
        let told = attempt.told.get(key).map_or(0, Vec::len);
        told != questions.len()
    });
    questions
}

struct Asking<'a> {
    plan: &'a EvalPlan,
    client: &'a Client,
    /// Spreads the pauses of different cases, the same in every run.
    seed: (&'a str, u32),
    retries: u32,
    asked_pause: Duration,
    /// The trace that the last call began, where it carried one.
    trace: Option<String>,
}

impl Asking<'_> {
    fn attempt(&self, outcome: Result<Answer, CallFailure>, steps: Map<String, Value>) -> Attempt {
        Attempt {
            outcome,
            steps,
            retries: self.retries,
            asked_pause: self.asked_pause,
            told: Told::new(),
            trace: self.trace.clone(),
        }
    }

    /// Calls what is graded: the stage, or the steps of the pipeline.
    async fn outcome(&mut self, steps: &mut Steps) -> Result<Answer, CallFailure> {
        let is_pipeline = self.plan.steps.len() > 1;
        let mut response_time = Duration::ZERO;
        loop {
            let stage = &self.plan.steps[steps.place()];
            let called = self.call(stage, steps.scope()).await;
            let called = called.map_err(|failure| {
                if is_pipeline {
                    failure.in_step(&stage.name)
                } else {
                    failure
                }
            })?;
            // Of the calls that were answered; pauses before asking again are no part of an answer.
            response_time += called.response_time;
            let reply = called.reply;
            if steps.place() + 1 == self.plan.steps.len() {
                return Ok(Answer {
                    reply: steps.whole(reply),
                    // Microseconds: what is finer is noise of the clock, not of the stage.
                    response_time_ms: response_time.as_micros() as f64 / 1e3,
                });
            }
            steps.go_on(stage, &reply);
        }
    }

    /// Runs the steps before the target and returns their outputs by name.
    async fn before(&mut self, scope: Scope) -> Result<Map<String, Value>, CallFailure> {
        let mut steps = Steps::new(scope);
        for stage in &self.plan.before {
            let called = self.call(stage, steps.scope()).await;
            let called = called.map_err(|failure| failure.in_step(&stage.name))?;
            steps.go_on(stage, &called.reply);
        }
        Ok(steps.into_scope().steps)
    }

    async fn call(&mut self, stage: &Stage, scope: &Scope) -> Result<Called, CallFailure> {
        let redacted = |failure: CallFailure| {
            let detail = self
                .plan
                .scope
                .secrets
                .redact_excerpts(&failure.detail)
                .into_owned();
            CallFailure { detail, ..failure }
        };
        let request = stage.request(scope).map_err(redacted)?;
        let called = self.client.call_patiently(stage, &request, self.seed).await;
        self.retries += called.retries;
        self.asked_pause += called.asked_pause;
        self.trace = called.trace.map(TraceParent::trace_id);
        called.outcome.map_err(redacted)
    }
}

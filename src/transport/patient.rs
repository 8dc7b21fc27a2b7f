//! Calls that are made again when the stage is busy or drops the connection: those of evals, and of
//! the steps before a stage. What is measured or probed is called once, because asking again would
//! hide what users see.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::{Called, Client};
use crate::measure::Failure;
use crate::protocol::{CallFailure, Request, TraceParent};
use crate::stage::{Stage, Wait, is_busy};

/// How often a stage is called at most.
const TRIES: u32 = 3;

/// The first pause where the stage does not say how long; it doubles with each try.
const PAUSE: Duration = Duration::from_millis(500);

/// A call with its retries.
pub(crate) struct Patient {
    pub(crate) outcome: Result<Called, CallFailure>,
    /// How often the stage was called again.
    pub(crate) retries: u32,
    /// How long it waited before calling again because the stage had asked for that.
    pub(crate) asked_pause: Duration,
    /// The trace that the last call began, where it carried one.
    pub(crate) trace: Option<TraceParent>,
}

impl Client {
    /// Calls a stage, and again when it asks to come back later. `seed` spreads the pauses of
    /// different callers, the same in every run.
    pub(crate) async fn call_patiently(
        &self,
        stage: &Stage,
        request: &Request,
        seed: impl Hash,
    ) -> Patient {
        let (mut retries, mut asked_pause) = (0, Duration::ZERO);
        loop {
            let (outcome, trace) = self.call_traced(stage, request.clone()).await;
            let wait = match &outcome {
                Err(failure) if retries + 1 < TRIES && is_passing(failure, request) => {
                    pause(stage, failure, &seed, retries)
                }
                _ => None,
            };
            let Some(wait) = wait else {
                let resent = outcome.as_ref().is_ok_and(|it| it.is_resent);
                return Patient {
                    outcome,
                    retries: retries + u32::from(resent),
                    asked_pause,
                    trace,
                };
            };
            if outcome.is_err_and(|it| it.retry_after.is_some()) {
                asked_pause += wait;
            }
            tokio::time::sleep(wait).await;
            retries += 1;
        }
    }
}

/// Returns whether calling again may mend a failure without acting twice: a busy stage has said
/// that it did nothing, but one that
/// dropped the connection may have acted.
fn is_passing(failure: &CallFailure, request: &Request) -> bool {
    match failure.failure {
        Failure::Status(status) => is_busy(status),
        Failure::Reset => request.may_repeat(),
        _ => false,
    }
}

/// Returns how long to wait before calling again; `None` for a stage that asks for too long a wait.
fn pause(stage: &Stage, failure: &CallFailure, seed: &impl Hash, retries: u32) -> Option<Duration> {
    let pause = match Wait::of(failure, stage.timeouts.total) {
        Wait::For(wait) => wait,
        Wait::Unsaid => PAUSE * 2_u32.pow(retries),
        Wait::TooLong(_) => return None,
    };
    let mut hasher = DefaultHasher::new();
    (seed, retries).hash(&mut hasher);
    let jitter = (hasher.finish() % 1000) as f64 / 1000.0;
    Some(pause.mul_f64(1.0 + 0.25 * jitter))
}

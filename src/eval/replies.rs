//! Grades answers that came back in another engine's run, when its clock has stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Map;
use tokio::task::JoinSet;

use super::ask::ask_questions;
use super::attempt::{Answer, Attempt};
use super::plan::EvalPlan;
use super::question::Told;
use super::score::GradedCase;
use crate::protocol::Reply;
use crate::transport::Client;

/// The answer of a stage to a case of the golden set.
#[derive(Clone, Debug)]
pub(crate) struct CaseReply {
    /// The case's place in the golden set.
    pub(crate) index: usize,
    pub(crate) repeat: u32,
    pub(crate) reply: Reply,
    pub(crate) response_time_ms: f64,
    /// The trace that its request began, where it carried one.
    pub(crate) trace: Option<String>,
}

/// Grades answers, in their order. What assertions ask of stages first is asked with the suite's
/// concurrency; once `interrupted` is true it is not asked any more, and the assertion has no
/// score.
pub(crate) async fn grade_replies(
    plan: &Arc<EvalPlan>,
    client: &Arc<Client>,
    replies: Vec<CaseReply>,
    interrupted: &AtomicBool,
) -> Vec<GradedCase> {
    let mut graded: Vec<Option<GradedCase>> = vec![None; replies.len()];
    let mut replies = replies.into_iter().enumerate();
    let mut asking = JoinSet::new();
    loop {
        while asking.len() < plan.concurrency.max(1) as usize
            && let Some((at, answered)) = replies.next()
        {
            let (index, repeat, attempt) = answered.into_attempt();
            if plan.asked.is_empty() || interrupted.load(Ordering::Relaxed) {
                graded[at] = Some(GradedCase::grade(plan, index, repeat, &attempt));
                continue;
            }
            let (plan, client) = (Arc::clone(plan), Arc::clone(client));
            asking.spawn(async move {
                let mut attempt = attempt;
                ask_questions(&plan, &client, (index, repeat), &mut attempt).await;
                (at, GradedCase::grade(&plan, index, repeat, &attempt))
            });
        }
        match asking.join_next().await {
            Some(Ok((at, case))) => graded[at] = Some(case),
            Some(Err(died)) => std::panic::resume_unwind(died.into_panic()),
            None => return graded.into_iter().flatten().collect(),
        }
    }
}

impl CaseReply {
    fn into_attempt(self) -> (usize, u32, Attempt) {
        let answer = Answer {
            reply: self.reply,
            response_time_ms: self.response_time_ms,
        };
        let attempt = Attempt {
            outcome: Ok(answer),
            steps: Map::new(),
            retries: 0,
            asked_pause: Duration::ZERO,
            told: Told::new(),
            trace: self.trace,
        };
        (self.index, self.repeat, attempt)
    }
}

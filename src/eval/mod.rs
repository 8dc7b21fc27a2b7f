//! Layer 6: eval suites. Cases are asked, each answer is journaled before it is graded, and the
//! grades are counted.

mod ask;
mod assertion;
mod attempt;
mod check;
mod counts;
mod error;
mod journal;
mod journal_line;
mod plan;
mod question;
mod replies;
mod runner;
mod score;
#[cfg(test)]
mod testing;

pub(crate) use assertion::{counted, needs, schemas as assertion_schemas};
pub(crate) use check::Checks;
#[cfg(any(test, fuzzing))]
pub(crate) use journal::journal_answers;
pub(crate) use journal::{Journal, JournalKey};
pub(crate) use plan::EvalPlan;
pub(crate) use replies::{CaseReply, grade_replies};
pub(crate) use runner::{EvalRun, run};
pub(crate) use score::{GradedCase, change_by_case, count_passes, score};

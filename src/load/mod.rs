//! Layer 6: the load engine. One thread per core but one, each with its own event loop, sockets,
//! and tallies; a plan goes in, the stages' results come out.

#[cfg(feature = "bench")]
pub mod bench;
mod engine;
mod id;
mod pacer;
mod plan;
mod pool;
mod schedule;
mod tally;
#[cfg(test)]
mod tests;
mod wire;
mod worker;

pub(crate) use engine::{LoadError, LoadResult, run};
#[cfg(test)]
pub(crate) use id::ScenarioId;
pub(crate) use id::{StageId, TallyId};
pub(crate) use pacer::Pacer;
pub(crate) use plan::{Cases, LoadPlan, Measured, Scenario, Sessions};
pub(crate) use schedule::{CaseSequence, mix, permute};
pub(crate) use tally::count::Remarks;
pub(crate) use tally::{join_rounds, merge_generators, merge_stages};
pub(crate) use wire::encode::Prepared;
#[cfg(any(test, fuzzing))]
pub(crate) use wire::http2::answer as http2_answer;
#[cfg(any(test, fuzzing))]
pub(crate) use wire::{Progress, ResponseParser, Sink};
#[cfg(test)]
pub(crate) use worker::LoggedStep;
pub(crate) use worker::{Captured, Keep, RequestLog};

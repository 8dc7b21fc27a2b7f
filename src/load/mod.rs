//! Layer 6: the load engine. One thread per core but one, each with its own event loop, sockets, and histograms; a
//! plan goes in, the stages' results come out.

mod arrival;
mod attempt;
mod captured;
mod choice;
mod connection;
mod engine;
mod feed;
mod http1;
mod http2;
#[cfg(test)]
#[expect(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../../tests/it/support/http2.rs"]
mod http2_stub;
mod journey;
mod limit;
mod machine;
mod merge;
mod pacer;
mod part;
mod plan;
mod processes;
mod receive;
mod recorder;
mod resolver;
mod result;
mod session;
mod settled;
mod shard;
mod socket;
#[cfg(test)]
#[expect(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../../tests/it/support/stub.rs"]
mod stub;
#[cfg(test)]
mod tests;
mod trace;
mod validity;

pub(crate) use arrival::{LoadSteps, Timing, nanos, read_trace};
pub(crate) use captured::Captured;
pub(crate) use choice::{Choice, mix, permute};
pub(crate) use engine::{LoadError, LoadResult, run};
#[cfg(any(test, fuzzing))]
pub(crate) use http1::{Progress, ResponseParser, Sink};
pub(crate) use limit::{Search, growth};
pub(crate) use merge::{merge_generators, merge_stages};
pub(crate) use pacer::Pacer;
pub(crate) use part::Part;
pub(crate) use plan::{Cases, Endpoint, Flow, LoadPlan, Measured, Prepared, Sessions, Target, Tls};
pub(crate) use shard::Keep;
pub(crate) use trace::Trace;

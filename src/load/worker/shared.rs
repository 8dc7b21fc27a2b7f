//! What goes into a worker and comes out of it.

use std::sync::atomic::{AtomicBool, AtomicU64};

use super::capture::Captured;
use super::request_log::RequestLog;
use crate::load::id::TallyId;
use crate::load::plan::Budget;
use crate::load::tally::count::Counted;
use crate::measure::Histogram;

/// What all workers see.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) stop: AtomicBool,
    pub(crate) sent: AtomicU64,
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    /// What the answers have cost, in 1e-9 USD.
    pub(crate) spent: AtomicU64,
    /// How many tokens they were, of prompts and answers.
    pub(crate) tokens: AtomicU64,
}

/// What is kept besides the figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Ok answers of these tallies, for scoring once the clock has stopped.
    pub(crate) replies_of: Vec<TallyId>,
    /// Single requests with all their stamps.
    pub(crate) traces: bool,
}

/// What a worker brings back.
#[derive(Default)]
pub(crate) struct WorkerResult {
    pub(crate) counted: Vec<Counted>,
    pub(crate) captured: Vec<Captured>,
    pub(crate) traces: Vec<RequestLog>,
    pub(crate) exhausted: u64,
    /// Which budget ended the run.
    pub(crate) over_budget: Option<Budget>,
    /// Ok answers that did not say their tokens, where these are on a budget.
    pub(crate) by_chunks: u64,
    /// By how much the regular sweep was late: what any answer may have waited to be read.
    pub(crate) stalls: Histogram,
    /// For how long the kernel had held what was read, on the connections that are watched.
    pub(crate) receive_lag: Histogram,
}

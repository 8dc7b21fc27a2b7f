//! Single requests, kept whole: what a waterfall is drawn from.

use crate::load::id::{ScenarioId, StageId};
use crate::measure::Stamps;
use crate::protocol::TraceParent;

/// So many are kept by each thread, from the first on: enough for a short run, and a bound for a
/// long one.
const MOST: usize = 20_000;

/// One answered arrival, step by step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RequestLog {
    /// The number of its scenario.
    pub(crate) scenario: ScenarioId,
    /// The stages called, in order; one for a load on a stage.
    pub(crate) steps: Vec<LoggedStep>,
}

/// One request of an arrival that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LoggedStep {
    /// The number of its stage.
    pub(crate) stage: StageId,
    pub(crate) stamps: Stamps,
    /// The trace that it began, where it carried one.
    pub(crate) trace: Option<TraceParent>,
}

impl RequestLog {
    /// Returns the time in ns from when it was due to its last content.
    pub(crate) fn response_time(&self) -> Option<u64> {
        let (first, last) = (self.steps.first()?, self.steps.last()?);
        let end = last.stamps.last_content?;
        Some(end.saturating_sub(first.stamps.intended))
    }
}

/// The traces of one thread.
#[derive(Debug, Default)]
pub(crate) struct RequestLogs(Vec<RequestLog>);

impl RequestLogs {
    /// Keeps a trace, unless there are enough.
    pub(crate) fn push(&mut self, trace: RequestLog) {
        if self.0.len() < MOST {
            self.0.push(trace);
        }
    }

    /// Returns what was kept.
    pub(crate) fn into_vec(self) -> Vec<RequestLog> {
        self.0
    }
}

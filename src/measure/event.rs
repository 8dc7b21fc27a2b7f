//! What an engine says while it runs; the only thing engines emit besides their result.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// Progress of a running engine, and what an experiment says in words.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A run began; `name` is the load's or the suite's, `total` the planned requests or cases
    /// where known, `duration` the planned length where the run ends by time.
    Started {
        kind: &'static str,
        name: String,
        total: Option<u64>,
        duration: Option<Duration>,
    },
    /// The state of a run, at most four times a second.
    Progress {
        elapsed: Duration,
        done: u64,
        failed: u64,
        in_flight: u64,
        /// A short free text such as `p95 12.3 ms`; empty when there is nothing to say.
        note: String,
    },
    /// The run ended; `complete` is false when it was interrupted.
    Finished { complete: bool },
    /// Something the user should know that does not stop the run.
    Warning(String),
    /// Something that is nice to know.
    Note(String),
    /// Something that only who looks for the cause of something wants to know.
    Detail(String),
    /// What failed beside the measurement, which goes on: for instance, its record could not be
    /// stored.
    Problem(Arc<Error>),
}

/// Where an engine's events go: the terminal, a CI log, a vector in a test.
pub(crate) trait EventSink: Send + Sync {
    /// Takes one event; must not block.
    fn emit(&self, event: Event);
}

impl EventSink for std::sync::Mutex<Vec<Event>> {
    fn emit(&self, event: Event) {
        if let Ok(mut events) = self.lock() {
            events.push(event);
        }
    }
}

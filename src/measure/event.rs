//! What an engine says while it runs; the only thing engines emit besides their result.

use std::time::Duration;

/// Progress of a running engine.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A run began; `name` is the load's or the suite's, `total` the planned requests or cases where known,
    /// `duration` the planned length where the run ends by time.
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

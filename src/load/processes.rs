//! The programs of `command` stages: they run beside the event loop, which hears of their end by its waker.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};

use mio::Waker;
use tokio::runtime::Handle;

use super::attempt::{Attempt, Finished};
use super::http1::Sink as _;
use crate::manifest::Timeouts;
use crate::measure::now_ns;
use crate::protocol::{Head, ProcessRequest};
use crate::stage::CallFailure;
use crate::transport::{FinishedProcess, run_process};

/// So many at once in one thread: each is a process, and a machine has few cores for them.
const MOST: usize = 512;

/// The programs that one shard has started.
pub(super) struct Processes {
    /// `None` where there is no runtime to run them on.
    runtime: Option<Handle>,
    waker: Arc<Waker>,
    running: HashMap<u64, Attempt>,
    next: u64,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
}

type Told = (u64, Result<FinishedProcess, CallFailure>);

impl Processes {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        let (tell, told) = mpsc::channel();
        Self {
            runtime: Handle::try_current().ok(),
            waker,
            running: HashMap::new(),
            next: 0,
            tell,
            told,
        }
    }

    /// Starts a program; gives the attempt back when there are too many already.
    pub(super) fn start(
        &mut self,
        mut attempt: Attempt,
        request: ProcessRequest,
        timeouts: Timeouts,
        max_bytes: u64,
    ) -> Option<Attempt> {
        let Some(runtime) = self.runtime.as_ref().filter(|_| self.running.len() < MOST) else {
            return Some(attempt);
        };
        let now = now_ns();
        attempt.stamps.conn_ready = Some(now);
        attempt.stamps.send_start = Some(now);
        let number = self.next;
        self.next += 1;
        self.running.insert(number, attempt);
        let (tell, waker) = (self.tell.clone(), Arc::clone(&self.waker));
        runtime.spawn(async move {
            let result = run_process(&request, timeouts, max_bytes).await;
            // The shard may be gone: the run was stopped.
            if tell.send((number, result)).is_ok() {
                drop(waker.wake());
            }
        });
        None
    }

    /// Returns the attempts that have ended since the last call.
    pub(super) fn ended(&mut self) -> Vec<Finished> {
        let told: Vec<Told> = self.told.try_iter().collect();
        told.into_iter()
            .filter_map(|(number, result)| Some(finish(self.running.remove(&number)?, result)))
            .collect()
    }

    /// Returns the attempts that are still under way.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.running.values()
    }
}

fn finish(mut attempt: Attempt, result: Result<FinishedProcess, CallFailure>) -> Finished {
    let found = match result {
        Err(error) => return attempt.fail(error.failure, error.detail, now_ns()),
        Ok(found) => found,
    };
    attempt.stamps.sent = Some(found.sent);
    attempt.stamps.first_byte = Some(found.first_byte.unwrap_or(found.last_byte));
    let mut sink = attempt.sink(found.last_byte);
    sink.head(Head {
        status: 200,
        headers: &[],
    });
    sink.body(&found.output);
    if attempt.stamps.first_content.is_some() {
        attempt.stamps.first_content = found.first_byte;
    }
    attempt.finish(found.end)
}

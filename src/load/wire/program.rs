//! The programs of `command` stages: they run beside the event loop, which hears of their end by its waker.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};

use mio::Waker;
use tokio::runtime::Handle;

use crate::load::wire::http1::Sink as _;
use crate::load::worker::request::{Completion, Request};
use crate::manifest::Timeouts;
use crate::measure::now_ns;
use crate::protocol::{Head, ProcessRequest};
use crate::stage::CallFailure;
use crate::transport::{FinishedProcess, run_process};

/// So many at once in one thread: each is a process, and a machine has few cores for them.
const MOST: usize = 512;

/// The programs that one worker has started.
pub(crate) struct Processes {
    /// `None` where there is no runtime to run them on.
    runtime: Option<Handle>,
    waker: Arc<Waker>,
    running: HashMap<u64, Request>,
    next: u64,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
}

type Told = (u64, Result<FinishedProcess, CallFailure>);

impl Processes {
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
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

    /// Starts a program; gives the request back when there are too many already.
    pub(crate) fn start(
        &mut self,
        mut request: Request,
        program: ProcessRequest,
        timeouts: Timeouts,
        max_bytes: u64,
    ) -> Option<Request> {
        let Some(runtime) = self.runtime.as_ref().filter(|_| self.running.len() < MOST) else {
            return Some(request);
        };
        let now = now_ns();
        request.stamps.conn_ready = Some(now);
        request.stamps.send_start = Some(now);
        let number = self.next;
        self.next += 1;
        self.running.insert(number, request);
        let (tell, waker) = (self.tell.clone(), Arc::clone(&self.waker));
        runtime.spawn(async move {
            let result = run_process(&program, timeouts, max_bytes).await;
            // The worker may be gone: the run was stopped.
            if tell.send((number, result)).is_ok() {
                drop(waker.wake());
            }
        });
        None
    }

    /// Returns the requests that have ended since the last call.
    pub(crate) fn ended(&mut self) -> Vec<Completion> {
        let told: Vec<Told> = self.told.try_iter().collect();
        told.into_iter()
            .filter_map(|(number, result)| Some(finish(self.running.remove(&number)?, result)))
            .collect()
    }

    /// Returns the requests that are still under way.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.running.values()
    }
}

fn finish(mut request: Request, result: Result<FinishedProcess, CallFailure>) -> Completion {
    let found = match result {
        Err(error) => return request.fail(error.failure, error.detail, now_ns()),
        Ok(found) => found,
    };
    request.stamps.sent = Some(found.sent);
    request.stamps.first_byte = Some(found.first_byte.unwrap_or(found.last_byte));
    let mut sink = request.sink(found.last_byte);
    sink.head(Head {
        status: 200,
        headers: &[],
    });
    sink.body(&found.output);
    if request.stamps.first_content.is_some() {
        request.stamps.first_content = found.first_byte;
    }
    request.finish(found.end)
}

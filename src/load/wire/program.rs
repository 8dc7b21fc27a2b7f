//! The programs of `command` stages: they run beside the event loop, which hears of their end by
//! its waker.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};

use mio::Waker;
use tokio::runtime::Handle;

use super::encode::Prepared;
use super::http1::Sink as _;
use super::{Standing, Wire};
use crate::load::id::StreamId;
use crate::load::worker::request::{Ended, Request};
use crate::manifest::Timeouts;
use crate::measure::Failure;
use crate::protocol::CallFailure;
use crate::stage::Stage;
use crate::transport::{FinishedProcess, run_process};

/// So many at once in one thread: each is a process, and a machine has few cores for them.
const MOST: usize = 512;

/// The programs that one worker has started for one stage.
pub(crate) struct Programs {
    /// `None` where there is no runtime to run them on.
    runtime: Option<Handle>,
    waker: Arc<Waker>,
    timeouts: Timeouts,
    /// The size limit of an answer, in bytes.
    max_answer: u64,
    running: HashMap<usize, Box<Request>>,
    next: usize,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
}

type Told = (usize, Result<FinishedProcess, CallFailure>);

impl Programs {
    pub(crate) fn new(waker: Arc<Waker>, stage: &Stage) -> Self {
        let (tell, told) = mpsc::channel();
        Self {
            runtime: Handle::try_current().ok(),
            waker,
            timeouts: stage.timeouts,
            max_answer: stage.max_answer,
            running: HashMap::new(),
            next: 0,
            tell,
            told,
        }
    }
}

impl Wire for Programs {
    fn submit(&mut self, mut request: Box<Request>, now: u64) -> Option<Ended> {
        let refused = |request: Box<Request>, detail: &str| {
            Some(request.failed(Failure::Exhausted, detail.to_owned(), now))
        };
        let Prepared::Process(program) = &request.prepared else {
            return refused(request, "the request is not one of a program");
        };
        let Some(runtime) = &self.runtime else {
            return refused(request, "there is nothing here that could run a program");
        };
        let program = Arc::clone(program);
        request.stamps.conn_ready = Some(now);
        request.stamps.send_start = Some(now);
        let number = self.next;
        self.next += 1;
        self.running.insert(number, request);
        let (tell, waker) = (self.tell.clone(), Arc::clone(&self.waker));
        let (timeouts, most) = (self.timeouts, self.max_answer);
        runtime.spawn(async move {
            let result = run_process(&program, timeouts, most).await;
            // The worker may be gone: the run was stopped.
            if tell.send((number, result)).is_ok() {
                drop(waker.wake());
            }
        });
        None
    }

    /// Takes the programs that have ended since the last call; their bytes have come by another
    /// way.
    fn on_bytes(&mut self, _bytes: &[u8], now: u64, ended: &mut Vec<Ended>) -> Standing {
        for (number, result) in self.told.try_iter() {
            if let Some(request) = self.running.remove(&number) {
                ended.push(finish(request, result, now));
            }
        }
        Standing::Changed
    }

    fn room(&self) -> usize {
        match self.runtime {
            Some(_) => MOST.saturating_sub(self.running.len()),
            None => 0,
        }
    }

    fn busy(&self) -> usize {
        self.running.len()
    }

    fn each(&self, look: &mut dyn FnMut(StreamId, &Request)) {
        for (number, request) in &self.running {
            look(StreamId(*number), request);
        }
    }

    fn fail_all(&mut self, failure: &Failure, detail: &str, now: u64, ended: &mut Vec<Ended>) {
        for (_, request) in self.running.drain() {
            ended.push(request.failed(failure.clone(), detail.to_owned(), now));
        }
    }
}

/// Ends a request by what became of its program; `now` is when that was heard.
fn finish(
    mut request: Box<Request>,
    result: Result<FinishedProcess, CallFailure>,
    now: u64,
) -> Ended {
    let found = match result {
        Err(error) => return request.failed(error.failure, error.detail, now),
        Ok(found) => found,
    };
    request.stamps.sent = Some(found.sent);
    request.stamps.first_byte = Some(found.first_byte.unwrap_or(found.last_byte));
    let mut sink = request.sink(found.last_byte);
    sink.body(&found.output);
    if request.stamps.first_content.is_some() {
        request.stamps.first_content = found.first_byte;
        request.stamps.first_answer = found.first_byte;
    }
    request.answered(found.end)
}

//! Names resolved beside the event loop, for connections that keep nothing of those before them.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};

use mio::Waker;
use tokio::runtime::Handle;

use crate::load::id::StageId;
use crate::measure::now_ns;

/// The resolver of one worker: the system's own, on the runtime's threads.
pub(crate) struct Resolver {
    /// `None` where there is no runtime.
    runtime: Option<Handle>,
    waker: Arc<Waker>,
    tell: mpsc::Sender<Resolved>,
    told: mpsc::Receiver<Resolved>,
}

/// What became of a name.
pub(crate) struct Resolved {
    pub(crate) stage: StageId,
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    /// At least one; `Err` says why there is none.
    pub(crate) addresses: Result<Vec<SocketAddr>, String>,
}

impl Resolver {
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
        let (tell, told) = mpsc::channel();
        Self {
            runtime: Handle::try_current().ok(),
            waker,
            tell,
            told,
        }
    }

    /// Begins to resolve a name for a stage; returns whether it will be answered.
    pub(crate) fn ask(&self, stage: StageId, name: &str, port: u16) -> bool {
        let Some(runtime) = &self.runtime else {
            return false;
        };
        let (tell, waker) = (self.tell.clone(), Arc::clone(&self.waker));
        let (name, asked) = (name.to_owned(), now_ns());
        runtime.spawn(async move {
            let found = tokio::net::lookup_host((name.as_str(), port)).await;
            let answered = now_ns();
            let addresses = found.map_err(|error| error.to_string()).and_then(|found| {
                let mut found: Vec<SocketAddr> = found.collect();
                // As before the run.
                found.sort_by_key(SocketAddr::is_ipv6);
                let reason = || "it has no address".to_owned();
                (!found.is_empty()).then_some(found).ok_or_else(reason)
            });
            let resolved = Resolved {
                stage,
                asked,
                answered,
                addresses,
            };
            // The worker may be gone: the run was stopped.
            if tell.send(resolved).is_ok() {
                drop(waker.wake());
            }
        });
        true
    }

    /// Returns what has been answered since the last call.
    pub(crate) fn answered(&self) -> Vec<Resolved> {
        self.told.try_iter().collect()
    }
}

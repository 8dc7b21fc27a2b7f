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
    /// `Err` says why there is no address.
    pub(crate) address: Result<SocketAddr, String>,
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

    /// Begins to resolve a name for a stage; returns whether it will be answered. The answer is of the family of `known`, the
    /// address that the run found before it began.
    pub(crate) fn ask(&self, stage: StageId, name: &str, known: SocketAddr) -> bool {
        let Some(runtime) = &self.runtime else {
            return false;
        };
        let (tell, waker) = (self.tell.clone(), Arc::clone(&self.waker));
        let (name, asked) = (name.to_owned(), now_ns());
        runtime.spawn(async move {
            let found = tokio::net::lookup_host((name.as_str(), known.port())).await;
            let answered = now_ns();
            let address = found.map_err(|error| error.to_string()).and_then(|found| {
                let mut found = found.filter(|it| it.is_ipv4() == known.is_ipv4());
                found.next().ok_or_else(|| "it has no address".to_owned())
            });
            let resolved = Resolved {
                stage,
                asked,
                answered,
                address,
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

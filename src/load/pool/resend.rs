//! Requests whose connection turned out to be closed: which are sent once more, and where. An agent
//! must not act twice.

use super::link::Dialer;
use super::{Outside, Pool, Report};
use crate::load::id::ConnectionId;
use crate::load::worker::request::{Ended, Request};

/// A connection that nothing was read from for so long was idle: longer than the engine takes to go
/// through everything that came at once, and shorter than servers wait before they close.
const IDLE_NS: u64 = 5_000_000;

/// After so many answers a server shows whether it closes behind them.
const KNOWN_BY: u64 = 3;

impl<D: Dialer> Pool<D> {
    /// Reports what has ended on a connection, but for what is sent once more. `is_used`: the
    /// connection had carried an answer
    /// before, so that the server may have closed it meanwhile.
    pub(super) fn conclude(
        &mut self,
        ended: &mut Vec<Ended>,
        is_used: bool,
        outside: &mut Outside<'_, D>,
    ) {
        for ended in ended.drain(..) {
            match ended.again(is_used) {
                Ok(request) => self.resend(request, outside),
                Err(ended) => outside.reports.push(Report::Ended(ended)),
            }
        }
    }

    /// Sends a request once more, on a connection that has carried nothing yet: another one that is
    /// kept may be closed too.
    fn resend(&mut self, request: Box<Request>, outside: &mut Outside<'_, D>) {
        self.waiting.push_front(request);
        let is_coming = self.settings.is_multiplexed && self.opening > 0;
        if !is_coming && self.may_open(outside) {
            self.dial_for_one(outside);
        }
    }

    /// Takes the request that waits longest and may go on this connection.
    pub(super) fn next_for(&mut self, id: ConnectionId) -> Option<Box<Request>> {
        let is_new = self.connections.get(id.0)?.answers == 0;
        let next = self.waiting.iter().position(|it| is_new || !it.is_resent)?;
        self.waiting.remove(next)
    }

    /// Returns whether the server has closed a connection since its last event, or has spoken
    /// unasked.
    ///
    /// A look costs a system call, a tenth of what a small request costs, so that it is spared
    /// where it would show nothing: on a connection that has carried some answers and was not idle,
    /// of a server that has closed none unsaid so far. `now` is the time in ns; 0 is right after a
    /// read.
    pub(super) fn is_gone(&mut self, id: ConnectionId, now: u64) -> bool {
        let Some(connection) = self.connections.get_mut(id.0) else {
            return false;
        };
        if self.settings.is_multiplexed || connection.answers == 0 {
            return false;
        }
        let was_idle = now.saturating_sub(connection.read_at) > IDLE_NS;
        let is_known = connection.answers > KNOWN_BY;
        if is_known && !was_idle && !self.closes_unsaid {
            return false;
        }
        let is_gone = connection.is_gone();
        self.closes_unsaid |= is_gone;
        is_gone
    }
}

//! One request from the moment it is due to its end.

use std::time::Duration;

use crate::manifest::Timeouts;
use crate::measure::{Failure, Stamps};
use crate::protocol::{Head, ReadError, Reply, ReplyReader};

use super::arrival::nanos;
use super::http1::Sink;
use super::journey::Journey;
use super::plan::{Prepared, Target};
use super::session::Session;

/// What a request is sent for.
pub(super) struct Errand {
    /// What was due.
    pub(super) flow: usize,
    /// The stage that is called.
    pub(super) target: usize,
    /// Which case of the data it sends.
    pub(super) case: usize,
    /// Whether it counts; false in the warm-up.
    pub(super) measured: bool,
    /// The session that it is a turn of.
    pub(super) session: Option<Box<Session>>,
    /// The user of a closed loop that waits for it.
    pub(super) user: Option<u32>,
    /// The pipeline that it is a step of.
    pub(super) journey: Option<Box<Journey>>,
}

impl Errand {
    /// Returns who connections are kept for.
    pub(super) fn owner(&self) -> Option<u64> {
        let session = self.session.as_ref().map(|session| session.owner());
        let user = self
            .user
            .map(|user| (self.flow as u64) << 32 | u64::from(user));
        session.or(user)
    }
}

/// A request under way.
pub(super) struct Attempt {
    pub(super) errand: Errand,
    /// The request, where it was not prepared before the run.
    pub(super) request: Option<Prepared>,
    pub(super) stamps: Stamps,
    /// Gaps between content-bearing events, in ns.
    pub(super) gaps: Vec<u64>,
    /// Content-bearing events that came in one read with an earlier one: their gaps cannot be known.
    pub(super) coalesced: u64,
    /// How long the server asks to be left alone, in ns.
    retry_after: u64,
    reader: Box<dyn ReplyReader>,
    streams: bool,
    status: u16,
}

impl Attempt {
    /// Makes an attempt that the engine takes up at `dequeued`; times in ns since t = 0, unsigned because they are
    /// kept relative to the beginning of the warm-up.
    pub(super) fn new(errand: Errand, intended: u64, dequeued: u64, target: &Target) -> Self {
        Self {
            errand,
            request: None,
            stamps: Stamps {
                intended,
                dequeued,
                ..Stamps::default()
            },
            gaps: Vec::new(),
            coalesced: 0,
            retry_after: 0,
            reader: target.call.reader(),
            streams: target.call.streams(),
            status: 0,
        }
    }

    /// Returns the time at which something was last heard of the server, or at which the request began.
    pub(super) fn last_sign(&self) -> u64 {
        let stamps = &self.stamps;
        stamps
            .last_content
            .or(stamps.first_byte)
            .or(stamps.send_start)
            .unwrap_or(stamps.dequeued)
    }

    /// Returns which deadline the attempt is past, if any.
    pub(super) fn late(&self, now: u64, timeouts: &Timeouts) -> Option<&'static str> {
        let past = |since: u64, limit: Duration| now > since.saturating_add(nanos(limit));
        let dequeued = self.stamps.dequeued;
        let waits = self.stamps.first_content.is_none();
        let (first, idle) = (timeouts.first_token, timeouts.idle);
        if past(dequeued, timeouts.total) {
            Some("no complete answer within the timeout")
        } else if waits && first.is_some_and(|limit| past(dequeued, limit)) {
            Some("no content within `timeout.first_token`")
        } else if idle.is_some_and(|limit| past(self.last_sign(), limit)) {
            Some("nothing more for `timeout.idle`")
        } else {
            None
        }
    }

    /// Returns where the parser puts what one read brought.
    pub(super) fn sink(&mut self, now: u64) -> ReadSink<'_> {
        ReadSink { attempt: self, now }
    }

    /// Ends the attempt: reads the answer, after the last stamp is taken.
    pub(super) fn finish(self, end: u64) -> Finished {
        let Self {
            errand,
            mut stamps,
            gaps,
            coalesced,
            retry_after,
            reader,
            streams,
            status,
            ..
        } = self;
        stamps.end = Some(end);
        // An answer without a body is complete with its head.
        stamps.last_content = stamps.last_content.or(stamps.first_byte);
        let outcome = if (200..300).contains(&status) {
            reader.finish()
        } else {
            Err(ReadError {
                failure: Failure::Status(status),
                detail: String::new(),
            })
        };
        Finished {
            errand,
            stamps,
            gaps,
            coalesced,
            retry_after,
            streams,
            outcome,
        }
    }

    /// Ends the attempt with a failure of the connection.
    pub(super) fn fail(self, failure: Failure, detail: String, end: u64) -> Finished {
        let Self {
            errand,
            mut stamps,
            gaps,
            coalesced,
            retry_after,
            streams,
            ..
        } = self;
        stamps.end = Some(end);
        let outcome = Err(ReadError { failure, detail });
        Finished {
            errand,
            stamps,
            gaps,
            coalesced,
            retry_after,
            streams,
            outcome,
        }
    }
}

/// A request that has ended.
pub(super) struct Finished {
    pub(super) errand: Errand,
    pub(super) stamps: Stamps,
    pub(super) gaps: Vec<u64>,
    pub(super) coalesced: u64,
    /// How long the server asked to be left alone, in ns; 0 when it did not.
    pub(super) retry_after: u64,
    pub(super) streams: bool,
    pub(super) outcome: Result<Reply, ReadError>,
}

/// Takes what one read brought, stamped with the time of that read.
pub(super) struct ReadSink<'a> {
    attempt: &'a mut Attempt,
    now: u64,
}

impl Sink for ReadSink<'_> {
    fn head(&mut self, head: Head<'_>) {
        self.attempt.status = head.status;
        if matches!(head.status, 429 | 503) {
            self.attempt.retry_after = retry_after(head.headers).unwrap_or(0);
        }
        self.attempt.reader.head(head);
    }

    fn body(&mut self, bytes: &[u8]) {
        let attempt = &mut *self.attempt;
        if !(200..300).contains(&attempt.status) {
            return;
        }
        let events = attempt.reader.data(bytes);
        if events == 0 {
            return;
        }
        let stamps = &mut attempt.stamps;
        stamps.first_content.get_or_insert(self.now);
        if attempt.streams {
            let same_read = stamps.last_content == Some(self.now);
            if let Some(last) = stamps.last_content.filter(|_| !same_read) {
                attempt.gaps.push(self.now - last);
            }
            attempt.coalesced += u64::from(events) - u64::from(!same_read);
        }
        stamps.last_content = Some(self.now);
    }
}

/// Returns the seconds of `Retry-After` in ns; its other form, a date, is of the server's clock and is not read.
fn retry_after(headers: &[(&str, &[u8])]) -> Option<u64> {
    let is_it = |(name, _): &&(&str, &[u8])| name.eq_ignore_ascii_case("retry-after");
    let (_, value) = headers.iter().find(is_it)?;
    let seconds: u64 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    seconds.checked_mul(1_000_000_000)
}

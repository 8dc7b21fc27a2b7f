//! One request from the moment it is due to its end.

use std::time::Duration;

use crate::manifest::Timeouts;
use crate::measure::{Failure, Stamps, nanos};
use crate::protocol::{CallFailure, Head, Reply, TraceIds, TraceParent};
use crate::stage::{AnswerReader, Stage};

use crate::load::id::{ScenarioId, StageId};
use crate::load::wire::encode::Prepared;
use crate::load::wire::http1::Sink;
use crate::load::worker::pipeline::Pipeline;
use crate::load::worker::session::Session;

/// What a request is sent for.
pub(crate) struct Intent {
    /// The scenario that was due.
    pub(crate) scenario: ScenarioId,
    /// The stage that is called.
    pub(crate) target: StageId,
    /// Which case of the data it sends.
    pub(crate) case: usize,
    /// Whether it counts; false in the warm-up.
    pub(crate) measured: bool,
    /// The session that it is a turn of.
    pub(crate) session: Option<Box<Session>>,
    /// The user of a closed loop that waits for it.
    pub(crate) user: Option<u32>,
    /// The pipeline that it is a step of.
    pub(crate) pipeline: Option<Box<Pipeline>>,
}

impl Intent {
    /// Returns who connections are kept for.
    pub(crate) fn owner(&self) -> Option<u64> {
        let session = self.session.as_ref().map(|session| session.owner());
        let user = self
            .user
            .map(|user| (self.scenario.0 as u64) << 32 | u64::from(user));
        session.or(user)
    }
}

/// A request under way.
pub(crate) struct Request {
    pub(crate) intent: Intent,
    pub(crate) prepared: Prepared,
    pub(crate) stamps: Stamps,
    /// Gaps between content-bearing events, in ns.
    pub(crate) gaps: Vec<u64>,
    /// Content-bearing events that came in one read with an earlier one: their gaps cannot be
    /// known.
    pub(crate) coalesced: u64,
    /// The trace that it begins, where it carries one.
    pub(crate) trace: Option<TraceParent>,
    /// Whether it was sent a second time, because its connection turned out to be closed.
    pub(crate) is_resent: bool,
    /// When bytes came last, of whatever kind.
    heard: Option<u64>,
    answer: AnswerReader,
    streams: bool,
}

impl Request {
    /// Makes a request that the engine takes up at `dequeued`; times in ns since t = 0, unsigned
    /// because they are kept relative to the beginning of the warm-up.
    pub(crate) fn new(
        intent: Intent,
        prepared: Prepared,
        (intended, dequeued): (u64, u64),
        (stage, traces): (&Stage, &TraceIds),
    ) -> Box<Self> {
        let (prepared, trace) = prepared.traced(traces);
        Box::new(Self {
            answer: stage.answer(prepared.documents()),
            intent,
            prepared,
            stamps: Stamps {
                intended,
                dequeued,
                ..Stamps::default()
            },
            gaps: Vec::new(),
            coalesced: 0,
            trace,
            is_resent: false,
            heard: None,
            streams: stage.call.streams(),
        })
    }

    /// Notes that bytes of its answer came at a time, whatever they are, and returns the time that
    /// they are to be stamped with.
    pub(crate) fn hear(&mut self, at: u64) -> u64 {
        let at = self.in_order(at);
        self.stamps.first_byte.get_or_insert(at);
        self.heard = Some(at);
        at
    }

    /// Returns when something came that the kernel says came at `at`: an answer comes after its
    /// request, and its bytes one after the other. The kernel's clock may have been set meanwhile,
    /// and the other side may answer before this one has noted that all was sent.
    fn in_order(&self, at: u64) -> u64 {
        let sent = self.stamps.sent.or(self.stamps.send_start);
        at.max(sent.unwrap_or(0)).max(self.heard.unwrap_or(0))
    }

    /// Makes it one that is to be sent again, on another connection: as if it had only been taken
    /// up.
    pub(crate) fn renew(&mut self) {
        self.is_resent = true;
        self.stamps = Stamps {
            intended: self.stamps.intended,
            dequeued: self.stamps.dequeued,
            ..Stamps::default()
        };
    }

    /// Returns which deadline the request is past, if any.
    pub(crate) fn late(&self, now: u64, timeouts: &Timeouts) -> Option<&'static str> {
        let past = |since: u64, limit: Duration| now > since.saturating_add(nanos(limit));
        let dequeued = self.stamps.dequeued;
        let waits = self.stamps.first_content.is_none();
        let (first, idle) = (timeouts.first_token, timeouts.idle);
        if past(dequeued, timeouts.total) {
            Some("no complete answer within the timeout")
        } else if waits && first.is_some_and(|limit| past(dequeued, limit)) {
            Some("no content within `timeout.first_token`")
        } else if let (Some(limit), Some(heard)) = (idle, self.heard)
            && past(heard, limit)
        {
            Some("nothing more for `timeout.idle`")
        } else {
            None
        }
    }

    /// Returns whether more has come than the stage may send.
    pub(crate) const fn is_too_large(&self) -> bool {
        self.answer.is_too_large()
    }

    /// Returns where the parser puts what one read brought.
    pub(crate) fn sink(&mut self, now: u64) -> ReadSink<'_> {
        ReadSink { request: self, now }
    }

    /// Ends the request with its answer, which is yet to be read.
    pub(crate) fn answered(self: Box<Self>, end: u64) -> Ended {
        Ended {
            end: self.in_order(end),
            request: self,
            failed: None,
            is_untouched: false,
        }
    }

    /// Ends the request with a failure of the connection.
    pub(crate) fn failed(self: Box<Self>, failure: Failure, detail: String, end: u64) -> Ended {
        Ended {
            end: self.in_order(end),
            request: self,
            failed: Some(CallFailure::new(failure, detail)),
            is_untouched: false,
        }
    }
}

/// A request that has ended and whose answer is yet to be read: that takes time, which others must
/// not wait for.
pub(crate) struct Ended {
    request: Box<Request>,
    end: u64,
    failed: Option<CallFailure>,
    /// Whether the stage is known not to have begun it.
    is_untouched: bool,
}

impl Ended {
    /// Returns the stage that was called.
    pub(crate) const fn stage(&self) -> StageId {
        self.request.intent.target
    }

    /// Notes that the stage cannot have begun the request.
    pub(crate) fn untouched(self) -> Self {
        Self {
            is_untouched: true,
            ..self
        }
    }

    /// Returns its request, to be sent once more, where its connection was closed before the first
    /// byte of an answer and asking again
    /// cannot act twice: the stage has not begun it, or, on a connection that was `used` before,
    /// may be asked twice. Gives
    /// it back where not.
    pub(crate) fn again(self, used: bool) -> Result<Box<Request>, Self> {
        let request = &self.request;
        let is_cut = self
            .failed
            .as_ref()
            .is_some_and(|it| it.failure == Failure::Reset);
        let is_unanswered = request.stamps.first_byte.is_none() && !request.is_resent;
        let is_harmless = self.is_untouched || (used && request.prepared.may_repeat());
        if is_cut && is_unanswered && is_harmless {
            let mut request = self.request;
            request.renew();
            return Ok(request);
        }
        Err(self)
    }

    /// Reads the answer of the stage.
    pub(crate) fn read(self, stage: &Stage) -> Completion {
        let Self {
            request,
            end,
            failed,
            ..
        } = self;
        let request = *request;
        let mut stamps = request.stamps;
        stamps.end = Some(end);
        let from = stage.address.origin();
        let outcome = match failed {
            Some(failure) => Err(request.answer.cut(failure.of(from), from)),
            None => request.answer.finish(from),
        };
        if outcome.is_ok() {
            // An answer without a body is complete with its head.
            stamps.last_content = stamps.last_content.or(Some(end));
        }
        Completion {
            intent: request.intent,
            stamps,
            gaps: request.gaps,
            coalesced: request.coalesced,
            is_resent: request.is_resent,
            trace: request.trace,
            streams: request.streams,
            outcome,
        }
    }
}

impl Completion {
    /// Makes the end of a request that could not be written, so that nothing was sent.
    pub(crate) fn unwritten(
        intent: Intent,
        (intended, dequeued): (u64, u64),
        error: CallFailure,
        end: u64,
    ) -> Self {
        Self {
            intent,
            stamps: Stamps {
                intended,
                dequeued,
                end: Some(end),
                ..Stamps::default()
            },
            gaps: Vec::new(),
            coalesced: 0,
            is_resent: false,
            trace: None,
            streams: false,
            outcome: Err(error),
        }
    }
}

/// A request that has ended.
pub(crate) struct Completion {
    pub(crate) intent: Intent,
    pub(crate) stamps: Stamps,
    pub(crate) gaps: Vec<u64>,
    pub(crate) coalesced: u64,
    pub(crate) is_resent: bool,
    pub(crate) trace: Option<TraceParent>,
    pub(crate) streams: bool,
    pub(crate) outcome: Result<Reply, CallFailure>,
}

/// Takes what one read brought, stamped with the time at which it came.
pub(crate) struct ReadSink<'a> {
    request: &'a mut Request,
    now: u64,
}

impl Sink for ReadSink<'_> {
    fn head(&mut self, head: Head<'_>) {
        self.request.answer.head(head);
    }

    fn body(&mut self, bytes: &[u8]) {
        let request = &mut *self.request;
        let events = request.answer.data(bytes);
        if events == 0 {
            return;
        }
        let stamps = &mut request.stamps;
        stamps.first_content.get_or_insert(self.now);
        if stamps.first_answer.is_none() && request.answer.has_answered() {
            stamps.first_answer = Some(self.now);
        }
        if request.streams {
            let same_read = stamps.last_content == Some(self.now);
            if let Some(last) = stamps.last_content.filter(|_| !same_read) {
                request.gaps.push(self.now - last);
            }
            request.coalesced += u64::from(events) - u64::from(!same_read);
        }
        stamps.last_content = Some(self.now);
    }
}

/// Requests without a plan.
#[cfg(any(test, fuzzing))]
pub(crate) mod testing {
    use crate::load::id::{ScenarioId, StageId};
    use crate::load::wire::encode::Prepared;
    use crate::load::worker::request::{Intent, Request};
    use crate::manifest::Connections;
    use crate::protocol::TraceIds;
    use crate::stage::{Address, HttpAddress, Stage};
    use crate::template::Scope;

    /// Makes a stage of kind `http`; keys are those of its table.
    pub(crate) fn stage(keys: &str) -> Stage {
        Stage {
            address: Address::Http(HttpAddress::plain(
                "127.0.0.1:9".parse().expect("an address"),
            )),
            ..crate::stage::testing::http(keys)
        }
    }

    /// Makes a request of such a stage, due and taken up at 0.
    pub(crate) fn of(stage: &Stage) -> Box<Request> {
        let request = stage.request(&Scope::default()).expect("it can be written");
        let prepared = Prepared::new(&request, Connections::Pooled).expect("a legal head");
        Request::new(intent(), prepared, (0, 0), (stage, &TraceIds::default()))
    }

    /// Makes a request with that method.
    #[cfg(test)]
    pub(crate) fn http(method: &str, keys: &str) -> Box<Request> {
        of(&stage(&format!("method = \"{method}\"\n{keys}")))
    }

    fn intent() -> Intent {
        Intent {
            scenario: ScenarioId(0),
            target: StageId(0),
            case: 0,
            measured: true,
            session: None,
            user: None,
            pipeline: None,
        }
    }
}

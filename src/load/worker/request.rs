//! One request from the moment it is due to its end.

use std::time::Duration;

use crate::manifest::Timeouts;
use crate::measure::{Failure, Stamps};
use crate::protocol::{Head, ReadError, Reply, ReplyReader};

use crate::load::arrival::nanos;
use crate::load::id::{ScenarioId, StageId};
use crate::load::plan::Target;
use crate::load::wire::encode::Prepared;
use crate::load::wire::http1::Sink;
use crate::load::worker::session::Session;
use crate::load::worker::steps::Steps;

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
    pub(crate) steps: Option<Box<Steps>>,
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
    /// Content-bearing events that came in one read with an earlier one: their gaps cannot be known.
    pub(crate) coalesced: u64,
    /// How long the server asks to be left alone, in ns.
    retry_after: u64,
    reader: Box<dyn ReplyReader>,
    streams: bool,
    status: u16,
}

impl Request {
    /// Makes a request that the engine takes up at `dequeued`; times in ns since t = 0, unsigned because they are
    /// kept relative to the beginning of the warm-up.
    pub(crate) fn new(
        intent: Intent,
        prepared: Prepared,
        (intended, dequeued): (u64, u64),
        target: &Target,
    ) -> Box<Self> {
        Box::new(Self {
            intent,
            prepared,
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
        })
    }

    /// Returns the time at which something was last heard of the server, or at which the request began.
    pub(crate) fn last_sign(&self) -> u64 {
        let stamps = &self.stamps;
        stamps
            .last_content
            .or(stamps.first_byte)
            .or(stamps.send_start)
            .unwrap_or(stamps.dequeued)
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
        } else if idle.is_some_and(|limit| past(self.last_sign(), limit)) {
            Some("nothing more for `timeout.idle`")
        } else {
            None
        }
    }

    /// Returns where the parser puts what one read brought.
    pub(crate) fn sink(&mut self, now: u64) -> ReadSink<'_> {
        ReadSink { request: self, now }
    }

    /// Ends the request with its answer, which is yet to be read.
    pub(crate) fn answered(self: Box<Self>, end: u64) -> Ended {
        Ended {
            request: self,
            end,
            failed: None,
        }
    }

    /// Ends the request with a failure of the connection.
    pub(crate) fn failed(self: Box<Self>, failure: Failure, detail: String, end: u64) -> Ended {
        Ended {
            request: self,
            end,
            failed: Some(ReadError { failure, detail }),
        }
    }
}

/// A request that has ended and whose answer is yet to be read: that takes time, which others must not wait for.
pub(crate) struct Ended {
    request: Box<Request>,
    end: u64,
    failed: Option<ReadError>,
}

impl Ended {
    /// Reads the answer.
    pub(crate) fn read(self) -> Completion {
        let Self {
            request,
            end,
            failed,
        } = self;
        let request = *request;
        let mut stamps = request.stamps;
        stamps.end = Some(end);
        let outcome = match failed {
            Some(error) => Err(error),
            None if (200..300).contains(&request.status) => {
                // An answer without a body is complete with its head.
                stamps.last_content = stamps.last_content.or(stamps.first_byte);
                request.reader.finish()
            }
            None => Err(ReadError {
                failure: Failure::Status(request.status),
                detail: String::new(),
            }),
        };
        Completion {
            intent: request.intent,
            stamps,
            gaps: request.gaps,
            coalesced: request.coalesced,
            retry_after: request.retry_after,
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
        error: ReadError,
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
            retry_after: 0,
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
    /// How long the server asked to be left alone, in ns; 0 when it did not.
    pub(crate) retry_after: u64,
    pub(crate) streams: bool,
    pub(crate) outcome: Result<Reply, ReadError>,
}

/// Takes what one read brought, stamped with the time of that read.
pub(crate) struct ReadSink<'a> {
    request: &'a mut Request,
    now: u64,
}

impl Sink for ReadSink<'_> {
    fn head(&mut self, head: Head<'_>) {
        self.request.status = head.status;
        if matches!(head.status, 429 | 503) {
            self.request.retry_after = retry_after(head.headers).unwrap_or(0);
        }
        self.request.reader.head(head);
    }

    fn body(&mut self, bytes: &[u8]) {
        let request = &mut *self.request;
        if !(200..300).contains(&request.status) {
            return;
        }
        let events = request.reader.data(bytes);
        if events == 0 {
            return;
        }
        let stamps = &mut request.stamps;
        stamps.first_content.get_or_insert(self.now);
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

/// Returns the seconds of `Retry-After` in ns; its other form, a date, is of the server's clock and is not read.
fn retry_after(headers: &[(&str, &[u8])]) -> Option<u64> {
    let is_it = |(name, _): &&(&str, &[u8])| name.eq_ignore_ascii_case("retry-after");
    let (_, value) = headers.iter().find(is_it)?;
    let seconds: u64 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    seconds.checked_mul(1_000_000_000)
}

/// Requests without a plan.
#[cfg(test)]
pub(crate) mod testing {
    use std::time::Duration;

    use super::*;
    use crate::load::plan::{Endpoint, Measured};
    use crate::manifest::{Connections, HttpVersion, KindTable, Problems};
    use crate::protocol::PROTOCOLS;
    use crate::template::Scope;

    /// Makes a stage of kind `http`; keys are those of its table.
    pub(crate) fn stage(keys: &str) -> Target {
        let table = KindTable::from_toml("http", &format!("url = \"http://127.0.0.1:9/\"\n{keys}"));
        let call = PROTOCOLS.get("http").unwrap();
        let call = call.parse(&table, &mut Problems::default()).unwrap();
        Target {
            measured: Measured {
                name: "s".to_owned(),
                slo: Vec::new(),
                is_judged: true,
                cost: None,
                owner: None,
            },
            call: call.into(),
            endpoint: Endpoint::Http {
                address: "127.0.0.1:9".parse().unwrap(),
                name: None,
                tls: None,
                version: HttpVersion::One,
            },
            timeouts: Timeouts {
                connect: None,
                first_token: None,
                idle: None,
                total: Duration::from_millis(500),
            },
        }
    }

    /// Makes a request of such a stage, due and taken up at 0.
    pub(crate) fn of(stage: &Target) -> Box<Request> {
        let request = stage.call.request(&Scope::default()).unwrap();
        let prepared = Prepared::new(&request, Connections::Pooled).unwrap();
        Request::new(intent(), prepared, (0, 0), stage)
    }

    /// Makes a request with that method.
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
            steps: None,
        }
    }
}

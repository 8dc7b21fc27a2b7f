//! The hot path of a load in small pieces, for the micro-benches of `benches/hot_path.rs`: what is
//! done for every request, every answer, and every event of a stream.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;

use super::id::{ScenarioId, StageId};
use super::tally::count::Counter;
use super::wire::encode::Prepared;
use super::wire::http1::{Progress, ResponseParser, Sink};
use super::worker::request::{Completion, Intent};
use crate::arrival::{DueTimes, Gaps, Phase, Timing, Until};
use crate::manifest::{Connections, HttpVersion};
use crate::measure::Stamps;
use crate::metric::LatencyMetric;
use crate::protocol::{Head, HttpRequest, Reply, Request, SseParser};

/// One piece of work that is done over and over.
pub struct Piece {
    /// What is done once each time.
    pub name: &'static str,
    /// Does it so many times.
    pub run: Box<dyn FnMut(u32)>,
}

impl Piece {
    fn new(name: &'static str, mut once: impl FnMut() + 'static) -> Self {
        let run = move |times| (0..times).for_each(|_| once());
        Self {
            name,
            run: Box::new(run),
        }
    }
}

/// Returns every piece. The first is the measure of the machine: it hashes a KiB, and the others
/// are told as multiples of it.
pub fn pieces() -> Vec<Piece> {
    vec![
        yardstick(),
        encode(),
        parse_answer(),
        parse_events(),
        count(),
        next_due(),
    ]
}

fn yardstick() -> Piece {
    let bytes = vec![b'x'; 1024];
    Piece::new("hash 1 KiB (yardstick)", move || {
        black_box(blake3::hash(black_box(&bytes)));
    })
}

fn encode() -> Piece {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request::Http(HttpRequest {
        method: "POST".to_owned(),
        url: "http://127.0.0.1:8080/v1/chat/completions?x=1"
            .parse()
            .expect("it is a URL"),
        headers: vec![
            header("content-type", "application/json"),
            header("authorization", "Bearer 0123456789abcdef"),
        ],
        body: Bytes::from(vec![b'x'; 512]),
        version: HttpVersion::One,
        documents: None,
    });
    Piece::new("encode a request of 512 B", move || {
        black_box(Prepared::new(black_box(&request), Connections::Pooled)).ok();
    })
}

struct Length(usize);

impl Sink for Length {
    fn head(&mut self, head: Head<'_>) {
        self.0 += head.headers.len();
    }

    fn body(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

fn parse_answer() -> Piece {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Tue, 24 Nov 2026 12:00:00 GMT\r\n\
        server: x\r\ncontent-length: 512\r\n\r\n";
    let mut answer = head.as_bytes().to_vec();
    answer.extend_from_slice(&[b'x'; 512]);
    let mut parser = ResponseParser::default();
    Piece::new("parse an HTTP/1.1 answer of 512 B", move || {
        let mut seen = Length(0);
        let progress = parser.feed(black_box(&answer), false, &mut seen);
        assert_eq!(progress, Ok(Progress::Done { reusable: true }));
        assert_eq!(black_box(seen.0), 4 + 512);
        parser.reset();
    })
}

fn parse_events() -> Piece {
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\" word\"},\"index\":0}]}\n\n";
    let read = event.repeat(8);
    let mut parser = SseParser::default();
    Piece::new("parse 8 events of a stream", move || {
        let mut events = 0;
        parser.feed(black_box(read.as_bytes()), |event| {
            events += usize::from(!event.data.is_empty());
        });
        assert_eq!(black_box(events), 8);
    })
}

fn count() -> Piece {
    const MS: u64 = 1_000_000;
    let limits = vec![(LatencyMetric::ResponseTime, 100 * MS)];
    let interval = Duration::from_secs(1);
    let mut counter = Counter::new(limits, Some(60_000 * MS), interval);
    let mut at = 0;
    Piece::new("count an answer", move || {
        // Ten minutes of a thousand answers a second, again and again.
        at = (at + MS) % (600_000 * MS);
        let after = |us: u64| Some(at + us * 1_000);
        let completion = Completion {
            intent: Intent {
                scenario: ScenarioId(0),
                target: StageId(0),
                case: 0,
                measured: true,
                session: None,
                user: None,
                pipeline: None,
            },
            stamps: Stamps {
                intended: at,
                dequeued: at + 20_000,
                conn_ready: after(21),
                send_start: after(22),
                sent: after(30),
                first_byte: after(8_000),
                first_content: after(8_000),
                last_content: after(8_100),
                end: after(8_100),
            },
            gaps: Vec::new(),
            coalesced: 0,
            streams: false,
            outcome: Ok(Reply::default()),
        };
        black_box(counter.record(&completion, 0, true));
    })
}

fn next_due() -> Piece {
    let make = |seed| {
        let timing = Timing::at(Gaps::Exponential, 1_000.0);
        let until = Until::Duration(Duration::from_hours(1));
        DueTimes::new(&timing, until, seed, 0, Phase::Measured).expect("the loop is open")
    };
    let mut seed = 0;
    let mut due = make(seed);
    Piece::new("draw the next due time", move || {
        if black_box(due.next()).is_none() {
            seed += 1;
            due = make(seed);
        }
    })
}

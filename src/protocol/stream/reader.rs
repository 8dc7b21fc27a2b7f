//! The one reader of streams, for every framing and every kind.

use super::framing::{Framing, Parser};
use crate::measure::Failure;
use crate::protocol::ReplyReader;
use crate::protocol::event::Event;
use crate::protocol::failure::CallFailure;
use crate::protocol::output::{Found, Outputs, Whole};
use crate::protocol::reply::{Head, Reply};
use crate::protocol::said_error::names_error;
use crate::text::excerpt;

/// How much of an answer is repeated to say what it is, in characters.
const BEGINNING: usize = 120;

/// How much of it is kept for that, in bytes: more than is repeated, so that an excerpt says that
/// it is one.
const KEPT: usize = 8 * BEGINNING + 1;

/// What a kind makes of the events of its streams.
pub(in crate::protocol) trait Events: Send {
    /// Takes one event, whose data is not empty unless its name is that of an error, and returns
    /// whether it held content.
    fn event(&mut self, event: &Event<'_>) -> bool;

    /// Returns whether content of the answer itself has come, and not of its reasoning only; asked
    /// where there was content.
    fn has_answered(&self) -> bool {
        true
    }

    /// Ends the stream.
    fn finish(self, end: &End<'_>) -> Result<Reply, CallFailure>;
}

/// How a stream ended.
#[derive(Debug)]
pub(in crate::protocol) struct End<'a> {
    /// How many events came that hold something, and how many of them held content.
    pub(in crate::protocol) events: u64,
    pub(in crate::protocol) chunks: u64,
    /// Whether it ended inside an event.
    pub(in crate::protocol) is_inside_event: bool,
    /// Whether an answer without content is one.
    pub(in crate::protocol) takes_empty: bool,
    framing: Framing,
    content_type: Option<&'a str>,
    beginning: &'a [u8],
}

/// Reads a stream.
pub(in crate::protocol) struct StreamReader<E> {
    framing: Framing,
    parser: Parser,
    kind: E,
    found: Found,
    takes_empty: bool,
    events: u64,
    chunks: u64,
    content_type: Option<String>,
    /// The beginning of what came, to say what it is where it is no stream.
    beginning: Vec<u8>,
}

impl<E: Events> StreamReader<E> {
    /// Makes the reader of one answer.
    pub(in crate::protocol) fn new(
        framing: Framing,
        kind: E,
        outputs: &Outputs,
        takes_empty: bool,
    ) -> Self {
        Self {
            framing,
            parser: Parser::new(framing),
            kind,
            found: outputs.reader(),
            takes_empty,
            events: 0,
            chunks: 0,
            content_type: None,
            beginning: Vec::new(),
        }
    }
}

impl<E: Events> ReplyReader for StreamReader<E> {
    fn head(&mut self, head: Head<'_>) {
        let content_type = head.header("content-type");
        self.content_type = content_type.map(|it| String::from_utf8_lossy(it).into_owned());
        self.found.head(head);
    }

    fn data(&mut self, bytes: &[u8]) -> u32 {
        if self.beginning.len() < KEPT {
            let room = KEPT - self.beginning.len();
            self.beginning.extend(bytes.iter().take(room));
        }
        let Self {
            parser,
            kind,
            found,
            events,
            ..
        } = self;
        let mut content = 0;
        parser.feed(bytes, |name, data| {
            if data.is_empty() && !names_error(name) {
                return;
            }
            *events += 1;
            let event = Event::new(name, data);
            found.event(&event);
            content += u32::from(kind.event(&event));
        });
        self.chunks += u64::from(content);
        content
    }

    fn has_answered(&self) -> bool {
        self.kind.has_answered()
    }

    fn finish(self: Box<Self>) -> Result<Reply, CallFailure> {
        let this = *self;
        let end = End {
            events: this.events,
            chunks: this.chunks,
            is_inside_event: this.parser.is_inside_event(),
            takes_empty: this.takes_empty,
            framing: this.framing,
            content_type: this.content_type.as_deref(),
            beginning: &this.beginning,
        };
        let read = match end.other_stream() {
            Some(failure) => Err(failure),
            None => this.kind.finish(&end),
        };
        let chunks = this.chunks;
        let read = read.map(|reply| Reply {
            chunks,
            is_empty: chunks == 0,
            ..reply
        });
        this.found.finish(read, Whole::Stream)
    }
}

impl End<'_> {
    /// Returns the failure of an answer of a chat model that holds not one event.
    pub(in crate::protocol) fn not_events(&self) -> CallFailure {
        let begins = match excerpt(self.beginning, BEGINNING) {
            text if text.is_empty() => "it is empty".to_owned(),
            text => format!("it begins: {text}"),
        };
        CallFailure::contract(format!(
            "`stream = true`, but the answer is not a stream of events; {begins}"
        ))
    }

    /// Returns the failure of an answer that holds something, but not one event, nor the beginning
    /// of one; `None` where there were some, or nothing came.
    pub(in crate::protocol) fn no_events(&self) -> Option<CallFailure> {
        let may_be_cut = self.is_inside_event && self.framing.may_begin(self.beginning);
        let is_none = self.events == 0 && !self.beginning.is_empty() && !may_be_cut;
        let missing = match self.framing {
            Framing::Sse => "it holds no events (`data: …`)",
            Framing::Ndjson => "it holds no lines of JSON",
            Framing::Text => "it holds no text",
        };
        is_none.then(|| self.no_stream(missing))
    }

    /// A text is a stream whatever it holds: there, only its type tells that it is another one.
    fn other_stream(&self) -> Option<CallFailure> {
        let named = Framing::named_by(self.content_type?)?;
        (self.framing == Framing::Text && named != Framing::Text)
            .then(|| self.no_stream("it holds events"))
    }

    /// Says that the answer is not the stream that the manifest names.
    pub(in crate::protocol) fn no_stream(&self, reason: &str) -> CallFailure {
        let named = self.content_type.and_then(Framing::named_by);
        let other = named.filter(|named| *named != self.framing);
        let hint = other.map_or_else(String::new, |other| {
            format!("; write `stream = \"{}\"`", other.key())
        });
        let of_type = self
            .content_type
            .map(|it| excerpt(it.as_bytes(), BEGINNING));
        let of_type = of_type.map_or_else(String::new, |it| format!(" of type `{it}`"));
        CallFailure::new(
            Failure::Decode,
            format!(
                "the answer{of_type} is not a stream as `stream = \"{}\"` means it: {reason}{hint}; it begins: {}",
                self.framing.key(),
                excerpt(self.beginning, BEGINNING)
            ),
        )
    }
}

//! Why one attempt failed: the keys of `errors` in a run document.

use std::fmt;

/// Why an attempt is not ok.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// The address could not be connected to: the stage was never reached.
    Connect,
    /// The name does not resolve: the stage was never reached.
    Resolve,
    /// The TLS handshake failed: the stage was never reached.
    Tls,
    /// No complete answer within the stage's timeout.
    Timeout,
    /// The connection was closed or reset before the answer was complete.
    Reset,
    /// An HTTP status that is not a success.
    Status(u16),
    /// The bytes are not HTTP, not UTF-8, not JSON, or not an event stream.
    Decode,
    /// A well-formed answer that breaks the stage's output contract.
    Contract,
    /// An error event inside a stream that had begun well.
    StreamError,
    /// A well-formed answer that says of itself that it failed: its `output.error`.
    Reported,
    /// The answer grew past the size limit.
    TooLarge,
    /// The program of a `command` stage could not be started.
    Start,
    /// The program ended with this exit code, or by a signal (128 and its number).
    Exit(i32),
    /// This machine ran out of sockets or ports.
    Exhausted,
    /// The request could not be written: a template without a value, a header that is not one.
    /// Never sent.
    Request,
}

impl Failure {
    /// The failures after which the stage was never reached.
    const UNREACHED: [Self; 6] = [
        Self::Connect,
        Self::Resolve,
        Self::Tls,
        Self::Start,
        Self::Exhausted,
        Self::Request,
    ];

    /// Returns whether the stage was reached at all.
    pub(crate) fn reached(&self) -> bool {
        !Self::UNREACHED.contains(self)
    }

    /// Returns whether a failure of which a document holds only the word was one of a stage that
    /// was reached.
    pub(crate) fn word_is_reached(word: &str) -> bool {
        !Self::UNREACHED.iter().any(|it| it.to_string() == word)
    }
}

/// Failures that are answers, besides those with a number.
const ANSWERS: [&str; 5] = [
    "decode",
    "contract",
    "stream error",
    "answer error",
    "too large",
];

/// Returns whether a failure of that kind, as documents have it, is an answer of the stage: it was
/// heard, and it was wrong. What never came (no connection, a timeout, a cut) says nothing about
/// the stage.
pub(crate) fn is_answer(kind: &str) -> bool {
    let numbered = ["status ", "exit "].iter().any(|it| kind.starts_with(it));
    numbered || ANSWERS.contains(&kind)
}

/// What a gateway, a limiter, or a guard says in the place of a stage that cannot be asked.
const UNAVAILABLE: [u16; 8] = [401, 403, 407, 408, 429, 502, 503, 504];

/// Returns whether a failure of that kind, as documents have it, says that the stage was not to be
/// had: a suite that hears it has asked nobody.
pub(crate) fn is_unavailable(kind: &str) -> bool {
    let status = kind.strip_prefix("status ").and_then(|it| it.parse().ok());
    status.is_some_and(|status| UNAVAILABLE.contains(&status))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Connect => "connect",
            Self::Resolve => "dns",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Status(status) => return write!(f, "status {status}"),
            Self::Decode => "decode",
            Self::Contract => "contract",
            Self::StreamError => "stream error",
            Self::Reported => "answer error",
            Self::TooLarge => "too large",
            Self::Start => "start",
            Self::Exit(code) => return write!(f, "exit {code}"),
            Self::Exhausted => "sockets exhausted",
            Self::Request => "request",
        };
        f.write_str(text)
    }
}

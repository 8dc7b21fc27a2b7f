//! A call without a usable answer: the one type for every caller, from a kind's reader to the
//! report.

use std::time::Duration;

use crate::measure::Failure;

/// A call without a usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallFailure {
    pub(crate) failure: Failure,
    /// For people: what was expected and what came, at most a short piece of the body. It may
    /// repeat a secret that the stage sent back, so that it is redacted before it is shown or
    /// stored.
    pub(crate) detail: String,
    /// How long the stage asks to be left alone, where it does.
    pub(crate) retry_after: Option<Duration>,
    /// Whether an answer came that showed nothing.
    pub(crate) is_empty: bool,
}

impl CallFailure {
    /// Makes a failure without a wish to wait.
    pub(crate) fn new(failure: Failure, detail: impl Into<String>) -> Self {
        Self {
            failure,
            detail: detail.into(),
            retry_after: None,
            is_empty: false,
        }
    }

    /// The request could not be written.
    pub(crate) fn unsent(detail: impl Into<String>) -> Self {
        Self::new(Failure::Request, detail)
    }

    /// The answer is well-formed, and not what the stage's kind or `output` promises.
    pub(crate) fn contract(detail: impl Into<String>) -> Self {
        Self::new(Failure::Contract, detail)
    }

    /// The answer shows nothing to its reader; `what` it holds instead.
    pub(crate) fn empty(what: &str) -> Self {
        Self {
            is_empty: true,
            ..Self::contract(format!(
                "the answer has no content ({what}); `empty = \"ok\"` takes such answers"
            ))
        }
    }

    /// The same failure, said to be of who is named; as it is where nobody is.
    #[must_use]
    pub(crate) fn of(self, from: &str) -> Self {
        if from.is_empty() {
            return self;
        }
        Self {
            detail: format!("{from}: {}", self.detail),
            ..self
        }
    }

    /// The same failure, said to be of a step of a pipeline.
    #[must_use]
    pub(crate) fn in_step(self, step: &str) -> Self {
        Self {
            detail: format!("step `{step}`: {}", self.detail),
            ..self
        }
    }

    /// Returns the HTTP status that was answered; `None` when the call failed otherwise.
    pub(crate) const fn answered(&self) -> Option<u16> {
        match self.failure {
            Failure::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Returns what to do about it, as a sentence.
    pub(crate) const fn help(&self) -> &'static str {
        match self.failure {
            Failure::Connect => "Start the stage, or correct the address in the environment.",
            Failure::Resolve => "Correct the host in the environment.",
            Failure::Tls => "Check the scheme of the address, and the server's certificate.",
            Failure::Timeout => "Raise `timeout` of the stage, or find out why it is slow.",
            Failure::Status(401 | 403) => "Check the secret that the stage's headers carry.",
            Failure::Status(404) => "Check the path of the stage's `url`.",
            Failure::Status(429) => "Wait, or ask for a higher limit.",
            Failure::Status(_) => "Look at the stage's own log.",
            Failure::Contract => "Compare the stage's `output` with what it answers.",
            Failure::Decode | Failure::StreamError | Failure::Reset | Failure::TooLarge => {
                "Look at what the stage answers, and at its `stream` key."
            }
            Failure::Reported => "Look at what the answer says, and at the stage's own log.",
            Failure::Start => "Check the program's name, and that it may be executed.",
            Failure::Exit(_) => "Run the program by hand with the same input.",
            Failure::Exhausted => "Raise `ulimit -n`.",
            Failure::Request => "Check the stage's `method` and `headers`.",
        }
    }
}

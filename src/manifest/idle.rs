//! Keys that are right and do nothing yet: `check` says so, and nothing else changes.

use serde::Serialize;

use super::source::Source;
use super::span::{Span, line_of};

/// A key without effect, in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    pub(super) span: Span,
    pub(super) key: String,
    /// For instance "`rounds` of `[gate]`".
    pub(super) what: String,
}

/// A key of a manifest that has no effect, where a reader finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct IdleKey {
    /// A sentence without a full stop.
    pub(crate) message: String,
    /// The manifest, or the `--set` that it was given by.
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) line: u64,
    /// Dotted, as `--set` takes it: `gate.rounds`.
    pub(crate) key: String,
}

impl Idle {
    /// Finds its line.
    pub(super) fn place(self, source: &Source) -> IdleKey {
        let (text, span) = source.locate(&self.span);
        IdleKey {
            message: format!("{} is accepted and does nothing yet", self.what),
            file: text.name().to_owned(),
            line: line_of(text.inner().as_bytes(), span.start),
            key: self.key,
        }
    }
}

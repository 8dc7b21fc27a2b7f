//! The one error type that reaches the top, and the trait by which module errors say whose fault they are.

use miette::Diagnostic;

/// Whose fault an error is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command line is wrong.
    Usage,
    /// The manifest, or a file named by it, is wrong.
    Manifest,
    /// Everything outside us: a stage unreachable, a file missing, the store unwritable.
    Environment,
    /// Nothing could be decided, for instance nothing to compare.
    Inconclusive,
    /// A bug in stagegate.
    Internal,
}

/// Implemented by each module's own error, beside the code that fails.
pub(crate) trait Classify: Diagnostic + Send + Sync + 'static {
    /// Returns whose fault the error is.
    fn kind(&self) -> Kind;
}

/// Any module's error, with its kind kept and its type erased.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    diagnostic: Box<dyn Diagnostic + Send + Sync>,
}

/// The result of everything that can stop a command.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns whose fault the error is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what is to be shown.
    pub(crate) fn diagnostic(&self) -> &(dyn Diagnostic + Send + Sync) {
        self.diagnostic.as_ref()
    }
}

impl<E: Classify> From<E> for Error {
    fn from(error: E) -> Self {
        Self {
            kind: error.kind(),
            diagnostic: Box::new(error),
        }
    }
}

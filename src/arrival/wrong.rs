//! What is wrong with the keys of a process.

/// A problem for which the manifest knows the place and the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The key that the message names; `None` for all of them together.
    pub(crate) key: Option<&'static str>,
    /// The key whose value is pointed at, where it is another one.
    pub(crate) at: Option<&'static str>,
    /// Goes on after the key: "must be above zero".
    pub(crate) reason: String,
    pub(crate) help: Option<String>,
}

impl Wrong {
    /// A problem of one key.
    pub(super) fn key(key: &'static str, reason: impl Into<String>) -> Self {
        Self {
            key: Some(key),
            at: None,
            reason: reason.into(),
            help: None,
        }
    }

    /// A length of time that must not be zero.
    pub(super) fn zero(key: &'static str) -> Self {
        Self::key(key, "must be above zero")
    }

    /// A problem of all keys together.
    pub(crate) fn whole(reason: impl Into<String>) -> Self {
        Self {
            key: None,
            at: None,
            reason: reason.into(),
            help: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub(super) fn help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }

    /// Points at the value of another key.
    #[must_use]
    pub(super) fn at(self, key: &'static str) -> Self {
        Self {
            at: Some(key),
            ..self
        }
    }
}

//! What is still to be done for what this process has started, told where it ends at once.

use std::sync::{Arc, Mutex, PoisonError};

/// What the user has to do where this process is ended before it has done it. A copy shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owed(Arc<Mutex<Option<String>>>);

impl Owed {
    /// Says what is to be done from now on, in place of what was.
    pub(crate) fn owe(&self, text: String) {
        self.set(Some(text));
    }

    /// Says that all has been done.
    pub(crate) fn settle(&self) {
        self.set(None);
    }

    /// Returns what is to be done.
    pub(crate) fn told(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, text: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

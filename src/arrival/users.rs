//! The users of a closed loop.

use std::time::Duration;

use crate::measure::Rate;

/// Users of a closed loop: each sends a request, waits for its answer, and thinks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Users {
    pub(crate) concurrency: u32,
    pub(crate) think_time: Duration,
    /// The rate at which each of them begins requests, as far as the answers allow it.
    pub(crate) user_rate: Option<Rate>,
}

impl Users {
    /// Returns users who begin again as soon as they have an answer.
    pub(crate) const fn restless(concurrency: u32) -> Self {
        Self {
            concurrency,
            think_time: Duration::ZERO,
            user_rate: None,
        }
    }
}

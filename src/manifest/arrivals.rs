//! When a load's requests are sent, as the manifest says it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::measure::Rate;

/// When requests are sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arrivals {
    /// At times that do not depend on the answers.
    Open { gaps: Gaps, curve: Curve },
    /// At the times of a recorded trace.
    Trace(TraceFile),
    /// By users who wait for their answers.
    Closed(Users),
}

impl Arrivals {
    /// Returns arrivals at one rate for ever.
    pub(crate) const fn at(gaps: Gaps, rate: Rate) -> Self {
        Self::Open {
            gaps,
            curve: Curve::Flat(rate.per_second()),
        }
    }

    /// Returns how the gaps between arrivals are drawn; a trace and a closed loop draw none.
    pub(crate) const fn gaps(&self) -> Gaps {
        match self {
            Self::Open { gaps, .. } => *gaps,
            Self::Trace(_) | Self::Closed(_) => Gaps::Even,
        }
    }
}

/// How the gaps between arrivals vary around the mean that the curve gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gaps {
    /// All alike.
    Even,
    /// Exponential: a Poisson process.
    Exponential,
    /// Gamma with this coefficient of variation: below 1 evener than Poisson, above 1 burstier.
    Gamma { cv: f64 },
}

/// An arrival rate over time, per second; times in seconds since the beginning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Curve {
    Flat(f64),
    /// In a straight line from `from` to `to`, then `to` for ever.
    Linear {
        from: f64,
        to: f64,
        over_s: f64,
    },
    /// By the same factor each second; both ends are above 0.
    Exponential {
        from: f64,
        to: f64,
        over_s: f64,
    },
    /// One level after another, the last one for ever; or all of them again and again.
    Levels {
        levels: Arc<[Level]>,
        again: bool,
    },
    /// `mean + swing · sin(2π t / period)`, with 0 ≤ `swing` ≤ `mean`.
    Sine {
        mean: f64,
        swing: f64,
        period_s: f64,
    },
}

/// One rate for some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    /// Per second; may be 0.
    pub(crate) rate: f64,
    pub(crate) length_s: f64,
}

/// A recorded trace, still unread.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TraceFile {
    /// Relative to the manifest.
    pub(crate) path: PathBuf,
    /// How many times as fast as it was recorded.
    pub(crate) scale: f64,
    /// The part of it that is replayed, in its own time since its first request.
    pub(crate) window: Option<(Duration, Duration)>,
}

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

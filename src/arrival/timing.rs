//! The arrivals of a plan, resolved: nothing is left to read.

use std::sync::Arc;
use std::time::Duration;

use super::curve::{Curve, Flat};
use super::gaps::Gaps;
use super::users::Users;

/// When the requests of a plan are sent.
#[derive(Clone, Debug)]
pub(crate) enum Timing {
    /// Drawn from a rate over time.
    Drawn { gaps: Gaps, curve: Arc<dyn Curve> },
    /// At these times in ns since t = 0, ascending; the warm-up has their mean rate.
    Listed(Arc<[u64]>),
    /// By users who wait for their answers.
    Closed(Users),
}

/// How long a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Until(Until),
    /// As long as the recorded arrivals that it replays.
    WholeTrace,
}

/// When a load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Duration(Duration),
    /// Measured requests, the warm-up not counted.
    Requests(u64),
}

impl Timing {
    /// Returns arrivals at one rate for ever, per second.
    pub(crate) fn at(gaps: Gaps, per_second: f64) -> Self {
        Self::Drawn {
            gaps,
            curve: Arc::new(Flat(per_second)),
        }
    }

    /// Returns whether requests are sent without waiting for answers.
    pub(crate) const fn is_open(&self) -> bool {
        !matches!(self, Self::Closed(_))
    }

    /// Returns whether the load itself is the same all the time, so that a stage can settle under
    /// it.
    pub(crate) fn is_level(&self) -> bool {
        match self {
            Self::Drawn { curve, .. } => curve.is_flat(),
            Self::Listed(_) => false,
            Self::Closed(_) => true,
        }
    }
}

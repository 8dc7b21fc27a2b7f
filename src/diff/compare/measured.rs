//! One metric measured on both sides, with the evidence that rules are judged by.

use super::paired::Paired;
use crate::metric::Metric;
use crate::stats::{Interval, MIN_SESSIONS, Prediction};

/// A metric of two releases, before any rule.
pub(in crate::diff) struct Measured {
    pub(in crate::diff) metric: Metric,
    /// What each side shows by itself: an eval's own estimate over all its cases, a load's figure.
    /// Absolute limits are judged by it.
    pub(in crate::diff) alone: Sides,
    pub(in crate::diff) evidence: Evidence,
    /// Observations behind the head's own value.
    pub(in crate::diff) n: u64,
    /// Why the head has no value.
    pub(in crate::diff) missing: Option<String>,
    /// How many sessions of the base there are, of a latency that is gated.
    pub(in crate::diff) sessions: Option<usize>,
    pub(in crate::diff) owner: Option<String>,
    pub(in crate::diff) notes: Vec<String>,
}

/// A value on each side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::diff) struct Sides {
    pub(in crate::diff) base: Option<f64>,
    pub(in crate::diff) head: Option<f64>,
}

/// What is known of the change.
pub(in crate::diff) enum Evidence {
    /// Cases that both sides have.
    Paired(Box<Paired>),
    /// One session of the head against those of the base.
    Sessions(Prediction),
    /// One run against one run: shown, and nothing to decide by.
    Shown {
        change: Option<f64>,
        interval: Option<Interval>,
        method: &'static str,
    },
}

impl Measured {
    /// Makes what only shows two values.
    pub(in crate::diff) fn shown(metric: Metric, base: Option<f64>, head: Option<f64>) -> Self {
        Self {
            metric,
            alone: Sides { base, head },
            evidence: Evidence::Shown {
                change: None,
                interval: None,
                method: "none",
            },
            n: 0,
            missing: None,
            sessions: None,
            owner: None,
            notes: Vec::new(),
        }
    }

    /// Returns whether there are enough sessions of the base for a decision about a latency.
    pub(in crate::diff) fn is_decided_by_sessions(&self) -> bool {
        self.sessions.is_some_and(|has| has >= MIN_SESSIONS)
    }

    /// Returns the paired evidence.
    pub(in crate::diff) fn paired(&self) -> Option<&Paired> {
        match &self.evidence {
            Evidence::Paired(paired) => Some(paired),
            Evidence::Sessions(_) | Evidence::Shown { .. } => None,
        }
    }
}

//! One metric measured on both sides, with the evidence that rules are judged by.

use std::collections::BTreeMap;

use super::paired::Paired;
use crate::metric::Metric;
use crate::record::StageResult;
use crate::stats::{Interval, MIN_SESSIONS, Prediction, Rounds, Shift, least_rounds};

/// The stages of a run.
pub(in crate::diff) type Stages = BTreeMap<String, StageResult>;

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
    /// How much evidence there is, of a latency that is gated.
    pub(in crate::diff) units: Option<Units>,
    /// The head's value in that evidence, which is not that of the whole run where it is of rounds.
    pub(in crate::diff) alone_in_evidence: Option<f64>,
    pub(in crate::diff) owner: Option<String>,
    pub(in crate::diff) notes: Vec<String>,
}

/// A value on each side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::diff) struct Sides {
    pub(in crate::diff) base: Option<f64>,
    pub(in crate::diff) head: Option<f64>,
}

/// Units of evidence about a latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diff) struct Units {
    pub(in crate::diff) has: usize,
    /// A decision takes so many.
    pub(in crate::diff) needs: usize,
    /// `base sessions`, or `rounds`.
    pub(in crate::diff) name: &'static str,
    /// Whether there will be no more: too few of them leave it open, and are nothing to come.
    are_all: bool,
}

impl Units {
    /// Returns sessions of a base.
    pub(super) const fn sessions(has: usize) -> Self {
        Self {
            has,
            needs: MIN_SESSIONS,
            name: "base sessions",
            are_all: false,
        }
    }

    /// Returns rounds of both sides.
    pub(super) fn rounds(has: usize, alpha: f64) -> Self {
        Self {
            has,
            needs: least_rounds(alpha),
            name: "rounds",
            are_all: true,
        }
    }

    /// Returns whether a decision has what it takes.
    pub(in crate::diff) const fn suffice(self) -> bool {
        self.has >= self.needs
    }
}

/// What is known of the change.
pub(in crate::diff) enum Evidence {
    /// Cases that both sides have.
    Paired(Box<Paired>),
    /// One session of the head against those of the base.
    Sessions(Prediction),
    /// Both sides measured in turns.
    Rounds(Box<Rounds>),
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
            units: None,
            alone_in_evidence: None,
            owner: None,
            notes: Vec::new(),
        }
    }

    /// Returns whether it is a latency whose evidence decides: there is enough of it, or no more
    /// will come.
    pub(in crate::diff) fn is_decided(&self) -> bool {
        self.units.is_some_and(|it| it.suffice() || it.are_all)
    }

    /// Returns how far a gated latency has moved.
    pub(in crate::diff) fn shift(&self) -> Option<&dyn Shift> {
        match &self.evidence {
            Evidence::Sessions(prediction) => Some(prediction),
            Evidence::Rounds(rounds) => Some(rounds.as_ref()),
            Evidence::Paired(_) | Evidence::Shown { .. } => None,
        }
    }

    /// Returns the paired evidence.
    pub(in crate::diff) fn paired(&self) -> Option<&Paired> {
        match &self.evidence {
            Evidence::Paired(paired) => Some(paired),
            Evidence::Sessions(_) | Evidence::Rounds(_) | Evidence::Shown { .. } => None,
        }
    }
}

//! One metric measured on both sides, with the evidence that rules are judged by.

use crate::metric::Metric;
use crate::record::{Change, Comparison};
use crate::stats::Difference;

/// A comparison before any rule.
pub(super) struct Measured {
    pub(super) comparison: Comparison,
    pub(super) evidence: Evidence,
    /// What the head alone shows, for absolute limits: an eval's own estimate over all its cases.
    pub(super) head_alone: Option<f64>,
    /// Why the head has no value.
    pub(super) missing: Option<String>,
}

/// What is known of the change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Evidence {
    /// Paired cases: bounds of any level.
    Paired(Difference),
    /// Paired cases in too few clusters for bounds.
    FewClusters(Difference),
    /// One run against one run, or one side only: nothing to decide by.
    Shown,
}

impl Measured {
    /// Makes a comparison that only shows two values.
    pub(super) fn shown(metric: Metric, base: Option<f64>, head: Option<f64>) -> Self {
        Self {
            comparison: Comparison {
                metric,
                base,
                head,
                change: None,
                low: None,
                high: None,
                p: None,
                bound: None,
                method: "none".to_owned(),
                n: 0,
                verdict: Change::Insufficient,
                rule: None,
                outcome: None,
                owner: None,
                note: None,
            },
            evidence: Evidence::Shown,
            head_alone: head,
            missing: None,
        }
    }
}

impl Comparison {
    /// Adds a sentence to the note.
    pub(super) fn add_note(&mut self, text: &str) {
        match &mut self.note {
            Some(note) => {
                note.push_str("; ");
                note.push_str(text);
            }
            None => self.note = Some(text.to_owned()),
        }
    }
}

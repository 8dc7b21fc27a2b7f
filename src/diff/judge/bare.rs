//! Comparisons of which nothing is known but what each side shows.

use crate::diff::compare::Measured;
use crate::record::{Change, Comparison};

/// A comparison without numbers.
pub(super) fn empty(measured: &Measured) -> Comparison {
    Comparison {
        metric: measured.metric.clone(),
        base: None,
        head: None,
        change: None,
        low: None,
        high: None,
        p: None,
        p_decided: None,
        bound: None,
        method: "none".to_owned(),
        n: measured.n,
        verdict: Change::Insufficient,
        rule: None,
        outcome: None,
        owner: measured.owner.clone(),
        note: (!measured.notes.is_empty()).then(|| measured.notes.join("; ")),
    }
}

/// Returns the comparison that only tells what each side shows by itself.
pub(super) fn alone(measured: &Measured) -> Comparison {
    Comparison {
        base: measured.alone.base,
        head: measured.alone.head,
        note: None,
        ..empty(measured)
    }
}

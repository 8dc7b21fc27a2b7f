//! The three words for what became of a rule, an SLO, a call, or a rate: the same everywhere.

use super::super::block::{Cell, Tone};
use super::super::format::NONE;
use crate::record::VerdictKind;

/// Returns the cell of what was kept, was not, or cannot be told.
pub(super) fn cell(kept: Option<bool>) -> Cell {
    match kept {
        Some(true) => Cell::toned(Tone::Good, "passed"),
        Some(false) => Cell::toned(Tone::Bad, "FAILED"),
        None => Cell::toned(Tone::Doubt, "cannot tell"),
    }
}

/// Returns the cell of a verdict; a dash where there is none.
pub(super) fn verdict(verdict: Option<VerdictKind>) -> Cell {
    match verdict {
        Some(VerdictKind::Passed) => cell(Some(true)),
        Some(VerdictKind::Failed) => cell(Some(false)),
        Some(VerdictKind::Inconclusive) => cell(None),
        None => NONE.into(),
    }
}

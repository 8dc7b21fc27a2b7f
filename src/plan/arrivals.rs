//! A load's arrivals, resolved: a trace is read.

use std::path::Path;
use std::time::Duration;

use super::error::PlanError;
use crate::arrival::{Length, Timing, Until};
use crate::error::Result;
use crate::manifest::Load;

/// Resolves when the requests of a load are sent, and until when; `folder` is the manifest's.
pub(super) fn timing(folder: &Path, load: &Load) -> Result<(Timing, Until)> {
    let timing = load.arrivals.timing(folder)?;
    let until = match (load.until, &timing) {
        (Length::Until(until), _) => until,
        // The last arrival falls before the end.
        (Length::WholeTrace, Timing::Listed(due)) => {
            Until::Duration(Duration::from_nanos(due.last().map_or(0, |last| last + 1)))
        }
        (Length::WholeTrace, _) => {
            return Err(PlanError::NoLength {
                load: load.name.clone(),
            }
            .into());
        }
    };
    Ok((timing, until))
}

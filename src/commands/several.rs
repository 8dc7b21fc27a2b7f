//! The runs of one command, one after another, until one is interrupted.

use super::Context;
use crate::exit::Status;
use crate::experiment::Recorded;
use crate::record::RunRecord;
use crate::report::View;

/// What has been run so far.
pub(super) struct Several {
    runs: Vec<RunRecord>,
    status: Status,
}

impl Default for Several {
    fn default() -> Self {
        Self {
            runs: Vec::new(),
            status: Status::Passed,
        }
    }
}

impl Several {
    /// Takes a run and returns whether it was interrupted: then there is no next one.
    pub(super) fn take(&mut self, run: Recorded) -> bool {
        self.runs.push(run.record);
        self.status = self.status.and(run.status);
        self.status == Status::Interrupted
    }

    /// Shows them all.
    pub(super) fn show(&self, context: &Context) -> Status {
        context.emit(&View::of_runs(&self.runs), self.status)
    }
}

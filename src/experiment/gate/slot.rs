//! The one slot of a deployment in which base and head take turns.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::experiment::Experiment;
use crate::experiment::boot::{BootError, LOOK, Started, is_ready};
use crate::manifest::Abba;

/// How long a switch may take where the manifest does not say how long a start may.
const SWITCH: Duration = Duration::from_mins(10);

/// Which release is in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Base,
    Head,
}

impl Side {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }
}

/// The slot: what the last switch has left running.
pub(super) struct Slot<'a> {
    experiment: &'a Experiment,
    abba: &'a Abba,
    /// The commits of base and head.
    commits: (String, String),
    running: Option<Started>,
}

impl<'a> Slot<'a> {
    pub(super) const fn new(
        experiment: &'a Experiment,
        abba: &'a Abba,
        commits: (String, String),
    ) -> Self {
        Self {
            experiment,
            abba,
            commits,
            running: None,
        }
    }

    /// Puts a release into the slot, though it may be there already: what is measured is a fresh
    /// start of it. Ends what the last switch has left running first; waits until the command has
    /// ended and every stage answers. False where the user asked for an end meanwhile.
    pub(super) async fn put(&mut self, side: Side) -> Result<bool> {
        self.end().await;
        let (what, command, commit) = match side {
            Side::Base => (
                "`base` of `[gate.switch]`",
                &self.abba.base,
                &self.commits.0,
            ),
            Side::Head => (
                "`head` of `[gate.switch]`",
                &self.abba.head,
                &self.commits.1,
            ),
        };
        let variables = [
            ("STAGEGATE_COMMIT", commit.as_str()),
            ("STAGEGATE_SIDE", side.word()),
        ];
        let mut started = Started::run(self.experiment, (what, command), &variables)?;
        let deployment = &self.experiment.project.manifest.deployment;
        let (begin, most) = (Instant::now(), deployment.ready.unwrap_or(SWITCH));
        while !started.has_ended() {
            if self.experiment.is_interrupted() {
                started.end().await;
                return Ok(false);
            }
            if begin.elapsed() > most {
                let output = started.output();
                started.end().await;
                let after = most;
                return Err(BootError::Endless {
                    what,
                    after,
                    output,
                }
                .into());
            }
            tokio::time::sleep(LOOK).await;
        }
        if let Some(status) = started.failed() {
            let output = started.output();
            return Err(BootError::Ended {
                what,
                status,
                output,
            }
            .into());
        }
        self.running = Some(started);
        // What was in the slot before may have told its versions.
        self.experiment.project.heard.forget();
        is_ready(self.experiment, None).await?;
        Ok(!self.experiment.is_interrupted())
    }

    /// Ends what the last switch has left running.
    pub(super) async fn end(&mut self) {
        if let Some(running) = self.running.take() {
            running.end().await;
        }
    }
}

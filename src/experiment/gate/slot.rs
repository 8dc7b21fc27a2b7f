//! The one slot of a deployment in which base and head take turns.

use std::time::Duration;

use crate::error::Result;
use crate::experiment::Experiment;
use crate::experiment::boot::{BootError, READY, Started, is_ready};
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

/// The slot: what the last switch has put there, and left running.
pub(super) struct Slot<'a> {
    experiment: &'a Experiment,
    abba: &'a Abba,
    /// The commits of base and head.
    commits: (String, String),
    /// The stages that are called.
    stages: Vec<&'a str>,
    /// How long a command may take, and how long the stages until they answer.
    limits: (Duration, Duration),
    running: Option<Started>,
    holds: Option<Side>,
}

impl<'a> Slot<'a> {
    pub(super) fn new(
        experiment: &'a Experiment,
        abba: &'a Abba,
        commits: (String, String),
        (stages, wait): (Vec<&'a str>, Duration),
    ) -> Self {
        let ready = experiment.project.manifest.deployment.ready;
        Self {
            experiment,
            abba,
            commits,
            stages,
            limits: (
                ready.unwrap_or(SWITCH).max(wait),
                ready.unwrap_or(READY).max(wait),
            ),
            running: None,
            holds: None,
        }
    }

    /// Puts a release into the slot, though it may be there already: what is measured is a fresh
    /// start of it. Ends what the last switch has left running first; waits until the command has
    /// ended and every stage answers. False where the user asked for an end meanwhile.
    pub(super) async fn put(&mut self, side: Side) -> Result<bool> {
        self.stop().await;
        self.holds = None;
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
        let given_up = || self.experiment.is_interrupted();
        if !started.ends_within(self.limits.0, given_up).await {
            let output = started.output();
            started.end().await;
            if self.experiment.is_interrupted() {
                return Ok(false);
            }
            let after = self.limits.0;
            return Err(BootError::Endless {
                what,
                after,
                output,
            }
            .into());
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
        self.answers(side).await?;
        self.holds = Some(side);
        Ok(!self.experiment.is_interrupted())
    }

    /// Waits until every stage answers well. One that goes on to answer with errors is there, and
    /// is measured: what it answers is for the rules to judge.
    async fn answers(&self, side: Side) -> Result<()> {
        let experiment = self.experiment;
        let ready = is_ready(experiment, &self.stages, None, self.limits.1).await;
        let Err(error) = ready else { return Ok(()) };
        let stages = self.stages.iter().copied();
        if experiment.reach(stages, Duration::ZERO).await.is_err() {
            experiment.warn(format!("with the {} in the slot:", side.word()));
            return Err(error);
        }
        experiment.warn(format!(
            "with the {} in the slot, not every stage answers well, and it is measured as it is",
            side.word()
        ));
        Ok(())
    }

    /// Ends what the last switch has left running, and says where that leaves the slot.
    pub(super) async fn end(&mut self) {
        self.stop().await;
        if self.holds == Some(Side::Base) {
            let commit = self.commits.0.get(..7).unwrap_or(&self.commits.0);
            self.experiment.warn(format!(
                "the last turn was the base's, `{commit}`: it is what the slot holds now, if anything"
            ));
        }
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.end().await;
        }
    }
}

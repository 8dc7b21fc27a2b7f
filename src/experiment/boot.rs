//! The deployment's own start and stop: `start`, `stop`, and `ready` of `[deployment]`, around
//! whatever is measured.

use std::fs::File;
use std::future::Future;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use miette::Diagnostic;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};

use super::Experiment;
use crate::error::{Classify, Kind, Result};
use crate::group::Group;
use crate::measure::show_duration;
use crate::plan::{Caller, PlanError};
use crate::template::Secrets;

/// How long the stages may take to be ready where the manifest does not say.
pub(super) const READY: Duration = Duration::from_mins(1);
/// How long `stop` may take, and what was started once it is asked to end.
const STOP: Duration = Duration::from_mins(1);
const GRACE: Duration = Duration::from_secs(3);
/// How often it is looked whether anything has changed.
const LOOK: Duration = Duration::from_millis(50);
/// The pause between two probes of a stage.
const PROBE: Duration = Duration::from_millis(200);
/// How much of the end of what a command wrote is repeated, in bytes.
const REPEATED: u64 = 2000;

/// Why the deployment is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootError {
    #[error("{what} cannot be run: {reason}")]
    Unrunnable { what: Key, reason: String },
    #[error("{what} ended with {status}{}", said(.output))]
    Ended {
        what: Key,
        status: ExitStatus,
        output: String,
    },
    #[error("{what} has not ended after {}{}", show_duration(*.after), said(.output))]
    Endless {
        what: Key,
        after: Duration,
        output: String,
    },
    #[error("the deployment is not ready after {}: stage `{stage}`: {reason}{}", show_duration(*.after), said(.output))]
    NotReady {
        after: Duration,
        stage: String,
        reason: String,
        output: String,
    },
}

/// Which command of the manifest it is, as messages have it.
type Key = &'static str;

const START: Key = "`start` of `[deployment]`";
const STOP_KEY: Key = "`stop` of `[deployment]`";

/// Repeats what a command wrote, if anything.
fn said(output: &str) -> String {
    if output.is_empty() {
        return String::new();
    }
    let gap = if output.contains('\n') { "\n" } else { " " };
    format!("; it wrote:{gap}{output}")
}

impl Diagnostic for BootError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help = match self {
            Self::Unrunnable { .. } => "`sh` is needed to run it, in the folder of the manifest.",
            Self::Ended { what: START, .. } => {
                "It is run by `sh -c` in the folder of the manifest, and ends with 0 or goes on."
            }
            Self::Ended { .. } | Self::Endless { .. } => {
                "It is run by `sh -c` in the folder of the manifest, and ends with 0 once the release is in the slot; what is to stay runs in the background."
            }
            Self::NotReady { .. } => {
                "Give it more time with `ready` of `[deployment]`, or see what `check --probe` says."
            }
        };
        Some(Box::new(help))
    }
}

impl Classify for BootError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// Starts the deployment, does the work once every stage answers, and stops the deployment again,
/// however that ended. What is switched between releases is not started here: `starts` is false
/// then. `None` where the user asked for an end before there was anything to measure: `cancelled`
/// becomes ready then.
pub(crate) async fn booted<T>(
    (experiment, starts): (&Experiment, bool),
    cancelled: impl Future<Output = ()>,
    work: impl Future<Output = Result<T>>,
) -> Result<Option<T>> {
    let manifest = &experiment.project.manifest;
    let deployment = &manifest.deployment;
    let start = deployment.start.as_deref().filter(|_| starts);
    let stages = manifest.stages.iter().filter(|_| starts);
    let stages: Vec<&str> = stages.map(|it| it.name.as_str()).collect();
    let limit = deployment.ready.unwrap_or(READY);
    if start.is_none() && deployment.stop.is_none() && deployment.ready.is_none() {
        return work.await.map(Some);
    }
    if let Some(stop) = &deployment.stop {
        experiment.owed.owe(undone(experiment, stop));
    }
    let outcome = match start
        .map(|it| Started::run(experiment, (START, it), &[]))
        .transpose()
    {
        Err(error) => (None, Err(error.into())),
        Ok(mut started) => {
            let ready = tokio::select! {
                ready = is_ready(experiment, &stages, started.as_mut(), limit) => ready.map(Some),
                () = cancelled => Ok(None),
            };
            let outcome = match ready {
                Ok(Some(())) if experiment.is_interrupted() => Ok(None),
                Ok(Some(())) => work.await.map(Some),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            };
            (started, outcome)
        }
    };
    let (started, outcome) = outcome;
    if let Some(stop) = &deployment.stop {
        stopped(experiment, stop).await;
        experiment.owed.settle();
    }
    if let Some(started) = started {
        started.end().await;
    }
    outcome
}

/// Says that `stop` has not done all its work, and what it is.
fn undone(experiment: &Experiment, stop: &str) -> String {
    let secrets = experiment.project.secrets_that_are_set();
    let stop = secrets.redact(stop);
    format!(
        "{STOP_KEY} has not run to its end, so that the deployment may still be up; run it yourself: {stop}"
    )
}

/// Waits until each of these stages answers a probe well, for so long at most, or until the user
/// asks for an end.
pub(super) async fn is_ready(
    experiment: &Experiment,
    stages: &[&str],
    mut started: Option<&mut Started>,
    limit: Duration,
) -> Result<()> {
    let project = &experiment.project;
    let (begin, case) = (Instant::now(), project.first_case()?);
    for name in stages.iter().copied() {
        let caller = Caller::new(project, &experiment.client, name)?;
        let mut reason = "it has not been reached yet".to_owned();
        loop {
            if experiment.is_interrupted() {
                return Ok(());
            }
            if let Some(started) = &mut started
                && let Some(status) = started.failed()
            {
                let output = started.output();
                let what = START;
                return Err(BootError::Ended {
                    what,
                    status,
                    output,
                }
                .into());
            }
            let left = limit.saturating_sub(begin.elapsed());
            match tokio::time::timeout(left, caller.probe(&case)).await {
                Ok(Ok(Ok(_))) => break,
                Ok(Ok(Err(failure))) => reason = failure.detail,
                Ok(Err(error @ PlanError::Step { .. })) => reason = error.to_string(),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {
                    let output = started.as_mut().map(|it| it.output()).unwrap_or_default();
                    return Err(BootError::NotReady {
                        after: limit,
                        stage: name.to_owned(),
                        reason,
                        output,
                    }
                    .into());
                }
            }
            tokio::time::sleep(PROBE.min(left)).await;
        }
    }
    Ok(())
}

/// Runs `stop`; that it failed is said, and changes nothing of what was measured.
async fn stopped(experiment: &Experiment, command: &str) {
    let warn = |text: String| experiment.warn(format!("{STOP_KEY} {text}"));
    let mut started = match Started::run(experiment, (STOP_KEY, command), &[]) {
        Ok(started) => started,
        Err(error) => return experiment.warn(error.to_string()),
    };
    if experiment.is_interrupted() {
        let most = show_duration(STOP);
        experiment.note(format!(
            "stopping the deployment, which may take {most}; Ctrl-C again ends this at once"
        ));
    }
    if !started.ends_within(STOP, || false).await {
        warn(format!("did not end within {}", show_duration(STOP)));
    } else if let Some(status) = started.failed() {
        warn(format!("ended with {status}{}", said(&started.output())));
    }
    started.end().await;
}

/// A command that was started, in a process group of its own.
pub(super) struct Started {
    child: Child,
    /// Killed with everything in it when this value goes, if not before.
    group: Group,
    /// What it writes: to a file, which what it leaves in the background may hold open.
    output: File,
    /// Struck out of what it writes.
    secrets: Arc<Secrets>,
}

impl Started {
    /// Runs a command by `sh -c`, with these variables added to its environment.
    pub(super) fn run(
        experiment: &Experiment,
        (what, command): (Key, &str),
        variables: &[(&str, &str)],
    ) -> std::result::Result<Self, BootError> {
        let unrunnable = |error: std::io::Error| BootError::Unrunnable {
            what,
            reason: error.to_string(),
        };
        let output = tempfile::tempfile().map_err(unrunnable)?;
        let secrets = experiment.project.secrets_that_are_set();
        let (out, err) = (output.try_clone(), output.try_clone());
        let child = Command::new("sh")
            .args(["-c", command])
            .envs(variables.iter().copied())
            .current_dir(&experiment.project.folder)
            .stdin(Stdio::null())
            .stdout(out.map_err(unrunnable)?)
            .stderr(err.map_err(unrunnable)?)
            // Ctrl-C is ours: it is stopped when what was measured has been kept.
            .process_group(0)
            .spawn()
            .map_err(unrunnable)?;
        let group = Group::led_by(Some(child.id()));
        Ok(Self {
            child,
            group,
            output,
            secrets,
        })
    }

    fn leader(&self) -> Option<Pid> {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Returns whether the shell has ended. It is not waited for until the end, so that its number
    /// stays that of its group.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.leader()
            .is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
    }

    /// Waits until the shell has ended, for so long at most, or until it is given up; returns
    /// whether it has.
    pub(super) async fn ends_within(&self, limit: Duration, given_up: impl Fn() -> bool) -> bool {
        let begin = Instant::now();
        while !self.has_ended() && begin.elapsed() < limit && !given_up() {
            tokio::time::sleep(LOOK).await;
        }
        self.has_ended()
    }

    /// Returns how the command ended, where that is a failure.
    pub(super) fn failed(&mut self) -> Option<ExitStatus> {
        if !self.has_ended() {
            return None;
        }
        let status = self.child.wait().ok()?;
        (!status.success()).then_some(status)
    }

    /// Returns the end of what it has written, from a line's start on: in the middle of a line
    /// might be the middle of a secret.
    pub(super) fn output(&mut self) -> String {
        let mut bytes = Vec::new();
        let length = self.output.metadata().map_or(0, |it| it.len());
        let from = length.saturating_sub(REPEATED);
        // What cannot be read is not repeated.
        if let Ok(mut file) = self.output.try_clone()
            && file.seek(SeekFrom::Start(from)).is_ok()
        {
            drop(file.read_to_end(&mut bytes));
        }
        let whole = if from == 0 {
            &bytes[..]
        } else {
            let line = bytes.iter().position(|byte| *byte == b'\n');
            line.map_or(&[][..], |line| &bytes[line..])
        };
        let text = String::from_utf8_lossy(whole);
        self.secrets.redact(text.trim()).into_owned()
    }

    /// Ends what is left of its process group: asks, and after a while insists.
    pub(super) async fn end(mut self) {
        let Some(group) = self.leader() else {
            return;
        };
        // Nobody may be left, which is what is wanted.
        let _: std::result::Result<(), _> = kill_process_group(group, Signal::TERM);
        let begin = Instant::now();
        while begin.elapsed() < GRACE && test_kill_process_group(group).is_ok() {
            // Once it has been waited for, the shell is no member of the group any more.
            drop(self.child.try_wait());
            tokio::time::sleep(LOOK).await;
        }
        self.group.kill();
        drop(self.child.wait());
    }
}

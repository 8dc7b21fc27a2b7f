//! Whether the stages that are to be measured can be reached at all, found out before anything is
//! measured: one call of each.

use std::fmt;
use std::time::Duration;

use miette::Diagnostic;

use super::Experiment;
use crate::error::{Classify, Fault, Kind, Result};
use crate::measure::{Event, show_duration};
use crate::plan::Caller;

/// How long a stage that is not there yet is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Stages that could not be reached.
#[derive(Debug)]
pub(crate) struct Unreached {
    stages: Vec<Silent>,
    /// How long they were waited for.
    waited: Duration,
}

/// One stage that could not be reached.
#[derive(Debug)]
struct Silent {
    stage: String,
    reason: String,
    help: String,
    /// Its line in the manifest, from 1.
    place: Option<(String, u64)>,
}

impl Experiment {
    /// Calls each stage once, again and again until `wait` is over while one cannot be reached.
    /// What a stage answers does not count here, and neither does how long it takes.
    ///
    /// # Errors
    ///
    /// [`Unreached`], or what keeps a stage from being called, such as a secret that is not set.
    pub(super) async fn reach<'a>(
        &self,
        stages: impl IntoIterator<Item = &'a str>,
        wait: Duration,
    ) -> Result<()> {
        let mut left: Vec<&str> = stages.into_iter().collect();
        left.sort_unstable();
        left.dedup();
        let clock = self.clock.stopwatch();
        let mut said = false;
        loop {
            let mut silent = Vec::new();
            for stage in left {
                if let Some(reason) = self.unreached(stage).await? {
                    silent.push((stage, reason));
                }
            }
            if silent.is_empty() || self.is_interrupted() {
                return Ok(());
            }
            if clock.elapsed() + PAUSE > wait {
                let stages = silent.into_iter().map(|(_, silent)| silent).collect();
                return Err(Unreached {
                    stages,
                    waited: wait,
                }
                .into());
            }
            if !std::mem::replace(&mut said, true) {
                let names: Vec<String> = silent.iter().map(|(it, _)| format!("`{it}`")).collect();
                let (names, wait) = (names.join(", "), show_duration(wait));
                self.sink.emit(Event::Note(format!(
                    "waiting for {names}, for {wait} at most"
                )));
            }
            left = silent.into_iter().map(|(stage, _)| stage).collect();
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Calls a stage once; says why it was not reached.
    async fn unreached(&self, stage: &str) -> Result<Option<Silent>> {
        let project = &self.project;
        let caller = Caller::new(project, &self.client, stage)?.in_session();
        // A request that cannot be written, or a step before it that failed, is for the run to
        // tell.
        let Ok(Err(failure)) = caller.probe(&project.first_case()?).await else {
            return Ok(None);
        };
        if failure.failure.reached() {
            return Ok(None);
        }
        Ok(Some(Silent {
            stage: stage.to_owned(),
            help: failure.help().to_owned(),
            reason: failure.detail,
            place: project.manifest.stage(stage).map(|it| {
                let source = &project.manifest.source;
                (
                    source.path().display().to_string(),
                    source.line(it.span.start),
                )
            }),
        }))
    }
}

impl Silent {
    fn fault(&self) -> Fault {
        let (file, line) = self.place.clone().unzip();
        Fault {
            message: self.to_string(),
            help: Some(self.help.clone()),
            file,
            line,
            key: Some(format!("stage.{}.url", self.stage)),
        }
    }
}

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "stage `{}` cannot be reached: {}",
            self.stage, self.reason
        )
    }
}

impl std::error::Error for Silent {}

impl Diagnostic for Silent {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was measured")?;
        match self.waited {
            Duration::ZERO => Ok(()),
            waited => write!(f, " after a wait of {}", show_duration(waited)),
        }
    }
}

impl std::error::Error for Unreached {}

impl Diagnostic for Unreached {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.stages.iter().map(|it| it as &dyn Diagnostic)))
    }
}

impl Classify for Unreached {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn faults(&self) -> Vec<Fault> {
        self.stages.iter().map(Silent::fault).collect()
    }
}

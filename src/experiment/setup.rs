//! What every experiment is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::release;
use crate::error::Result;
use crate::git::GitFacts;
use crate::group::Owed;
use crate::measure::{Clock, Event, EventSink};
use crate::plan::{Project, Site};
use crate::record::Release;
use crate::store::Store;
use crate::transport::Client;

/// What the machine and the terminal give to an experiment.
pub(crate) struct Surroundings {
    pub(crate) clock: Clock,
    /// Takes progress and everything that is said in words.
    pub(crate) sink: Box<dyn EventSink>,
    /// Becomes true when the user asks for an end.
    pub(crate) interrupted: Arc<AtomicBool>,
    /// What is told to be undone where the user does not wait for the end.
    pub(crate) owed: Owed,
    /// The flags and `--set`s that change what is measured, as they were written.
    pub(crate) overrides: Vec<String>,
    /// The flags of every command, as they would be typed again: before the command's name.
    pub(crate) typed: String,
}

/// The parameter of every experiment.
pub(crate) struct Experiment {
    pub(crate) project: Arc<Project>,
    /// For single calls: steps before a stage, suites, versions.
    pub(super) client: Arc<Client>,
    /// What is measured.
    pub(super) release: Release,
    /// Untracked files that are no part of it.
    pub(super) untracked: Vec<String>,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) sink: Box<dyn EventSink>,
    pub(super) interrupted: Arc<AtomicBool>,
    pub(super) owed: Owed,
    pub(super) overrides: Vec<String>,
    pub(super) typed: String,
}

impl Experiment {
    /// Makes the surroundings of the runs of a project: finds out what the release at hand is made
    /// of, as far as files tell. What stages tell is added to each run.
    pub(crate) fn new(project: Arc<Project>, surroundings: Surroundings) -> Result<Self> {
        let Surroundings {
            clock,
            sink,
            interrupted,
            owed,
            overrides,
            typed,
        } = surroundings;
        let store = Store::open(&project.folder, &clock);
        store.guard()?;
        let git = GitFacts::read(&project.folder);
        if let Some(warning) = &git.warning {
            sink.emit(Event::Warning(warning.clone()));
        }
        let dirt = release::dirt(&project, &git);
        Ok(Self {
            release: release::present(&project, &git, &dirt)?,
            untracked: dirt.aside,
            store,
            client: Arc::new(Client::default()),
            project,
            clock,
            sink,
            interrupted,
            owed,
            overrides,
            typed,
        })
    }

    /// Returns what plans are resolved with.
    pub(super) fn site(&self) -> Site<'_> {
        Site {
            project: &self.project,
            client: &self.client,
            clock: &self.clock,
        }
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, text: impl Into<String>) {
        self.sink.emit(Event::Note(text.into()));
    }

    pub(super) fn warn(&self, text: impl Into<String>) {
        self.sink.emit(Event::Warning(text.into()));
    }
}

//! What every command is given: flags, terminal, interruption, clock.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::proxies;
use crate::args::Global;
use crate::error::Result;
use crate::experiment::{Experiment, Surroundings, booted};
use crate::group::Owed;
use crate::measure::Clock;
use crate::plan::{Chosen, PlanError, Project};
use crate::report::Places;
use crate::ui::Ui;

/// The name of the manifest where none is given.
pub(crate) const MANIFEST: &str = "stagegate.toml";

/// The surroundings of one command.
pub(crate) struct Context {
    pub(crate) ui: Ui,
    pub(crate) global: Global,
    /// Becomes true when the user presses Ctrl-C; for engines with threads.
    pub(crate) interrupted: Arc<AtomicBool>,
    /// What is told to be undone where the user does not wait for the end.
    pub(crate) owed: Owed,
    /// The same, for engines with tasks.
    pub(crate) cancel: watch::Receiver<bool>,
    pub(crate) clock: Clock,
    /// Where things stand in the manifest, once it has been read.
    pub(crate) places: OnceLock<Places>,
}

impl Context {
    /// Waits until the user asks for an end.
    pub(crate) async fn asked_to_end(&self) {
        let mut cancel = self.cancel.clone();
        // An error means that nobody can ask for an end any more: then the process is ending.
        drop(cancel.wait_for(|asked| *asked).await);
    }

    /// Returns a path of the command line, relative to `-C`.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        match &self.global.directory {
            Some(directory) => directory.join(path),
            None => path.to_path_buf(),
        }
    }

    /// Returns where the manifest is: the one that was named, or the nearest `stagegate.toml` in
    /// the working folder and those above it.
    pub(crate) fn manifest_path(&self) -> PathBuf {
        if let Some(named) = &self.global.manifest {
            return self.path(named);
        }
        let here = self.path(Path::new(MANIFEST));
        above(&here).unwrap_or(here)
    }

    /// Opens the project in the environment that was chosen.
    pub(crate) fn project(&self) -> Result<Project> {
        let env = match self.global.env.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [first, second, ..] => {
                let (first, second) = (first.clone(), second.clone());
                return Err(PlanError::Environments { first, second }.into());
            }
        };
        let project = Project::open(&Chosen {
            manifest: self.manifest_path(),
            env,
            settings: self
                .global
                .set
                .iter()
                .map(|setting| (setting.key.clone(), setting.value.clone()))
                .collect(),
        })?;
        // A command has one manifest; its lines are those of the first opening.
        self.places.get_or_init(|| Places::of(&project.manifest));
        Ok(project)
    }

    /// Returns the project's folder; the manifest itself is not needed to look at runs.
    pub(crate) fn folder(&self) -> PathBuf {
        let path = self.manifest_path();
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        }
    }

    /// Returns what this process gives to experiments.
    pub(crate) fn surroundings(&self) -> Surroundings {
        // Where a stage is, and how a gate decides, changes nothing of what is measured.
        let is_setting = |key: &str| ["env.", "gate."].iter().any(|it| key.starts_with(it));
        let sets = self.global.set.iter().filter(|it| !is_setting(&it.key));
        let overrides = sets.map(|it| format!("--set {}={}", it.key, it.value));
        Surroundings {
            overrides: overrides.collect(),
            typed: self.global.typed(),
            clock: self.clock.clone(),
            sink: self.ui.sink(),
            interrupted: Arc::clone(&self.interrupted),
            owed: self.owed.clone(),
        }
    }

    /// Says once, before stages are called, which proxies of the environment are not used for that.
    pub(crate) fn tell_of_proxies(&self, project: &Project) {
        let variable = |name: &str| std::env::var(name).ok();
        if let Some(text) = proxies::unused(project, variable) {
            self.ui.note(&text);
        }
    }

    /// Does the work of a command while the project's deployment is up, where the manifest says how
    /// to start it; `None` where the user asked for an end before that.
    pub(crate) async fn while_up<T>(
        &self,
        experiment: &Experiment,
        work: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        self.while_up_if(true, experiment, work).await
    }

    /// Does the same, but what puts releases into the deployment's slot itself starts nothing:
    /// `starts` is false then.
    pub(crate) async fn while_up_if<T>(
        &self,
        starts: bool,
        experiment: &Experiment,
        work: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        booted((experiment, starts), self.asked_to_end(), work).await
    }

    /// Makes the surroundings of a project's runs.
    pub(crate) fn experiment(&self, project: &Arc<Project>) -> Result<Experiment> {
        self.experiment_with(project, [])
    }

    /// Makes the surroundings of runs that the flags of a command change.
    pub(crate) fn experiment_with(
        &self,
        project: &Arc<Project>,
        flags: impl IntoIterator<Item = String>,
    ) -> Result<Experiment> {
        let mut surroundings = self.surroundings();
        surroundings.overrides.extend(flags);
        self.tell_of_proxies(project);
        Experiment::new(Arc::clone(project), surroundings)
    }
}

/// Returns the nearest file of that name in its folder and those above. One that belongs to another
/// user is passed by, as in a folder that everybody may write to: a manifest names commands.
fn above(here: &Path) -> Option<PathBuf> {
    let name = here.file_name()?;
    let folder = match here.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    if here.exists() {
        return Some(here.to_owned());
    }
    let depth = folder.canonicalize().ok()?.components().count();
    let mut up = if folder == Path::new(".") {
        PathBuf::new()
    } else {
        folder.clone()
    };
    for _ in 1..depth {
        up.push("..");
        let found = up.join(name);
        if found.is_file() && same_owner(&found, &folder) {
            return Some(found);
        }
    }
    None
}

#[cfg(unix)]
fn same_owner(file: &Path, folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |path: &Path| path.metadata().map(|it| it.uid()).ok();
    owner(file).is_some() && owner(file) == owner(folder)
}

#[cfg(not(unix))]
const fn same_owner(_: &Path, _: &Path) -> bool {
    true
}

//! The project at hand: its manifest with every kind resolved, its folder, and the environment that
//! was chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::PlanError;
use super::outputs;
use crate::error::Result;
use crate::eval::{Checks, counted};
use crate::golden::{Case, GoldenSet};
use crate::manifest::{self, Environment, Eval, KindTable, Load, Manifest, Problem, Problems};
use crate::name::Name;
use crate::protocol::{Call, PROTOCOLS};
use crate::registry::did_you_mean;
use crate::stage::{Heard, Listener, MAX_ANSWER, Stage};
use crate::template::{Scope, Secrets};

/// What the command line says about where and in which environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) manifest: PathBuf,
    pub(crate) env: Option<String>,
    /// `--set`: dotted key and value.
    pub(crate) settings: Vec<(String, String)>,
}

/// A project, open.
pub(crate) struct Project {
    pub(crate) manifest: Manifest,
    /// The folder of the manifest: where its paths begin and its runs are kept.
    pub(crate) folder: PathBuf,
    pub(crate) env_name: String,
    pub(crate) environment: Environment,
    /// What stages have told of their versions so far.
    pub(crate) heard: Arc<Heard>,
    calls: BTreeMap<Name, Arc<dyn Call>>,
    checks: BTreeMap<Name, Arc<Checks>>,
}

impl Project {
    /// Reads the manifest and resolves every kind in it; all that is wrong is shown at once.
    pub(crate) fn open(chosen: &Chosen) -> Result<Self> {
        let (manifest, mut problems) = Manifest::load_draft(&chosen.manifest, &chosen.settings)?;
        let heard = Arc::new(Heard::default());
        let calls = resolve_stages(&manifest, &mut problems);
        let checks = resolve_checks(&manifest, &mut problems);
        problems.extend(outputs::check(&manifest, &calls));
        let manifest = manifest.or_error(problems)?;
        let (env_name, environment) = manifest.environment(chosen.env.as_deref())?;
        let folder = chosen
            .manifest
            .parent()
            .map_or_else(PathBuf::new, Path::to_path_buf);
        let folder = if folder.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            folder
        };
        Ok(Self {
            env_name: env_name.to_string(),
            environment,
            manifest,
            folder,
            heard,
            calls,
            checks,
        })
    }

    /// Returns the manifest's path as the user would write it.
    pub(crate) fn manifest_path(&self) -> String {
        self.manifest.source.path().display().to_string()
    }

    /// Returns a stage ready to be called.
    pub(crate) fn stage(&self, name: &str) -> Result<Stage, PlanError> {
        let stage = self.named(&STAGES, name)?;
        let call = Arc::clone(&self.calls[&stage.name]);
        Ok(Stage {
            http_version: stage.http_version,
            owner: self.manifest.owner(name).map(str::to_owned),
            cost: stage.cost,
            slo: stage.slo.clone(),
            max_answer: stage.max_answer.unwrap_or(MAX_ANSWER),
            retry_stale: stage.retry_stale,
            trace: stage.trace.unwrap_or(self.manifest.deployment.trace),
            slo_headers: stage
                .slo_headers
                .unwrap_or(self.manifest.deployment.slo_headers),
            listener: Listener::of(&self.manifest, name, &self.heard),
            ..Stage::new(name, call, stage.timeout)
        })
    }

    /// Returns a load of the manifest.
    pub(crate) fn load(&self, name: &str) -> Result<&Load, PlanError> {
        self.named(&LOADS, name)
    }

    /// Returns the loads of these names, in their order; all of them without a name.
    pub(crate) fn loads(&self, names: &[String]) -> Result<Vec<&Load>, PlanError> {
        self.all_named(&LOADS, names)
    }

    /// Returns a suite of the manifest.
    pub(crate) fn eval(&self, name: &str) -> Result<&Eval, PlanError> {
        self.named(&EVALS, name)
    }

    /// Returns the suites of these names, in their order; all of them without a name.
    pub(crate) fn evals(&self, names: &[String]) -> Result<Vec<&Eval>, PlanError> {
        self.all_named(&EVALS, names)
    }

    /// Returns a suite's assertions.
    pub(crate) fn checks(&self, suite: &Name) -> Arc<Checks> {
        Arc::clone(&self.checks[suite])
    }

    /// Returns the steps that a stage's request needs, in the order in which they must be called.
    pub(crate) fn steps_before(&self, stage: &Stage) -> Result<Vec<Stage>, PlanError> {
        let mut found = Vec::new();
        self.add_steps(stage, &mut BTreeSet::new(), &mut found)?;
        Ok(found)
    }

    fn add_steps(
        &self,
        stage: &Stage,
        seen: &mut BTreeSet<String>,
        found: &mut Vec<Stage>,
    ) -> Result<(), PlanError> {
        for name in stage.call.needs_steps() {
            if seen.insert(name.clone()) {
                let step = self.stage(&name)?;
                self.add_steps(&step, seen, found)?;
                found.push(step);
            }
        }
        Ok(())
    }

    /// Returns what templates see, with the secrets that the named stages need. All that the
    /// manifest names are known, so that they are struck out of what any stage or program sends.
    pub(crate) fn scope<'a>(&self, stages: impl IntoIterator<Item = &'a str>) -> Result<Scope> {
        let wanted: BTreeSet<&str> = stages.into_iter().collect();
        let needed = self
            .manifest
            .secrets
            .iter()
            .filter(|(_, users)| users.iter().any(|user| wanted.contains(user.as_str())))
            .map(|(name, _)| name.as_str());
        let lookup = |name: &str| std::env::var(name).ok();
        let secrets = Secrets::resolve(needed, &lookup)?.knowing(self.secret_names(), &lookup);
        Ok(Scope {
            env: self.environment.values.clone(),
            secrets: Arc::new(secrets),
            folder: self.folder.clone(),
            ..Scope::default()
        })
    }

    /// Returns the secrets that the manifest names, as far as they are set.
    pub(crate) fn secrets_that_are_set(&self) -> Arc<Secrets> {
        let none = Secrets::default();
        Arc::new(none.knowing(self.secret_names(), &|name| std::env::var(name).ok()))
    }

    fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.manifest.secrets.keys().map(String::as_str)
    }

    /// Reads a golden set that the manifest names.
    pub(crate) fn golden(&self, path: &Path) -> Result<GoldenSet> {
        Ok(GoldenSet::read(&self.folder, path)?)
    }

    /// Returns the first case of the first golden set, or an empty one where the manifest names
    /// none.
    pub(crate) fn first_case(&self) -> Result<Case> {
        let sets = self.manifest.evals.iter().map(|eval| &eval.golden);
        let loads = self.manifest.loads.iter();
        let sends = loads.flat_map(|load| load.mix.iter().map(|it| &it.sends).chain([&load.sends]));
        let data = sends.filter_map(|sends| sends.data.as_ref());
        let Some(path) = sets.chain(data).next() else {
            return Ok(Case::without_data());
        };
        let first = self.golden(path)?.cases.into_iter().next();
        Ok(first.unwrap_or_else(Case::without_data))
    }

    fn named<T>(&self, family: &Family<T>, name: &str) -> Result<&T, PlanError> {
        let members = (family.members)(&self.manifest);
        let found = members.iter().find(|it| *(family.name)(it) == *name);
        found.ok_or_else(|| PlanError::Unknown {
            family: family.word,
            name: name.to_owned(),
            manifest: self.manifest_path(),
            known: members
                .iter()
                .map(|it| (family.name)(it).to_string())
                .collect(),
        })
    }

    fn all_named<T>(&self, family: &Family<T>, names: &[String]) -> Result<Vec<&T>, PlanError> {
        let members = (family.members)(&self.manifest);
        if names.is_empty() && members.is_empty() {
            return Err(PlanError::Nothing {
                family: family.word,
                manifest: self.manifest_path(),
            });
        }
        if names.is_empty() {
            return Ok(members.iter().collect());
        }
        names.iter().map(|name| self.named(family, name)).collect()
    }
}

/// What the manifest has several of, by name.
struct Family<T> {
    word: &'static str,
    members: fn(&Manifest) -> &[T],
    name: fn(&T) -> &Name,
}

const STAGES: Family<manifest::Stage> = Family {
    word: "stage",
    members: |manifest| &manifest.stages,
    name: |stage| &stage.name,
};

const LOADS: Family<Load> = Family {
    word: "load",
    members: |manifest| &manifest.loads,
    name: |load| &load.name,
};

const EVALS: Family<Eval> = Family {
    word: "eval",
    members: |manifest| &manifest.evals,
    name: |eval| &eval.name,
};

fn resolve_stages(manifest: &Manifest, problems: &mut Problems) -> BTreeMap<Name, Arc<dyn Call>> {
    let mut calls = BTreeMap::new();
    for stage in &manifest.stages {
        let Some(protocol) = PROTOCOLS.get(&stage.kind.kind) else {
            problems.extend([unknown_kind(&stage.kind)]);
            continue;
        };
        let Some(call) = protocol.parse(&stage.kind, problems) else {
            continue;
        };
        calls.insert(stage.name.clone(), Arc::from(call));
    }
    calls
}

fn resolve_checks(manifest: &Manifest, problems: &mut Problems) -> BTreeMap<Name, Arc<Checks>> {
    counted(|| {
        let mut of = |suite: &Eval| Arc::new(Checks::parse(&suite.asserts, problems));
        let all = manifest.evals.iter();
        all.map(|suite| (suite.name.clone(), of(suite))).collect()
    })
}

fn unknown_kind(table: &KindTable) -> Problem {
    let (family, names) = (PROTOCOLS.family(), PROTOCOLS.names());
    let help = match did_you_mean(&table.kind, names.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("There is: {}.", names.join(", ")),
    };
    let message = format!("there is no {family} `{}`", table.kind);
    Problem::new(&table.kind_span, message, Some(help))
}

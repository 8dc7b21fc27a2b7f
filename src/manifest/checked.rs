//! The checked manifest: still about the deployment, nothing about one invocation.

use std::collections::{BTreeMap, BTreeSet};

use super::idle::IdleKey;
use super::source::Source;
use super::table::accept::Accept;
use super::table::deployment::Deployment;
use super::table::environment::Environment;
use super::table::eval::Eval;
use super::table::fault::Fault;
use super::table::gate::Gate;
use super::table::load::Load;
use super::table::pipeline::Pipeline;
use super::table::release::VersionSource;
use super::table::stage::Stage;
use crate::name::Name;

/// What `stagegate.toml` says, checked.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// Where it was read from, its text, and what was laid over it.
    pub(crate) source: Source,
    pub(crate) deployment: Deployment,
    pub(crate) environments: BTreeMap<Name, Environment>,
    pub(crate) release: BTreeMap<Name, VersionSource>,
    /// In the order of the manifest.
    pub(crate) stages: Vec<Stage>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) loads: Vec<Load>,
    pub(crate) evals: Vec<Eval>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) gate: Option<Gate>,
    pub(crate) accept: Vec<Accept>,
    /// What is right and has no effect, in the order of the text.
    pub(crate) idle: Vec<IdleKey>,
    /// Every `{{ secret.NAME }}` anywhere in the manifest, with the stages that need it.
    pub(crate) secrets: BTreeMap<String, BTreeSet<Name>>,
}

impl Manifest {
    /// Returns the stage of that name.
    pub(crate) fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == *name)
    }

    /// Returns the pipeline of that name.
    pub(crate) fn pipeline(&self, name: &str) -> Option<&Pipeline> {
        self.pipelines
            .iter()
            .find(|pipeline| pipeline.name == *name)
    }

    /// Returns what a load has figures of: its targets, and the steps of the pipelines among them;
    /// of a mix, its scenarios, and the stages that they call.
    pub(crate) fn measured_by<'a>(&'a self, load: &'a Load) -> Vec<&'a str> {
        let mut names = Vec::new();
        for target in &load.targets {
            match self.pipeline(target.as_str()) {
                Some(pipeline) => {
                    names.push(pipeline.name.as_str());
                    names.extend(pipeline.steps.iter().map(Name::as_str));
                }
                None => names.extend(self.stage(target.as_str()).map(|it| it.name.as_str())),
            }
        }
        for scenario in &load.mix {
            names.push(scenario.name.as_str());
            for step in self.steps_of(&scenario.target) {
                if !names.contains(&step.as_str()) {
                    names.push(step.as_str());
                }
            }
        }
        names
    }

    /// Returns the stages that a target stands for, in the order in which they are called.
    pub(crate) fn steps_of<'a>(&'a self, target: &'a Name) -> &'a [Name] {
        let pipeline = self.pipeline(target.as_str());
        pipeline.map_or(std::slice::from_ref(target), |it| it.steps.as_slice())
    }

    /// Returns the load of that name.
    pub(crate) fn load_named(&self, name: &str) -> Option<&Load> {
        self.loads.iter().find(|load| load.name == *name)
    }

    /// Returns the eval of that name.
    pub(crate) fn eval_named(&self, name: &str) -> Option<&Eval> {
        self.evals.iter().find(|eval| eval.name == *name)
    }

    /// Returns who owns a stage: its own owner, else the deployment's.
    pub(crate) fn owner(&self, stage: &str) -> Option<&str> {
        self.stage(stage)
            .and_then(|stage| stage.owner.as_deref())
            .or(self.deployment.owner.as_deref())
    }
}

//! The graph of stages: who calls whom, in which order, and what is out of reach.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Manifest;

/// Which stage calls which. Holds the edges of `calls`; a fallback is reached through the stage it stands in for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StageGraph {
    /// Stages in the order of the manifest.
    stages: Vec<String>,
    callees: BTreeMap<String, Vec<String>>,
}

impl StageGraph {
    /// Makes the graph of a manifest.
    pub(crate) fn new(manifest: &Manifest) -> Self {
        let names = |names: &[crate::name::Name]| names.iter().map(ToString::to_string).collect();
        let mut graph = Self::default();
        for stage in &manifest.stages {
            graph.add(stage.name.as_str(), names(&stage.calls));
        }
        graph
    }

    /// Adds a stage and its edges.
    pub(super) fn add(&mut self, stage: &str, calls: Vec<String>) {
        self.stages.push(stage.to_owned());
        self.callees.insert(stage.to_owned(), calls);
    }

    /// Returns the stages that a stage calls.
    pub(crate) fn callees(&self, stage: &str) -> &[String] {
        self.callees.get(stage).map_or(&[], Vec::as_slice)
    }

    /// Returns every cycle of calls once, beginning with its first stage in the manifest and ending with the same.
    pub(super) fn cycles(&self) -> Vec<Vec<String>> {
        let mut cycles = Vec::new();
        let mut done = BTreeSet::new();
        for stage in &self.stages {
            self.find_cycles(stage, &mut Vec::new(), &mut done, &mut cycles);
        }
        cycles
    }

    fn find_cycles<'a>(
        &'a self,
        stage: &'a str,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
        cycles: &mut Vec<Vec<String>>,
    ) {
        if let Some(at) = path.iter().position(|on_path| *on_path == stage) {
            let cycle = path[at..].iter().chain([&stage]);
            cycles.push(cycle.map(|name| (*name).to_owned()).collect());
            return;
        }
        if done.contains(stage) {
            return;
        }
        path.push(stage);
        for callee in self.callees(stage) {
            self.find_cycles(callee, path, done, cycles);
        }
        path.pop();
        done.insert(stage);
    }
}

//! The topology of a deployment: which stage calls which, and which stages a pipeline drives.

use std::collections::{BTreeMap, BTreeSet};

use super::checked::Manifest;
use crate::name::Name;

/// Stages and pipelines with the stages that they call, a pipeline's being its steps. Stages and
/// pipelines share one set of names. A fallback is no edge: it is reached through the stage it
/// stands in for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    /// Every caller, stages before pipelines, each in the order of the manifest.
    callers: Vec<Name>,
    /// Caller to the stages it calls, in the order of the manifest.
    callees: BTreeMap<Name, Vec<Name>>,
}

impl Topology {
    /// Returns the topology of a manifest.
    pub(crate) fn new(manifest: &Manifest) -> Self {
        let stages = manifest.stages.iter();
        let stages = stages.map(|it| (it.name.clone(), it.calls.clone()));
        let pipelines = manifest.pipelines.iter();
        let pipelines = pipelines.map(|it| (it.name.clone(), it.steps.clone()));
        Self::of(stages.chain(pipelines))
    }

    /// Makes a topology of callers and the stages that each calls.
    pub(crate) fn of(calls: impl IntoIterator<Item = (Name, Vec<Name>)>) -> Self {
        let mut topology = Self::default();
        for (caller, callees) in calls {
            topology.callers.push(caller.clone());
            topology.callees.insert(caller, callees);
        }
        topology
    }

    /// Returns the stages that a stage calls, or the steps of a pipeline; empty for a name that is
    /// not known.
    pub(crate) fn callees(&self, name: &str) -> &[Name] {
        self.callees.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns every stage below a stage or pipeline, in the order in which they are called first,
    /// depth first, each once.
    pub(crate) fn below(&self, name: &str) -> Vec<&Name> {
        let mut found: Vec<&Name> = Vec::new();
        let mut open: Vec<&Name> = self.callees(name).iter().rev().collect();
        while let Some(next) = open.pop() {
            if !found.contains(&next) {
                found.push(next);
                open.extend(self.callees(next.as_str()).iter().rev());
            }
        }
        found
    }

    /// Returns a stage or pipeline itself and every stage below it.
    pub(crate) fn reachable<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        let below = self.below(name).into_iter().map(Name::as_str);
        below.chain([name]).collect()
    }

    /// Returns every cycle of calls once, beginning with its first stage in the manifest and ending
    /// with the same.
    pub(super) fn cycles(&self) -> Vec<Vec<&str>> {
        let mut cycles = Vec::new();
        let mut done = BTreeSet::new();
        for caller in &self.callers {
            self.find_cycles(caller.as_str(), &mut Vec::new(), &mut done, &mut cycles);
        }
        cycles
    }

    fn find_cycles<'a>(
        &'a self,
        stage: &'a str,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
        cycles: &mut Vec<Vec<&'a str>>,
    ) {
        if let Some(at) = path.iter().position(|on_path| *on_path == stage) {
            cycles.push(path[at..].iter().copied().chain([stage]).collect());
            return;
        }
        if done.contains(stage) {
            return;
        }
        path.push(stage);
        for callee in self.callees(stage) {
            self.find_cycles(callee.as_str(), path, done, cycles);
        }
        path.pop();
        done.insert(stage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{CONTRACT, parse};

    fn topology(calls: &[(&str, &[&str])]) -> Topology {
        let name = |name: &&str| name.parse::<Name>().unwrap();
        let calls = calls.iter();
        Topology::of(calls.map(|(caller, callees)| {
            let callees = callees.iter().map(name).collect();
            (name(caller), callees)
        }))
    }

    /// Two ways lead to `index`; the pipeline drives the model by itself.
    fn diamond() -> Topology {
        topology(&[
            ("gateway", &["retrieve", "rerank", "llm"]),
            ("retrieve", &["index"]),
            ("rerank", &["index"]),
            ("llm", &[]),
            ("index", &[]),
            ("chat", &["retrieve", "llm"]),
        ])
    }

    #[test]
    fn below_lists_each_stage_once_in_the_order_of_the_calls() {
        let topology = diamond();
        let below = |name| -> Vec<&str> {
            let below = topology.below(name).into_iter();
            below.map(Name::as_str).collect()
        };
        assert_eq!(below("gateway"), ["retrieve", "index", "rerank", "llm"]);
        assert_eq!(below("chat"), ["retrieve", "index", "llm"]);
        assert_eq!(below("index"), [""; 0]);
        assert_eq!(below("nobody"), [""; 0]);
    }

    #[test]
    fn a_stage_reaches_itself_and_all_below() {
        let topology = diamond();
        let reachable = topology.reachable("chat");
        assert_eq!(
            reachable,
            BTreeSet::from(["chat", "retrieve", "index", "llm"])
        );
        assert_eq!(topology.reachable("nobody"), BTreeSet::from(["nobody"]));
    }

    #[test]
    fn every_cycle_is_found_once() {
        assert_eq!(diamond().cycles(), [[""; 0]; 0]);
        let circles = topology(&[
            ("a", &["b"]),
            ("b", &["c", "d"]),
            ("c", &["a"]),
            ("d", &["d"]),
        ]);
        let cycles = circles.cycles();
        assert_eq!(cycles, [vec!["a", "b", "c", "a"], vec!["d", "d"]]);
        assert!(!circles.below("a").is_empty());
    }

    #[test]
    fn a_topology_knows_whom_a_stage_calls_and_what_a_pipeline_drives() {
        let topology = Topology::new(&parse(CONTRACT).unwrap());
        let callees = |name: &str| -> Vec<&str> {
            let callees = topology.callees(name).iter();
            callees.map(crate::name::Name::as_str).collect()
        };

        assert_eq!(callees("gateway"), ["retrieve", "rerank", "llm"]);
        assert_eq!(callees("chat"), ["retrieve", "rerank", "llm"]);
    }
}

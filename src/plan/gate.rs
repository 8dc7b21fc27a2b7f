//! What `[gate]` runs, resolved: the suites and loads that it names.

use super::error::PlanError;
use super::project::Project;
use crate::manifest::{BaseOf, Eval, Load, Rule};

/// One gate. Not empty.
#[derive(Clone, Debug)]
pub(crate) struct GatePlan<'a> {
    pub(crate) evals: Vec<&'a Eval>,
    pub(crate) loads: Vec<&'a Load>,
    pub(crate) rules: &'a [Rule],
    /// Whether a release whose gate failed may be the base.
    pub(crate) takes_failed: bool,
}

/// Resolves the manifest's gate.
pub(crate) fn gate_plan(project: &Project) -> Result<GatePlan<'_>, PlanError> {
    let manifest = project.manifest_path();
    let Some(gate) = &project.manifest.gate else {
        return Err(PlanError::NoGate { manifest });
    };
    if gate.loads.is_empty() && gate.evals.is_empty() {
        return Err(PlanError::EmptyGate { manifest });
    }
    let evals = gate.evals.iter().map(|name| project.eval(name.as_str()));
    let loads = gate.loads.iter().map(|name| project.load(name.as_str()));
    Ok(GatePlan {
        evals: evals.collect::<Result<_, _>>()?,
        loads: loads.collect::<Result<_, _>>()?,
        rules: &gate.rules,
        takes_failed: gate.base == BaseOf::Measured,
    })
}

//! What `[gate]` runs, resolved: the suites and loads that it names.

use std::time::Duration;

use super::error::PlanError;
use super::project::Project;
use crate::arrival::{Length, Until};
use crate::manifest::{BaseOf, Eval, Load, Measuring, Rule};
use crate::stats::least_rounds;

/// One gate. Not empty.
#[derive(Clone, Debug)]
pub(crate) struct GatePlan<'a> {
    pub(crate) evals: Vec<&'a Eval>,
    pub(crate) loads: Vec<&'a Load>,
    pub(crate) rules: &'a [Rule],
    /// How latencies are measured.
    pub(crate) measuring: &'a Measuring,
    /// One-sided, for latencies.
    pub(crate) alpha: f64,
    /// Whether a release whose gate failed may be the base.
    pub(crate) takes_failed: bool,
}

impl GatePlan<'_> {
    /// Returns how many rounds of its loads it takes, at least and at most.
    pub(crate) fn rounds(&self) -> (u32, u32) {
        match self.measuring {
            Measuring::Stored { rounds } => (*rounds, *rounds),
            Measuring::Abba(abba) => {
                let most = abba.max_rounds;
                let least = u32::try_from(least_rounds(self.alpha)).unwrap_or(u32::MAX);
                (least.min(most), most)
            }
        }
    }

    /// Returns how long the loads of one round take, of both sides where there are two, without
    /// switches; `None` where a load ends by a number of requests.
    pub(crate) fn round_time(&self) -> Option<Duration> {
        let (slice, sides) = match self.measuring {
            Measuring::Stored { .. } => (None, 1),
            Measuring::Abba(abba) => (abba.slice, 2),
        };
        let load = |load: &&Load| match (slice, &load.until) {
            (Some(slice), _) => Some(load.warmup + slice),
            (None, Length::Until(Until::Duration(duration))) => Some(load.warmup + *duration),
            (None, _) => None,
        };
        let one: Option<Duration> = self.loads.iter().map(load).sum();
        one.map(|one| one * sides)
    }
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
        measuring: &gate.measuring,
        alpha: gate.alpha,
        takes_failed: gate.base == BaseOf::Measured,
    })
}

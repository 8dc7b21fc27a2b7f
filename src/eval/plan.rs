//! What one run of a suite will do; nothing is left to look up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attempt::Attempt;
use super::check::Checks;
use super::error::EvalError;
use crate::golden::{Case, GoldenSet};
use crate::measure::Clock;
use crate::registry::did_you_mean;
use crate::stage::Stage;
use crate::template::Scope;

/// One run of a suite.
#[derive(Clone)]
pub(crate) struct EvalPlan {
    /// The suite's name.
    pub(crate) name: String,
    /// The stage or pipeline that is graded.
    pub(crate) stage: String,
    /// What is called in order, timed: the stage, or the steps of the pipeline. Never empty.
    pub(crate) steps: Vec<Stage>,
    /// Stages whose outputs the request of a stage needs, in order: run once a case and untimed.
    pub(crate) before: Vec<Stage>,
    pub(crate) golden: Arc<GoldenSet>,
    pub(crate) checks: Arc<Checks>,
    /// The stages that the assertions ask, by name.
    pub(crate) asked: BTreeMap<String, Stage>,
    /// At least 1.
    pub(crate) repeats: u32,
    /// At least 1.
    pub(crate) concurrency: u32,
    pub(crate) slice_by: Vec<String>,
    pub(crate) must_pass: Vec<String>,
    /// Environment and secrets; the case is filled in.
    pub(crate) scope: Scope,
    /// Tells how long the run takes.
    pub(crate) clock: Clock,
}

/// How much of each answer is stored with its case, in bytes; less where there are many.
pub(super) const OUTPUT_BYTES: usize = 64 * 1024;
const FEW_BYTES: usize = 2 * 1024;
/// How much is stored of all answers together, where each of them is long.
const ALL_OUTPUTS: usize = 32 << 20;

impl EvalPlan {
    /// Returns how much of an answer is stored, in bytes: it depends on the plan alone, so that a
    /// resumed run stores the same.
    pub(super) fn most_of_an_output(&self) -> usize {
        let answers = self.golden.cases.len() * self.repeats.max(1) as usize;
        (ALL_OUTPUTS / answers.max(1)).clamp(FEW_BYTES, OUTPUT_BYTES)
    }

    /// Checks what only shows once the golden set has been read. Called before [`Self::only`].
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        match self
            .must_pass
            .iter()
            .find(|id| self.golden.case(id).is_none())
        {
            None => Ok(()),
            Some(id) => Err(EvalError::UnknownMustPass {
                suite: self.name.clone(),
                id: id.clone(),
                golden: self.golden.path.clone(),
                near: self.near(id),
            }),
        }
    }

    /// Keeps the cases of `--only`. What is left counts as another golden set, so that it is never
    /// compared with, nor resumed as, the whole.
    pub(crate) fn only(mut self, ids: &[String]) -> Result<Self, EvalError> {
        if let Some(id) = ids.iter().find(|id| self.golden.case(id).is_none()) {
            return Err(EvalError::UnknownOnly {
                id: id.clone(),
                golden: self.golden.path.clone(),
                near: self.near(id),
            });
        }
        self.golden = Arc::new(self.golden.only(|case| ids.contains(&case.id)));
        self.must_pass.retain(|id| ids.contains(id));
        Ok(self)
    }

    fn near(&self, id: &str) -> Option<String> {
        let ids = self.golden.cases.iter().map(|case| case.id.as_str());
        did_you_mean(id, ids).map(str::to_owned)
    }

    /// Returns what templates see of a case.
    pub(crate) fn scope_of(&self, case: &Case) -> Scope {
        self.scope.of(&case.input, &case.expected)
    }

    /// Returns what templates see of the case at `index` of the golden set once it was answered.
    pub(super) fn scope_of_answer(&self, index: usize, attempt: &Attempt) -> Scope {
        let mut scope = self.scope_of(&self.golden.cases[index]);
        scope.steps.clone_from(&attempt.steps);
        scope
    }
}

//! What comparing needs to know besides the runs.

use crate::manifest::{Rule, Topology};

/// What a regression or a missed SLO means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `diff`: only what got worse fails; an SLO that the base missed too does not.
    Diff,
    /// `gate`: the head must keep every SLO.
    Gate,
}

/// The settings of a comparison.
pub(crate) struct Context<'a> {
    pub(crate) mode: Mode,
    pub(crate) rules: &'a [Rule],
    /// One-sided, for every decision about an eval.
    pub(crate) eval_alpha: f64,
    /// "Unchanged" means: shown to be below this.
    pub(crate) margin: f64,
    /// The stage users call.
    pub(crate) entry: Option<&'a str>,
    /// Who calls whom.
    pub(crate) topology: &'a Topology,
    /// Returns who owns a stage.
    pub(crate) owner: &'a dyn Fn(&str) -> Option<String>,
}

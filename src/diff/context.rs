//! What comparing needs to know besides the runs.

use super::sessions::LatencyGate;
use crate::manifest::{Rule, Topology};
use crate::metric::{Figure, Metric};

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
    pub(crate) latency: &'a LatencyGate,
    /// "Unchanged" means: shown to be below this.
    pub(crate) margin: f64,
    /// The stage users call.
    pub(crate) entry: Option<&'a str>,
    /// Who calls whom.
    pub(crate) topology: &'a Topology,
    /// Returns who owns a stage.
    pub(crate) owner: &'a dyn Fn(&str) -> Option<String>,
}

impl Context<'_> {
    /// Returns whether a latency is gated: by a rule, or because its load has no rule of the kind.
    pub(super) fn gates(&self, metric: &Metric) -> bool {
        let is_own = matches!(
            metric,
            Metric::Load {
                figure: Figure::Latency(latency, _),
                ..
            } if latency.is_of_the_generator()
        );
        let has_rule = self.rules.iter().any(|rule| rule.metric == *metric);
        !is_own && (has_rule || self.latency.unruled.contains(metric))
    }

    /// Returns below which increase a latency is kept: what its rules allow, else the margin.
    pub(super) fn most_increase(&self, metric: &Metric) -> f64 {
        self.max_increase(metric).unwrap_or(self.margin)
    }

    /// Returns by how much a latency may grow at most, where rules say: the strictest counts.
    pub(super) fn max_increase(&self, metric: &Metric) -> Option<f64> {
        let of_it = self.rules.iter().filter(|rule| rule.metric == *metric);
        let limits = of_it.filter_map(|rule| Some(rule.max_increase?.value()));
        limits.min_by(f64::total_cmp)
    }
}

//! What comparing needs to know besides the runs.

use super::sessions::LatencyGate;
use super::wording::percent;
use crate::manifest::{Accept, Rule, Topology};
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
    /// Intended changes that have not expired.
    pub(crate) accepted: &'a [&'a Accept],
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
        self.widened(metric, self.rule_increase(metric).unwrap_or(self.margin))
    }

    /// Returns what was accepted of a metric; the widest counts.
    pub(super) fn accepted(&self, metric: &Metric) -> Option<&Accept> {
        let of_it = self.accepted.iter().filter(|it| it.metric == *metric);
        of_it
            .copied()
            .max_by(|one, other| one.up_to.value().total_cmp(&other.up_to.value()))
    }

    /// Returns how far a change may go that is else allowed to go so far.
    pub(super) fn widened(&self, metric: &Metric, allowed: f64) -> f64 {
        let accepted = self.accepted(metric);
        accepted.map_or(allowed, |it| it.up_to.value().max(allowed))
    }

    /// Returns what is said of a limit that an accepted change widens.
    pub(super) fn said_of(&self, metric: &Metric) -> Option<String> {
        let it = self.accepted(metric)?;
        let (up_to, until) = (percent(it.up_to.value()), &it.until);
        Some(format!(
            "up to {up_to} accepted until {until}: {}",
            it.reason
        ))
    }

    /// Returns by how much a latency may grow at most, where rules or accepted changes say.
    pub(super) fn max_increase(&self, metric: &Metric) -> Option<f64> {
        let accepted = self.accepted(metric).map(|it| it.up_to.value());
        match self.rule_increase(metric) {
            Some(limit) => Some(self.widened(metric, limit)),
            None => accepted,
        }
    }

    /// Returns by how much a latency may grow at most, where rules say: the strictest counts.
    pub(super) fn rule_increase(&self, metric: &Metric) -> Option<f64> {
        let of_it = self.rules.iter().filter(|rule| rule.metric == *metric);
        let limits = of_it.filter_map(|rule| Some(rule.max_increase?.value()));
        limits.min_by(f64::total_cmp)
    }
}

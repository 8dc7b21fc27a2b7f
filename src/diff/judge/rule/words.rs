//! What is said of a rule.

use crate::diff::compare::{MOST_ERRORS, Open};
use crate::diff::wording::{count, percent, value};
use crate::manifest::Rule;
use crate::metric::Limit;
use crate::record::Comparison;
use crate::stats::MIN_CLUSTERS;

/// Says why a drop could not be judged.
pub(super) fn in_words(open: &Open, margin: f64) -> String {
    let drop = percent(margin);
    match open {
        Open::Ungraded(side) => {
            format!("max_drop {drop} cannot be judged: no case of the {side} has a grade")
        }
        Open::Errors(side, share) => format!(
            "max_drop {drop} cannot be judged: {} of the {side}'s answers have no grade, \
             and what more than {} hide could be a drop",
            percent(*share),
            percent(MOST_ERRORS)
        ),
        Open::FewClusters => {
            format!("max_drop {drop} takes at least {MIN_CLUSTERS} independent cases or groups")
        }
        Open::Takes { needs, has, one } => {
            format!("max_drop {drop} takes about {needs} {one}s at the flips seen, there are {has}")
        }
        Open::TooNear { has, one } => {
            let has = usize::try_from(*has).unwrap_or(usize::MAX);
            format!(
                "a drop of {drop} is neither shown nor excluded by {}",
                count(has, one)
            )
        }
        Open::NoMargin => "max_drop 0% can never be shown; give it a margin".to_owned(),
    }
}

/// Says that a limit was not judged, and why.
pub(super) fn not_judged(limit: &str, comparison: &Comparison) -> String {
    if comparison.base.is_none() {
        format!("{limit} not judged: no base, only absolute limits count")
    } else {
        format!(
            "{limit} not judged yet: one run against one run cannot tell, only absolute limits count"
        )
    }
}

/// Returns a rule's limits of the head alone.
pub(super) fn absolute_words(rule: &Rule) -> Vec<String> {
    let limit = |limit: Limit| value(limit.value, limit.unit);
    let min = rule.min.map(|min| format!("min {}", limit(min)));
    let max = rule.max.map(|max| format!("max {}", limit(max)));
    min.into_iter().chain(max).collect()
}

//! What became of each metric, whatever rules say: regressed, improved, unchanged, or not to be
//! told.

use std::collections::BTreeMap;

use super::bare::empty;
use super::latency;
use crate::diff::compare::{Evidence, Measured, Paired};
use crate::diff::context::Context;
use crate::metric::Metric;
use crate::record::{BY_ROUNDS, Change, Comparison};
use crate::stats::{Adjusted, CONFIDENCE, Interval, MIN_CLUSTERS, step_down};

/// What the family says, by place among what was measured.
type Family = BTreeMap<usize, Adjusted>;

/// Returns every metric's comparison, in the order of measuring.
pub(super) fn decide(measured: &[Measured], context: &Context<'_>) -> Vec<Comparison> {
    let adjusted = adjust(measured, context.eval_alpha);
    let latencies = latency::adjust(measured, context);
    let one = |(at, it): (usize, &Measured)| match &it.evidence {
        Evidence::Sessions(prediction) => {
            latency::decided(it, (prediction, "sessions_t"), (&latencies, at), context)
        }
        Evidence::Rounds(rounds) => {
            latency::decided(it, (rounds.as_ref(), BY_ROUNDS), (&latencies, at), context)
        }
        Evidence::Shown {
            change,
            interval,
            method,
        } => shown(it, *change, *interval, method),
        Evidence::Paired(paired) => decided(it, paired, (&adjusted, at), context),
    };
    measured.iter().enumerate().map(one).collect()
}

/// Adjusts the p-values of all suites' pass rates and slices, which are one family; by place among
/// what was measured.
///
/// Where errors of the base leave two ways to count, the family is judged both ways.
fn adjust(measured: &[Measured], alpha: f64) -> Family {
    let mut suites: BTreeMap<&str, usize> = BTreeMap::new();
    let mut places = Vec::new();
    let (mut failed, mut passed) = (Vec::new(), Vec::new());
    let mut is_one_way = true;
    for (at, it) in measured.iter().enumerate() {
        let (Metric::Eval { eval, .. }, Some(paired)) = (&it.metric, it.paired()) else {
            continue;
        };
        if !it.metric.is_pass_rate() || paired.too_few_clusters().is_some() {
            continue;
        }
        let next = suites.len();
        let suite = *suites.entry(eval).or_insert(next);
        let (least, most) = paired.signs();
        is_one_way &= most.is_none();
        places.push(at);
        failed.push((suite, least));
        passed.push((suite, most.unwrap_or(least)));
    }
    let mut adjusted = step_down(&failed, alpha);
    if !is_one_way {
        for (one, other) in adjusted.iter_mut().zip(step_down(&passed, alpha)) {
            one.p = one.p.max(other.p);
            one.level = one.level.min(other.level);
        }
    }
    places.into_iter().zip(adjusted).collect()
}

fn shown(
    measured: &Measured,
    change: Option<f64>,
    interval: Option<Interval>,
    method: &str,
) -> Comparison {
    Comparison {
        base: measured.alone.base,
        head: measured.alone.head,
        change,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        method: method.to_owned(),
        ..empty(measured)
    }
}

fn decided(
    measured: &Measured,
    paired: &Paired,
    (family, at): (&Family, usize),
    context: &Context<'_>,
) -> Comparison {
    let interval = paired.interval(CONFIDENCE);
    let mut comparison = Comparison {
        base: Some(paired.base),
        head: Some(paired.head),
        change: Some(paired.estimate()),
        low: Some(interval.low),
        high: Some(interval.high),
        p: Some(paired.p()),
        n: paired.n(),
        method: paired.method().to_owned(),
        ..empty(measured)
    };
    if let Some(has) = paired.too_few_clusters() {
        comparison.verdict = Change::Inconclusive;
        comparison.add_note(&format!(
            "{has} independent cases or groups, a decision takes {MIN_CLUSTERS}"
        ));
        return comparison;
    }
    let alpha = context.eval_alpha;
    let (p, level, better) = match family.get(&at) {
        Some(of) if measured.metric.slice().is_some() => {
            (of.p, of.level, alpha / family.len() as f64)
        }
        Some(of) => (of.p, of.level, alpha),
        None => (paired.p_worse(), alpha, alpha),
    };
    if family.len() > 1 && family.contains_key(&at) {
        comparison.method.push_str("+min_p");
    }
    comparison.p_decided = Some(p);
    let (verdict, bound) = if p <= alpha {
        (Change::Regressed, paired.upper_bound(level))
    } else {
        let verdict = if paired.p_better() <= better {
            Change::Improved
        } else if paired.excludes(context.margin, alpha).is_ok() {
            Change::Unchanged
        } else {
            Change::Inconclusive
        };
        (verdict, paired.lower_bound(alpha))
    };
    comparison.verdict = verdict;
    comparison.bound = Some(bound);
    comparison
}

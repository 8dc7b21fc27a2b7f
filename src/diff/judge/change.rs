//! What became of each metric, whatever rules say: regressed, improved, unchanged, or not to be told.

use std::collections::BTreeMap;

use crate::diff::compare::{Evidence, Measured, Paired};
use crate::diff::context::Context;
use crate::metric::Metric;
use crate::record::{Change, Comparison};
use crate::stats::{CONFIDENCE, Interval, MIN_CLUSTERS, holm};

/// The test of one slice among all slices of its suite.
#[derive(Clone, Copy, Debug)]
struct Among {
    /// One-sided for "worse", adjusted.
    p: f64,
    /// The level at which this slice's own p decided.
    level: f64,
    /// Slices that were tested.
    slices: f64,
}

/// Returns every metric's comparison, in the order of measuring.
pub(super) fn decide(measured: &[Measured], context: &Context<'_>) -> Vec<Comparison> {
    let adjusted = adjust(measured, context.eval_alpha);
    let one = |(at, it): (usize, &Measured)| match &it.evidence {
        Evidence::Shown {
            change,
            interval,
            method,
        } => shown(it, *change, *interval, method),
        Evidence::Paired(paired) => decided(it, paired, adjusted.get(&at), context),
    };
    measured.iter().enumerate().map(one).collect()
}

/// Adjusts the p-values of each suite's slices by Holm's method; by place among what was measured.
fn adjust(measured: &[Measured], alpha: f64) -> BTreeMap<usize, Among> {
    let mut families: BTreeMap<&str, Vec<(usize, f64)>> = BTreeMap::new();
    for (at, it) in measured.iter().enumerate() {
        let Metric::Eval { eval, .. } = &it.metric else {
            continue;
        };
        let paired = it
            .paired()
            .filter(|paired| paired.too_few_clusters().is_none());
        if let (Some(_), Some(paired)) = (it.metric.slice(), paired) {
            families
                .entry(eval)
                .or_default()
                .push((at, paired.p_worse()));
        }
    }
    let mut adjusted = BTreeMap::new();
    for family in families.into_values() {
        let raw: Vec<f64> = family.iter().map(|(_, p)| *p).collect();
        for (place, ((at, own), p)) in family.iter().zip(holm(&raw)).enumerate() {
            let before = |(other, p): (usize, &f64)| *p < *own || (*p <= *own && other < place);
            let earlier = raw.iter().enumerate().filter(|it| before(*it)).count();
            let among = Among {
                p,
                level: alpha / (raw.len() - earlier) as f64,
                slices: raw.len() as f64,
            };
            adjusted.insert(*at, among);
        }
    }
    adjusted
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

/// A comparison without numbers.
fn empty(measured: &Measured) -> Comparison {
    Comparison {
        metric: measured.metric.clone(),
        base: None,
        head: None,
        change: None,
        low: None,
        high: None,
        p: None,
        p_decided: None,
        bound: None,
        method: "none".to_owned(),
        n: measured.n,
        verdict: Change::Insufficient,
        rule: None,
        outcome: None,
        owner: measured.owner.clone(),
        note: (!measured.notes.is_empty()).then(|| measured.notes.join("; ")),
    }
}

/// Returns the comparison that only tells what each side shows by itself.
pub(super) fn alone(measured: &Measured) -> Comparison {
    Comparison {
        base: measured.alone.base,
        head: measured.alone.head,
        note: None,
        ..empty(measured)
    }
}

fn decided(
    measured: &Measured,
    paired: &Paired,
    among: Option<&Among>,
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
    let (p, level, better) = match among {
        Some(among) => (among.p, among.level, alpha / among.slices),
        None => (paired.p_worse(), alpha, alpha),
    };
    if among.is_some() {
        comparison.method.push_str("+holm");
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

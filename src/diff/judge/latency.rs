//! What became of the latencies that a gate decides about: the head's session against those of the
//! base.

use std::collections::BTreeMap;

use super::bare::empty;
use crate::diff::compare::{Evidence, Measured};
use crate::diff::context::Context;
use crate::record::{Change, Comparison};
use crate::stats::{CONFIDENCE, Prediction, holm};

/// The p and the level of each gated latency, all of them adjusted together; by place among what
/// was measured.
pub(super) type Family = BTreeMap<usize, (f64, f64)>;

/// Adjusts the one-sided p of all gated latencies, which are one family at `alpha`: that each is
/// slower by more than its rule allows, or slower at all.
pub(super) fn adjust(measured: &[Measured], context: &Context<'_>) -> Family {
    let mut places = Vec::new();
    let mut all = Vec::new();
    for (at, it) in measured.iter().enumerate() {
        if let Evidence::Sessions(prediction) = &it.evidence {
            places.push(at);
            all.push(prediction.p_slower(allowed(it, context)));
        }
    }
    let adjusted = holm(&all, context.latency.alpha);
    places.into_iter().zip(adjusted).collect()
}

fn allowed(measured: &Measured, context: &Context<'_>) -> f64 {
    context.max_increase(&measured.metric).unwrap_or(0.0)
}

/// Returns the comparison of a latency with its sessions.
pub(super) fn decided(
    measured: &Measured,
    prediction: &Prediction,
    (family, at): (&Family, usize),
    context: &Context<'_>,
) -> Comparison {
    let gate = context.latency;
    let (p, level) = family.get(&at).copied().unwrap_or((1.0, gate.alpha));
    let head = measured.alone.head;
    let change = prediction.change();
    let grown_ms = head.map_or(0.0, |head| head - prediction.base);
    let is_none = grown_ms.abs() < gate.abs_floor_ms;
    let is_worth = context.max_increase(&measured.metric).is_some() || change >= gate.floor;
    let (verdict, bound) = if p <= gate.alpha && is_worth && !is_none {
        (Change::Regressed, prediction.lower_bound(level))
    } else {
        let upper = prediction.upper_bound(gate.alpha);
        let verdict = if prediction.p_faster() <= gate.alpha && !is_none {
            Change::Improved
        } else if upper < context.most_increase(&measured.metric) || is_none {
            Change::Unchanged
        } else {
            Change::Inconclusive
        };
        (verdict, upper)
    };
    let interval = prediction.interval(CONFIDENCE);
    let method = if family.len() > 1 {
        "sessions_t+holm"
    } else {
        "sessions_t"
    };
    Comparison {
        base: Some(prediction.base),
        head,
        change: Some(change),
        low: Some(interval.low),
        high: Some(interval.high),
        p: Some(prediction.p()),
        p_decided: Some(p),
        bound: Some(bound),
        method: method.to_owned(),
        n: prediction.n,
        verdict,
        ..empty(measured)
    }
}

#[cfg(test)]
mod tests;

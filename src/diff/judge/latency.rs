//! What became of the latencies that a gate decides about.

use std::collections::BTreeMap;

use super::bare::empty;
use crate::diff::compare::{Evidence, Measured};
use crate::diff::context::Context;
use crate::diff::sessions::MOST_SESSIONS;
use crate::diff::wording::percent;
use crate::record::{Change, Comparison};
use crate::stats::{CONFIDENCE, Prediction, Rounds, Shift, holm};

/// What it takes is told up to so many rounds.
const MOST_ROUNDS: usize = 200;

/// The p and the level of each gated latency, all of them adjusted together; by place among what
/// was measured.
pub(super) type Family = BTreeMap<usize, (f64, f64)>;

/// Adjusts the one-sided p of all gated latencies, which are one family at `alpha`: that each is
/// slower by more than its rule allows, or slower at all.
pub(super) fn adjust(measured: &[Measured], context: &Context<'_>) -> Family {
    let mut places = Vec::new();
    let mut all = Vec::new();
    for (at, it) in measured.iter().enumerate() {
        if let Some(shift) = it.shift() {
            places.push(at);
            all.push(shift.p_slower(allowed(it, context)));
        }
    }
    let adjusted = holm(&all, context.latency.alpha);
    places.into_iter().zip(adjusted).collect()
}

fn allowed(measured: &Measured, context: &Context<'_>) -> f64 {
    context.max_increase(&measured.metric).unwrap_or(0.0)
}

/// Returns the comparison of a latency by its evidence.
pub(super) fn decided(
    measured: &Measured,
    (shift, method): (&dyn Shift, &str),
    (family, at): (&Family, usize),
    context: &Context<'_>,
) -> Comparison {
    let gate = context.latency;
    let (p, level) = family.get(&at).copied().unwrap_or((1.0, gate.alpha));
    let change = shift.change();
    let (abs_floor, grows_by) = (gate.abs_floor_ms, |share: f64| shift.base() * share);
    let is_none = grows_by(change).abs() < abs_floor;
    let is_worth = context.max_increase(&measured.metric).is_some() || change >= gate.floor;
    let (verdict, bound) = if p <= gate.alpha && is_worth && !is_none {
        (Change::Regressed, shift.lower_bound(level))
    } else {
        let upper = shift.upper_bound(gate.alpha);
        let verdict = if shift.p_faster() <= gate.alpha && !is_none {
            Change::Improved
        } else if upper < context.most_increase(&measured.metric) || grows_by(upper) < abs_floor {
            Change::Unchanged
        } else {
            Change::Inconclusive
        };
        (verdict, upper)
    };
    let interval = shift.interval(CONFIDENCE);
    let together = if family.len() > 1 { "+holm" } else { "" };
    // What so little evidence does not refute has no bound.
    let known = |bound: f64| (bound.is_finite() && bound > -1.0).then_some(bound);
    Comparison {
        base: Some(shift.base()),
        head: measured.alone_in_evidence,
        change: Some(change),
        low: known(interval.low),
        high: known(interval.high),
        p: Some(shift.p()),
        p_decided: Some(p),
        bound: known(bound),
        method: format!("{method}{together}"),
        n: shift.n(),
        verdict,
        ..empty(measured)
    }
}

/// Says what it would take to show that a gated latency did not grow too much; `None` where nothing
/// is known of its change.
pub(super) fn what_it_takes(measured: &Measured, context: &Context<'_>) -> Option<String> {
    match &measured.evidence {
        Evidence::Sessions(prediction) => Some(what_sessions_take(measured, prediction, context)),
        Evidence::Rounds(rounds) => Some(what_rounds_take(measured, rounds, context)),
        Evidence::Paired(_) | Evidence::Shown { .. } => None,
    }
}

fn what_sessions_take(
    measured: &Measured,
    prediction: &Prediction,
    context: &Context<'_>,
) -> String {
    let most = context.most_increase(&measured.metric);
    let alpha = context.latency.alpha;
    let spread = format!("they spread by {}", percent(prediction.spread()));
    let has = prediction.n() - 1;
    match prediction.sessions_needed(most, alpha, MOST_SESSIONS as u64) {
        Some(needs) if needs > has => {
            format!(
                "{spread}: it takes about {needs} to show less than {}",
                percent(most)
            )
        }
        Some(_) => format!(
            "{spread}: neither more nor less than {} is shown",
            percent(most)
        ),
        None => format!(
            "{spread}, too much to show less than {} with {MOST_SESSIONS} of them: longer loads and a quieter machine bring them together",
            percent(most)
        ),
    }
}

fn what_rounds_take(measured: &Measured, rounds: &Rounds, context: &Context<'_>) -> String {
    let most = context.most_increase(&measured.metric);
    let spread = format!("they spread by {}", percent(rounds.spread()));
    let less = percent(most);
    let has = usize::try_from(rounds.n()).unwrap_or(usize::MAX);
    match rounds.rounds_needed(most, context.latency.alpha, MOST_ROUNDS) {
        Some(needs) if needs > has => {
            format!("{spread}: it takes about {needs} to show less than {less}")
        }
        Some(_) => format!("{spread}: neither more nor less than {less} is shown"),
        None => format!(
            "{spread}, too much to show less than {less} with {MOST_ROUNDS} of them: longer slices and a quieter machine bring them together"
        ),
    }
}

#[cfg(test)]
mod tests;

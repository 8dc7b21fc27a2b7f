//! What became of the latencies that a gate decides about.

use std::collections::BTreeMap;

use super::bare::empty;
use crate::diff::compare::{Evidence, Measured};
use crate::diff::context::Context;
use crate::diff::sessions::MOST_SESSIONS;
use crate::diff::wording::percent;
use crate::record::{Change, Comparison};
use crate::stats::{CONFIDENCE, Shift, holm};

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
    let is_worth = context.rule_increase(&measured.metric).is_some() || change >= gate.floor;
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
    let increase = context.most_increase(&measured.metric);
    let (less, alpha) = (percent(increase), context.latency.alpha);
    let (spread, has, needs, most, longer) = match &measured.evidence {
        Evidence::Sessions(prediction) => {
            let needs = prediction.sessions_needed(increase, alpha, MOST_SESSIONS as u64);
            let has = prediction.n() - 1;
            (prediction.spread(), has, needs, MOST_SESSIONS, "loads")
        }
        Evidence::Rounds(rounds) => {
            let needs = rounds.rounds_needed(increase, alpha, MOST_ROUNDS);
            let needs = needs.map(|it| it as u64);
            (rounds.spread(), rounds.n(), needs, MOST_ROUNDS, "slices")
        }
        Evidence::Paired(_) | Evidence::Shown { .. } => return None,
    };
    let spread = format!("they spread by {}", percent(spread));
    Some(match needs {
        Some(needs) if needs > has => {
            format!("{spread}: it takes about {needs} to show less than {less}")
        }
        Some(_) => format!("{spread}: neither more nor less than {less} is shown"),
        None => format!(
            "{spread}, too much to show less than {less} with {most} of them: longer {longer} and a quieter machine bring them together"
        ),
    })
}

#[cfg(test)]
mod tests;

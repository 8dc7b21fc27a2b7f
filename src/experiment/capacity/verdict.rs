//! What one probe says: whether every SLO held.

use super::growth::growing;
use super::ladder::Shown;
use crate::load::LoadResult;
use crate::metric::Figure;
use crate::record::{SloResult, StageResult, ValidityVerdict};
use crate::stats::share_with_memory;

/// The memory of a stage shows best where twice as many are above as may be.
const WIDER: f64 = 2.0;

/// What a short probe says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    No,
    /// Too few samples.
    Unknown,
    /// The generator could not keep up.
    Generator,
}

/// Returns every SLO with its stage.
pub(super) fn slos(result: &LoadResult) -> impl Iterator<Item = (&String, &SloResult)> {
    result
        .stages
        .iter()
        .flat_map(|(stage, result)| result.slo.iter().map(move |slo| (stage, slo)))
}

/// Judges a short probe by its SLOs, as a load is judged, and by what grows.
pub(super) fn judge(result: &LoadResult) -> Held {
    if result.validity.verdict == ValidityVerdict::Invalid {
        Held::Generator
    } else if slos(result).any(|(_, slo)| slo.met == Some(false)) || growing(result).is_some() {
        Held::No
    } else if slos(result).any(|(_, slo)| slo.met.is_none()) {
        Held::Unknown
    } else {
        Held::Yes
    }
}

/// Judges a long probe: it holds when that is shown of every SLO, and breaks when it is shown of
/// one.
///
/// A limit on a percentile is a limit on the share above it, which is judged with the memory of a
/// queue ([`share_with_memory`]); any other limit by its value.
pub(super) fn shown(result: &LoadResult) -> Shown {
    if growing(result).is_some() {
        return Shown::Breaks;
    }
    let of = |stage: &StageResult| {
        let each = stage.slo.iter().map(|slo| of_slo(stage, slo));
        each.collect::<Vec<_>>()
    };
    let all: Vec<Shown> = result.stages.values().flat_map(of).collect();
    if all.contains(&Shown::Breaks) {
        Shown::Breaks
    } else if all.contains(&Shown::Open) {
        Shown::Open
    } else {
        Shown::Holds
    }
}

fn of_slo(stage: &StageResult, slo: &SloResult) -> Shown {
    by_share(stage, slo).unwrap_or(match slo.met {
        Some(true) => Shown::Holds,
        Some(false) => Shown::Breaks,
        None => Shown::Open,
    })
}

/// Judges a limit on a percentile; `None` for another limit, and where nothing ended.
fn by_share(stage: &StageResult, slo: &SloResult) -> Option<Shown> {
    let Figure::Latency(metric, stat) = &slo.metric else {
        return None;
    };
    let (quantile, above) = (stat.quantile()?, slo.above?);
    let summary = stage.metrics.get(metric)?;
    let intervals = summary.unpacked();
    let counts = |limit: f64| -> Vec<(u64, u64)> {
        let held = intervals.iter().filter(|it| !it.is_empty());
        held.map(|it| (it.count(), it.count_above_ms(limit)))
            .collect()
    };
    let allowed = 1.0 - quantile;
    let own = summary.histogram.as_ref()?;
    let (at_limit, wider) = (
        counts(slo.limit),
        counts(own.quantile_ms(1.0 - WIDER * allowed)?),
    );
    let open = stage.in_flight_at_end;
    // Those with that latency, and the failed, which are above any limit.
    let n = at_limit.iter().map(|(m, _)| m).sum::<u64>() + stage.failed + open;
    let bound = |above: u64| share_with_memory(&at_limit, &wider, (above, n), allowed);
    let ((fewest, half), (most, wide)) = (bound(above)?, bound(above + open)?);
    Some(if fewest - half > allowed {
        Shown::Breaks
    } else if most + wide < allowed {
        Shown::Holds
    } else {
        Shown::Open
    })
}

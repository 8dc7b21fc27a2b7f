//! Which stage made the entry slower: each stage's own part of the change in mean response time.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Stages;
use super::context::Context;
use super::judge::Judged;
use super::pair::Pairing;
use crate::metric::{LatencyMetric, Metric};
use crate::record::{Blame, Change, VerdictKind};
use crate::record::{MetricSummary, RunKind, StageResult};
use crate::stats::{Batch, CONFIDENCE, mean_error, student_t_quantile};

/// The metric that is attributed; its mean, because means of sequential parts add up and
/// percentiles do not.
const METRIC: LatencyMetric = LatencyMetric::ResponseTime;

/// A change of a mean in ms with what its interval needs.
#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    change_ms: f64,
    /// Squared standard errors with their degrees of freedom; `None` when one of them is unknown.
    variance: Option<Variance>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Variance {
    sum: f64,
    /// Σ variance² / df, for Welch and Satterthwaite.
    spread: f64,
}

/// Returns what each stage contributed, the largest slowdown first.
///
/// A stage's own change is its change less that of the stages it calls and that were measured too.
/// Assumes that the calls of a stage follow one another and that each stage was measured in the
/// same load; what runs at the same time is counted twice. `share` is the part of the entry's
/// change, cut to [0, 1], and null where the entry's change is not distinguishable from none. The
/// interval is 95 %, with Welch's t over errors that allow for a queue's memory ([`mean_error`]),
/// and missing where a run is too short against it; it knows the noise within the two runs only,
/// and shows nothing of the releases: an owner is named only where a limit of the stage was broken,
/// or a change of it was shown. Without an entry that was measured on both sides every stage is
/// listed, without shares.
pub(super) fn blame(pairing: &Pairing<'_>, judged: &Judged, context: &Context<'_>) -> Vec<Blame> {
    let loads: Vec<BTreeMap<&str, Shift>> = pairing
        .pairs
        .iter()
        .filter(|pair| pair.head.kind == RunKind::Load && pair.is_fit())
        .filter_map(|pair| Some(shifts(&pair.base()?.stages, &pair.head.stages)))
        .filter(|shifts| !shifts.is_empty())
        .collect();
    let with_entry = context
        .entry
        .and_then(|entry| Some((entry, loads.iter().find(|load| load.contains_key(entry))?)));
    let (stages, shifts, whole) = match (with_entry, loads.first()) {
        (Some((entry, load)), _) => (reachable(entry, load, context), load, load.get(entry)),
        (None, Some(load)) => (load.keys().copied().collect(), load, None),
        (None, None) => return Vec::new(),
    };
    let whole = whole
        .filter(|shift| shift.is_change())
        .map(|shift| shift.change_ms);
    let mut found: Vec<Blame> = stages
        .into_iter()
        .map(|stage| {
            let own = own_shift(stage, shifts, context);
            let ends = own.interval();
            Blame {
                stage: stage.to_owned(),
                owner: (context.owner)(stage).filter(|_| is_shown(judged, stage)),
                change_ms: own.change_ms,
                low: ends.map(|(low, _)| low),
                high: ends.map(|(_, high)| high),
                share: whole.map(|whole| (own.change_ms / whole).clamp(0.0, 1.0)),
            }
        })
        .collect();
    found.sort_by(|a, b| b.change_ms.total_cmp(&a.change_ms));
    found
}

/// Returns whether something was shown of a stage under load.
fn is_shown(judged: &Judged, of: &str) -> bool {
    judged.rows.iter().map(|row| &row.comparison).any(|it| {
        let is_its = matches!(&it.metric, Metric::Load { stage, .. } if stage == of);
        let failed = it.outcome == Some(VerdictKind::Failed);
        is_its && (failed || it.verdict == Change::Regressed)
    })
}

fn shifts<'a>(base: &'a Stages, head: &'a Stages) -> BTreeMap<&'a str, Shift> {
    head.iter()
        .filter_map(|(stage, after)| {
            Some((stage.as_str(), Shift::between(base.get(stage)?, after)?))
        })
        .collect()
}

/// Returns the entry and every measured stage below it, through unmeasured ones too.
fn reachable<'a>(
    entry: &'a str,
    shifts: &BTreeMap<&'a str, Shift>,
    context: &Context<'a>,
) -> BTreeSet<&'a str> {
    let mut reachable = context.topology.reachable(entry);
    reachable.retain(|stage| shifts.contains_key(stage));
    reachable
}

fn own_shift(stage: &str, shifts: &BTreeMap<&str, Shift>, context: &Context<'_>) -> Shift {
    let whole = shifts.get(stage).copied().unwrap_or_default();
    let callees = context.topology.callees(stage).iter();
    callees
        .filter_map(|callee| shifts.get(callee.as_str()))
        .fold(whole, Shift::less)
}

impl Shift {
    fn between(base: &StageResult, head: &StageResult) -> Option<Self> {
        let (base, head) = (base.metrics.get(&METRIC)?, head.metrics.get(&METRIC)?);
        let variance = Variance::of(base).zip(Variance::of(head));
        Some(Self {
            change_ms: head.mean? - base.mean?,
            variance: variance.map(|(base, head)| base.plus(head)),
        })
    }

    fn less(self, part: &Self) -> Self {
        Self {
            change_ms: self.change_ms - part.change_ms,
            variance: self
                .variance
                .zip(part.variance)
                .map(|(own, part)| own.plus(part)),
        }
    }

    fn interval(&self) -> Option<(f64, f64)> {
        let half = self.variance?.half_width();
        Some((self.change_ms - half, self.change_ms + half))
    }

    fn is_change(&self) -> bool {
        match self.interval() {
            Some((low, high)) => low > 0.0 || high < 0.0,
            None => self.change_ms != 0.0,
        }
    }
}

impl Variance {
    fn of(summary: &MetricSummary) -> Option<Self> {
        let intervals = summary.unpacked();
        let batches: Vec<Batch> = intervals.iter().filter_map(Batch::of).collect();
        let found = mean_error(&batches, CONFIDENCE)?;
        let square = found.error * found.error;
        Some(Self {
            sum: square,
            spread: square * square / found.df,
        })
    }

    fn plus(self, other: Self) -> Self {
        Self {
            sum: self.sum + other.sum,
            spread: self.spread + other.spread,
        }
    }

    /// Returns half the width of the 95 % interval.
    fn half_width(&self) -> f64 {
        if self.spread <= 0.0 {
            return 0.0;
        }
        let df = self.sum * self.sum / self.spread;
        student_t_quantile(0.975, df) * self.sum.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use crate::diff::fixtures::{load, stage, with};
    use crate::diff::{Mode, compare};
    use crate::record::Blame;
    use crate::record::{RunRecord, StageResult};

    /// Around `ms` with a spread of ± 10 %.
    fn around(ms: f64) -> StageResult {
        stage(600, |i| ms * (0.9 + 0.2 * ((i * 37) % 101) as f64 / 100.0))
    }

    fn blame(base: RunRecord, head: RunRecord) -> Vec<Blame> {
        with(Mode::Diff, &[], |context| {
            compare(&[base], &[head], context)
        })
        .blame
    }

    fn pipeline(id: &str, gateway: f64, retrieve: f64, rerank: f64) -> RunRecord {
        load(
            id,
            [
                ("gateway", around(gateway)),
                ("retrieve", around(retrieve)),
                ("rerank", around(rerank)),
                ("other", around(1.0)),
            ],
        )
    }

    #[test]
    fn the_stage_that_got_slower_has_the_share_and_its_callers_none() {
        let found = blame(
            pipeline("b", 100.0, 20.0, 30.0),
            pipeline("h", 160.0, 20.0, 90.0),
        );
        let order: Vec<&str> = found.iter().map(|b| b.stage.as_str()).collect();
        assert_eq!(order[0], "rerank");
        assert_eq!(order.len(), 3);
        let rerank = &found[0];
        // One run against one run shows nothing (statistics 8).
        assert_eq!(rerank.owner, None);
        assert!((rerank.change_ms - 60.0).abs() < 1.0, "{rerank:?}");
        assert!(rerank.low.unwrap() > 55.0 && rerank.high.unwrap() < 65.0);
        assert!(rerank.share.unwrap() > 0.95);
        assert!(
            found[1..]
                .iter()
                .all(|b| b.share.unwrap() < 0.05 && b.change_ms.abs() < 1.0)
        );
    }

    #[test]
    fn an_unmeasured_stage_is_part_of_its_caller() {
        let only = |id, ms| load(id, [("gateway", around(ms))]);
        let found = blame(only("b", 100.0), only("h", 150.0));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].share, Some(1.0));
    }

    #[test]
    fn no_change_of_the_entry_has_no_shares() {
        let found = blame(
            pipeline("b", 100.0, 20.0, 30.0),
            pipeline("h", 100.0, 20.0, 30.0),
        );
        assert!(
            found
                .iter()
                .all(|b| b.share.is_none() && b.change_ms.abs() < 0.1)
        );
    }

    #[test]
    fn without_the_entry_every_stage_is_listed_by_its_change() {
        let runs = |id, slow| load(id, [("retrieve", around(20.0)), ("rerank", around(slow))]);
        let found = blame(runs("b", 30.0), runs("h", 45.0));
        assert_eq!((found[0].stage.as_str(), found[0].share), ("rerank", None));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn nothing_is_blamed_without_two_measurements() {
        assert_eq!(blame(load("b", []), pipeline("h", 1.0, 1.0, 1.0)), []);
    }
}

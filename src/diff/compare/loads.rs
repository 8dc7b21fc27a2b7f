//! Two runs of a load compared, stage by stage: one run against one run, so shown and never gated
//! on.

use std::collections::BTreeSet;

use super::gated::Beside;
use super::measured::{Evidence, Measured};
use crate::diff::context::Context;
use crate::measure::min_samples;
use crate::metric::{Figure, LatencyMetric, Metric, RateMetric, ShareMetric, Stat};
use crate::record::{MetricSummary, RunRecord, StageResult};
use crate::stats::{
    CONFIDENCE, Interval, QuantileInterval, TOO_SHORT, mover_log_ratio, newcombe, quantile_interval,
};

/// The percentiles that are always listed; others only when a rule names them.
const LISTED: [Stat; 3] = [Stat::P50, Stat::P95, Stat::P99];

/// Of a stage without a single ok answer.
const NO_ANSWER: &str = "no answer in the head";

const SHOWN: &str = "one run against one run: shown, never gated on";

/// Compares the stages of two runs of a load, with the further metrics in `asked` (full names).
pub(super) fn compare(
    base: Option<&RunRecord>,
    run: &RunRecord,
    asked: &BTreeSet<&Metric>,
    context: &Context<'_>,
) -> Vec<Measured> {
    let mut all = Vec::new();
    let load = &run.name;
    let gate = Beside::new(base, run, context);
    for (stage, after) in &run.stages {
        let before = base.and_then(|base| base.stages.get(stage));
        let name = |figure| Metric::load(load, stage, figure);
        let mut found = latencies(&name, before, after, asked);
        found.extend(shares(&name, before, after));
        found.extend(rates(&name, before, after, asked));
        let owner = (context.owner)(stage).or_else(|| after.owner.clone());
        for measured in &mut found {
            measured.owner.clone_from(&owner);
            let gated = gate.as_ref().filter(|_| context.gates(&measured.metric));
            let counted = gated.and_then(|it| it.put(stage, measured));
            let alone = match before {
                _ if measured.shift().is_some() || measured.is_decided() => None,
                Some(_) => Some(SHOWN.to_owned()),
                None => Some("no base to compare with".to_owned()),
            };
            measured.notes.extend(alone.into_iter().chain(counted));
        }
        all.extend(found);
    }
    all
}

fn latencies(
    name: &dyn Fn(Figure) -> Metric,
    base: Option<&StageResult>,
    head: &StageResult,
    asked: &BTreeSet<&Metric>,
) -> Vec<Measured> {
    let mut found = Vec::new();
    // A stage that no longer answers has no latencies, and its lines say so instead of falling
    // away.
    let before = base.into_iter().flat_map(|stage| stage.metrics.keys());
    let all: BTreeSet<LatencyMetric> = before.chain(head.metrics.keys()).copied().collect();
    for latency in all {
        let after = head.metrics.get(&latency);
        let before = base.and_then(|stage| stage.metrics.get(&latency));
        let percentiles = Stat::ALL.iter().filter(|stat| stat.quantile().is_some());
        for stat in percentiles.chain(&[Stat::Mean, Stat::Min, Stat::Max]) {
            let metric = name(Figure::Latency(latency, *stat));
            let told = after.or(before.filter(|_| head.ok == 0));
            let is_known = told.is_some_and(|it| it.stat(*stat).is_some());
            let listed = LISTED.contains(stat) && !latency.is_of_the_generator() && is_known;
            if listed || asked.contains(&metric) {
                found.push(self::latency(metric, *stat, before, after));
            }
        }
    }
    found
}

fn latency(
    metric: Metric,
    stat: Stat,
    base: Option<&MetricSummary>,
    head: Option<&MetricSummary>,
) -> Measured {
    let (before, after) = (
        base.and_then(|base| base.stat(stat)),
        head.and_then(|head| head.stat(stat)),
    );
    let mut measured = Measured::shown(metric, before, after);
    measured.n = head.map_or(0, |head| head.count);
    let change = ratio(before, after);
    let quantile = stat.quantile();
    let both = base.zip(head).filter(|_| change.is_some()).zip(quantile);
    let (interval, method) = match both {
        Some(((base, head), quantile)) => {
            let (interval, short) = ratio_interval(base, head, quantile);
            let short = short.map(|side| format!("no interval: {TOO_SHORT} (the {side}'s)"));
            measured.notes.extend(short);
            (interval, "mover")
        }
        None => (None, "none"),
    };
    measured.evidence = Evidence::Shown {
        change,
        interval,
        method,
    };
    if after.is_none() {
        measured.missing = Some(match (head, quantile) {
            (None, _) => NO_ANSWER.to_owned(),
            (Some(head), _) if head.count == 0 => NO_ANSWER.to_owned(),
            (Some(head), Some(quantile)) if head.count < min_samples(quantile) => format!(
                "{} takes {} samples, there are {}",
                stat.key(),
                min_samples(quantile),
                head.count
            ),
            _ => "requests still open at the end could move it".to_owned(),
        });
    }
    if measured.missing.as_deref() == Some(NO_ANSWER) {
        measured.notes.push(NO_ANSWER.to_owned());
    }
    measured
}

/// Returns the interval of head/base − 1 of a percentile, `None` without histograms or with too few
/// samples, and the side whose run is too short for one.
fn ratio_interval(
    base: &MetricSummary,
    head: &MetricSummary,
    quantile: f64,
) -> (Option<Interval>, Option<&'static str>) {
    let of = |summary: &MetricSummary| {
        let whole = summary.histogram.as_ref()?;
        quantile_interval(whole, &summary.unpacked(), quantile, CONFIDENCE)
    };
    let (base, head) = (of(base), of(head));
    let sides = [("base", base), ("head", head)].into_iter();
    let short = |(_, it): &(_, Option<QuantileInterval>)| it.is_some_and(|it| it.too_short);
    let log = base
        .zip(head)
        .and_then(|(base, head)| mover_log_ratio(base, head));
    let interval = log.map(|log| Interval {
        low: log.low.exp_m1(),
        high: log.high.exp_m1(),
    });
    (interval, sides.filter(short).map(|(side, _)| side).next())
}

fn ratio(base: Option<f64>, head: Option<f64>) -> Option<f64> {
    base.filter(|base| *base > 0.0)
        .zip(head)
        .map(|(base, head)| head / base - 1.0)
}

/// Compares the shares: head − base, with Newcombe's interval, which takes requests as independent.
fn shares(
    name: &dyn Fn(Figure) -> Metric,
    base: Option<&StageResult>,
    head: &StageResult,
) -> Vec<Measured> {
    let of = |stage: &StageResult| {
        [
            (ShareMetric::ErrorRate, stage.error_rate, stage.attempted),
            (ShareMetric::Attainment, stage.attainment, due(stage)),
            (ShareMetric::FallbackRate, stage.fallback_rate, stage.ok),
        ]
    };
    let before = base.map(of);
    let mut found = Vec::new();
    for (index, (key, value, n)) in of(head).into_iter().enumerate() {
        let (old, old_n) = before.map_or((None, 0), |before| (before[index].1, before[index].2));
        let mut measured = Measured::shown(name(Figure::Share(key)), old, value);
        measured.n = n;
        if let Some((old, new)) = old.zip(value) {
            let (old_n, n) = (old_n as f64, n as f64);
            let interval = newcombe((old * old_n, old_n), (new * n, n), CONFIDENCE);
            measured.evidence = Evidence::Shown {
                change: Some(new - old),
                interval: Some(interval),
                method: "newcombe",
            };
        }
        // A rate that is null on both sides does not apply to the stage.
        if value.is_some() || old.is_some() {
            found.push(measured);
        }
    }
    found
}

/// Returns how many requests an attainment is a share of: those attempted, and those due that could
/// not be sent.
fn due(stage: &StageResult) -> u64 {
    let not_sent = stage
        .tally
        .as_ref()
        .map_or(0, |tally| tally.counts.not_sent);
    stage.attempted + not_sent
}

/// Returns what is shown of a stage's rates: its goodput, in answers, and in tokens where these
/// were counted; others only where a rule names them.
fn rates(
    name: &dyn Fn(Figure) -> Metric,
    base: Option<&StageResult>,
    head: &StageResult,
    asked: &BTreeSet<&Metric>,
) -> Vec<Measured> {
    let rate = |metric: RateMetric| {
        let (before, after) = (base.and_then(|base| base.rate(metric)), head.rate(metric));
        let listed = matches!(metric, RateMetric::Goodput | RateMetric::GoodTokens);
        let name = name(Figure::Rate(metric));
        let is_shown = listed && before.or(after).is_some() || asked.contains(&name);
        is_shown.then(|| {
            let mut measured = Measured::shown(name, before, after);
            measured.n = head.attempted;
            measured.evidence = Evidence::Shown {
                change: ratio(before, after),
                interval: None,
                method: "none",
            };
            if after.is_none() {
                let why = match metric {
                    RateMetric::Offered => "a closed loop offers no rate",
                    RateMetric::GoodTokens => "no tokens were counted",
                    RateMetric::Achieved | RateMetric::Goodput => "not measured in the head",
                };
                measured.missing = Some(why.to_owned());
            }
            measured
        })
    };
    RateMetric::ALL.into_iter().filter_map(rate).collect()
}

#[cfg(test)]
mod tests;

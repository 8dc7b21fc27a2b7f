//! The results of several processes that sent one load together, put together again.

use std::collections::{BTreeMap, BTreeSet};

use crate::load::tally::summarise::{Stages, Total, judge_again, summary};
use crate::measure::Histogram;
use crate::metric::LatencyMetric;
use crate::record::{
    Generator, MetricSummary, RunRecord, SessionCounts, Spread, StageResult, Tokens,
};

/// Puts the stages of all shards together: counts are added, histograms merged bucket for bucket, and everything that is
/// made of them made again. `duration_s` is the length of the whole. `Err` names the stage whose histogram cannot be read.
pub(crate) fn merge_stages(shards: &[&RunRecord], duration_s: f64) -> Result<Stages, String> {
    let names: BTreeSet<&String> = shards
        .iter()
        .flat_map(|shard| shard.stages.keys())
        .collect();
    let mut merged = Stages::new();
    for name in names {
        let results = shards
            .iter()
            .filter_map(|shard| Some((shard.duration_s, shard.stages.get(name)?)));
        let results: Vec<(f64, &StageResult)> = results.collect();
        let whole =
            stage(&results, duration_s).map_err(|reason| format!("stage `{name}`: {reason}"))?;
        merged.insert(name.clone(), whole);
    }
    Ok(merged)
}

/// Puts together what the generators spent; the lag is that of all shards.
pub(crate) fn merge_generators(shards: &[&RunRecord], stages: &Stages) -> Option<Generator> {
    let mut lag = Histogram::default();
    for stage in stages.values() {
        if let Some(metric) = stage.metrics.get(&LatencyMetric::ScheduleLag)
            && let Some(Ok(more)) = metric.histogram.as_deref().map(Histogram::decode)
        {
            lag.merge(&more);
        }
    }
    let generators: Vec<&Generator> = shards
        .iter()
        .filter_map(|shard| shard.generator.as_ref())
        .collect();
    let first = generators.first()?;
    Some(Generator {
        schedule_lag_ms: first.schedule_lag_ms.map(|_| Spread::of(&lag)),
        // Its histograms are not stored: the worst shard speaks for all.
        receive_lag_ms: generators
            .iter()
            .filter_map(|it| it.receive_lag_ms)
            .max_by(|a, b| a.p99.unwrap_or(0.0).total_cmp(&b.p99.unwrap_or(0.0))),
        not_sent: generators.iter().map(|it| it.not_sent).sum(),
        cpu_s: generators.iter().map(|it| it.cpu_s).sum(),
        peak_rss_mb: generators
            .iter()
            .map(|it| it.peak_rss_mb)
            .fold(0.0, f64::max),
        // Each machine has its own.
        calibration: None,
    })
}

fn stage(shards: &[(f64, &StageResult)], duration_s: f64) -> Result<StageResult, String> {
    let sum = |of: fn(&StageResult) -> u64| shards.iter().map(|(_, it)| of(it)).sum::<u64>();
    let (attempted, ok, failed) = (sum(|it| it.attempted), sum(|it| it.ok), sum(|it| it.failed));
    // A rate is a count in the shard's own window.
    let rate = |of: fn(&StageResult) -> f64| {
        let count: f64 = shards.iter().map(|(length, it)| of(it) * length).sum();
        if duration_s > 0.0 {
            count / duration_s
        } else {
            0.0
        }
    };
    let planned = |(length, it): &(f64, &StageResult)| {
        it.offered_rps
            .map_or(it.attempted as f64, |offered| offered * length)
    };
    let in_flight_at_end = sum(|it| it.in_flight_at_end);
    let mut errors: BTreeMap<String, u64> = BTreeMap::new();
    for (_, shard) in shards {
        for (kind, count) in &shard.errors {
            *errors.entry(kind.clone()).or_default() += count;
        }
    }
    let (metrics, totals) = metrics(shards, in_flight_at_end)?;
    let first = shards.first().map(|(_, it)| *it);
    let mut merged = StageResult {
        attempted,
        ok,
        failed,
        errors,
        in_flight_at_end,
        offered_rps: first
            .and_then(|it| it.offered_rps)
            .map(|_| rate(|it| it.offered_rps.unwrap_or(0.0))),
        achieved_rps: rate(|it| it.achieved_rps),
        goodput_rps: rate(|it| it.goodput_rps),
        attainment: weighted(shards, |it| it.attainment, planned),
        error_rate: weighted(shards, |it| it.error_rate, |(_, it)| it.attempted as f64),
        fallback_rate: weighted(shards, |it| it.fallback_rate, |(_, it)| it.ok as f64),
        hit_rate: weighted(shards, |it| it.hit_rate, |(_, it)| it.ok as f64),
        connections: sum(|it| it.connections),
        sessions: sessions(shards),
        tokens: tokens(shards, duration_s),
        cost_usd: shards
            .iter()
            .filter_map(|(_, it)| it.cost_usd)
            .reduce(|a, b| a + b),
        owner: first.and_then(|it| it.owner.clone()),
        metrics,
        slo: Vec::new(),
        // Each shard has its own.
        steady: None,
    };
    let slo = first.map(|it| it.slo.as_slice()).unwrap_or_default();
    merged.slo = slo
        .iter()
        .map(|slo| judge_again(slo, &merged, &totals))
        .collect();
    Ok(merged)
}

/// The mean of a share over the shards that have it, by what it is a share of.
fn weighted(
    shards: &[(f64, &StageResult)],
    share: fn(&StageResult) -> Option<f64>,
    whole: impl Fn(&(f64, &StageResult)) -> f64,
) -> Option<f64> {
    let known = shards
        .iter()
        .filter_map(|shard| Some((share(shard.1)?, whole(shard))));
    let (hits, all) = known.fold((0.0, 0.0), |(hits, all), (share, whole)| {
        (hits + share * whole, all + whole)
    });
    (all > 0.0).then(|| hits / all)
}

fn sessions(shards: &[(f64, &StageResult)]) -> Option<SessionCounts> {
    let mut counts = shards.iter().filter_map(|(_, it)| it.sessions);
    let mut all = counts.next()?;
    counts.for_each(|more| all.add(more));
    Some(all)
}

fn tokens(shards: &[(f64, &StageResult)], duration_s: f64) -> Option<Tokens> {
    let known = || {
        let of = |(length, it): &(f64, &StageResult)| Some((*length, it.ok, it.tokens.clone()?));
        shards.iter().filter_map(of)
    };
    let (_, _, first) = known().next()?;
    let sum = |of: fn(&Tokens) -> u64| known().map(|(_, _, it)| of(&it)).sum();
    let in_window = known().map(|(length, _, it)| it.output_per_s.unwrap_or(0.0) * length);
    let in_window: f64 = in_window.sum();
    let (mut differ, mut all) = (0.0, 0.0);
    for (_, ok, it) in known() {
        if let Some(mismatch) = it.mismatch {
            differ += mismatch * ok as f64;
            all += ok as f64;
        }
    }
    Some(Tokens {
        input: sum(|it| it.input),
        output: sum(|it| it.output),
        source: if known().all(|(_, _, it)| it.source == first.source) {
            first.source
        } else {
            "mixed".to_owned()
        },
        output_per_s: (duration_s > 0.0).then(|| in_window / duration_s),
        mismatch: (all > 0.0).then(|| differ / all),
        coalesced: sum(|it| it.coalesced),
    })
}

type Metrics = (
    BTreeMap<LatencyMetric, MetricSummary>,
    BTreeMap<LatencyMetric, Total>,
);

fn metrics(shards: &[(f64, &StageResult)], open: u64) -> Result<Metrics, String> {
    let mut totals: BTreeMap<LatencyMetric, Total> = BTreeMap::new();
    for (name, metric) in shards.iter().flat_map(|(_, it)| &it.metrics) {
        let total = totals.entry(*name).or_default();
        let decode = |text: &str| Histogram::decode(text).map_err(|e| format!("{name}: {e}"));
        let Some(text) = &metric.histogram else {
            return Err(format!(
                "{name} has no histogram: export the run with `runs export`"
            ));
        };
        total.all.merge(&decode(text)?);
        for interval in &metric.intervals {
            total.add(
                interval.start_s,
                interval.end_s,
                decode(&interval.histogram)?.pack(),
            );
        }
    }
    let summaries = totals
        .iter()
        .map(|(name, total)| (*name, summary(total, open)))
        .collect();
    Ok((summaries, totals))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::{Figure, Stat};
    use crate::record::SloResult;

    /// A stage whose response times are those, one a second.
    fn measured(values: &[u64], length_s: f64) -> StageResult {
        let mut total = Total::default();
        for (second, us) in values.iter().enumerate() {
            total.all.record_us(*us);
            let mut one = Histogram::default();
            one.record_us(*us);
            total.add(second as f64, second as f64 + 1.0, one.pack());
        }
        let count = values.len() as u64;
        StageResult {
            attempted: count + 1,
            ok: count,
            failed: 1,
            errors: [("timeout".to_owned(), 1)].into(),
            offered_rps: Some((count + 1) as f64 / length_s),
            achieved_rps: count as f64 / length_s,
            goodput_rps: count as f64 / length_s,
            attainment: Some(count as f64 / (count + 1) as f64),
            error_rate: Some(1.0 / (count + 1) as f64),
            metrics: [(LatencyMetric::ResponseTime, summary(&total, 0))].into(),
            slo: vec![SloResult {
                metric: Figure::Latency(LatencyMetric::ResponseTime, Stat::P50),
                limit: 5.0,
                value: None,
                met: None,
            }],
            ..StageResult::default()
        }
    }

    proptest! {
        #[test]
        fn parts_make_the_whole_bucket_for_bucket(
            values in proptest::collection::vec(1_u64..10_000_000, 2..60), cut in 1_usize..59,
        ) {
            let cut = cut.min(values.len() - 1);
            let (left, right) = values.split_at(cut);
            let shards = [measured(left, 10.0), measured(right, 10.0)];
            let merged = stage(&[(10.0, &shards[0]), (10.0, &shards[1])], 10.0).unwrap();
            let mut whole = Histogram::default();
            for us in &values {
                whole.record_us(*us);
            }
            let metric = &merged.metrics[&LatencyMetric::ResponseTime];
            prop_assert_eq!(metric.histogram.as_ref(), Some(&whole.encode()));
            prop_assert_eq!(metric.p50, whole.percentile_ms(0.5, 0));
            prop_assert_eq!(metric.count, values.len() as u64);
            let in_intervals: u64 = metric
                .intervals
                .iter()
                .map(|it| Histogram::decode(&it.histogram).unwrap().count())
                .sum();
            prop_assert_eq!(in_intervals, metric.count);
            prop_assert_eq!(merged.attempted, values.len() as u64 + 2);
            prop_assert_eq!(merged.errors["timeout"], 2);
            let share = values.len() as f64 / (values.len() + 2) as f64;
            prop_assert!((merged.attainment.unwrap() - share).abs() < 1e-9);
            prop_assert!((merged.offered_rps.unwrap() - (values.len() + 2) as f64 / 10.0).abs() < 1e-9);
        }
    }

    #[test]
    fn slos_are_judged_again_by_the_whole() {
        let (fast, slow) = (measured(&[1_000; 40], 1.0), measured(&[9_000; 30], 1.0));
        let merged = stage(&[(1.0, &fast), (1.0, &slow)], 1.0).unwrap();
        assert_eq!(merged.slo[0].met, Some(true));
        assert!(merged.slo[0].value.unwrap() < 1.1);
        let merged = stage(&[(1.0, &slow), (1.0, &slow), (1.0, &fast)], 1.0).unwrap();
        assert_eq!(merged.slo[0].met, Some(false));
    }
}

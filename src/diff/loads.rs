//! Two runs of a load compared, stage by stage: one run against one run, so shown and never gated on.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::measured::Measured;
use crate::measure::min_samples;
use crate::metric::{Figure, LatencyMetric, Metric, RateMetric, ShareMetric, Stat};
use crate::record::{MetricSummary, StageResult};
use crate::stats::{
    CONFIDENCE, Interval, QuantileInterval, TOO_SHORT, mover_log_ratio, newcombe, quantile_interval,
};

/// The percentiles that are always listed; others only when a rule names them.
const LISTED: [Stat; 3] = [Stat::P50, Stat::P95, Stat::P99];

/// The generator's own latency says nothing about a release.
const OWN: LatencyMetric = LatencyMetric::ScheduleLag;

const SHOWN: &str = "one run against one run: shown, never gated on";

/// The stages of a run.
pub(super) type Stages = BTreeMap<String, StageResult>;

/// Compares the stages of two runs of a load, with the further metrics in `asked` (full names).
pub(super) fn compare(
    load: &str,
    base: Option<&Stages>,
    head: &Stages,
    asked: &BTreeSet<&Metric>,
    context: &Context<'_>,
) -> Vec<Measured> {
    let mut all = Vec::new();
    for (stage, after) in head {
        let before = base.and_then(|stages| stages.get(stage));
        let name = |figure| Metric::load(load, stage, figure);
        let mut found = latencies(&name, before, after, asked);
        found.extend(shares(&name, before, after));
        found.push(goodput(&name, before, after));
        let owner = (context.owner)(stage).or_else(|| after.owner.clone());
        for measured in &mut found {
            measured.comparison.owner.clone_from(&owner);
            measured.comparison.add_note(match before {
                Some(_) => SHOWN,
                None => "no base to compare with",
            });
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
    for (latency, after) in &head.metrics {
        let before = base.and_then(|stage| stage.metrics.get(latency));
        let percentiles = Stat::ALL.iter().filter(|stat| stat.quantile().is_some());
        for stat in percentiles.chain(&[Stat::Mean, Stat::Min, Stat::Max]) {
            let metric = name(Figure::Latency(*latency, *stat));
            let listed = LISTED.contains(stat) && *latency != OWN && after.stat(*stat).is_some();
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
    head: &MetricSummary,
) -> Measured {
    let (before, after) = (base.and_then(|base| base.stat(stat)), head.stat(stat));
    let mut measured = Measured::shown(metric, before, after);
    let comparison = &mut measured.comparison;
    comparison.n = head.count;
    comparison.change = ratio(before, after);
    let quantile = stat.quantile();
    if let (Some(quantile), Some(base), Some(_)) = (quantile, base, comparison.change) {
        let (interval, short) = ratio_interval(base, head, quantile);
        comparison.low = interval.map(|interval| interval.low);
        comparison.high = interval.map(|interval| interval.high);
        "mover".clone_into(&mut comparison.method);
        if let Some(side) = short {
            comparison.add_note(&format!("no interval: {TOO_SHORT} (the {side}'s)"));
        }
    }
    if after.is_none() {
        measured.missing = Some(match quantile {
            Some(quantile) if head.count < min_samples(quantile) => format!(
                "{} takes {} samples, there are {}",
                stat.key(),
                min_samples(quantile),
                head.count
            ),
            _ => "requests still open at the end could move it".to_owned(),
        });
    }
    measured
}

/// Returns the interval of head/base − 1 of a percentile, `None` without histograms or with too few samples, and the side whose run
/// is too short for one.
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
            (ShareMetric::Attainment, stage.attainment, stage.attempted),
            (ShareMetric::FallbackRate, stage.fallback_rate, stage.ok),
        ]
    };
    let before = base.map(of);
    let mut found = Vec::new();
    for (index, (key, value, n)) in of(head).into_iter().enumerate() {
        let (old, old_n) = before.map_or((None, 0), |before| (before[index].1, before[index].2));
        let mut measured = Measured::shown(name(Figure::Share(key)), old, value);
        measured.comparison.n = n;
        if let Some((old, new)) = old.zip(value) {
            let (old_n, n) = (old_n as f64, n as f64);
            let interval = newcombe((old * old_n, old_n), (new * n, n), CONFIDENCE);
            measured.comparison.change = Some(new - old);
            measured.comparison.low = Some(interval.low);
            measured.comparison.high = Some(interval.high);
            "newcombe".clone_into(&mut measured.comparison.method);
        }
        // A rate that is null on both sides does not apply to the stage.
        if value.is_some() || old.is_some() {
            found.push(measured);
        }
    }
    found
}

fn goodput(
    name: &dyn Fn(Figure) -> Metric,
    base: Option<&StageResult>,
    head: &StageResult,
) -> Measured {
    let before = base.map(|stage| stage.goodput_rps);
    let after = Some(head.goodput_rps);
    let mut measured = Measured::shown(name(Figure::Rate(RateMetric::Goodput)), before, after);
    measured.comparison.n = head.attempted;
    measured.comparison.change = ratio(before, after);
    measured
}

#[cfg(test)]
mod tests {
    use crate::diff::fixtures::{load, rule, stage, with};
    use crate::diff::{Mode, compare};
    use crate::metric::LatencyMetric;
    use crate::record::{Change, Comparison, DiffDocument};
    use crate::record::{StageResult, VerdictKind};

    fn of<'a>(document: &'a DiffDocument, metric: &str) -> &'a Comparison {
        document
            .comparisons
            .iter()
            .find(|c| c.metric.to_string() == metric)
            .unwrap()
    }

    /// Answers in 50 to 150 ms, slower by the factor.
    fn spread(n: u64, factor: f64) -> StageResult {
        stage(n, |i| (50.0 + (i * 37 % 101) as f64) * factor)
    }

    fn diff(base: StageResult, head: StageResult) -> DiffDocument {
        let (base, head) = (
            [load("b", [("rerank", base)])],
            [load("h", [("rerank", head)])],
        );
        with(Mode::Diff, &[], |context| compare(&base, &head, context))
    }

    #[test]
    fn a_slower_stage_is_shown_with_its_interval_and_never_gated_on() {
        let document = diff(spread(1000, 1.0), spread(1000, 1.5));
        let p95 = of(&document, "load.peak.rerank.response_time.p95");
        assert!((p95.change.unwrap() - 0.5).abs() < 0.005);
        assert!(0.3 < p95.low.unwrap() && p95.low.unwrap() < 0.5);
        assert!(0.5 < p95.high.unwrap() && p95.high.unwrap() < 0.7);
        assert_eq!(
            (p95.verdict, p95.outcome, p95.n),
            (Change::Insufficient, None, 1000)
        );
        assert_eq!((p95.method.as_str(), p95.p), ("mover", None));
        assert_eq!(
            p95.note.as_deref(),
            Some("one run against one run: shown, never gated on")
        );
        assert_eq!(p95.owner.as_deref(), Some("search-team"));
        assert_eq!(document.verdict, VerdictKind::Inconclusive);
    }

    #[test]
    fn shares_change_by_difference_and_rates_by_ratio() {
        let mut head = spread(1000, 1.0);
        (head.ok, head.failed) = (950, 50);
        (head.error_rate, head.attainment) = (Some(0.05), Some(0.95));
        head.goodput_rps = 0.95 * 1000.0 / 30.0;
        let document = diff(spread(1000, 1.0), head);
        let errors = of(&document, "load.peak.rerank.error_rate");
        assert!((errors.change.unwrap() - 0.05).abs() < 1e-12);
        assert!(errors.low.unwrap() > 0.03 && errors.high.unwrap() < 0.07);
        let goodput = of(&document, "load.peak.rerank.goodput_rps");
        assert!((goodput.change.unwrap() + 0.05).abs() < 1e-9);
        assert!(
            !document
                .comparisons
                .iter()
                .any(|c| c.metric.to_string().ends_with("fallback_rate"))
        );
    }

    #[test]
    fn a_null_percentile_is_not_listed_unless_a_rule_names_it() {
        let (base, head) = (
            [load("b", [("rerank", spread(50, 1.0))])],
            [load("h", [("rerank", spread(50, 1.0))])],
        );
        let listed = |rules: &[crate::manifest::Rule]| {
            with(Mode::Diff, rules, |context| compare(&base, &head, context))
                .comparisons
                .into_iter()
                .filter(|c| c.metric.to_string().contains("response_time"))
                .map(|c| c.metric.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(listed(&[]), ["load.peak.rerank.response_time.p50"]);
        let asked = [
            rule("load.peak.rerank.response_time.p95"),
            rule("load.peak.rerank.response_time.mean"),
        ];
        assert_eq!(listed(&asked).len(), 3);
    }

    #[test]
    fn without_histograms_only_the_values_are_compared() {
        let plain = |factor| {
            let mut stage = spread(1000, factor);
            let summary = stage.metrics.get_mut(&LatencyMetric::ResponseTime).unwrap();
            (summary.histogram, summary.intervals) = (None, Vec::new());
            stage
        };
        let document = diff(plain(1.0), plain(2.0));
        let p95 = of(&document, "load.peak.rerank.response_time.p95");
        assert!((p95.change.unwrap() - 1.0).abs() < 0.005);
        assert_eq!((p95.low, p95.high), (None, None));
    }

    #[test]
    fn a_new_stage_has_no_change() {
        let base = [load("b", [])];
        let head = [load("h", [("rerank", spread(1000, 1.0))])];
        let document = with(Mode::Diff, &[], |context| compare(&base, &head, context));
        let p95 = of(&document, "load.peak.rerank.response_time.p95");
        assert_eq!((p95.base, p95.change), (None, None));
        assert_eq!(p95.note.as_deref(), Some("no base to compare with"));
    }
}

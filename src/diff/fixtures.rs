//! Small hand-made runs for the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::context::{Context, Mode};
use super::sessions::{GatedBy, LatencyGate};
use crate::manifest::{Rule, Topology};
use crate::measure::{Histogram, Intervals, Share};
use crate::metric::{Figure, LatencyMetric, Limit, Metric, Stat, Unit};
use crate::record::{
    CaseResult, EvalResult, GoldenInfo, IntervalRecord, MetricSummary, RateEstimate, RunKind,
    RunRecord, ScoreEstimate, SliceEstimate, SloResult, StageResult,
};
use crate::stats::pass_rate;

/// Returns an empty run.
pub(super) fn run(kind: RunKind, name: &str, id: &str) -> RunRecord {
    RunRecord {
        seed: 7,
        duration_s: 1.0,
        ..RunRecord::begun(kind, name, id, "2026-11-24T00:00:00Z")
    }
}

/// Returns an answer of a case; `lang` becomes a tag.
pub(super) fn answer(id: &str, lang: &str, passed: bool) -> CaseResult {
    let score = f64::from(u8::from(passed));
    CaseResult {
        id: id.to_owned(),
        group: None,
        tags: BTreeMap::from([("lang".to_owned(), lang.to_owned())]),
        repeat: 0,
        passed,
        score,
        assertions: BTreeMap::from([("contains".to_owned(), score)]),
        not_counted: Vec::new(),
        output: None,
        reason: None,
        error: None,
        response_time_ms: None,
        finish_reason: None,
        trace_id: None,
    }
}

/// Returns `n` cases, the first half in English and the rest in German, of which those that
/// `passes` holds for passed.
pub(super) fn answers(n: usize, passes: impl Fn(usize) -> bool) -> Vec<CaseResult> {
    let lang = |i: usize| if i < n / 2 { "en" } else { "de" };
    (0..n)
        .map(|i| answer(&format!("q{i:04}"), lang(i), passes(i)))
        .collect()
}

/// Returns a run of the suite `answers` against the stage `gateway`.
pub(super) fn eval(id: &str, cases: Vec<CaseResult>) -> RunRecord {
    let rate = pass_rate(cases.iter().map(|c| (c.id.as_str(), c.passed)), 0.95);
    let value = rate.map_or(0.0, |rate| rate.value);
    let mut slices = BTreeMap::new();
    for lang in ["en", "de"] {
        let of: Vec<_> = cases.iter().filter(|c| c.tags["lang"] == lang).collect();
        let rate = pass_rate(of.iter().map(|c| (c.id.as_str(), c.passed)), 0.95);
        let Some(rate) = rate else { continue };
        let slice = SliceEstimate {
            cases: of.len() as u64,
            value: rate.value,
            low: rate.interval.low,
            high: rate.interval.high,
        };
        slices.insert(format!("lang={lang}"), slice);
    }
    let score = ScoreEstimate {
        score: value,
        low: 0.0,
        high: 1.0,
    };
    let mut run = run(RunKind::Eval, "answers", id);
    run.eval = Some(EvalResult {
        stage: "gateway".to_owned(),
        golden: GoldenInfo {
            path: "golden/answers.jsonl".to_owned(),
            digest: "blake3:1".to_owned(),
            cases: cases
                .iter()
                .map(|case| &case.id)
                .collect::<BTreeSet<_>>()
                .len() as u64,
        },
        repeats: 1,
        pass_rate: RateEstimate {
            value,
            low: 0.0,
            high: 1.0,
            confidence: 0.95,
            method: "wilson".to_owned(),
            bounds: None,
        },
        assertions: BTreeMap::from([("contains".to_owned(), score)]),
        slices,
        errors: 0,
        error_kinds: BTreeMap::new(),
        cached: 0,
        retries: 0,
        finish_reasons: BTreeMap::new(),
        refusals: 0,
        empty: 0,
        asked_pause_s: 0.0,
        must_pass_broken: Vec::new(),
        cases,
    });
    run
}

/// Returns a stage that answered `n` requests over 30 s; request i took `ms(i)`.
pub(super) fn stage(n: u64, ms: impl Fn(u64) -> f64) -> StageResult {
    let mut whole = Histogram::default();
    let mut intervals = Intervals::new(Duration::from_secs(1));
    for i in 0..n {
        let ns = (ms(i) * 1e6) as u64;
        whole.record_ns(ns);
        intervals.record(i * 30_000_000_000 / n, ns);
    }
    let stat = |stat: Stat| whole.percentile_ms(stat.quantile()?, 0);
    let summary = MetricSummary {
        unit: "ms".to_owned(),
        count: n,
        mean: whole.mean_ms(),
        min: whole.min_ms(),
        max: whole.max_ms(),
        p50: stat(Stat::P50),
        p90: stat(Stat::P90),
        p95: stat(Stat::P95),
        p99: stat(Stat::P99),
        p999: stat(Stat::P999),
        histogram: Some(whole),
        intervals: intervals
            .finish()
            .into_iter()
            .map(|(start_s, end_s, histogram)| IntervalRecord {
                start_s,
                end_s,
                histogram,
            })
            .collect(),
    };
    StageResult {
        attempted: n,
        ok: n,
        goodput_rps: n as f64 / 30.0,
        achieved_rps: n as f64 / 30.0,
        attainment: Some(1.0),
        error_rate: Some(0.0),
        metrics: BTreeMap::from([(LatencyMetric::ResponseTime, summary)]),
        ..StageResult::default()
    }
}

/// Returns a run of the load `peak`.
pub(super) fn load<const N: usize>(id: &str, stages: [(&str, StageResult); N]) -> RunRecord {
    let mut run = run(RunKind::Load, "peak", id);
    run.stages = stages.map(|(name, stage)| (name.to_owned(), stage)).into();
    run
}

/// Returns an SLO on the p95 of the response time.
pub(super) fn slo(limit: f64, value: Option<f64>) -> SloResult {
    SloResult {
        metric: Figure::Latency(LatencyMetric::ResponseTime, Stat::P95),
        limit,
        value,
        met: value.map(|value| value <= limit),
        above: None,
    }
}

/// Returns a rule without limits.
pub(super) fn rule(metric: &str) -> Rule {
    Rule {
        metric: Metric::parse(metric).unwrap(),
        min: None,
        max: None,
        max_increase: None,
        max_drop: None,
        span: 0..0,
    }
}

/// Returns a rule that allows the pass rate of `answers` to drop by less than `margin`.
pub(super) fn max_drop(margin: f64) -> Rule {
    Rule {
        max_drop: Share::new(margin),
        ..rule("eval.answers.pass_rate")
    }
}

/// Returns a rule that asks for a pass rate of `answers`.
pub(super) fn min(share: f64) -> Rule {
    Rule {
        min: Some(Limit {
            value: share,
            unit: Unit::Share,
        }),
        ..rule("eval.answers.pass_rate")
    }
}

/// Returns a gate of latencies at the usual levels, without sessions.
pub(super) fn latency_gate() -> LatencyGate {
    LatencyGate {
        alpha: 0.01,
        floor: 0.02,
        abs_floor_ms: 0.0,
        unruled: Vec::new(),
        by: GatedBy::Nothing,
    }
}

/// Calls `then` with a context in which latencies are only shown: gateway calls retrieve and
/// rerank; rerank is owned by search-team, the rest by app-team.
pub(super) fn with<T>(mode: Mode, rules: &[Rule], then: impl FnOnce(&Context<'_>) -> T) -> T {
    with_latency(mode, rules, &latency_gate(), then)
}

/// Calls `then` with the same context and a gate of latencies.
pub(super) fn with_latency<T>(
    mode: Mode,
    rules: &[Rule],
    latency: &LatencyGate,
    then: impl FnOnce(&Context<'_>) -> T,
) -> T {
    let name = |name: &str| name.parse().unwrap();
    let callees = vec![name("retrieve"), name("rerank")];
    let topology = Topology::of([(name("gateway"), callees)]);
    let owner = |stage: &str| {
        let team = if stage == "rerank" {
            "search-team"
        } else {
            "app-team"
        };
        Some(team.to_owned())
    };
    then(&Context {
        mode,
        rules,
        accepted: &[],
        eval_alpha: 0.05,
        latency,
        margin: 0.05,
        entry: Some("gateway"),
        topology: &topology,
        owner: &owner,
    })
}

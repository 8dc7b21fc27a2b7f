//! Documents say the same when they are read again, and what stands in them adds up.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::measure::{Failure, Histogram, is_answer};
use crate::metric::{LatencyMetric, Stat};

fn run(kind: RunKind) -> RunRecord {
    RunRecord::begun(kind, "peak", "run-0001", "2026-11-24T12:00:00Z")
}

/// A suite of so many cases, each answered once; `error_kinds` are those of its errors.
pub(super) fn suite(cases: u64, errors: &[(&str, u64)]) -> EvalResult {
    let errored: u64 = errors.iter().map(|(_, count)| count).sum();
    let answer = |number: u64| {
        let error = (number < errored).then(|| "no answer".to_owned());
        CaseResult {
            passed: error.is_none(),
            score: if error.is_none() { 1.0 } else { 0.0 },
            error,
            ..serde_json::from_value(json!({
                "id": format!("q{number}"), "repeat": 0, "passed": true, "score": 1.0,
            }))
            .unwrap()
        }
    };
    let kinds = errors
        .iter()
        .map(|(kind, count)| ((*kind).to_owned(), *count));
    EvalResult {
        errors: errored,
        error_kinds: kinds.collect(),
        cases: (0..cases).map(answer).collect(),
        ..serde_json::from_value(json!({
            "stage": "gateway",
            "golden": {"path": "golden.jsonl", "digest": "blake3:1", "cases": cases},
            "repeats": 1,
            "pass_rate": {
                "value": 0.5, "low": 0.4, "high": 0.6, "confidence": 0.95, "method": "wilson",
            },
            "errors": 0,
        }))
        .unwrap()
    }
}

fn stage(attempted: u64, errors: &[(&str, u64)]) -> StageResult {
    let failed = errors.iter().map(|(_, count)| count).sum();
    let errors = errors
        .iter()
        .map(|(kind, count)| ((*kind).to_owned(), *count));
    StageResult {
        attempted,
        failed,
        ok: attempted - failed,
        errors: errors.collect(),
        ..StageResult::default()
    }
}

fn loaded(stage: StageResult) -> RunRecord {
    RunRecord {
        stages: [("gateway".to_owned(), stage)].into(),
        ..run(RunKind::Load)
    }
}

fn graded(eval: EvalResult) -> RunRecord {
    RunRecord {
        eval: Some(eval),
        ..run(RunKind::Eval)
    }
}

#[test]
fn a_run_that_measured_nothing_is_read_as_it_was_written() {
    for kind in [
        RunKind::Load,
        RunKind::Eval,
        RunKind::Gate,
        RunKind::Profile,
    ] {
        let begun = run(kind);
        let text = json!(begun);
        assert_eq!(text["kind"], kind.word());
        assert_eq!(serde_json::from_value::<RunRecord>(text).unwrap(), begun);
    }
}

/// A later minor version adds keys, a later major one changes what they mean.
#[test]
fn a_document_of_a_later_minor_version_is_read_without_what_is_new() {
    let mut text = json!(loaded(stage(10, &[])));
    text["moonlight"] = json!({"phase": 3});
    text["stages"]["gateway"]["tides"] = json!([1, 2]);
    text["version"]["minor"] = 99.into();
    let read: RunRecord = serde_json::from_value(text).unwrap();
    assert!(read.version.is_readable());
    assert_eq!(read.stages["gateway"].attempted, 10);
    let major = FormatVersion { major: 2, minor: 0 };
    assert!(!major.is_readable());
    assert_eq!(major.to_string(), "2.0");
}

#[test]
fn a_latency_that_is_not_known_is_left_out_and_no_error() {
    let summary = json!(MetricSummary::default());
    let mut text = json!(stage(1, &[]));
    text["metrics"] = json!({"response_time": summary, "moonrise_time": summary});
    let read: StageResult = serde_json::from_value(text.clone()).unwrap();
    let keys: Vec<LatencyMetric> = read.metrics.into_keys().collect();
    assert_eq!(keys, [LatencyMetric::ResponseTime]);
    text["metrics"]["response_time"]["histogram"] = "AAAA".into();
    let error = serde_json::from_value::<StageResult>(text).unwrap_err();
    assert!(error.to_string().contains("not a histogram"), "{error}");
}

#[test]
fn a_summary_has_each_statistic_under_its_own_key() {
    let mut text = json!(MetricSummary::default());
    for (number, stat) in (1..).zip(Stat::ALL) {
        text[stat.key()] = number.into();
    }
    let read: MetricSummary = serde_json::from_value(text).unwrap();
    for (number, stat) in (1..).zip(Stat::ALL) {
        assert_eq!(read.stat(stat), Some(f64::from(number)), "{}", stat.key());
    }
}

/// 5 % of what was asked may be without an answer; a wrong answer is one, but not all may be wrong
/// (verdicts G2).
#[test]
fn a_run_stands_for_its_release_where_nearly_all_was_answered() {
    let measured = |run: &RunRecord| RunSummary::of(run).measured;
    for (errors, of_load, of_suite) in [
        (&[][..], true, true),
        (&[("timeout", 5)], true, true),
        (&[("timeout", 6)], false, false),
        (&[("connect", 3), ("reset", 3)], false, false),
        (&[("status 500", 49)], true, true),
        (&[("status 500", 99)], true, false),
        (&[("status 500", 100)], false, false),
        (&[("exit 1", 60), ("decode", 40)], false, false),
        (&[("exit 1", 20), ("decode", 20)], true, true),
        // A load may be meant to be more than a limiter lets through.
        (&[("status 429", 90)], true, false),
        (&[("status 503", 6)], true, false),
        (&[("status 429", 90), ("dns", 6)], false, false),
    ] {
        assert_eq!(measured(&loaded(stage(100, errors))), of_load, "{errors:?}");
        assert_eq!(
            measured(&graded(suite(100, errors))),
            of_suite,
            "{errors:?}"
        );
    }
    assert!(measured(&loaded(stage(0, &[]))));
    let open = StageResult {
        in_flight_at_end: 6,
        ..stage(100, &[])
    };
    assert!(!measured(&loaded(open)));
    // Errors that are not told apart may be outages.
    let untold = EvalResult {
        error_kinds: BTreeMap::new(),
        ..suite(100, &[("status 500", 6)])
    };
    assert!(!measured(&graded(untold)));
}

#[test]
fn every_reason_keeps_a_run_from_being_a_base_and_the_worst_is_named() {
    let good = RunSummary::of(&loaded(stage(100, &[])));
    assert_eq!((good.no_base(), good.is_usable()), (None, true));
    let with = |change: fn(&mut RunRecord)| {
        let mut run = loaded(stage(100, &[]));
        change(&mut run);
        RunSummary::of(&run)
    };
    for (change, reason) in [
        (
            (|run| run.release.dirty = true) as fn(&mut RunRecord),
            Unusable::Dirty,
        ),
        (|run| run.complete = false, Unusable::Incomplete),
        (
            |run| run.validity.verdict = ValidityVerdict::Invalid,
            Unusable::Invalid,
        ),
        (
            |run| run.overrides = vec!["--rate".to_owned()],
            Unusable::Experiment,
        ),
    ] {
        let summary = with(change);
        assert_eq!(summary.no_base(), Some(reason));
        assert!(!summary.is_usable());
        assert!(!reason.words().is_empty());
    }
    assert_eq!(
        with(|run| run.validity.verdict = ValidityVerdict::Degraded).no_base(),
        None
    );
    let silent = RunSummary::of(&loaded(stage(100, &[("timeout", 50)])));
    // A revision may stand for it, so that an outage is told; a base it is not.
    assert_eq!(silent.no_base(), Some(Unusable::Unmeasured));
    assert!(silent.is_usable());
}

#[test]
fn a_headline_says_what_its_kind_of_run_found() {
    let headline = |run: &RunRecord| RunSummary::of(run).headline;
    assert_eq!(
        headline(&graded(suite(40, &[]))),
        "50.0 % of 40 cases passed"
    );
    assert_eq!(
        headline(&loaded(stage(1, &[]))),
        "gateway p95 -, 0.0/s good"
    );
    let gate = RunRecord {
        runs: vec!["a".to_owned(), "b".to_owned()],
        ..run(RunKind::Gate)
    };
    assert_eq!(headline(&gate), "2 runs");
    assert_eq!(headline(&run(RunKind::Load)), "");
}

#[test]
fn runs_are_in_the_order_of_their_times_and_not_of_their_texts() {
    let at = |started: &str| RunSummary::of(&RunRecord::begun(RunKind::Load, "peak", "a", started));
    let whole = at("2026-11-24T12:00:00Z");
    let half = at("2026-11-24T12:00:00.5Z");
    assert!(whole.age_key() < half.age_key());
    assert!(whole.started_at > half.started_at);
    // What has no date is the oldest.
    assert!(at("yesterday").age_key() < whole.age_key());
}

#[test]
fn a_suite_that_no_request_reached_is_told_from_one_that_failed() {
    assert!(suite(3, &[("connect", 1), ("dns", 2)]).never_reached());
    assert!(!suite(3, &[("connect", 2), ("timeout", 1)]).never_reached());
    assert!(!suite(3, &[("connect", 2)]).never_reached());
    assert!(!suite(0, &[]).never_reached());
    assert!(suite(3, &[("status 500", 3)]).is_ungraded());
    assert!(!suite(3, &[("status 500", 2)]).is_ungraded());
    // Of a record without kinds nobody can say that nothing was reached.
    let untold = EvalResult {
        error_kinds: BTreeMap::new(),
        ..suite(3, &[("connect", 3)])
    };
    assert!(!untold.never_reached());
}

#[test]
fn an_interrupted_suite_knows_how_much_of_it_is_there() {
    let mut eval = suite(10, &[]);
    eval.cases.truncate(4);
    assert!((eval.share_present() - 0.4).abs() < 1e-12);
    // Repeats are of one case; a set that has shrunk is all there.
    eval.cases.push(eval.cases[0].clone());
    assert!((eval.share_present() - 0.4).abs() < 1e-12);
    eval.golden.cases = 2;
    assert!((eval.share_present() - 1.0).abs() < 1e-12);
    eval.golden.cases = 0;
    assert!(eval.share_present() <= 1.0);
}

#[test]
fn an_error_counts_as_0_for_what_was_to_be_scored_and_not_for_what_was_not() {
    let answer = |error: Option<&str>, not_counted: &[&str]| CaseResult {
        error: error.map(str::to_owned),
        not_counted: not_counted.iter().map(|it| (*it).to_owned()).collect(),
        ..serde_json::from_value(json!({
            "id": "q", "repeat": 0, "passed": false, "score": 0.25,
            "assertions": {"recall": 0.25},
        }))
        .unwrap()
    };
    let plain = answer(None, &[]);
    assert_eq!(plain.counted_score("recall"), Some(0.25));
    assert_eq!(plain.counted_score("mrr"), None);
    let errored = answer(Some("timeout"), &["ndcg"]);
    assert_eq!(errored.counted_score("recall"), Some(0.25));
    assert_eq!(errored.counted_score("mrr"), Some(0.0));
    assert_eq!(errored.counted_score("ndcg"), None);
    assert!(errored.is_unscored("mrr") && !errored.is_unscored("ndcg"));
}

/// Every failure is either never reached, an answer, or something in between, and its word is the
/// same in documents.
#[test]
fn a_failure_and_its_word_agree() {
    let all = [
        (Failure::Connect, false, false),
        (Failure::Resolve, false, false),
        (Failure::Tls, false, false),
        (Failure::Start, false, false),
        (Failure::Exhausted, false, false),
        (Failure::Request, false, false),
        (Failure::Timeout, true, false),
        (Failure::Reset, true, false),
        (Failure::Status(503), true, true),
        (Failure::Exit(137), true, true),
        (Failure::Decode, true, true),
        (Failure::Contract, true, true),
        (Failure::StreamError, true, true),
        (Failure::Reported, true, true),
        (Failure::TooLarge, true, true),
    ];
    for (failure, reached, answered) in all {
        let word = failure.to_string();
        assert_eq!(failure.reached(), reached, "{word}");
        assert_eq!(Failure::word_is_reached(&word), reached, "{word}");
        assert_eq!(is_answer(&word), answered, "{word}");
        assert!(reached || !answered, "{word}");
    }
}

#[test]
fn a_tree_that_is_dirty_is_told_with_its_files() {
    let files = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(dirty_sentence(false, &files(&["a"])), None);
    let bare = dirty_sentence(true, &[]).unwrap();
    assert_eq!(bare, "the tree is dirty; this run can be no base");
    let named = dirty_sentence(true, &files(&["a", "b"])).unwrap();
    assert_eq!(
        named,
        "the tree is dirty: `a`, `b`; this run can be no base"
    );
}

#[test]
fn a_stage_without_its_counts_or_histograms_cannot_be_added_up() {
    let bare = stage(1, &[]);
    assert_eq!(Tally::of(&bare), Err(NoTally::NoCounts));
    let summary = MetricSummary::default();
    let counted = StageResult {
        tally: Some(TallyRecord::default()),
        metrics: [(LatencyMetric::Ttft, summary)].into(),
        ..bare
    };
    assert_eq!(
        Tally::of(&counted),
        Err(NoTally::NoHistogram(LatencyMetric::Ttft))
    );
    let error = NoTally::NoHistogram(LatencyMetric::Ttft).to_string();
    assert!(error.starts_with("ttft has no histogram"), "{error}");
}

/// An interval of second `at` with one answer.
fn interval(at: u32, us: u64) -> IntervalRecord {
    let mut times = Histogram::default();
    times.record_us(us);
    IntervalRecord {
        start_s: f64::from(at),
        end_s: f64::from(at + 1),
        histogram: times.pack(),
    }
}

fn distribution(mut answers: Vec<(u32, u64)>) -> Distribution {
    answers.sort_unstable();
    let mut made = Distribution::default();
    for (at, us) in answers {
        made.all.record_us(us);
        made += Distribution {
            all: Histogram::default(),
            intervals: vec![interval(at, us)],
        };
    }
    made
}

fn tally() -> impl Strategy<Value = Tally> {
    let counts = (0..1_000_u64, 0..1_000_u64, 0..1_000_u64);
    let words = proptest::collection::btree_map("[a-c]", 1..9_u64, 0..3);
    let level = (-9..9_i64, 0..9_u64).prop_map(|(nano_ln, count)| ResponseLevel { nano_ln, count });
    let levels = proptest::collection::vec(level, 0..4);
    let answers = proptest::collection::vec((0..5_u32, 1..90_u64), 0..8);
    (
        counts,
        words.clone(),
        words,
        (0..9_u64, 0..9_u64),
        levels,
        answers,
    )
        .prop_map(
            |(
                (attempted, ok, tokens_in),
                errors,
                finish_reasons,
                (last_end_ns, last_due_ns),
                levels,
                answers,
            )| Tally {
                counts: Counts {
                    attempted,
                    ok,
                    tokens_in,
                    ..Counts::default()
                },
                errors,
                finish_reasons,
                last_end_ns,
                last_due_ns,
                levels,
                distributions: [(LatencyMetric::ResponseTime, distribution(answers))].into(),
            },
        )
}

fn sum(parts: &[&Tally]) -> Tally {
    let mut sum = Tally::default();
    for part in parts {
        sum += (*part).clone();
    }
    sum
}

fn tokens() -> impl Strategy<Value = TokenCounts> {
    (
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
    )
        .prop_map(
            |(input, output, cached, cache_write, reasoning)| TokenCounts {
                input,
                output,
                cached,
                cache_write,
                reasoning,
            },
        )
}

proptest! {
    #[test]
    fn tallies_add_up_in_any_order(a in tally(), b in tally(), c in tally()) {
        prop_assert_eq!(sum(&[&a, &b]), sum(&[&b, &a]));
        let (ab, bc) = (sum(&[&a, &b]), sum(&[&b, &c]));
        prop_assert_eq!(sum(&[&ab, &c]), sum(&[&a, &bc]));
        prop_assert_eq!(sum(&[&a]), a);
    }

    #[test]
    fn counts_are_read_as_they_were_written(tally in tally()) {
        let text = json!(tally.counts);
        prop_assert_eq!(serde_json::from_value::<Counts>(text).unwrap(), tally.counts);
        let none: Counts = serde_json::from_value(json!({})).unwrap();
        prop_assert_eq!(none, Counts::default());
    }

    #[test]
    fn what_began_before_a_second_is_left_out(answers in proptest::collection::vec((0..9_u32, 1..90_u64), 0..20), second in 0..10_u32) {
        let later = answers.iter().filter(|(at, _)| *at >= second).count() as u64;
        let count = answers.len() as u64;
        let made = distribution(answers);
        prop_assert_eq!(made.since(f64::from(second)).all.count(), later);
        prop_assert_eq!(made.since(0.0).all, made.all.clone());
        let summary = made.summary(0);
        prop_assert_eq!(summary.count, count);
        prop_assert_eq!(Distribution::of(&summary), Some(made));
        prop_assert_eq!(Distribution::of(&summary.without_histograms()), None);
    }

    #[test]
    fn shares_of_shards_are_the_whole_and_nearly_equal(count in any::<u64>(), of in 1..40_u32) {
        let shares: Vec<u64> = (0..of).map(|index| Shard { index, of }.share(count)).collect();
        prop_assert_eq!(shares.iter().map(|it| u128::from(*it)).sum::<u128>(), u128::from(count));
        prop_assert!(shares[0] - shares[shares.len() - 1] <= 1);
        prop_assert!(shares.is_sorted_by(|one, other| one >= other));
    }

    #[test]
    fn a_shard_is_read_as_it_is_shown(index in 0..60_u32, of in 1..40_u32) {
        let read = format!("{index}/{of}").parse::<Shard>();
        prop_assert_eq!(read.is_ok(), index <= of);
        if let Ok(shard) = read {
            prop_assert!(shard.index < shard.of);
            prop_assert_eq!(shard.to_string().parse::<Shard>(), Ok(shard));
        }
    }

    /// Any counts of a server, so also those that cannot be.
    #[test]
    fn what_tokens_cost_is_no_less_than_nothing(tokens in tokens(), input in 0.0..99.0_f64, output in 0.0..99.0_f64, cached in proptest::option::of(0.0..99.0_f64)) {
        let plain = Price { input, output, cached: None, cache_write: None, reasoning: None };
        let usd = plain.usd(&tokens);
        prop_assert!(usd.is_finite() && usd >= 0.0);
        let of_parts = Price { cached, cache_write: cached, ..plain };
        prop_assert!(of_parts.usd(&tokens).is_finite());
        // Without a price of their own, parts that fit cost what all costs.
        let fits = TokenCounts { cached: tokens.input / 2, cache_write: tokens.input / 4, reasoning: tokens.output / 3, ..tokens };
        let whole = TokenCounts { cached: 0, cache_write: 0, reasoning: 0, ..tokens };
        let (fits, whole) = (plain.usd(&fits), plain.usd(&whole));
        prop_assert!((fits - whole).abs() <= 1e-9 * whole);
    }

    #[test]
    fn an_id_is_a_name_of_a_folder_and_its_own_prefix(text in "\\PC{0,140}") {
        if let Ok(id) = text.parse::<RunId>() {
            prop_assert_eq!(id.as_str(), &text);
            prop_assert!(!text.is_empty() && !text.contains(['/', '.', '\\']));
        }
    }

    #[test]
    fn a_part_of_an_id_means_it_however_it_is_hyphenated(length in 4..36_usize, hyphens in any::<bool>()) {
        let id = RunId::new("2026-11-24T12:00:00Z".parse().unwrap()).to_string();
        let part = &id[..length];
        let written = if hyphens { part.to_owned() } else { part.replace('-', "") };
        prop_assert_eq!(is_prefix(&written, &id), written.replace('-', "").len() >= 4);
        let longer = written + "z";
        prop_assert!(!is_prefix(&longer, &id));
    }

    #[test]
    fn a_warning_is_read_as_it_was_written(count in any::<u64>(), low in 0.0..1.0_f64, word in "[a-z]{0,8}") {
        let all = [
            Warning::Degraded { reasons: vec![word.clone()] },
            Warning::Invalid { reasons: vec![word.clone(), word.clone()] },
            Warning::WarmingUp { stage: word.clone(), cut_s: low, p95: Some((low, 1.0)) },
            Warning::Unsettled { stage: word.clone() },
            Warning::NotTold { stage: word.clone(), what: Untold::Hit },
            Warning::Coalesced { stage: word.clone(), one_piece: count, streams: count, unknown_gaps: low },
            Warning::InFlight { stage: word.clone(), count },
            Warning::ErrorsCount { errors: count, bounds: Some((low, 1.0)) },
            Warning::SmallGoldenSet { cases: count, low, high: 1.0 },
            Warning::OverBudget { key: Some(word) },
            Warning::Dirty,
            Warning::Incomplete,
        ];
        for warning in all {
            let text = json!(warning).to_string();
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::from_value::<Warning>(value).unwrap(), warning);
        }
    }
}

//! What was counted adds up: any split over shards and any order of merging gives the same
//! document.

use std::time::Duration;

use proptest::prelude::*;

use super::count::{Counted, Counter};
use super::merge_stages;
use super::summarise::{TallySpec, summarise};
use crate::arrival::{Gaps, Timing};
use crate::load::plan::Measured;
use crate::load::worker::request::{Completion, testing};
use crate::manifest::{Cost, Slo};
use crate::measure::{Failure, Stamps};
use crate::metric::{Figure, Limit, Unit};
use crate::protocol::{CallFailure, Reply, Usage};
use crate::record::{RunKind, RunRecord, StageResult};
use crate::stage::Stage;

const MS: u64 = 1_000_000;
/// How long the loads last: some seconds, so that there are some intervals, and no more, because
/// each is packed and read again.
const LENGTH_MS: u64 = 3_000;
/// An answer takes less: a histogram has as many buckets as its largest value needs, and each merge
/// goes through them all.
const LONGEST_MS: u64 = 120;
const LENGTH_S: f64 = 3.0;

/// What became of one request, in ms and whole numbers.
#[derive(Clone, Debug)]
struct Outcome {
    due_ms: u64,
    took_ms: u64,
    ok: bool,
    usage: Option<u64>,
    chunks: u64,
    fallback: Option<bool>,
    hit: Option<bool>,
    gap_ms: u64,
}

/// A request that was answered, and nothing more.
fn answered(due_ms: u64, took_ms: u64) -> Outcome {
    Outcome {
        due_ms,
        took_ms,
        ok: true,
        usage: None,
        chunks: 0,
        fallback: None,
        hit: None,
        gap_ms: 1,
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let some = || proptest::option::of(any::<bool>());
    let tokens = (proptest::option::of(0..40_u64), 0..40_u64, 1..40_u64);
    let said = (some(), some());
    (0..LENGTH_MS, 1..LONGEST_MS, 0..10_u8, tokens, said).prop_map(
        |(due_ms, took_ms, luck, (usage, chunks, gap_ms), (fallback, hit))| Outcome {
            due_ms,
            took_ms,
            ok: luck > 0,
            usage,
            chunks,
            fallback,
            hit,
            gap_ms,
        },
    )
}

fn completion(outcome: &Outcome, stage: &Stage) -> Completion {
    let due = outcome.due_ms * MS;
    let end = due + outcome.took_ms * MS;
    let mut completion = testing::of(stage).answered(end).read(stage);
    completion.stamps = Stamps {
        intended: due,
        dequeued: due + 20_000,
        conn_ready: Some(due + 30_000),
        send_start: Some(due + 30_000),
        sent: Some(due + 40_000),
        first_byte: Some(end - MS / 2),
        first_content: Some(end - MS / 2),
        first_answer: Some(end - MS / 2),
        last_content: Some(end),
        end: Some(end),
    };
    completion.streams = outcome.chunks > 1;
    completion.gaps = vec![outcome.gap_ms * MS];
    completion.outcome = if outcome.ok {
        Ok(Reply {
            usage: outcome.usage.map(|output| Usage {
                input: 7,
                output,
                ..Usage::default()
            }),
            chunks: outcome.chunks,
            fallback: outcome.fallback,
            hit: outcome.hit,
            ..Reply::default()
        })
    } else {
        let failure = if outcome.hit.is_some() {
            Failure::Timeout
        } else {
            Failure::Status(500)
        };
        Err(CallFailure::new(failure, ""))
    };
    completion
}

fn slo(name: &str, value: f64, unit: Unit) -> Slo {
    Slo {
        figure: Figure::parse(name).unwrap(),
        limit: Limit { value, unit },
        span: 0..0,
    }
}

fn measured() -> Measured {
    Measured {
        name: "s".to_owned(),
        slo: vec![
            slo("response_time.p95", 100.0, Unit::Time),
            slo("error_rate", 0.05, Unit::Share),
            slo("attainment", 0.5, Unit::Share),
        ],
        is_judged: true,
        cost: Some(Cost {
            input: 3.0,
            output: 15.0,
            cached: None,
            cache_write: None,
            reasoning: None,
        }),
        owner: Some("team".to_owned()),
    }
}

fn spec() -> TallySpec {
    let timing = Timing::at(Gaps::Even, 10.0);
    TallySpec::of(&measured(), &timing)
}

/// Counts what one process saw of the load.
fn count<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Counted {
    let window = Some(LENGTH_MS * MS);
    let mut counter = Counter::new(measured().limits(), window, Duration::from_secs(1));
    let stage = testing::stage("");
    let mut outcomes: Vec<&Outcome> = outcomes.collect();
    outcomes.sort_by_key(|it| it.due_ms + it.took_ms);
    for (number, outcome) in outcomes.into_iter().enumerate() {
        counter.record(&completion(outcome, &stage), 0, true);
        counter.counts.not_sent += u64::from(outcome.took_ms % 50 == 1);
        counter.counts.sessions_begun += u64::from(outcome.took_ms % 7 == 0);
        counter.counts.connections += u64::from(number == 0);
    }
    counter.into_counted()
}

fn run(stage: StageResult) -> RunRecord {
    RunRecord {
        seed: 1,
        duration_s: LENGTH_S,
        stages: [("s".to_owned(), stage)].into(),
        ..RunRecord::begun(RunKind::Load, "peak", "r", "2026-01-01T00:00:00Z")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn shards_of_a_load_add_up_to_the_run_of_one_process(
        outcomes in proptest::collection::vec((outcome(), 0..3_usize), 1..80),
        order in Just([0, 1, 2]).prop_shuffle(),
    ) {
        let of = |shard: usize| outcomes.iter().filter(move |(_, it)| *it == shard).map(|(it, _)| it);
        let mut one = Counted::default();
        // Threads of one process.
        for shard in 0..3 {
            one.add(count(of(shard)));
        }
        let whole = summarise(&one.tally, &spec(), LENGTH_S);
        // Processes, each stored and read again.
        let shards = order.map(|shard| {
            let stage = summarise(&count(of(shard)).tally, &spec(), LENGTH_S);
            let text = serde_json::to_string(&run(stage)).unwrap();
            serde_json::from_str::<RunRecord>(&text).unwrap()
        });
        let merged = merge_stages(&shards.each_ref(), LENGTH_S).unwrap();
        prop_assert_eq!(
            serde_json::to_string(&merged["s"]).unwrap(),
            serde_json::to_string(&whole).unwrap()
        );
    }

    #[test]
    fn what_one_thread_counted_is_what_two_did(
        outcomes in proptest::collection::vec(outcome(), 1..100), cut in 0..100_usize,
    ) {
        // Of shares and rates, by which request went where: nothing but connections may depend on
        // it.
        let (left, right) = outcomes.split_at(cut.min(outcomes.len()));
        let mut two = count(left.iter());
        two.add(count(right.iter()));
        let mut one = count(outcomes.iter());
        one.tally.counts.connections = two.tally.counts.connections;
        prop_assert_eq!(one.tally.counts, two.tally.counts);
        prop_assert_eq!(one.tally.levels, two.tally.levels);
        prop_assert_eq!(one.failures, two.failures);
    }
}

#[test]
fn shards_without_counts_or_histograms_are_refused() {
    let outcome = answered(1, 5);
    let whole = summarise(&count([outcome].iter()).tally, &spec(), LENGTH_S);
    let mut old = whole.clone();
    old.tally = None;
    let error = merge_stages(&[&run(old)], LENGTH_S).unwrap_err();
    assert!(
        error.contains("stage `s`: it was written by a version"),
        "{error}"
    );
    let mut bare = whole;
    for summary in bare.metrics.values_mut() {
        summary.histogram = None;
    }
    let error = merge_stages(&[&run(bare)], LENGTH_S).unwrap_err();
    assert!(error.contains("has no histogram"), "{error}");
}

/// field 15: a run that ends by its number of requests was offered the rate of its arrivals,
/// however long the last answers took; also where shards of it are put together.
#[test]
fn the_offered_rate_is_that_of_the_arrivals() {
    let stage = testing::stage("");
    let sent = |rate: u64, of: fn(&u64) -> bool| {
        let mut counter = Counter::new(measured().limits(), None, Duration::from_secs(1));
        for number in (0..20).filter(of) {
            let outcome = Outcome {
                due_ms: number * 1_000 / rate,
                took_ms: 1_500,
                ok: true,
                usage: None,
                chunks: 1,
                fallback: None,
                hit: None,
                gap_ms: 1,
            };
            counter.record(&completion(&outcome, &stage), 0, true);
        }
        counter.into_counted()
    };
    for rate in [20, 50, 500] {
        let whole = summarise(&sent(rate, |_| true).tally, &spec(), 2.45);
        assert_eq!(whole.offered_rps, Some(rate as f64));
    }
    let mut both = sent(20, |it| it % 2 == 0);
    both.add(sent(20, |it| it % 2 == 1));
    assert_eq!(
        summarise(&both.tally, &spec(), 2.45).offered_rps,
        Some(20.0)
    );
    // One request has no rate of its own.
    let one = summarise(&sent(20, |it| *it == 0).tally, &spec(), 2.0);
    assert_eq!(one.offered_rps, Some(0.5));
}

/// field 15: where a budget ends a run, its arrivals have ended before its last answer.
#[test]
fn the_offered_rate_is_that_of_the_arrivals_when_a_budget_ends_them() {
    let stage = testing::stage("");
    let rate = |is_budgeted: bool| {
        let counter = Counter::new(Vec::new(), Some(3_000 * MS), Duration::from_secs(1));
        let mut counter = counter.budgeted(is_budgeted);
        for at in 0..20 {
            let outcome = answered(at * 50, 1_500);
            counter.record(&completion(&outcome, &stage), 0, true);
        }
        let tally = counter.into_counted().tally;
        summarise(&tally, &spec(), 2.45).offered_rps.unwrap()
    };
    assert!((rate(true) - 20.0).abs() < 0.01, "{}", rate(true));
    assert!((rate(false) - 8.16).abs() < 0.01, "{}", rate(false));
}

/// Returns whether an answer of 20 tokens, changed so, is good where that latency has a limit.
fn is_good(name: &str, change: &dyn Fn(&mut Completion)) -> bool {
    let Figure::Latency(metric, _) = Figure::parse(name).unwrap() else {
        panic!("{name} is no latency");
    };
    let mut counter = Counter::new(vec![(metric, 500 * MS)], None, Duration::from_secs(1));
    let outcome = Outcome {
        usage: Some(20),
        chunks: 20,
        gap_ms: 5,
        ..answered(0, 100)
    };
    let mut completion = completion(&outcome, &testing::stage(""));
    change(&mut completion);
    counter.record(&completion, 0, true);
    counter.counts.good == 1
}

/// verdicts G1: an answer whose latency was not seen has not kept the limit of it; one that cannot
/// have the latency is not held to it.
#[test]
fn what_was_not_seen_is_not_within_its_limit() {
    let empty = |it: &mut Completion| {
        it.stamps.first_content = None;
        it.stamps.first_answer = None;
        it.stamps.last_content = None;
        it.gaps.clear();
    };
    let one_piece = |it: &mut Completion| {
        it.stamps.first_content = it.stamps.last_content;
        it.gaps.clear();
        it.coalesced = 19;
    };
    let only_reasoning = |it: &mut Completion| it.stamps.first_answer = None;
    let one_token = |it: &mut Completion| {
        it.outcome = Ok(Reply {
            chunks: 1,
            ..Reply::default()
        });
        it.gaps.clear();
    };
    let no_stream = |it: &mut Completion| {
        empty(it);
        it.streams = false;
    };
    for name in [
        "ttft.p95",
        "ttfa.p95",
        "ttft_sched.p95",
        "tpot.p95",
        "chunk_gap.p95",
    ] {
        assert!(is_good(name, &|_| {}), "{name}");
        assert!(is_good(name, &no_stream), "{name}: not a stream");
    }
    for (name, how, change, expected) in [
        (
            "ttft.p95",
            "empty",
            &empty as &dyn Fn(&mut Completion),
            false,
        ),
        ("ttft_sched.p95", "empty", &empty, false),
        ("ttfa.p95", "reasoning", &only_reasoning, false),
        ("ttft.p95", "reasoning", &only_reasoning, true),
        ("response_time.p95", "empty", &empty, true),
        ("tpot.p95", "one piece", &one_piece, false),
        ("max_stall.p95", "one piece", &one_piece, false),
        ("chunk_gap.p95", "one piece", &one_piece, false),
        ("tpot.p95", "one token", &one_token, true),
        ("max_stall.p95", "one token", &one_token, true),
    ] {
        assert_eq!(is_good(name, change), expected, "{name}, {how}");
    }
}

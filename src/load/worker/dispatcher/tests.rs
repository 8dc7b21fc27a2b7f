//! What is due becomes requests, and what has ended figures: with times set by hand, and no socket.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::arrival::{Gaps, Timing, Users};
use crate::load::plan::{Cases, Measured, Scenario};
use crate::load::schedule::{CaseSequence, Counters};
use crate::load::wire::encode::Prepared;
use crate::load::worker::request::{Completion, testing};
use crate::manifest::{Connections, Cost};
use crate::measure::Failure;
use crate::protocol::{CallFailure, Reply, Usage};
use crate::record::Shard;
use crate::stage::Stage;
use crate::template::Scope;

const MS: u64 = 1_000_000;

fn stage(name: &str, keys: &str) -> Stage {
    let mut stage = testing::stage(keys);
    name.clone_into(&mut stage.name);
    stage
}

/// Makes a plan in which each arrival calls these stages in turn; with several, the whole is called
/// `whole`.
fn plan(stages: Vec<Stage>, timing: Timing, until: Until) -> LoadPlan {
    let first = stages[0].request(&Scope::default()).unwrap();
    let first = Prepared::new(&first, Connections::Pooled).unwrap();
    let whole = (stages.len() > 1).then(|| Measured {
        name: "whole".to_owned(),
        ..Measured::of(&stages[0])
    });
    LoadPlan {
        scenarios: vec![Scenario {
            steps: (0..stages.len()).map(StageId).collect(),
            of: "s".to_owned(),
            sequence: CaseSequence::InTurn(1),
            whole,
            share: None,
            cases: Arc::new(Cases {
                ids: Vec::new(),
                digest: None,
                requests: vec![first],
                scopes: vec![Scope::default()],
                sessions: None,
            }),
        }],
        stages,
        timing,
        honour_retry_after: false,
        connections: Connections::Pooled,
        traces: Arc::default(),
        shard: Shard::WHOLE,
        start: None,
        until,
        warmup: Duration::ZERO,
        seed: 7,
        max_requests: None,
        max_cost: None,
        max_tokens: None,
        interval: Duration::from_secs(1),
        clock: crate::measure::Clock::System,
    }
}

fn open(per_second: f64) -> Timing {
    Timing::at(Gaps::Even, per_second)
}

fn users(concurrency: u32) -> Timing {
    Timing::Closed(Users {
        concurrency,
        think_time: Duration::ZERO,
        user_rate: None,
    })
}

/// Calls `act` with the dispatcher of the only worker, whose t = 0 is at 1 s.
fn with(plan: &LoadPlan, act: impl FnOnce(Dispatcher<'_>)) {
    let shared = Shared::default();
    let counters = Counters::of(plan);
    let start = 1_000 * MS;
    let schedules = plan
        .scenario_ids()
        .map(|scenario| Schedule::new(plan, scenario, (0, 1), start, &counters[scenario]));
    let schedules = schedules.collect();
    act(Dispatcher::new(
        plan,
        &shared,
        schedules,
        start,
        Keep::default(),
    ));
}

fn due(dispatcher: &mut Dispatcher<'_>, now: u64) -> Option<Box<Request>> {
    match dispatcher.take_due(now) {
        Due::Send(request) => Some(request),
        Due::Nothing | Due::Failed => None,
    }
}

/// Answers a request with this outcome, `took` after it was taken up.
fn ended(request: Box<Request>, took: u64, outcome: Result<Reply, CallFailure>) -> Completion {
    let end = request.stamps.dequeued + took;
    let mut completion = request.answered(end).read(&testing::stage(""));
    completion.stamps.send_start = Some(completion.stamps.dequeued);
    completion.stamps.last_content = Some(end);
    completion.outcome = outcome;
    completion
}

/// The end of a request that was answered, `took` after it was taken up.
fn answered(request: Box<Request>, took: u64) -> Completion {
    ended(request, took, Ok(Reply::default()))
}

#[test]
fn arrivals_are_taken_up_when_they_are_due_and_count_from_then() {
    let plan = plan(
        vec![stage("s", "")],
        open(100.0),
        Until::Duration(Duration::from_millis(30)),
    );
    with(&plan, |mut dispatcher| {
        assert_eq!(dispatcher.next_at(), Some(1_000 * MS));
        assert!(due(&mut dispatcher, 999 * MS).is_none());
        // All three at once, late: none is left out.
        let requests: Vec<_> = std::iter::from_fn(|| due(&mut dispatcher, 1_025 * MS)).collect();
        let lags: Vec<u64> = requests
            .iter()
            .map(|it| it.stamps.schedule_lag() / MS)
            .collect();
        assert_eq!((lags, dispatcher.in_flight()), (vec![25, 15, 5], 3));
        for request in requests {
            let end = answered(request, 2 * MS);
            assert!(dispatcher.complete(end, 1_027 * MS).is_none());
        }
        assert_eq!((dispatcher.next_at(), dispatcher.in_flight()), (None, 0));
        let result = dispatcher.into_result(1_100 * MS);
        let tally = &result.counted[0].tally.counts;
        assert_eq!((tally.attempted, tally.ok, tally.not_sent), (3, 3, 0));
    });
}

#[test]
fn what_was_due_and_not_taken_up_by_the_end_was_not_sent() {
    let plan = plan(
        vec![stage("s", "")],
        open(100.0),
        Until::Duration(Duration::from_secs(1)),
    );
    with(&plan, |mut dispatcher| {
        let request = due(&mut dispatcher, 1_000 * MS).unwrap();
        dispatcher.still_open(&request);
        let result = dispatcher.into_result(1_095 * MS);
        let tally = &result.counted[0].tally.counts;
        let counts = (tally.attempted, tally.in_flight_at_end, tally.not_sent);
        assert_eq!(counts, (1, 1, 9));
    });
}

#[test]
fn a_step_starts_the_next_with_what_it_brought_and_the_whole_is_counted_apart() {
    let second = r#"body = { text = "{{ steps.first.text }}" }"#;
    let stages = vec![stage("first", ""), stage("second", second)];
    let plan = plan(stages, open(1.0), Until::Requests(1));
    with(&plan, |mut dispatcher| {
        let first = due(&mut dispatcher, 1_000 * MS).unwrap();
        let mut reply = Reply::default();
        reply.outputs.insert("text".to_owned(), "found".into());
        let end = ended(first, 10 * MS, Ok(reply));
        let second = dispatcher.complete(end, 1_011 * MS).unwrap();
        let Prepared::Http(written) = &second.prepared else {
            panic!("the stage is spoken to over HTTP");
        };
        assert!(written.bytes.ends_with(br#"{"text":"found"}"#));
        assert_eq!(
            (second.stamps.intended, second.stamps.dequeued),
            (1_010 * MS, 1_011 * MS)
        );
        let end = answered(second, 5 * MS);
        assert!(dispatcher.complete(end, 1_016 * MS).is_none());
        let counted = dispatcher.into_result(1_016 * MS).counted;
        let tallies: Vec<_> = counted.into_iter().map(|it| it.tally).collect();
        assert_eq!(
            tallies.iter().map(|it| it.counts.ok).collect::<Vec<_>>(),
            [1, 1, 1]
        );
        let whole = &tallies[2].distributions[&LatencyMetric::ResponseTime].all;
        assert!((whole.quantile_ms(0.5).unwrap() - 16.0).abs() < 0.1);
    });
}

#[test]
fn a_step_that_fails_ends_the_way_and_the_rest_is_not_asked() {
    let stages = vec![stage("first", ""), stage("second", "")];
    let plan = plan(stages, open(1.0), Until::Requests(1));
    with(&plan, |mut dispatcher| {
        let first = due(&mut dispatcher, 1_000 * MS).unwrap();
        let failed = CallFailure::new(Failure::Timeout, String::new());
        let end = ended(first, MS, Err(failed));
        assert!(dispatcher.complete(end, 1_001 * MS).is_none());
        let tallies = dispatcher.into_result(1_001 * MS).counted;
        let attempted: Vec<u64> = tallies.iter().map(|it| it.tally.counts.attempted).collect();
        assert_eq!(attempted, [1, 0, 1]);
        assert_eq!(tallies[2].failures[&Failure::Timeout], 1);
    });
}

#[test]
fn a_user_asks_again_only_when_the_answer_has_come() {
    let plan = plan(vec![stage("s", "")], users(1), Until::Requests(2));
    with(&plan, |mut dispatcher| {
        let first = due(&mut dispatcher, 1_000 * MS).unwrap();
        assert_eq!(dispatcher.next_at(), None);
        let end = answered(first, 40 * MS);
        dispatcher.complete(end, 1_041 * MS);
        assert_eq!(dispatcher.next_at(), Some(1_040 * MS));
        let second = due(&mut dispatcher, 1_042 * MS).unwrap();
        let end = answered(second, MS);
        dispatcher.complete(end, 1_043 * MS);
        assert!(due(&mut dispatcher, 2_000 * MS).is_none());
    });
}

#[test]
fn a_user_whose_request_could_not_be_sent_asks_again_later() {
    let plan = plan(vec![stage("s", "")], users(1), Until::Requests(2));
    with(&plan, |mut dispatcher| {
        let request = due(&mut dispatcher, 1_000 * MS).unwrap();
        dispatcher.not_sent(request, 1_000 * MS);
        assert_eq!(dispatcher.next_at(), Some(1_010 * MS));
        let result = dispatcher.into_result(1_001 * MS);
        assert_eq!(
            (result.exhausted, result.counted[0].tally.counts.not_sent),
            (1, 1)
        );
    });
}

#[test]
fn a_budget_ends_the_run_before_it_is_overrun() {
    let mut dear = stage("s", "");
    dear.cost = Some(Cost {
        input: 0.0,
        output: 10.0,
        cached: None,
        cache_write: None,
        reasoning: None,
    });
    let mut plan = plan(vec![dear], users(2), Until::Requests(100));
    plan.max_requests = Some(3);
    with(&plan, |mut dispatcher| {
        for _ in 0..2 {
            assert!(due(&mut dispatcher, 1_000 * MS).is_some());
        }
    });
    plan.max_requests = None;
    plan.max_cost = Some(0.01);
    with(&plan, |mut dispatcher| {
        let request = due(&mut dispatcher, 1_000 * MS).unwrap();
        let reply = Reply {
            usage: Some(Usage {
                input: 5,
                output: 1_000,
                ..Usage::default()
            }),
            ..Reply::default()
        };
        let end = ended(request, MS, Ok(reply));
        dispatcher.complete(end, 1_001 * MS);
        assert!(due(&mut dispatcher, 1_002 * MS).is_none());
        let over = dispatcher.into_result(1_002 * MS).over_budget;
        assert_eq!(over, Some(Budget::Cost));
    });
}

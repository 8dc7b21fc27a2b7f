//! Answers that nobody gave, held against idle; and what is asked before the load.

use std::sync::Arc;

use super::*;
use crate::arrival::{Gaps, Level, Levels};
use crate::load::{Cases, Sessions, StageId};
use crate::manifest::Connections;
use crate::stage::{Stage, testing};

fn stage(name: &str) -> Stage {
    Stage {
        name: name.to_owned(),
        ..testing::http("")
    }
}

/// A scenario of that name that calls these targets with these cases.
fn scenario(of: &str, steps: &[usize], ids: &[&str]) -> Scenario {
    Scenario {
        steps: steps.iter().copied().map(StageId).collect(),
        of: of.to_owned(),
        sequence: CaseSequence::Shuffled(ids.len() as u64),
        whole: None,
        share: None,
        cases: Arc::new(Cases {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            digest: None,
            requests: Vec::new(),
            scopes: Vec::new(),
            sessions: None,
        }),
    }
}

fn plan(scenarios: Vec<Scenario>) -> LoadPlan {
    LoadPlan {
        stages: vec![stage("retrieve"), stage("llm")],
        scenarios,
        timing: Timing::at(Gaps::Even, 20.0),
        honour_retry_after: false,
        connections: Connections::Pooled,
        traces: Arc::default(),
        shard: Shard::WHOLE,
        start: None,
        until: Until::Duration(Duration::from_secs(10)),
        warmup: Duration::from_secs(2),
        seed: 1,
        max_requests: None,
        max_cost: None,
        max_tokens: None,
        interval: Duration::from_secs(1),
        clock: crate::measure::Clock::System,
    }
}

fn golden() -> BTreeSet<&'static str> {
    BTreeSet::from(["a", "b", "c"])
}

#[test]
fn each_case_is_asked_once_by_one_user_before_the_load() {
    let load = plan(vec![scenario("chat", &[0, 1], &["a", "b", "x"])]);
    let idle = alone(&load, "llm", &golden()).unwrap();
    assert!(matches!(idle.timing, Timing::Closed(users) if users.concurrency == 1));
    assert!(matches!(
        idle.scenarios[0].sequence,
        CaseSequence::InTurn(3)
    ));
    // Three cases of two steps each.
    assert_eq!((idle.max_requests, idle.max_cost), (Some(6), None));
    assert_eq!(
        (idle.until, idle.warmup),
        (Until::Duration(IDLE), Duration::ZERO)
    );
}

#[test]
fn of_several_scenarios_the_one_with_most_known_cases_is_asked() {
    let load = plan(vec![
        scenario("retrieve", &[0], &["a", "b", "c"]),
        scenario("llm", &[1], &["a", "x", "y", "z"]),
        scenario("llm", &[1], &["a", "b"]),
    ]);
    let ids = |stage| {
        let idle = alone(&load, stage, &golden())?;
        Some(idle.scenarios[0].cases.ids.join(" "))
    };
    assert_eq!(ids("llm").as_deref(), Some("a b"));
    assert_eq!(ids("retrieve").as_deref(), Some("a b c"));
    assert_eq!(ids("rerank"), None);
    let unknown = plan(vec![scenario("llm", &[1], &["x"])]);
    assert!(alone(&unknown, "llm", &golden()).is_none());
}

#[test]
fn sessions_are_asked_whole() {
    let mut talk = scenario("llm", &[1], &["a", "b", "c"]);
    talk.cases = Arc::new(Cases {
        ids: talk.cases.ids.clone(),
        digest: None,
        requests: Vec::new(),
        scopes: Vec::new(),
        sessions: Some(Sessions {
            turns: vec![vec![0, 1], vec![2]],
            think_time: Duration::ZERO,
            run: 1,
        }),
    });
    let idle = alone(&plan(vec![talk]), "llm", &golden()).unwrap();
    assert!(matches!(
        idle.scenarios[0].sequence,
        CaseSequence::InTurn(2)
    ));
    assert_eq!(idle.max_requests, Some(3));
}

#[test]
fn a_shard_and_a_load_with_a_given_start_have_no_time_for_it() {
    let whole = plan(vec![scenario("llm", &[1], &["a"])]);
    let shard = LoadPlan {
        shard: "1/2".parse().unwrap(),
        ..whole.clone()
    };
    let later = LoadPlan {
        start: Some(1),
        ..whole.clone()
    };
    assert!(alone(&whole, "llm", &golden()).is_some());
    assert!(alone(&shard, "llm", &golden()).is_none());
    assert!(alone(&later, "llm", &golden()).is_none());
}

#[test]
fn idle_takes_at_most_half_of_the_budgets_and_the_load_has_the_rest() {
    let load = LoadPlan {
        max_requests: Some(5),
        max_cost: Some(0.4),
        ..plan(vec![scenario("llm", &[1], &["a", "b", "c"])])
    };
    let idle = alone(&load, "llm", &golden()).unwrap();
    assert_eq!((idle.max_requests, idle.max_cost), (Some(2), Some(0.2)));
    let spent = |attempted, cost_usd| StageResult {
        attempted,
        cost_usd: Some(cost_usd),
        ..StageResult::default()
    };
    let stages = BTreeMap::from([
        ("llm".to_owned(), spent(2, 0.1)),
        // The whole of a pipeline sends nothing itself.
        ("chat".to_owned(), spent(2, 0.1)),
    ]);
    let left = what_is_left(&load, &stages);
    assert_eq!(left.max_requests, Some(3));
    assert!((left.max_cost.unwrap() - 0.3).abs() < 1e-9);
    let over = BTreeMap::from([("llm".to_owned(), spent(9, 1.0))]);
    let left = what_is_left(&load, &over);
    assert_eq!((left.max_requests, left.max_cost), (Some(0), Some(0.0)));
}

/// An answer that was due in that second of the load.
fn answer(due_s: f64, id: usize, passed: bool) -> Answer {
    Answer {
        due_s,
        good_in_window: true,
        case: GradedCase::made_up(&format!("q{id}"), None, passed),
    }
}

fn two_steps() -> LoadSteps {
    let level = |rate| Level {
        rate,
        length_s: 10.0,
    };
    let timing = Timing::Drawn {
        gaps: Gaps::Even,
        curve: Arc::new(Levels {
            levels: [level(10.0), level(40.0)].into(),
            again: false,
        }),
    };
    LoadSteps::of(&timing, 20.0)
}

#[test]
fn each_step_is_held_against_idle_case_by_case() {
    let idle: Vec<Answer> = (0..20).map(|id| answer(0.0, id, true)).collect();
    // At 10/s all is as right as before; at 40/s half of it is wrong.
    let slow = (0..20).map(|id| answer(5.0, id, true));
    let fast = (0..20).map(|id| answer(15.0, id, id % 2 == 0));
    let answers: Vec<Answer> = slow.chain(fast).collect();
    let found = by_step(&two_steps(), &answers, Some(&idle));
    let rates: Vec<Option<(f64, f64)>> = found.iter().map(|it| it.rate).collect();
    assert_eq!(rates, [Some((10.0, 10.0)), Some((40.0, 40.0))]);
    assert_eq!((found[1].answers, found[1].cases), (20, 20));
    assert!((found[1].pass_rate - 0.5).abs() < 1e-9);
    let change = |step: usize| found[step].change.clone().unwrap();
    assert!(change(0).value.abs() < 1e-9 && change(0).low.unwrap() < 0.0);
    assert!((change(1).value + 0.5).abs() < 1e-9 && change(1).high.unwrap() < 0.0);
    assert_eq!(change(1).cases, 20);
}

#[test]
fn few_cases_have_a_change_without_interval_and_other_cases_none() {
    let idle: Vec<Answer> = (0..5).map(|id| answer(0.0, id, true)).collect();
    let answers: Vec<Answer> = (0..5).map(|id| answer(5.0, id, false)).collect();
    let found = by_step(&two_steps(), &answers, Some(&idle));
    // Nothing came back at 40/s.
    assert_eq!(found.len(), 1);
    let change = found[0].change.clone().unwrap();
    assert_eq!((change.cases, change.low, change.high), (5, None, None));
    let others: Vec<Answer> = (10..15).map(|id| answer(5.0, id, false)).collect();
    assert_eq!(by_step(&two_steps(), &others, Some(&idle))[0].change, None);
    assert_eq!(by_step(&two_steps(), &others, None)[0].change, None);
}

#[test]
fn the_right_goodput_is_the_share_of_good_answers_that_passed() {
    let late = Answer {
        good_in_window: false,
        ..answer(1.0, 3, true)
    };
    let answers = [answer(1.0, 1, true), answer(1.0, 2, false), late];
    // Of four good answers one was right, and one had no case in the golden set.
    assert!((right_goodput(40.0, 4, &answers) - 10.0).abs() < 1e-9);
    assert!(right_goodput(40.0, 0, &[]).abs() < 1e-9);
}

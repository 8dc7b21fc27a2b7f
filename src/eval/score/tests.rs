//! Pass rates, scores, slices, and errors of graded suites.

use serde_json::{Map, Value, json};
use std::time::Duration;

use super::*;
use crate::eval::attempt::Answer;
use crate::eval::check::Checks;
use crate::eval::plan::OUTPUT_BYTES;
use crate::eval::question::Told;
use crate::eval::testing::{plan, step, words};
use crate::manifest::{KindTable, Problems};
use crate::measure::Failure;
use crate::protocol::CallFailure;
use crate::protocol::Reply;
use crate::stats::wilson;

fn suite(cases: &[Value], repeats: u32) -> EvalPlan {
    plan(
        step("gateway", "127.0.0.1:1".parse().unwrap()),
        cases,
        repeats,
    )
}

fn answer(text: &str) -> Attempt {
    Attempt {
        outcome: Ok(Answer {
            reply: Reply::of_text(text),
            response_time_ms: 2.5,
        }),
        steps: Map::new(),
        retries: 0,
        asked_pause: Duration::ZERO,
        told: Told::new(),
        trace: None,
    }
}

fn error(failure: Failure) -> Attempt {
    Attempt {
        outcome: Err(CallFailure::new(failure, "no luck")),
        ..answer("")
    }
}

/// Grades the answers `(case, repeat, attempt)`.
fn graded(plan: &EvalPlan, attempts: &[(usize, u32, Attempt)]) -> EvalResult {
    let graded = attempts
        .iter()
        .map(|(index, repeat, attempt)| GradedCase::grade(plan, *index, *repeat, attempt));
    score(plan, graded.collect())
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-9,
        "{found}, expected {expected}"
    );
}

#[test]
fn one_pass_rate_is_a_wilson_interval() {
    let plan = suite(&words(4), 1);
    let attempts = [
        (0, 0, answer("w0")),
        (1, 0, answer("w1")),
        (2, 0, answer("w2")),
        (3, 0, answer("wrong")),
    ];
    let result = graded(&plan, &attempts);
    let interval = wilson(3.0, 4.0, 0.95);
    assert_eq!(result.pass_rate.method, "wilson");
    assert_eq!(result.pass_rate.bounds, None);
    close(result.pass_rate.value, 0.75);
    close(result.pass_rate.low, interval.low);
    close(result.pass_rate.high, interval.high);
    close(result.assertions["equals"].score, 0.75);
    close(result.assertions["equals"].low, interval.low);
    assert_eq!((result.errors, result.golden.cases), (0, 4));
}

#[test]
fn repeats_of_a_case_are_not_new_cases() {
    let plan = suite(&words(10), 4);
    let mut attempts = Vec::new();
    for index in 0..10 {
        for repeat in 0..4 {
            let text = if index < 7 {
                format!("w{index}")
            } else {
                "x".to_owned()
            };
            attempts.push((index, repeat, answer(&text)));
        }
    }
    let result = graded(&plan, &attempts);
    // Ten cases, and t on 9 degrees in place of the normal (statistics 7.4).
    let few = (1.959_964_f64 / 2.262_157).powi(2);
    let as_cases = wilson(7.0 * few, 10.0 * few, 0.95);
    let as_attempts = wilson(28.0, 40.0, 0.95);
    assert_eq!(result.pass_rate.method, "wilson-deff");
    close(result.pass_rate.value, 0.7);
    let width = result.pass_rate.high - result.pass_rate.low;
    assert!(width > 1.5 * (as_attempts.high - as_attempts.low));
    assert!((width - (as_cases.high - as_cases.low)).abs() < 0.05);
}

#[test]
fn groups_are_clusters() {
    let case =
        |at: usize| json!({"id": format!("c{at}"), "input": "x", "expected": "y", "group": at / 5});
    let cases: Vec<Value> = (0..20).map(case).collect();
    let grouped = suite(&cases, 1);
    let attempts: Vec<_> = (0..20)
        .map(|at| (at, 0, answer(if at < 10 { "y" } else { "n" })))
        .collect();
    let result = graded(&grouped, &attempts);
    assert_eq!(result.pass_rate.method, "wilson-deff");
    let independent = wilson(10.0, 20.0, 0.95);
    assert!(result.pass_rate.high - result.pass_rate.low > independent.high - independent.low);
    assert_eq!(result.cases[7].group.as_deref(), Some("1"));
}

#[test]
fn an_errored_case_stays_in_the_denominator_and_is_counted_by_kind() {
    let mut plan = suite(&words(4), 1);
    plan.must_pass = vec!["c1".to_owned(), "c0".to_owned()];
    let attempts = [
        (2, 0, error(Failure::Timeout)),
        (0, 0, answer("w0")),
        (3, 0, error(Failure::Status(500))),
        (1, 0, error(Failure::Timeout)),
    ];
    let result = graded(&plan, &attempts);
    close(result.pass_rate.value, 0.25);
    assert_eq!(result.pass_rate.bounds, Some((0.25, 1.0)));
    assert_eq!(result.errors, 3);
    let kinds = [("status 500", 1), ("timeout", 2)].map(|(kind, count)| (kind.to_owned(), count));
    assert_eq!(result.error_kinds, BTreeMap::from(kinds));
    assert_eq!(result.must_pass_broken, ["c1"]);
    close(result.assertions["equals"].score, 0.25);
    let ids: Vec<&str> = result.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["c0", "c1", "c2", "c3"]);
    assert_eq!(result.cases[1].error.as_deref(), Some("timeout: no luck"));
    assert_eq!(result.cases[1].response_time_ms, None);
}

#[test]
fn an_unscored_answer_is_the_judges_error_and_is_kept() {
    let cases = [
        json!({"id": "a", "input": "x", "expected": "y"}),
        json!({"id": "b", "input": "x"}),
    ];
    let plan = suite(&cases, 1);
    let result = graded(&plan, &[(0, 0, answer("y")), (1, 0, answer("y"))]);
    assert_eq!(
        result.error_kinds,
        BTreeMap::from([(ErrorKind::Unscored.to_string(), 1)])
    );
    let unscored = &result.cases[1];
    assert!(!unscored.passed);
    assert_eq!(unscored.output.as_deref(), Some("y"));
    assert_eq!(
        unscored.error.as_deref(),
        Some("unscored: equals: the case has no `expected`")
    );
    assert!(unscored.assertions.is_empty());
    assert_eq!(result.pass_rate.bounds, Some((0.5, 1.0)));
}

#[test]
fn slices_follow_the_tags() {
    let case =
        |id: &str, tags: Value| json!({"id": id, "input": "x", "expected": "y", "tags": tags});
    let cases = [
        case("a", json!({"lang": "de", "topic": "x"})),
        case("b", json!({"lang": "de"})),
        case("c", json!({"lang": "en", "topic": "x"})),
        case("d", json!({})),
    ];
    let mut plan = suite(&cases, 2);
    plan.slice_by = vec!["lang".to_owned(), "topic".to_owned()];
    let texts = ["n", "y", "y", "y"];
    let mut attempts = Vec::new();
    for repeat in 0..2 {
        attempts.extend(
            texts
                .iter()
                .enumerate()
                .map(|(at, text)| (at, repeat, answer(text))),
        );
    }
    let result = graded(&plan, &attempts);
    let slices: Vec<(&str, u64, f64)> = result
        .slices
        .iter()
        .map(|(name, slice)| (name.as_str(), slice.cases, slice.value))
        .collect();
    assert_eq!(
        slices,
        [
            ("lang=de", 2, 0.5),
            ("lang=en", 1, 1.0),
            ("topic=x", 2, 0.5)
        ]
    );
    let de = &result.slices["lang=de"];
    assert!(de.low < 0.5 && de.high > 0.5);
}

#[test]
fn nothing_graded_is_no_number_out_of_range() {
    let result = graded(&suite(&words(3), 1), &[]);
    assert_eq!(
        (
            result.pass_rate.value,
            result.pass_rate.low,
            result.pass_rate.high
        ),
        (0.0, 0.0, 1.0)
    );
    assert!(serde_json::to_string(&result).is_ok());
}

#[test]
fn a_long_answer_is_stored_shortened_on_a_character() {
    let plan = suite(&words(1), 1);
    let long = "ü".repeat(OUTPUT_BYTES);
    let result = graded(&plan, &[(0, 0, answer(&long))]);
    let stored = result.cases[0].output.as_deref().unwrap();
    assert_eq!(stored.len(), OUTPUT_BYTES + '…'.len_utf8());
    assert!(stored.ends_with("ü…"));
}

// security 5
#[test]
fn of_many_answers_less_is_stored_of_each_and_nothing_is_held_beyond_that() {
    let most = |cases: usize, repeats| suite(&words(cases), repeats).most_of_an_output();
    assert_eq!([most(1, 1), most(512, 1), most(64, 8)], [OUTPUT_BYTES; 3]);
    assert_eq!([most(2048, 1), most(512, 4)], [16 * 1024; 2]);
    assert_eq!(most(1000, 1000), 2 * 1024);
    let plan = suite(&words(1), 1);
    let result = graded(&plan, &[(0, 0, answer(&"x".repeat(9_000_000)))]);
    let stored = result.cases[0].output.as_ref().unwrap();
    assert!(
        stored.capacity() < 2 * OUTPUT_BYTES,
        "{}",
        stored.capacity()
    );
}

/// field 26
#[test]
fn a_case_that_does_not_count_is_no_part_of_the_mean() {
    let mut plan = suite(
        &[
            json!({"id": "some", "input": "x", "expected": {"ids": ["a"]}}),
            json!({"id": "none", "input": "x", "expected": {"ids": [], "none": true}}),
        ],
        1,
    );
    let tables = [
        KindTable::from_toml("recall", ""),
        KindTable::from_toml("precision", ""),
    ];
    plan.checks = Checks::parse(&tables, &mut Problems::default()).into();
    let ids = |ids: Value| {
        let mut reply = Reply::default();
        reply.outputs.insert("ids".to_owned(), ids);
        Attempt {
            outcome: Ok(Answer {
                reply,
                response_time_ms: 2.5,
            }),
            ..answer("")
        }
    };
    let result = graded(
        &plan,
        &[(0, 0, ids(json!(["a"]))), (1, 0, ids(json!(["b"])))],
    );
    assert_eq!(result.errors, 0);
    close(result.assertions["recall"].score, 1.0);
    close(result.assertions["precision"].score, 0.5);
    close(result.pass_rate.value, 0.5);
    let only_none = graded(&plan, &[(1, 0, ids(json!([])))]);
    assert!(!only_none.assertions.contains_key("recall"));
    close(only_none.pass_rate.value, 1.0);
}

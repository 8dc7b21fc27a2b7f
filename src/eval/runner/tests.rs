//! Whole suites against a server: what is asked, what is kept, what is asked again.

use std::fs;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::eval::check::Checks;
use crate::eval::testing::{
    Server, checks, fresh, key, plan, run_fresh, run_with, step, try_with, words,
};
use crate::manifest::{KindTable, Problems};
use crate::template::Secrets;

/// The result without the times, which no two runs share.
fn timeless(mut result: EvalResult) -> serde_json::Value {
    for case in &mut result.cases {
        case.response_time_ms = None;
    }
    serde_json::to_value(result).unwrap()
}

#[test]
fn every_case_is_asked_as_often_as_it_is_repeated() {
    let server = Server::echo();
    let run = run_fresh(plan(server.step("gateway"), &words(7), 3));
    assert!(run.complete && !run.never_reached);
    assert_eq!(run.result.pass_rate.value, 1.0);
    assert_eq!(run.result.cases.len(), 21);
    assert!(server.asked().values().all(|count| *count == 3));
    let order: Vec<(&str, u32)> = run.result.cases[..4]
        .iter()
        .map(|case| (case.id.as_str(), case.repeat))
        .collect();
    assert_eq!(order, [("c0", 0), ("c0", 1), ("c0", 2), ("c1", 0)]);
    assert!(
        run.result
            .cases
            .iter()
            .all(|case| case.response_time_ms.is_some())
    );
}

/// Answers `w3` with an error the first time it is asked, and `w5` always wrongly.
fn flaky() -> Server {
    Server::new(|count, body| match body["input"].as_str() {
        Some("w3") if count == 1 => (500, "", "broken".to_owned()),
        Some("w5") => (200, "", json!({"text": "wrong"}).to_string()),
        _ => (200, "", json!({"text": body["input"]}).to_string()),
    })
}

/// Like [`flaky`] without the error.
fn steady() -> Server {
    Server::new(|_, body| match body["input"].as_str() {
        Some("w5") => (200, "", json!({"text": "wrong"}).to_string()),
        _ => (200, "", json!({"text": body["input"]}).to_string()),
    })
}

#[test]
fn cut_anywhere_a_resumed_run_asks_only_what_has_no_answer_and_reports_the_same() {
    let uninterrupted = timeless(run_fresh(plan(steady().step("gateway"), &words(6), 2)).result);
    let dir = tempfile::tempdir().unwrap();
    let suite = |server: &Server| plan(server.step("gateway"), &words(6), 2);
    // The kill: what a process leaves behind is the journal, up to some byte of it.
    let first = suite(&steady());
    let journal = fresh(dir.path(), &first);
    drop(run_with(first, journal));
    let path = fs::read_dir(dir.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let bytes = fs::read(&path).unwrap();
    let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in (header..=bytes.len()).step_by(97).chain([bytes.len()]) {
        fs::write(&path, &bytes[..cut]).unwrap();
        let server = steady();
        let second = suite(&server);
        let journal = Journal::resume(dir.path(), &key(&second), &second.scope.secrets)
            .unwrap()
            .unwrap();
        let kept = journal.answered();
        let run = run_with(second, journal);
        assert!(run.complete);
        assert_eq!(server.asked().values().sum::<usize>(), 12 - kept);
        assert_eq!(timeless(run.result), uninterrupted, "cut at {cut}");
    }
}

#[test]
fn an_error_is_asked_again_by_the_next_resume() {
    let dir = tempfile::tempdir().unwrap();
    let server = flaky();
    let first = plan(server.step("gateway"), &words(6), 1);
    let journal = fresh(dir.path(), &first);
    let run = run_with(first, journal);
    assert_eq!((run.result.errors, run.result.retries), (1, 0));
    assert_eq!(run.reasons.keys().collect::<Vec<_>>(), ["c3", "c5"]);
    assert!(run.reasons["c3"].contains("answered 500 Internal Server Error: broken"));
    assert_eq!(run.reasons["c5"], "equals: expected `w5`, got `wrong`");
    drop(run);
    let second = plan(server.step("gateway"), &words(6), 1);
    let journal = Journal::resume(dir.path(), &key(&second), &second.scope.secrets)
        .unwrap()
        .unwrap();
    let run = run_with(second, journal);
    assert_eq!(run.result.errors, 0);
    let asked = server.asked();
    assert_eq!(asked["w3"], 2);
    assert_eq!(asked.values().sum::<usize>(), 7);
}

#[test]
fn an_interruption_keeps_the_answers_and_ends_soon() {
    let dir = tempfile::tempdir().unwrap();
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    let server = Server::new(move |_, body| {
        if body["input"] == "w5" {
            flag.store(true, Ordering::Relaxed);
            std::thread::sleep(Duration::from_secs(30));
        }
        (200, "", json!({"text": body["input"]}).to_string())
    });
    let mut suite = plan(server.step("gateway"), &words(40), 1);
    suite.concurrency = 1;
    let journal = fresh(dir.path(), &suite);
    let run = try_with(suite, journal, &interrupted).unwrap();
    assert!(!run.complete);
    assert!(run.duration < Duration::from_secs(10));
    assert_eq!(run.result.cases.len(), 5);
    drop(run);
    let again = Server::echo();
    let suite = plan(again.step("gateway"), &words(40), 1);
    let journal = Journal::resume(dir.path(), &key(&suite), &suite.scope.secrets)
        .unwrap()
        .unwrap();
    let run = run_with(suite, journal);
    assert!(run.complete);
    assert_eq!(again.asked().len(), 35);
    run.journal.remove().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_busy_stage_is_asked_again_and_a_wrong_answer_is_not() {
    let server = Server::new(|count, body| match (body["input"].as_str(), count) {
        (Some("w0"), 1) => (429, "retry-after: 0.01\r\n", String::new()),
        (Some("w0"), 2) => (503, "retry-after: 0\r\n", String::new()),
        (Some("w1"), _) => (429, "retry-after: 0\r\n", String::new()),
        (Some("w2"), _) => (429, "retry-after: 18000000000000000000\r\n", String::new()),
        (Some("w3"), _) => (200, "", json!({"text": "wrong"}).to_string()),
        _ => (200, "", json!({"text": body["input"]}).to_string()),
    });
    let run = run_fresh(plan(server.step("gateway"), &words(5), 1));
    let asked: Vec<usize> = server.asked().into_values().collect();
    assert_eq!(asked, [3, 3, 1, 1, 1]);
    assert_eq!(run.result.retries, 4);
    assert_eq!(run.result.error_kinds["status 429"], 2);
    let passed: Vec<bool> = run.result.cases.iter().map(|case| case.passed).collect();
    assert_eq!(passed, [true, false, false, false, true]);
}

#[test]
fn a_stage_that_is_not_there_was_never_reached_and_is_given_up() {
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let run = run_fresh(plan(step("gateway", address), &words(400), 1));
    assert!(run.never_reached && run.complete);
    assert_eq!(run.result.errors, 400);
    assert_eq!(run.result.error_kinds["connect"], 400);
    let unsent = run.result.cases.iter().filter(|case| {
        case.error
            .as_ref()
            .unwrap()
            .contains("not asked, as nothing was reached before")
    });
    assert!((1..=300).contains(&unsent.count()));
}

#[test]
fn a_stage_that_only_fails_was_reached() {
    let server = Server::new(|_, _| (500, "", String::new()));
    let run = run_fresh(plan(server.step("gateway"), &words(3), 1));
    assert!(!run.never_reached && run.complete);
    assert_eq!(run.result.error_kinds["status 500"], 3);
}

#[test]
fn a_request_that_cannot_be_written_is_our_error() {
    let server = Server::echo();
    let cases = [words(1), vec![json!({"id": "x", "input": "unwritable"})]].concat();
    let run = run_fresh(plan(server.step("gateway"), &cases, 1));
    assert_eq!(
        run.result.cases[1].error.as_deref(),
        Some("request: `{{ input.question }}` cannot be filled: `input` has no `question`")
    );
    assert_eq!(run.result.error_kinds["request"], 1);
}

/// A target that answers with the ids which the step before it found, and a step that finds
/// `<input>!`.
fn pipeline() -> (Server, Server) {
    let retrieve = Server::new(|_, body| {
        let id = format!("{}!", body["input"].as_str().unwrap());
        (200, "", json!({"text": "", "ids": [id]}).to_string())
    });
    let target = Server::new(|_, body| {
        let text = body["steps"]["retrieve"]["ids"][0].clone();
        (200, "", json!({"text": text}).to_string())
    });
    (retrieve, target)
}

#[test]
fn the_steps_before_run_once_a_case_and_come_from_the_journal_on_resume() {
    let dir = tempfile::tempdir().unwrap();
    let (retrieve, target) = pipeline();
    let suite = || {
        let mut suite = plan(target.step("rerank"), &words(3), 4);
        suite.before = vec![retrieve.step("retrieve")];
        suite.checks = Arc::new(checks(&[("equals", "value = '{{ input }}!'")]));
        suite
    };
    let first = suite();
    let journal = fresh(dir.path(), &first);
    let run = run_with(first, journal);
    assert_eq!(run.result.pass_rate.value, 1.0);
    assert!(retrieve.asked().values().all(|count| *count == 1));
    assert_eq!(target.asked().values().sum::<usize>(), 12);
    drop(run);
    let path = fs::read_dir(dir.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().take(1 + 3).collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    let second = suite();
    let journal = Journal::resume(dir.path(), &key(&second), &second.scope.secrets)
        .unwrap()
        .unwrap();
    assert_eq!(journal.answered(), 3);
    let run = run_with(second, journal);
    assert_eq!(run.result.pass_rate.value, 1.0);
    assert!(retrieve.asked().values().sum::<usize>() <= 5);
    assert_eq!(target.asked().values().sum::<usize>(), 12 + 9);
}

#[test]
fn a_step_that_fails_names_itself() {
    let (_, target) = pipeline();
    let broken = Server::new(|_, _| (500, "", "no index".to_owned()));
    let mut suite = plan(target.step("rerank"), &words(1), 1);
    suite.before = vec![broken.step("retrieve")];
    let run = run_fresh(suite);
    let error = run.result.cases[0].error.as_deref().unwrap();
    assert!(
        error.starts_with("status 500: step `retrieve`: http://127.0.0.1:"),
        "{error}"
    );
    assert!(target.asked().is_empty());
}

#[test]
fn secrets_are_neither_stored_nor_journaled() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(|_, body| match body["input"].as_str() {
        Some("w0") => (401, "", "bad key hunter22".to_owned()),
        _ => (200, "", json!({"text": "your key is hunter22"}).to_string()),
    });
    let mut suite = plan(server.step("gateway"), &words(2), 1);
    let lookup = |_: &str| Some("hunter22".to_owned());
    suite.scope.secrets = Arc::new(Secrets::resolve(["KEY"], &lookup).unwrap_or_default());
    let journal = fresh(dir.path(), &suite);
    let run = run_with(suite, journal);
    let path = fs::read_dir(dir.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let stored = format!("{:?}{}", run, fs::read_to_string(path).unwrap());
    assert!(!stored.contains("hunter22"), "{stored}");
    assert!(stored.contains("your key is ***") && stored.contains("bad key ***"));
}

/// field 1
#[test]
fn answers_are_graded_as_the_stage_gave_them() {
    let graded = |secret: &str, kind: &str, toml: &str, answer: serde_json::Value| {
        let server = Server::new(move |_, _| (200, "", answer.to_string()));
        let case = json!({"id": "q", "input": "x", "expected": {"ids": [format!("{secret}-1")]}});
        let mut suite = plan(server.step("gateway"), &[case], 1);
        let lookup = |_: &str| Some(secret.to_owned());
        suite.scope.secrets = Arc::new(Secrets::resolve(["API_KEY"], &lookup).unwrap());
        let table = KindTable::from_toml(kind, toml);
        let mut problems = Problems::default();
        suite.checks = Arc::new(Checks::parse(&[table], &mut problems));
        assert!(problems.is_empty(), "{problems:?}");
        run_fresh(suite).result.cases.remove(0)
    };
    let plan = json!({"text": "Here is the test plan"});
    let case = graded("test", "contains", "value = 'test plan'", plan);
    assert!(case.passed);
    assert_eq!(case.output.as_deref(), Some("Here is the *** plan"));
    let total = json!({"text": "The total is 1234.50"});
    assert!(graded("1234", "numeric", "value = 1234.5", total).passed);
    let ids = json!({"ids": ["dummy-1", "d2"]});
    assert!(graded("dummy", "recall", "", ids.clone()).passed);
    let case = graded("dummy", "mrr", "value = 'd2'", ids);
    assert_eq!(case.score, 0.5);
    assert!(!case.output.unwrap().contains("dummy"));
    let none = json!({"text": "none"});
    assert!(graded("none", "equals", "value = 'none'", none.clone()).passed);
    let missed = graded("none", "matches", "pattern = 'x'", none);
    assert!(!missed.passed);
    let unclear = json!({"text": "1234,5"});
    let case = graded("1234", "numeric", "value = 1", unclear);
    assert!(!case.error.unwrap().contains("1234"));
}

/// field 17
#[test]
fn what_an_assertion_has_to_tell_is_told_once() {
    let mut graded = vec![
        GradedCase::made_up("a", None, true),
        GradedCase::made_up("b", None, true),
    ];
    for case in &mut graded {
        case.notes = vec![("json_path".to_owned(), "`$.id` is in both".to_owned())];
    }
    assert_eq!(
        notes(&graded),
        ["json_path, in 2 answers: `$.id` is in both"]
    );
}

#[test]
fn events_frame_the_run() {
    let server = Server::echo();
    let suite = Arc::new(plan(server.step("gateway"), &words(5), 2));
    let dir = tempfile::tempdir().unwrap();
    let journal = fresh(dir.path(), &suite);
    let events = Mutex::new(Vec::new());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (client, idle) = (Arc::new(Client::default()), AtomicBool::new(false));
    runtime
        .block_on(run(&suite, &client, journal, &events, &idle))
        .unwrap();
    let events = events.into_inner().unwrap();
    assert!(matches!(
        events.first(),
        Some(Event::Started {
            kind: "eval",
            total: Some(10),
            ..
        })
    ));
    assert!(matches!(
        events.last(),
        Some(Event::Finished { complete: true })
    ));
    let Some(Event::Progress {
        done: 10,
        failed: 0,
        in_flight: 0,
        note,
        ..
    }) = events.iter().rev().nth(1)
    else {
        panic!("{events:?}");
    };
    assert_eq!(note, "100.0 % passed");
}

#[test]
fn must_pass_and_only_name_cases_that_exist() {
    let server = Server::echo();
    let mut suite = plan(server.step("gateway"), &words(12), 1);
    suite.must_pass = vec!["c1".to_owned(), "c11".to_owned()];
    suite.check().unwrap();
    let whole = suite.golden.digest.clone();
    let part = suite.clone().only(&["c11".to_owned()]).unwrap();
    assert_eq!((part.golden.cases.len(), part.must_pass.len()), (1, 1));
    assert_ne!(part.golden.digest, whole);
    let wrong = suite.clone().only(&["d11".to_owned()]).err().unwrap();
    assert_eq!(
        crate::error::Classify::kind(&wrong),
        crate::error::Kind::Usage
    );
    assert_eq!(
        wrong.to_string(),
        "`--only` names a case `d11` that is not in `g.jsonl`"
    );
    suite.must_pass = vec!["q1".to_owned()];
    let wrong = suite.check().unwrap_err();
    assert_eq!(
        crate::error::Classify::kind(&wrong),
        crate::error::Kind::Manifest
    );
}

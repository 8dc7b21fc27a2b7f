//! An assertion that asks a stage, through runner, journal, and resume.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use crate::eval::assertion::{Check, Scored, Subject};
use crate::eval::check::Checks;
use crate::eval::journal::Journal;
use crate::eval::plan::EvalPlan;
use crate::eval::replies::{CaseReply, grade_replies};
use crate::eval::testing::{Server, fresh, key, plan, run_fresh, run_with, words};
use crate::protocol::Reply;
use crate::template::Scope;
use crate::transport::Client;

/// Asks the stage `judge` about the answer's text, and then about the expected one: the share of
/// the two that the judge calls good.
#[derive(Debug)]
struct Judged;

impl Check for Judged {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let good = |reply: &&Reply| reply.text.as_deref() == Some("good");
        let good = subject.told.iter().filter(good).count();
        assert_eq!(subject.told.len(), 2);
        Scored::Score {
            value: good as f64 / 2.0,
            passed: good == 2,
            why: "the judge does not like it".to_owned(),
        }
    }

    fn stages(&self) -> Vec<&str> {
        vec!["judge"]
    }

    fn questions(&self, subject: &Subject<'_>, ask: &mut dyn FnMut(&str, Scope)) {
        for said in [json!(subject.reply.text), subject.scope.expected.clone()] {
            ask(
                "judge",
                Scope {
                    input: said,
                    ..subject.scope.clone()
                },
            );
        }
    }
}

/// Calls everything good but `w1`.
fn judge() -> Server {
    Server::new(|_, body| {
        let text = if body["input"] == "w1" { "bad" } else { "good" };
        (200, "", json!({"text": text}).to_string())
    })
}

/// A suite of three cases whose only assertion asks the judge.
fn suite(stage: &Server, judge: &Server) -> EvalPlan {
    let plan = plan(stage.step("gateway"), &words(3), 1);
    let judge = judge.step("judge");
    EvalPlan {
        checks: Arc::new(Checks::of("judged", Box::new(Judged))),
        asked: [(judge.name.clone(), judge)].into(),
        ..plan
    }
}

fn resume(dir: &Path, plan: &EvalPlan) -> Journal {
    let journal = Journal::resume(dir, &key(plan), &plan.scope.secrets);
    journal.unwrap().unwrap()
}

/// What a run that was not killed left in its journal, without the header.
fn whole_journal(dir: &Path) -> (std::path::PathBuf, String, Vec<String>) {
    let (stage, judge) = (Server::echo(), judge());
    let plan = suite(&stage, &judge);
    let journal = fresh(dir, &plan);
    assert!(run_with(plan, journal).complete);
    let path = fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    let header = lines.next().unwrap();
    (path, header, lines.collect())
}

#[test]
fn a_stage_is_asked_once_for_each_question_and_its_answers_are_scored() {
    let (stage, judge) = (Server::echo(), judge());
    let run = run_fresh(suite(&stage, &judge));
    assert!(run.complete);
    let scores: Vec<f64> = run.result.cases.iter().map(|case| case.score).collect();
    assert_eq!(scores, [1.0, 0.0, 1.0]);
    assert_eq!(run.reasons["c1"], "judged: the judge does not like it");
    // Both questions about a case are the same, as the stage echoes.
    assert!(judge.asked().values().all(|count| *count == 2));
    assert!(stage.asked().values().all(|count| *count == 1));
    assert_eq!(run.result.assertions["judged"].score, 2.0 / 3.0);
}

#[test]
fn an_answer_is_journaled_before_anything_is_asked_about_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_, _, lines) = whole_journal(dir.path());
    assert_eq!(lines.len(), 6);
    for case in ["c0", "c1", "c2"] {
        let of_case = format!("{{\"case\":\"{case}\"");
        let mut lines = lines.iter().filter(|line| line.starts_with(&of_case));
        assert!(!lines.next().unwrap().contains("\"told\""));
        let told = lines.next().unwrap();
        assert!(told.contains("\"told\":{\"judged\":[{\"reply\":"), "{told}");
    }
}

#[test]
fn cut_after_any_line_a_resumed_run_asks_nothing_twice_and_reports_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (path, header, lines) = whole_journal(dir.path());
    for kept in 0..=lines.len() {
        let kept = &lines[..kept];
        fs::write(&path, format!("{header}\n{}\n", kept.join("\n"))).unwrap();
        let (stage, judge) = (Server::echo(), judge());
        let plan = suite(&stage, &judge);
        let journal = resume(dir.path(), &plan);
        let run = run_with(plan, journal);
        let answers = kept.iter().filter(|line| !line.contains("\"told\""));
        let told = kept.iter().filter(|line| line.contains("\"told\""));
        let count = |server: &Server| server.asked().values().sum::<usize>();
        assert_eq!(count(&stage), 3 - answers.count());
        assert_eq!(count(&judge), 6 - 2 * told.count());
        let scores: Vec<f64> = run.result.cases.iter().map(|case| case.score).collect();
        assert_eq!(scores, [1.0, 0.0, 1.0], "after {kept:?}");
    }
}

#[test]
fn without_a_stages_word_there_is_no_score_and_a_resumed_run_asks_only_for_that() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Server::echo();
    let broken = Server::new(|_, _| (500, "", "no".to_owned()));
    let first = suite(&stage, &broken);
    let journal = fresh(dir.path(), &first);
    let run = run_with(first, journal);
    assert_eq!(run.result.errors, 3);
    let error = run.result.cases[0].error.clone().unwrap();
    let error = error.replace(&broken.address.to_string(), "ADDRESS");
    insta::assert_snapshot!(error, @"unscored: judged: status 500: asking stage `judge`: http://ADDRESS answered 500 Internal Server Error: no");
    drop(run);

    let judge = judge();
    let second = suite(&stage, &judge);
    let journal = resume(dir.path(), &second);
    assert_eq!(journal.answered(), 3);
    let run = run_with(second, journal);
    assert_eq!(
        (run.result.errors, run.result.pass_rate.value),
        (0, 2.0 / 3.0)
    );
    assert!(stage.asked().values().all(|count| *count == 1));
}

/// The answers of a load are graded when its clock has stopped: also then stages are asked first.
#[test]
fn answers_of_another_engine_are_asked_about_too() {
    let (stage, judge) = (Server::echo(), judge());
    let plan = Arc::new(suite(&stage, &judge));
    let replies = |index| CaseReply {
        index,
        repeat: 0,
        reply: Reply::of_text(&format!("w{index}")),
        response_time_ms: 1.0,
        trace: None,
    };
    let grade = |interrupted: bool| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let replies = (0..3).map(replies).collect();
        let client = Arc::new(Client::default());
        let interrupted = AtomicBool::new(interrupted);
        let graded = grade_replies(&plan, &client, replies, &interrupted);
        runtime.block_on(graded)
    };
    let graded = grade(false);
    let passed: Vec<bool> = graded.iter().map(|case| case.result().passed).collect();
    assert_eq!(passed, [true, false, true]);
    assert!(stage.asked().is_empty());
    let graded = grade(true);
    let error = graded[0].result().error.as_deref().unwrap();
    assert_eq!(
        error,
        "unscored: judged: a stage that it asks was not asked"
    );
}

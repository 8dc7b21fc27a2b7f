//! `score_with`, end to end: answers that are worse under load than without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use crate::cmd_demo::turn;
use crate::support::Project;
use crate::support::stub::{Stub, ok, wait};

const MANIFEST: &str = r#"version = 1
[deployment]
name = "d"
[stage.llm]
kind = "http"
url = "http://ADDRESS/ask"
method = "POST"
body = "{{ input }}"
output = { text = "$.answer" }
LIMIT
[load.peak]
target = "llm"
arrivals = { process = "steps", steps = [{ rate = "10/s", duration = "2s" }, { rate = "80/s", duration = "2s" }] }
data = "cases.jsonl"
score_with = "answers"
BUDGET
[eval.answers]
stage = "llm"
golden = "cases.jsonl"
[[eval.answers.assert]]
kind = "equals"
value = "{{ expected }}"
"#;

/// A stage that answers half of its cases with nothing when it is asked more than four times in 60
/// ms.
fn overloaded() -> Stub {
    let open = Arc::new(AtomicU32::new(0));
    Stub::start(move |request| {
        let now = open.fetch_add(1, Ordering::SeqCst);
        let open = Arc::clone(&open);
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(60));
            open.fetch_sub(1, Ordering::SeqCst);
        });
        let case = request.body.as_str();
        let number: u32 = case[1..].parse().unwrap();
        let is_cut = now > 3 && number.is_multiple_of(2);
        let answer = if is_cut { "" } else { case };
        vec![wait(25), ok(&json!({"answer": answer}).to_string())]
    })
}

fn project(stub: &Stub, limit: &str, budget: &str) -> Project {
    let text = MANIFEST.replace("ADDRESS", &stub.address.to_string());
    let text = text.replace("LIMIT", limit).replace("BUDGET", budget);
    let project = Project::with_manifest(&text);
    let line = |n: u32| {
        let name = format!("c{n}");
        json!({"id": name, "input": name, "expected": name}).to_string() + "\n"
    };
    project.write("cases.jsonl", (0..20).map(line).collect::<String>());
    project
}

#[test]
fn the_pass_rate_of_each_load_step_is_held_against_idle() {
    let _turn = turn();
    let stub = overloaded();
    let project = project(&stub, "slo = { response_time.p95 = \"2s\" }", "");
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    let quality = &run["quality"];
    assert_eq!(quality["stage"], "llm");
    let idle = &quality["idle"];
    assert_eq!(
        (&idle["answers"], &idle["pass_rate"]),
        (&json!(20), &json!(1.0))
    );
    let steps = quality["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 2, "{quality}");
    assert_eq!(steps[0]["rate"], json!([10.0, 10.0]));
    assert_eq!(steps[0]["pass_rate"], 1.0);
    assert_eq!(steps[1]["rate"], json!([80.0, 80.0]));
    let passed = steps[1]["pass_rate"].as_f64().unwrap();
    assert!((0.45..0.75).contains(&passed), "{quality}");
    let change = &steps[1]["change"];
    assert_eq!(change["cases"], 20);
    assert!(change["high"].as_f64().unwrap() < 0.0, "{quality}");
    // 20 answers of the first step and some of the 160 of the second, in 4 s.
    let stage = &run["stages"]["llm"];
    let right = quality["right_goodput_rps"].as_f64().unwrap();
    let rate = run["eval"]["pass_rate"]["value"].as_f64().unwrap();
    let good = stage["goodput_rps"].as_f64().unwrap();
    assert!((right / good - rate).abs() < 0.03, "{right} {good} {rate}");
    // What was asked before the load is no part of it.
    assert_eq!(stage["attempted"], 180);
    let shown = project.run(&["report"]).expect(0).stdout;
    for text in [
        "Answers of llm under load",
        "idle: one user",
        "80.0/s",
        "right answers a second",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

#[test]
fn asking_without_load_keeps_to_the_budget() {
    let _turn = turn();
    let stub = overloaded();
    let project = project(&stub, "", "max_requests = 50");
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(run["quality"]["idle"]["answers"], 20);
    assert_eq!(run["stages"]["llm"]["attempted"], 30);
    // That it ended early is in the record, and in every report of it.
    let warnings = run["warnings"].as_array().unwrap();
    assert!(
        warnings.contains(&json!({"kind": "over_budget", "key": "max_requests"})),
        "{warnings:?}"
    );
    let shown = project.run(&["report"]).expect(0).stdout;
    assert!(
        shown.contains("stopped before its end because `max_requests`"),
        "{shown}"
    );
}

#[test]
fn a_kind_of_user_beside_others_is_graded_alone() {
    let _turn = turn();
    let stub = Stub::start(|request| {
        let answer = json!({"answer": request.body});
        vec![wait(2), ok(&answer.to_string())]
    });
    let text = MANIFEST.replace("ADDRESS", &stub.address.to_string());
    let text = text.replace("LIMIT", "").replace("BUDGET", "");
    // The suite grades a pipeline, which only one kind of user calls; the other sends what no suite
    // knows.
    let text = text
        .replace("target = \"llm\"\n", "")
        .replace("data = \"cases.jsonl\"\n", "")
        .replace("[load.peak]", "[pipeline.chat]\nsteps = [\"llm\"]\n[load.peak]")
        .replace("stage = \"llm\"", "stage = \"chat\"")
        .replace(
            "[eval.answers]",
            "[load.peak.mix.known]\ntarget = \"chat\"\ndata = \"cases.jsonl\"\norder = \"weighted\"\n\
             [load.peak.mix.others]\ntarget = \"llm\"\nweight = 3\nprompts = { tokens = 3, cases = 5, input = \"question\" }\n\
             [eval.answers]",
        );
    let text = text.replace(
        "body = \"{{ input }}\"",
        "body = \"{{ input if input is string else input.question }}\"",
    );
    let project = Project::with_manifest(&text);
    let line = |n: u32| json!({"id": n.to_string(), "input": format!("c{n}"), "expected": format!("c{n}")});
    let lines = (0..12).map(|n| line(n).to_string() + "\n");
    project.write("cases.jsonl", lines.collect::<String>());
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    let quality = &run["quality"];
    // Each case once, whatever the order of the load.
    let idle = &quality["idle"];
    assert_eq!((&idle["answers"], &idle["cases"]), (&json!(12), &json!(12)));
    let known = &run["stages"]["known"];
    let right = quality["right_goodput_rps"].as_f64().unwrap();
    assert!(
        (right - known["goodput_rps"].as_f64().unwrap()).abs() < 1e-9,
        "{quality}"
    );
    assert_eq!(run["eval"]["pass_rate"]["value"], 1.0);
    assert!(run["stages"]["others"]["attempted"].as_u64() > known["attempted"].as_u64());
}

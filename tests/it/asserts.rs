//! Assertions end to end: each kind on a real answer, repeats, and `must_pass`.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::stub::{Stub, ok, wait};
use crate::support::suite::told;

fn project(stub: &Stub, suite: &str, asserts: &str) -> Project {
    Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nkind = \"http\"\nurl = \"http://{}/\"\n\
         body = {{ q = \"{{{{ input }}}}\" }}\noutput = {{ text = \"$.text\", ids = \"$.ids\" }}\n\
         [eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\n{suite}\n{asserts}",
        stub.address
    ))
}

fn answers() -> Stub {
    let body = json!({"text": "{\"total\": 12.5}", "ids": ["a", "x", "b"]}).to_string();
    Stub::start(move |_| vec![wait(3), ok(&body)])
}

#[test]
fn every_kind_scores_a_real_answer() {
    let asserts: String = [
        "kind = \"numeric\"\nvalue = 12\ntolerance = \"5%\"\npath = \"$.total\"",
        "kind = \"json_schema\"\nfile = \"total.json\"",
        "kind = \"precision\"\nk = 4\nmin = 0.5",
        "kind = \"ndcg\"\nk = 3\nmin = 0.5",
        "kind = \"latency\"\nmax = \"1ms\"",
        "kind = \"not_contains\"\nvalue = [\"sorry\", \"total\"]",
    ]
    .map(|keys| format!("[[eval.e.assert]]\n{keys}\n"))
    .concat();
    let project = project(&answers(), "", &asserts);
    let ids = json!({"a": 3, "b": 1});
    project.write(
        "g.jsonl",
        json!({"id": "q", "input": "x", "expected": {"ids": ids}}).to_string(),
    );
    let missing = project.run(&["eval"]);
    insta::assert_snapshot!(told(&missing), @r"
error: the schema `total.json` cannot be read: No such file or directory (os error 2)
  help: Paths are relative to the manifest.
[exit 3]
");
    project.write(
        "total.json",
        "{\"required\": [\"total\"], \"properties\": {\"total\": {\"type\": \"number\"}}}",
    );
    let run = project.run(&["eval", "--format", "json"]).expect(0).json();
    let case = &run["eval"]["cases"][0];
    let score = |name: &str| case["assertions"][name].as_f64().unwrap();
    assert_eq!(
        (score("numeric"), score("json_schema"), score("precision")),
        (1.0, 1.0, 0.5)
    );
    // DCG = 3 + 1/2, IDCG = 3 + 1/log2(3).
    assert!((score("ndcg") - 3.5 / (3.0 + 1.0 / 3_f64.log2())).abs() < 1e-12);
    assert_eq!((score("latency"), score("not_contains")), (0.0, 0.0));
    assert_eq!(case["passed"], false);
}

#[test]
fn repeats_are_averaged_within_a_case_and_must_pass_holds_in_each() {
    let count = AtomicUsize::new(0);
    let stub = Stub::start(move |request| {
        let asked = count.fetch_add(
            usize::from(request.body.contains("shaky")),
            Ordering::Relaxed,
        );
        let right = !request.body.contains("shaky") || asked != 1;
        let text = if right { "yes" } else { "no" };
        vec![ok(&json!({"text": text, "ids": []}).to_string())]
    });
    let assert = "[[eval.e.assert]]\nkind = \"equals\"\nvalue = \"yes\"\n";
    let cases = [
        json!({"id": "firm", "input": "firm"}),
        json!({"id": "shaky", "input": "shaky"}),
    ];
    let write = |must: &str| {
        let suite = format!("repeats = 3\nconcurrency = 1\nmust_pass = [{must}]\n");
        let project = project(&stub, &suite, assert);
        project.write(
            "g.jsonl",
            cases.clone().map(|case| case.to_string()).join("\n"),
        );
        project
    };
    let run = write("\"firm\", \"shaky\"")
        .run(&["eval", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(run["verdict"], "failed");
    assert_eq!(run["eval"]["repeats"], 3);
    // One of three repeats of one of two cases: (1 + 2/3) / 2.
    let rate = run["eval"]["pass_rate"]["value"].as_f64().unwrap();
    assert!((rate - 5.0 / 6.0).abs() < 1e-12, "{rate}");
    let passed: Vec<Value> = run["eval"]["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["passed"].clone())
        .collect();
    assert_eq!(passed.iter().filter(|it| **it == json!(false)).count(), 1);
    write("\"firm\"").run(&["eval"]).expect(0);
    insta::assert_snapshot!(told(&write("\"frim\"").run(&["eval"])), @r"
error: `must_pass` of eval `e` names a case `frim` that is not in `g.jsonl`
  help: Did you mean `firm`?
[exit 2]
");
}

#[test]
fn a_suite_without_assertions_is_refused() {
    insta::assert_snapshot!(told(&project(&answers(), "", "").run(&["check"])), @r#"
error: eval `e` has no assertion, so that every answer would pass
    ╭─[stagegate.toml:9:1]
  8 │ output = { text = "$.text", ids = "$.ids" }
  9 │ [eval.e]
    · ────────
 10 │ stage = "api"
    ╰────
  help: Add `[[eval.e.assert]]` with a `kind`.
[exit 2]
"#);
}

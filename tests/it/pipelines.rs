//! Pipelines that stagegate itself drives: `load`, `eval`, and what may be written.

use serde_json::{Value, json};

use crate::support::stub::{Request, Step, Stub, ok, send, wait};
use crate::support::{Project, suite::told};

/// Finds two documents for a question, unless it is `lost`; then answers from whatever it is given.
fn deployment() -> Stub {
    Stub::start(|request: &Request| {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        match request.path.as_str() {
            "/search" if body["query"] == "lost" => {
                vec![send("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")]
            }
            "/search" => {
                let about = body["query"].as_str().unwrap_or_default();
                let hits = json!({"hits": [{"id": "d1", "text": format!("{about} is blue")}, {"id": "d2", "text": "x"}]});
                vec![wait(4), ok(&hits.to_string())]
            }
            _ => answer(&body),
        }
    })
}

fn answer(body: &Value) -> Vec<Step> {
    let texts = body["context"].as_array().map_or(0, Vec::len);
    let said = json!({"answer": format!("{} ({texts} texts)", body["context"][0].as_str().unwrap_or("nothing"))});
    vec![wait(6), ok(&said.to_string())]
}

fn manifest(stub: &Stub, more: &str) -> String {
    let url = format!("http://{}", stub.address);
    format!(
        r#"version = 1

[deployment]
name = "d"
entry = "chat"

[stage.retrieve]
kind = "retrieval"
url = "{url}/search"
body = {{ query = "{{{{ input }}}}" }}
output = {{ ids = "$.hits[*].id", texts = "$.hits[*].text" }}

[stage.llm]
kind = "http"
url = "{url}/answer"
body = {{ question = "{{{{ input }}}}", context = "{{{{ steps.retrieve.texts }}}}" }}
output = {{ text = "$.answer" }}
slo = {{ response_time.p95 = "2s" }}

[pipeline.chat]
steps = ["retrieve", "llm"]
{more}"#
    )
}

fn project(stub: &Stub, more: &str, cases: &[Value]) -> Project {
    let project = Project::with_manifest(&manifest(stub, more));
    let lines: Vec<String> = cases.iter().map(ToString::to_string).collect();
    project.write("g.jsonl", lines.join("\n"));
    project
}

const OPEN: &str = "[load.peak]\ntarget = \"chat\"\n\
                    arrivals = { process = \"constant\", rate = \"80/s\" }\nduration = \"1s\"\ndata = \"g.jsonl\"\n";

#[test]
fn a_load_drives_every_step_and_measures_each_and_the_whole() {
    let stub = deployment();
    let cases = [json!({"input": "sky"}), json!({"input": "sea"})];
    let project = project(&stub, OPEN, &cases);
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    let stages = &run["stages"];
    for name in ["chat", "retrieve", "llm"] {
        assert_eq!(stages[name]["ok"], 80, "{name}");
    }
    let p50 = |stage: &str, metric: &str| stages[stage]["metrics"][metric]["p50"].as_f64().unwrap();
    assert!(p50("chat", "response_time") >= 10.0);
    assert!((4.0..100.0).contains(&p50("retrieve", "response_time")));
    assert!((6.0..100.0).contains(&p50("llm", "response_time")));
    // A step is due when the one before has ended: it has no schedule to lag behind.
    assert!(stages["llm"]["metrics"]["schedule_lag"].is_null());
    assert!(stages["chat"]["metrics"]["schedule_lag"]["p50"].is_f64());
    assert_eq!(stages["llm"]["slo"][0]["met"], true);
    assert_eq!(run["plan"]["target"], json!(["chat"]));
    let asked = stub
        .requests()
        .into_iter()
        .filter(|it| it.path == "/answer");
    for request in asked {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let question = body["question"].as_str().unwrap();
        assert_eq!(body["context"], json!([format!("{question} is blue"), "x"]));
    }
}

#[test]
fn a_step_that_fails_ends_the_way_and_is_named() {
    let stub = deployment();
    let cases = [json!({"input": "sky"}), json!({"input": "lost"})];
    let project = project(&stub, OPEN, &cases);
    let output = project.measure(&["load", "--format", "json"]).expect(4);
    let stages = &output.json()["stages"];
    assert_eq!(stages["chat"]["errors"], json!({"status 500": 40}));
    assert_eq!(stages["retrieve"]["errors"], json!({"status 500": 40}));
    assert_eq!(stages["llm"]["attempted"], 40);
    assert_eq!(stages["chat"]["attempted"], 80);
}

#[test]
fn users_of_a_closed_loop_wait_for_the_whole_way() {
    let stub = deployment();
    let load = "[load.peak]\ntarget = \"chat\"\narrivals = { concurrency = 2 }\nrequests = 10\ndata = \"g.jsonl\"\n";
    let project = project(&stub, load, &[json!({"input": "sky"})]);
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(4)
        .json();
    assert_eq!(run["stages"]["chat"]["ok"], 10);
    assert_eq!(run["stages"]["llm"]["ok"], 10);
    assert_eq!(run["generator"]["schedule_lag_ms"], Value::Null);
}

#[test]
fn a_suite_grades_what_the_last_step_says_and_what_an_earlier_one_found() {
    let stub = deployment();
    let suite = "[eval.answers]\nstage = \"chat\"\ngolden = \"g.jsonl\"\n\
                 [[eval.answers.assert]]\nkind = \"contains\"\nvalue = \"{{ expected.answer }}\"\n\
                 [[eval.answers.assert]]\nkind = \"recall\"\nk = 2\n";
    let case = |input: &str, answer: &str| json!({"id": input, "input": input, "expected": {"answer": answer, "ids": ["d1"]}});
    let cases = [
        case("sky", "sky is blue (2 texts)"),
        case("sea", "red"),
        case("lost", "-"),
    ];
    let project = project(&stub, suite, &cases);
    let run = project.run(&["eval", "--format", "json"]).expect(0).json();
    let case = |id: &str| {
        let cases = run["eval"]["cases"].as_array().unwrap().clone();
        cases.into_iter().find(|case| case["id"] == id).unwrap()
    };
    assert_eq!(case("sky")["passed"], true);
    assert_eq!(
        case("sea")["assertions"],
        json!({"contains": 0.0, "recall": 1.0})
    );
    assert!(case("sky")["response_time_ms"].as_f64().unwrap() >= 10.0);
    let error = case("lost")["error"].to_string();
    assert!(error.contains("step `retrieve`"), "{error}");
    assert_eq!(run["eval"]["stage"], "chat");
}

#[test]
fn a_step_before_what_it_needs_and_a_stage_measured_twice_are_refused() {
    let stub = deployment();
    let text = manifest(&stub, OPEN)
        .replace("[\"retrieve\", \"llm\"]", "[\"llm\", \"retrieve\"]")
        .replace("target = \"chat\"", "target = [\"chat\", \"llm\"]");
    insta::assert_snapshot!(told(&Project::with_manifest(&text).run(&["check"])), @r#"
error: 2 problems in `stagegate.toml`

error: pipeline `chat`: `llm` uses `steps.retrieve` before it ran
    ╭─[stagegate.toml:20:1]
 19 │ 
 20 │ [pipeline.chat]
    · ───────────────
 21 │ steps = ["llm", "retrieve"]
    ╰────
  help: Put `retrieve` before `llm` in `steps`.

error: load `peak` would measure `llm` twice
    ╭─[stagegate.toml:22:1]
 21 │ steps = ["llm", "retrieve"]
 22 │ [load.peak]
    · ───────────
 23 │ target = ["chat", "llm"]
    ╰────
  help: Give each a load of its own.
[exit 2]
"#);
}

#[test]
fn a_profile_shows_every_step_alone_and_inside_and_where_the_time_goes() {
    let stub = deployment();
    let project = project(&stub, OPEN, &[json!({"input": "sky"})]);
    let profile = ["profile", "--duration", "1s", "--format", "json"];
    let run = project.measure(&profile).expect(0).json();
    let found = &run["profile"];
    assert_eq!(
        (&run["kind"], &run["name"]),
        (&json!("profile"), &json!("chat"))
    );
    assert_eq!(found["driven"], true);
    assert_eq!(found["parts"], json!(["retrieve", "llm"]));
    let cell = |stage: &str, place: &str, load: &str| {
        let cells = found["cells"].as_array().unwrap();
        let is_it =
            |it: &&Value| it["stage"] == stage && it["place"] == place && it["load"] == load;
        cells
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{stage} {place} {load}"))
            .clone()
    };
    for (place, load) in [
        ("alone", "low"),
        ("alone", "given"),
        ("inside", "low"),
        ("inside", "given"),
    ] {
        assert!(
            cell("retrieve", place, load)["p50"]["value"]
                .as_f64()
                .unwrap()
                >= 4.0
        );
        assert!(cell("llm", place, load)["p50"]["value"].as_f64().unwrap() >= 6.0);
    }
    let slow = &found["waterfalls"][1];
    assert_eq!(slow["label"], "slow");
    let (first, second) = (&slow["spans"][0], &slow["spans"][1]);
    assert_eq!(
        (&first["stage"], &second["stage"]),
        (&json!("retrieve"), &json!("llm"))
    );
    assert!(second["start"].as_f64() >= first["end"].as_f64());
    let summary = found["summary"].as_str().unwrap();
    assert!(summary.starts_with("`llm` takes "), "{summary}");
    let shown = project.run(&["runs", "show", "latest"]).expect(0).stdout;
    assert!(
        shown.contains("inside 80/s") && shown.contains('█'),
        "{shown}"
    );
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn a_profile_of_an_entry_calls_its_stages_beside_it() {
    let stub = deployment();
    let more = format!(
        "[stage.front]\nkind = \"http\"\nurl = \"http://{}/answer\"\ncalls = [\"retrieve\"]\n",
        stub.address
    );
    let project = project(&stub, &more, &[]);
    let profile = [
        "profile",
        "front",
        "--rate",
        "60/s",
        "--duration",
        "1s",
        "--format",
        "json",
    ];
    // Without data there is no input for `retrieve`.
    let said = project.run(&profile).expect(2).stderr;
    assert!(said.contains("stage `retrieve`"), "{said}");
    let project = self::project(&stub, &format!("{more}{OPEN}"), &[json!({"input": "sky"})]);
    let run = project.measure(&profile).expect(0).json();
    let found = &run["profile"];
    assert_eq!(
        (&found["driven"], &found["load"]),
        (&json!(false), &json!("60/s"))
    );
    // With one user nothing is called beside the whole: it would be a second one.
    assert_eq!(found["cells"].as_array().unwrap().len(), 5);
    assert_eq!(run["stages"]["front"]["offered_rps"], 60.0);
}

#[test]
fn a_profile_of_nothing_that_is_known_is_refused() {
    let project = project(&deployment(), "", &[]);
    insta::assert_snapshot!(told(&project.run(&["profile", "lm"])), @r"
error: there is no stage `lm` in `stagegate.toml`
  help: Did you mean `llm`?
[exit 2]
");
    insta::assert_snapshot!(told(&project.run(&["profile", "llm"])), @r"
error: there is no load to profile under
  help: Give `--rate` or `--concurrency`, or add a `[load.NAME]` to the
        manifest.
[exit 2]
");
}

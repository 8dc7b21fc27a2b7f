//! What an answer took and cost: tokens by kind, their prices, budgets, and why models stopped.

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::stub::{Stub, ok};

const OPENAI: &str = r#"{"choices":[{"message":{"content":"4"},"finish_reason":"REASON"}],"usage":{"prompt_tokens":1000,"completion_tokens":200,"prompt_tokens_details":{"cached_tokens":600},"completion_tokens_details":{"reasoning_tokens":50}}}"#;
const ANTHROPIC: &str = r#"{"content":[{"type":"text","text":"4"}],"stop_reason":"end_turn","usage":{"input_tokens":300,"cache_read_input_tokens":600,"cache_creation_input_tokens":100,"output_tokens":200}}"#;

fn project(stub: &Stub, stage: &str, load: &str) -> Project {
    let address = stub.address;
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.llm]\nkind = \"chat\"\nurl = \"http://{address}/\"\nmodel = \"m\"\n\
         messages = [{{ role = \"user\", content = \"hi\" }}]\n{stage}\n\
         [load.l]\ntarget = [\"llm\"]\narrivals = {{ concurrency = 1 }}\n{load}\n\
         [eval.e]\nstage = \"llm\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"finish_reason\"\nvalue = [\"stop\", \"end_turn\"]\n"
    ));
    project.write(
        "g.jsonl",
        "{\"id\": \"a\", \"input\": \"hi\"}\n{\"id\": \"b\", \"input\": \"ho\"}\n",
    );
    project
}

fn stage(project: &Project) -> Value {
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    run["stages"]["llm"].clone()
}

fn close(found: &Value, usd: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - usd).abs() < 1e-9, "{found} is not {usd}");
}

/// field 29: by hand, for ten answers of either API with the same prompt of 1,000 tokens.
#[test]
fn each_kind_of_token_has_its_own_price() {
    let openai = Stub::start(|_| vec![ok(&OPENAI.replace("REASON", "stop"))]);
    let prices = "input = 3.0, output = 15.0";
    let plain = stage(&project(
        &openai,
        &format!("cost = {{ {prices} }}"),
        "requests = 10",
    ));
    let tokens = &plain["tokens"];
    assert_eq!(
        (
            &tokens["input"],
            &tokens["output"],
            &tokens["cached"],
            &tokens["reasoning"]
        ),
        (&json!(10_000), &json!(2000), &json!(6000), &json!(500))
    );
    assert_eq!(tokens.get("cache_write"), None);
    // 10,000 at 3 and 2,000 at 15 USD per million.
    close(&plain["cost_usd"], 0.06);
    let apart = format!("cost = {{ {prices}, cached = 0.3, reasoning = 20.0 }}");
    let apart = project(&openai, &apart, "requests = 10");
    // 4,000 at 3; 6,000 at 0.3; 1,500 at 15; 500 at 20.
    close(&stage(&apart)["cost_usd"], 0.0463);
    let shown = apart.measure(&["load"]).expect(0).stdout;
    let line = "llm: tokens: 10,000 in (6,000 from a cache), 2,000 out (500 of reasoning)";
    assert!(shown.contains(line), "{shown}");
    let anthropic = Stub::start(|_| vec![ok(ANTHROPIC)]);
    let keys =
        format!("api = \"anthropic\"\ncost = {{ {prices}, cached = 0.3, cache_write = 3.75 }}");
    let other = stage(&project(&anthropic, &keys, "requests = 10"));
    assert_eq!(
        (
            &other["tokens"]["input"],
            &other["tokens"]["cached"],
            &other["tokens"]["cache_write"]
        ),
        (&json!(10_000), &json!(6000), &json!(1000))
    );
    // 3,000 at 3; 6,000 at 0.3; 1,000 at 3.75; 2,000 at 15.
    close(&other["cost_usd"], 0.04455);
    let wrong = project(
        &openai,
        "cost = { input = 1.0, output = 1.0, cached = -1.0 }",
        "requests = 1",
    );
    assert!(
        wrong
            .run(&["check"])
            .expect(2)
            .stderr
            .contains("`cost` of stage `llm` must not be negative")
    );
}

/// field 27
#[test]
fn why_models_stopped_is_counted_and_can_be_asserted() {
    let stub = Stub::start(|request| {
        let cut = request.body.contains("cut");
        vec![ok(
            &OPENAI.replace("REASON", if cut { "length" } else { "stop" })
        )]
    });
    let whole = project(&stub, "", "requests = 4");
    assert_eq!(stage(&whole)["finish_reasons"], json!({"stop": 4}));
    assert!(!whole.run(&["load"]).stdout.contains("finish reasons"));
    let run = whole.run(&["eval", "--format", "json"]).expect(0).json();
    assert_eq!(run["eval"]["finish_reasons"], json!({"stop": 2}));
    assert_eq!(run["eval"]["pass_rate"]["value"], 1.0);
    let cut = project(&stub, "body = { user = \"cut\" }", "requests = 4");
    assert_eq!(stage(&cut)["finish_reasons"], json!({"length": 4}));
    let shown = cut.run(&["load"]).stdout;
    assert!(shown.contains("llm: finish reasons: 4 length"), "{shown}");
    let run = cut.run(&["eval", "--format", "json"]).expect(0).json();
    assert_eq!(run["eval"]["pass_rate"]["value"], 0.0);
    assert_eq!(run["eval"]["cases"][0]["finish_reason"], "length");
    let shown = cut.run(&["eval"]).stdout;
    assert!(shown.contains("finish reasons: 2 length"), "{shown}");
}

#[test]
fn a_refusal_is_counted() {
    let body = r#"{"choices":[{"message":{"content":null,"refusal":"I will not."},"finish_reason":"stop"}]}"#;
    let stub = Stub::start(move |_| vec![ok(body)]);
    let project = project(&stub, "", "requests = 3");
    assert_eq!(stage(&project)["refusals"], 3);
    let run = project.run(&["eval", "--format", "json"]).json();
    assert_eq!(run["eval"]["refusals"], 2);
}

/// stumbles S26: which budget ended the run is said.
#[test]
fn a_budget_that_ends_the_run_is_named() {
    let stub = Stub::start(|_| vec![ok(&OPENAI.replace("REASON", "stop"))]);
    let silent = Stub::start(|_| vec![ok(r#"{"choices":[{"message":{"content":"4"}}]}"#)]);
    for (stub, budget, key, sent) in [
        (&stub, "max_tokens_total = 3000", "max_tokens_total", 3),
        (&stub, "max_requests = 4", "max_requests", 4),
        // Each answer costs 0.006 USD.
        (&stub, "max_cost = 0.01", "max_cost", 2),
    ] {
        let cost = "cost = { input = 3.0, output = 15.0 }";
        let project = project(stub, cost, &format!("requests = 50\n{budget}"));
        let output = project.measure(&["load", "--format", "json"]).expect(0);
        assert_eq!(output.json()["stages"]["llm"]["ok"], sent, "{budget}");
        let said = format!("because `{key}` was reached");
        assert!(output.stderr.replace('\n', " ").contains(&said), "{output}");
        assert!(!output.stderr.contains("by their chunks"), "{output}");
    }
    let project = project(&silent, "", "requests = 5\nmax_tokens_total = 3000");
    let output = project.measure(&["load"]).expect(0);
    let said: Vec<&str> = output.stderr.split_whitespace().collect();
    let said = said.join(" ");
    assert!(
        said.contains("of 5 answers the stage did not say the tokens"),
        "{output}"
    );
}

#[test]
fn a_limit_of_an_answer_has_two_names_and_is_written_once() {
    let stub = Stub::start(|_| vec![ok(&OPENAI.replace("REASON", "stop"))]);
    project(&stub, "max_completion_tokens = 77", "requests = 1")
        .run(&["load"])
        .expect(0);
    let body: Value = serde_json::from_str(&stub.requests()[0].body).unwrap();
    assert_eq!(
        (&body["max_completion_tokens"], body.get("max_tokens")),
        (&json!(77), None)
    );
    let both = project(
        &stub,
        "max_completion_tokens = 7\nmax_tokens = 7",
        "requests = 1",
    );
    let shown = both.run(&["check"]).expect(2).stderr;
    assert!(
        shown.contains("`max_tokens` and `max_completion_tokens` are two names of one"),
        "{shown}"
    );
}

//! Every stage kind end to end: what is sent, what is measured, and how it fails.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::stub::{Step, Stub, ok, send, wait};
use crate::support::suite::told;
use crate::support::{Output, Project, tokens};

const LOAD: &str = "[load.peak]\ntarget = \"api\"\narrivals = { concurrency = 2 }\nrequests = 80\n";

fn project(stage: &str, more: &str) -> Project {
    Project::with_manifest(&format!(
        "version = 1\n\n[deployment]\nname = \"d\"\n\n[stage.api]\n{stage}\n{more}\n"
    ))
}

fn load(project: &Project) -> Value {
    project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json()["stages"]["api"]
        .clone()
}

fn event(name: &str, data: &Value) -> Step {
    send(format!("event: {name}\ndata: {data}\n\n"))
}

fn stream() -> Step {
    send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
}

fn anthropic(stub: &Stub, more: &str) -> String {
    format!(
        "kind = \"chat\"\napi = \"anthropic\"\nurl = \"http://{}/v1/messages\"\nmodel = \"m\"\nsystem = \"Be brief.\"\n\
         headers = {{ x-api-key = \"{{{{ secret.LLM_KEY }}}}\" }}\nmessages = [{{ role = \"user\", content = \"hi\" }}]\n{more}",
        stub.address
    )
}

fn with_key(project: &Project, arguments: &[&str]) -> Output {
    project.run_with(arguments, &[("LLM_KEY", "sk-secret-1")])
}

#[test]
fn anthropics_messages_api_is_streamed_and_measured() {
    let stub = Stub::start(|_| {
        let text = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
        vec![
            stream(),
            event(
                "message_start",
                &json!({"type": "message_start", "message": {"model": "m-1", "usage": {"input_tokens": 9}}}),
            ),
            wait(20),
            event("content_block_delta", &text("a")),
            wait(5),
            event("content_block_delta", &text("b")),
            wait(5),
            event("content_block_delta", &text("c")),
            event(
                "message_delta",
                &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
            ),
            event("message_stop", &json!({"type": "message_stop"})),
            Step::Close,
        ]
    });
    let project = project(&anthropic(&stub, "stream = true"), LOAD);
    let run = with_key(&project, &["load", "--format", "json"])
        .expect(0)
        .json();
    let stage = &run["stages"]["api"];
    assert_eq!(
        tokens(stage),
        json!({"input": 720, "output": 240, "source": "usage"})
    );
    let p50 = |metric: &str| stage["metrics"][metric]["p50"].as_f64().unwrap();
    assert!((20.0..200.0).contains(&p50("ttft")), "{}", p50("ttft"));
    assert!((4.0..50.0).contains(&p50("tpot")), "{}", p50("tpot"));
    let request = &stub.requests()[0];
    let head = request.head.to_ascii_lowercase();
    assert!(head.contains("anthropic-version: 2023-06-01"), "{head}");
    assert!(head.contains("x-api-key: sk-secret-1"), "{head}");
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        (&body["max_tokens"], &body["system"]),
        (&json!(1024), &json!("Be brief."))
    );
    assert_eq!(body["stream"], true);
}

#[test]
fn a_message_in_one_body_is_graded_and_its_cut_stream_is_no_answer() {
    let stub = Stub::start(|_| {
        vec![ok(
            r#"{"content":[{"type":"text","text":"Hello"}],"usage":{"input_tokens":1,"output_tokens":1}}"#,
        )]
    });
    let suite = "[eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"equals\"\nvalue = \"Hello\"\n";
    let project = project(&anthropic(&stub, ""), suite);
    project.write("g.jsonl", "{\"input\": \"x\"}\n");
    let run = with_key(&project, &["eval", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(run["eval"]["pass_rate"]["value"], 1.0);
    let cut = Stub::start(|_| {
        vec![
            stream(),
            event("ping", &json!({"type": "ping"})),
            Step::Close,
        ]
    });
    let project = self::project(&anthropic(&cut, "stream = true"), LOAD);
    let run = with_key(&project, &["load", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(run["stages"]["api"]["errors"], json!({"reset": 80}));
}

#[test]
fn embeddings_are_checked_and_passed_on() {
    let stub = Stub::start(|request| {
        if request.path == "/search" {
            return vec![ok("{\"hits\": [{\"id\": \"d1\"}]}")];
        }
        vec![
            wait(2),
            ok(r#"{"data":[{"index":0,"embedding":[0.5,1]}],"usage":{"prompt_tokens":4}}"#),
        ]
    });
    let address = stub.address;
    let stage = format!(
        "kind = \"embeddings\"\nurl = \"http://{address}/v1/embeddings\"\nmodel = \"e\"\ninput = \"{{{{ input }}}}\"\ndimensions = 2"
    );
    let more = format!(
        "[stage.search]\nkind = \"retrieval\"\nurl = \"http://{address}/search\"\nbody = {{ vector = \"{{{{ steps.api.vector }}}}\" }}\n\
         output = {{ ids = \"$.hits[*].id\" }}\n[pipeline.find]\nsteps = [\"api\", \"search\"]\n{}data = \"g.jsonl\"\n",
        LOAD.replace("\"api\"", "\"find\"")
    );
    let project = project(&stage, &more);
    project.write("g.jsonl", "{\"input\": \"a question\"}\n");
    let stage = load(&project);
    assert_eq!(
        tokens(&stage),
        json!({"input": 320, "output": 0, "source": "usage"})
    );
    let requests = stub.requests();
    let searched = requests.iter().find(|it| it.path == "/search").unwrap();
    assert_eq!(searched.body, "{\"vector\":[0.5,1.0]}");
    let wrong = project.run(&[
        "load",
        "--set",
        "stage.api.dimensions=3",
        "--format",
        "json",
    ]);
    assert!(wrong.stderr.contains("2 dimensions, not 3"), "{wrong}");
}

#[test]
fn a_cache_tells_hits_from_misses() {
    let count = AtomicUsize::new(0);
    let stub = Stub::start(move |_| {
        let hit = !count.fetch_add(1, Ordering::Relaxed).is_multiple_of(4);
        let (state, time) = if hit { ("HIT", 0) } else { ("MISS", 20) };
        vec![
            wait(time),
            send(format!(
                "HTTP/1.1 200 OK\r\nX-Cache: {state}\r\ncontent-length: 2\r\n\r\n{{}}"
            )),
        ]
    });
    let text = format!(
        "kind = \"cache\"\nurl = \"http://{}/c\"\nhit = {{ header = \"x-cache\" }}",
        stub.address
    );
    let one = LOAD.replace("concurrency = 2", "concurrency = 1");
    let stage = load(&project(&text, &one));
    assert_eq!(stage["hit_rate"], 0.75);
    assert_eq!(stage["metrics"]["hit_time"]["count"], 60);
    assert!(stage["metrics"]["miss_time"]["p50"].as_f64().unwrap() >= 20.0);
    let shown = project(&text, &one).run(&["load"]).expect(0).stdout;
    assert!(shown.contains("hit p50"), "{shown}");
    let missing = project(
        &format!("kind = \"cache\"\nurl = \"http://{}/c\"", stub.address),
        "",
    );
    insta::assert_snapshot!(told(&missing.run(&["check"])), @r#"
error: stage `api` does not say how to tell a hit: `hit` is missing
   ╭─[stagegate.toml:6:1]
 5 │ 
 6 │ [stage.api]
   · ───────────
 7 │ kind = "cache"
   ╰────
  help: Add `hit = { header = "x-cache" }`, or a JSONPath as in `hit =
        "$.cached"`.
[exit 2]
"#);
}

#[test]
fn a_command_reads_one_document_and_writes_one() {
    let script = "#!/bin/sh\nread line\ncase $line in\n *bad*) echo wrong >&2; exit 7;;\n *slow*) sleep 20;;\n *text*) echo plain;;\n *) echo \"{\\\"answer\\\": $line}\";;\nesac\n";
    let stage = "kind = \"command\"\ncommand = [\"sh\", \"step.sh\"]\nbody = { q = \"{{ input }}\" }\noutput = { text = \"$.answer.q\" }\ntimeout = \"2s\"";
    let suite = "[eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"equals\"\nvalue = \"{{ expected }}\"\n";
    let load = format!("{LOAD}data = \"one.jsonl\"\n").replace("requests = 80", "requests = 20");
    let project = project(stage, &format!("{suite}{load}"));
    project.write("step.sh", script);
    project.write("one.jsonl", "{\"input\": \"a\"}\n");
    let cases = ["good", "bad", "slow", "text"]
        .map(|it| json!({"id": it, "input": it, "expected": it}).to_string());
    project.write("g.jsonl", cases.join("\n"));
    let probe = project.run(&["check", "--probe"]).expect(0);
    assert!(probe.stdout.contains("good"), "{probe}");
    let run = project.run(&["eval", "--format", "json"]).expect(0).json();
    let cases = run["eval"]["cases"].as_array().unwrap().clone();
    let case = |id: &str| cases.iter().find(|case| case["id"] == id).unwrap().clone();
    assert_eq!(case("good")["passed"], true);
    for (id, why) in [
        ("bad", "exit status: 7: wrong"),
        ("slow", "did not end within 2s"),
        ("text", "not JSON"),
    ] {
        assert!(case(id)["error"].to_string().contains(why), "{}", case(id));
    }
    let run = project.run(&["load", "--format", "json"]).expect(0).json();
    let stage = &run["stages"]["api"];
    assert_eq!(
        (&stage["ok"], &stage["connections"]),
        (&json!(20), &json!(0))
    );
    assert!(stage["metrics"]["response_time"]["p50"].as_f64().unwrap() > 0.1);
    let missing = project
        .run(&["load", "--set", "stage.api.command=[\"./no-such-program\"]"])
        .expect(3);
    assert!(missing.stderr.contains("cannot be started"), "{missing}");
}

#[test]
fn a_stream_over_plain_http_is_read_by_its_delta() {
    let stub = Stub::start(|_| {
        let piece = |text: &str| send(format!("data: {}\n\n", json!({"t": text})));
        vec![
            stream(),
            wait(10),
            piece("he"),
            wait(5),
            piece("llo"),
            send("data: [DONE]\n\n"),
            Step::Close,
        ]
    });
    let stage = format!(
        "kind = \"http\"\nurl = \"http://{}/s\"\nstream = true\noutput = {{ delta = \"$.t\" }}",
        stub.address
    );
    let stage = load(&project(&stage, LOAD));
    assert_eq!(
        tokens(&stage),
        json!({"input": 0, "output": 160, "source": "chunks"})
    );
    assert!(stage["metrics"]["ttft"]["p50"].as_f64().unwrap() >= 10.0);
}

#[test]
fn each_part_of_a_timeout_is_told_by_its_name() {
    let stub = Stub::start(|request| match request.path.as_str() {
        "/first" => vec![stream(), wait(5000), Step::Close],
        _ => vec![
            stream(),
            send("data: {\"t\": \"a\"}\n\n"),
            wait(5000),
            Step::Close,
        ],
    });
    let few = LOAD.replace("requests = 80", "requests = 2");
    for (path, limits, why) in [
        (
            "first",
            "first_token = \"150ms\"",
            "no content within `timeout.first_token`",
        ),
        (
            "idle",
            "idle = \"150ms\"",
            "nothing more for `timeout.idle`",
        ),
        (
            "total",
            "total = \"150ms\"",
            "no complete answer within the timeout",
        ),
    ] {
        let stage = format!(
            "kind = \"http\"\nurl = \"http://{}/{path}\"\nstream = true\noutput = {{ delta = \"$.t\" }}\ntimeout = {{ {limits} }}",
            stub.address
        );
        let output = project(&stage, &few)
            .run(&["load", "--format", "json"])
            .expect(1);
        assert_eq!(
            output.json()["stages"]["api"]["errors"],
            json!({"timeout": 2}),
            "{path}"
        );
        assert!(output.stderr.contains(why), "{output}");
    }
}

#[test]
fn each_puts_every_stage_under_the_load() {
    let stub = Stub::start(|_| vec![ok("{\"ids\": [1]}")]);
    let address = stub.address;
    let more = format!(
        "[stage.next]\nkind = \"http\"\nurl = \"http://{address}/next\"\nbody = {{ ids = \"{{{{ steps.api.ids }}}}\" }}\n{}",
        LOAD.replace("\"api\"", "\"each\"")
    );
    let stage =
        format!("kind = \"http\"\nurl = \"http://{address}/\"\noutput = {{ ids = \"$.ids\" }}");
    let run = project(&stage, &more)
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    for stage in ["api", "next"] {
        assert_eq!(run["stages"][stage]["ok"], 80);
    }
    // Eighty requests each, and one untimed one for what the second stage needs.
    assert_eq!(stub.requests().len() % 161, 0);
}

/// `ttfa` leaves reasoning out, and `goodput_tps` the tokens of answers that were not good.
#[test]
fn the_first_token_of_the_answer_and_the_tokens_of_good_answers_are_told() {
    let stub = Stub::start(|_| {
        let delta = |delta: &Value| {
            send(format!(
                "data: {}\n\n",
                json!({"choices": [{"index": 0, "delta": delta}]})
            ))
        };
        vec![
            send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"),
            wait(10),
            delta(&json!({"reasoning_content": "hm"})),
            wait(40),
            delta(&json!({"content": "4"})),
            wait(10),
            delta(&json!({"content": "2"})),
            send(
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n",
            ),
            send("data: [DONE]\n\n"),
            Step::Close,
        ]
    });
    for (limit, share) in [("10s", 1.0), ("1ms", 0.0)] {
        let stage = format!(
            "kind = \"chat\"\nurl = \"http://{}/\"\nmodel = \"m\"\nstream = true\n\
             messages = [{{ role = \"user\", content = \"hi\" }}]\nslo = {{ ttfa.p50 = \"{limit}\"}}",
            stub.address
        );
        let load = "[load.peak]\ntarget = \"api\"\narrivals = { concurrency = 1 }\nrequests = 12\n";
        let project = project(&stage, load);
        let run = project.measure(&["load", "--format", "json"]).json();
        let stage = &run["stages"]["api"];
        assert_eq!(stage["ok"], 12, "{stage}");
        let of = |metric: &str, stat: &str| stage["metrics"][metric][stat].as_f64().unwrap();
        // Nothing but the stub's own pauses is a lower bound.
        assert!(of("ttft", "min") >= 9.0, "{stage}");
        assert!(
            of("ttft", "min") < 49.0 && of("ttfa", "min") >= 49.0,
            "{stage}"
        );
        assert_eq!(stage["metrics"]["ttfa"]["count"], 12);
        let (all, good) = (&stage["tokens"]["output_per_s"], &stage["goodput_tps"]);
        let (all, good) = (all.as_f64().unwrap(), good.as_f64().unwrap());
        assert!(
            all > 0.0 && (good - share * all).abs() <= 0.01 * all,
            "{good} of {all}"
        );
        let slo = stage["slo"].as_array().unwrap().iter();
        let met: Vec<bool> = slo.map(|it| it["met"].as_bool().unwrap()).collect();
        assert_eq!(met, [share > 0.0], "{}", stage["slo"]);
    }
}

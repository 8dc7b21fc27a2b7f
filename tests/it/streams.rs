//! Streams of every framing, measured and read: server-sent events, lines of JSON, and plain text.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::stub::{Step, Stub, send, wait};

/// A server whose answer has that type, and comes in these pieces, 20 ms apart, the first after 50 ms.
fn stub(content_type: &str, pieces: &[&str]) -> Stub {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let pieces: Vec<String> = pieces.iter().map(|it| (*it).to_owned()).collect();
    Stub::start(move |_| {
        let mut steps = vec![send(head.clone()), wait(30)];
        for piece in &pieces {
            steps.push(wait(20));
            steps.push(send(format!("{:x}\r\n{piece}\r\n", piece.len())));
        }
        steps.push(send("0\r\n\r\n"));
        steps
    })
}

fn project(stub: &Stub, stage: &str, asserts: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nkind = \"http\"\nurl = \"http://{}/\"\n{stage}\n\
         [load.l]\ntarget = [\"api\"]\narrivals = {{ concurrency = 1 }}\nrequests = 8\n\
         [eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"equals\"\nvalue = \"Hello 42\"\n{asserts}",
        stub.address
    ));
    project.write(
        "g.jsonl",
        "{\"id\": \"q1\", \"input\": \"hi\", \"expected\": {\"ids\": [\"d1\"]}}\n",
    );
    project
}

fn loaded(project: &Project) -> Value {
    let run = project.measure(&["load", "--format", "json"]).json();
    run["stages"]["api"].clone()
}

const SSE: [&str; 3] = [
    "data: {\"t\": \"Hello\"}\n\n",
    "data: {\"t\": \" 4\"}\n\n",
    "data: {\"t\": \"2\"}\n\n",
];
const LINES: [&str; 3] = [
    "{\"t\": \"Hello\"}\n",
    "{\"t\": \" 4\"}\n",
    "{\"t\": \"2\"}",
];
const DATA: [&str; 3] = ["data: Hello\n\n", "data:  4\n\n", "data: 2\n\n"];
const TEXT: [&str; 3] = ["Hello", " 4", "2"];

/// Content type, pieces, and keys of a stage.
const FRAMINGS: &[(&str, [&str; 3], &str)] = &[
    (
        "text/event-stream",
        SSE,
        "stream = true\noutput = { delta = \"$.t\" }",
    ),
    (
        "text/event-stream; charset=utf-8",
        SSE,
        "stream = \"sse\"\noutput = { delta = \"$.t\" }",
    ),
    (
        "application/x-ndjson",
        LINES,
        "stream = \"ndjson\"\noutput = { delta = \"$.t\" }",
    ),
    (
        "application/json",
        LINES,
        "stream = \"ndjson\"\noutput = { delta = { path = \"$.t\" } }",
    ),
    (
        "text/event-stream",
        DATA,
        "stream = \"sse\"\noutput = { delta = \"data\" }",
    ),
    ("text/plain", TEXT, "stream = \"text\""),
    (
        "text/plain",
        TEXT,
        "stream = \"text\"\noutput = { delta = \"data\" }",
    ),
];

/// verdicts G1, and the table of counterparts: three pieces of text, each framing in its own way.
#[test]
fn every_framing_is_measured_and_read_alike() {
    for (content_type, pieces, stage) in FRAMINGS.iter().copied() {
        let project = project(&stub(content_type, &pieces), stage, "");
        project.run(&["eval"]).expect(0);
        project.run(&["check", "--probe"]).expect(0);
        let found = loaded(&project);
        assert_eq!(
            (&found["ok"], &found["tokens"]["output"]),
            (&json!(8), &json!(24)),
            "{stage}"
        );
        let p50 = |metric: &str| found["metrics"][metric]["p50"].as_f64().unwrap();
        assert!(
            (49.0..120.0).contains(&p50("ttft")),
            "{stage}: {}",
            p50("ttft")
        );
        assert!(
            (18.0..45.0).contains(&p50("tpot")),
            "{stage}: {}",
            p50("tpot")
        );
        assert!((89.0..200.0).contains(&p50("response_time")), "{stage}");
    }
}

/// An eval times content as a load does: the last piece of text, not the end of the connection.
#[test]
fn an_eval_times_the_content_of_a_stream() {
    let slow = Stub::start(|_| {
        vec![
            send(
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n",
            ),
            wait(20),
            send("{\"t\": \"Hello 42\"}\n"),
            wait(400),
            send("{\"done\": true}\n"),
            Step::Close,
        ]
    });
    let project = project(
        &slow,
        "stream = \"ndjson\"\noutput = { delta = \"$.t\" }",
        "",
    );
    let run = project.run(&["eval", "--format", "json"]).expect(0).json();
    let time = run["eval"]["cases"][0]["response_time_ms"]
        .as_f64()
        .unwrap();
    assert!(time < 300.0, "{time}");
    let time = loaded(&project)["metrics"]["response_time"]["p50"]
        .as_f64()
        .unwrap();
    assert!(
        Duration::from_secs_f64(time / 1e3) < Duration::from_millis(300),
        "{time}"
    );
}

/// stumbles S12: sources, usage, and flags come as events of their own.
#[test]
fn outputs_are_read_from_the_events_of_a_stream() {
    let recall = "[[eval.e.assert]]\nkind = \"recall\"\nk = 1\n";
    let events = [
        "event: sources\ndata: {\"sources\": [{\"id\": \"d1\"}, {\"id\": \"d2\"}]}\n\n",
        "event: token\ndata: {\"t\": \"Hello\", \"sources\": []}\n\n",
        "event: token\ndata: {\"t\": \" 42\", \"cached\": true}\n\n",
        "event: end\ndata: {\"usage\": {\"in\": 7, \"out\": 5}, \"degraded\": false}\n\ndata: [DONE]\n\n",
    ];
    let stage = "stream = true\noutput = { delta = \"$.t\", ids = \"$.sources[*].id\", hit = \"$.cached\", fallback = { path = \"$.degraded\", in = \"events\" }, input_tokens = \"$.usage.in\", output_tokens = \"$.usage.out\" }\n";
    let project = project(&stub("text/event-stream", &events), stage, recall);
    project.run(&["eval"]).expect(0);
    let found = loaded(&project);
    assert_eq!(
        (&found["ok"], &found["fallback_rate"]),
        (&json!(8), &json!(0.0))
    );
    assert_eq!(found["hit_rate"], 1.0);
    let tokens = &found["tokens"];
    assert_eq!(
        (&tokens["source"], &tokens["input"], &tokens["output"]),
        (&json!("usage"), &json!(56), &json!(40))
    );
    // One document an event, and by the name of the event.
    let events = [
        "event: doc\ndata: {\"id\": \"d1\"}\n\nevent: doc\ndata: {\"id\": \"d2\"}\n\n",
        "event: token\ndata: {\"t\": \"Hello 42\", \"id\": \"t1\"}\n\n",
        "",
    ];
    let stage = "stream = true\noutput = { delta = \"$.t\", ids = { path = \"$.id\", event = \"doc\", take = \"all\" } }";
    self::project(&stub("text/event-stream", &events[..2]), stage, recall)
        .run(&["eval"])
        .expect(0);
    // A promise that no event keeps.
    let stage = "stream = true\noutput = { delta = \"$.t\", ids = \"$.documents[*].id\" }";
    let project = self::project(&stub("text/event-stream", &events[..2]), stage, recall);
    assert_eq!(loaded(&project)["errors"], json!({"contract": 8}));
}

/// A wrong content type for the framing that is named is told, with the one to write.
#[test]
fn another_framing_than_the_one_named_is_told() {
    let (event, line) = ("data: {\"t\": \"Hello 42\"}\n\n", "{\"t\": \"Hello 42\"}\n");
    let delta = "output = { delta = \"$.t\" }";
    for (content_type, piece, stage, said) in [
        (
            "application/x-ndjson",
            line,
            format!("stream = true\n{delta}"),
            "write `stream = \"ndjson\"`",
        ),
        (
            "text/event-stream",
            event,
            format!("stream = \"ndjson\"\n{delta}"),
            "write `stream = \"sse\"`",
        ),
        (
            "text/event-stream",
            event,
            "stream = \"text\"".to_owned(),
            "write `stream = \"sse\"`",
        ),
        (
            "text/html",
            "<html>Sign in</html>",
            format!("stream = true\n{delta}"),
            "of type `text/html`",
        ),
        (
            "text/html",
            "<html>Sign in</html>",
            format!("stream = \"ndjson\"\n{delta}"),
            "of type `text/html`",
        ),
    ] {
        let project = project(&stub(content_type, &[piece]), &stage, "");
        assert_eq!(loaded(&project)["errors"], json!({"decode": 8}), "{stage}");
        let probe = project.run(&["check", "--probe"]).stdout;
        let shown: Vec<&str> = probe.split_whitespace().collect();
        assert!(shown.join(" ").contains(said), "{stage}: {probe}");
    }
}

/// Keys of a stage, and what `check` says of them.
const WRONG: &[(&str, &str)] = &[
    (
        "stream = \"nd-json\"",
        "`stream` of stage `api` cannot be `nd-json`",
    ),
    (
        "stream = 3",
        "expected `true`, `false`, `\"sse\"`, `\"ndjson\"`, or `\"text\"`",
    ),
    ("stream = true", "a streaming stage needs `output.delta`"),
    (
        "output = { delta = \"$.t\" }",
        "`output.delta` of stage `api` needs a stream",
    ),
    (
        "output = { text = { path = \"$.t\", in = \"events\" } }",
        "but the answer is no stream",
    ),
    (
        "output = { text = { path = \"$.t\", in = \"event\" } }",
        "cannot be `event`",
    ),
    (
        "output = { text = { path = \"$.t\", header = \"x\" } }",
        "write `path` or `header`, not both",
    ),
    ("output = { text = { pth = \"$.t\" } }", "unknown key `pth`"),
    (
        "output = { text = { header = \"x\", in = \"text\" } }",
        "go with `path`, not with `header`",
    ),
    (
        "output = { text = { path = \"$.t\", equals = 1 } }",
        "are for outputs that are yes or no",
    ),
    (
        "output = { fallback = { path = \"$.t\", equals = 1, not = 2 } }",
        "write `equals` or `not`, not both",
    ),
    (
        "output = { fallback = { header = \"a b\" } }",
        "`a b` is not the name of a header",
    ),
    ("output = { fallback = {} }", "write `path"),
    ("output = { text = \"t\" }", "`t` is not a JSONPath"),
    ("output = { txet = \"$.t\" }", "Did you mean `text`?"),
    (
        "stream = \"text\"\noutput = { ids = \"$.ids\" }",
        "cannot be found in the chunks of a plain text",
    ),
    (
        "stream = \"ndjson\"\noutput = { delta = { path = \"$.t\", event = \"x\" } }",
        "only server-sent events have names",
    ),
    (
        "stream = true\noutput = { delta = \"$.t\", ids = { path = \"$.i\", in = \"body\" } }",
        "but the answer is a stream",
    ),
    (
        "slo = { fallback_rate = \"5%\" }",
        "`slo.fallback_rate` of stage `api` can never be known",
    ),
    (
        "slo = { hit_time.p95 = \"5ms\" }",
        "`slo.hit_time.p95` of stage `api` can never be known",
    ),
    (
        "slo = { ttft.p95 = \"5ms\" }",
        "`slo.ttft.p95` of stage `api` can never be known",
    ),
];

#[test]
fn what_could_never_be_found_is_wrong() {
    let stub = stub("text/plain", &["x"]);
    for (stage, said) in WRONG {
        let output = project(&stub, stage, "").run(&["check"]).expect(2);
        let shown: Vec<&str> = output.stderr.split_whitespace().collect();
        let shown = shown.join(" ").replace(" | ", " ");
        assert!(shown.contains(said), "{stage}: {output}");
    }
    let recall = "[[eval.e.assert]]\nkind = \"recall\"\nk = 1\n";
    let output = project(&stub, "", recall).run(&["check"]).expect(2);
    assert!(output.stderr.contains("can never be scored"), "{output}");
    let steps =
        "[stage.next]\nkind = \"http\"\nurl = \"http://h/\"\nbody = \"{{ steps.api.texts }}\"\n";
    let output = project(&stub, "output = { text = \"$.t\" }", steps)
        .run(&["check"])
        .expect(2);
    assert!(
        output.stderr.contains("stage `api` has no output `texts`"),
        "{output}"
    );
    // A name of one's own that is used is one.
    let steps = steps.replace("texts", "txet");
    project(&stub, "output = { txet = \"$.t\" }", &steps)
        .run(&["check"])
        .expect(0);
}

/// field 7: what comes in one read has no TPOT, which is said with its counts, and a stream of which most
/// comes so is told too.
#[test]
fn content_that_comes_in_one_read_is_told() {
    let event = |number: usize| format!("data: {{\"t\": \"{number} \"}}\n\n");
    let events = |range: std::ops::Range<usize>| range.map(event).collect::<String>();
    let slo = "stream = true\noutput = { delta = \"$.t\" }\nslo = { tpot.p50 = \"1ms\" }";
    for (pieces, one_piece, gaps, met) in [
        // The whole, the first event and the rest, and two halves.
        (vec![events(0..20)], 8, 0, Value::Null),
        (vec![event(0), events(1..20)], 0, 8, json!(false)),
        (vec![events(0..10), events(10..20)], 0, 8, json!(false)),
    ] {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let stub = stub("text/event-stream", &pieces);
        let project = project(&stub, slo, "");
        let run = project.measure(&["load", "--format", "json"]).json();
        let stage = &run["stages"]["api"];
        assert_eq!(stage["ok"], 8);
        assert_eq!(stage["tokens"]["one_piece"], one_piece, "{stage}");
        let known = stage["metrics"]["chunk_gap"]["count"].as_u64().unwrap_or(0);
        assert_eq!(known, gaps);
        if one_piece > 0 {
            assert_eq!(stage["slo"][0]["met"], met, "{stage}");
        }
        let warnings = run["warnings"].as_array().unwrap();
        let found = warnings
            .iter()
            .find(|it| it["kind"] == "coalesced")
            .unwrap();
        assert_eq!(
            (&found["stage"], &found["one_piece"], &found["streams"]),
            (&json!("api"), &json!(one_piece), &json!(8))
        );
        let said = project.run(&["report"]);
        let words = if one_piece > 0 {
            "8 of 8 streams arrived in one piece (a buffering proxy?)"
        } else {
            "content came in one read with earlier content"
        };
        let all = format!("{}{}", said.stdout, said.stderr).replace('\n', " ");
        assert!(all.contains(words), "{all}");
    }
    // Events that come one by one are nothing to tell.
    let project = project(&stub("text/event-stream", &SSE), slo, "");
    let run = project.measure(&["load", "--format", "json"]).json();
    let warnings = run["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().all(|it| it["kind"] != "coalesced"),
        "{warnings:?}"
    );
}

/// OpenAI's Responses API: all parts of its usage, over either framing.
#[test]
fn the_parts_of_usage_of_the_responses_api_are_counted() {
    let usage = json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 6,
        "output_tokens_details": {"reasoning_tokens": 2}});
    let output =
        json!([{"type": "message", "content": [{"type": "output_text", "text": "Hello 42"}]}]);
    let whole = json!({"status": "completed", "output": output, "usage": usage});
    let delta = json!({"type": "response.output_text.delta", "delta": "Hello 42"});
    let done = json!({"type": "response.completed", "response": whole});
    let events = format!("data: {delta}\n\ndata: {done}\n\n");
    for (content_type, body, stream) in [
        ("application/json", whole.to_string(), false),
        ("text/event-stream", events, true),
    ] {
        let stub = stub(content_type, &[&body]);
        let project = Project::with_manifest(&format!(
            "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nkind = \"chat\"\napi = \"responses\"\nmodel = \"m\"\n\
             url = \"http://{}/\"\nstream = {stream}\nmessages = [{{ role = \"user\", content = \"hi\" }}]\n\
             [load.l]\ntarget = [\"api\"]\narrivals = {{ concurrency = 1 }}\nrequests = 3\n",
            stub.address
        ));
        let tokens = &loaded(&project)["tokens"];
        let found =
            ["input", "cached", "output", "reasoning", "source"].map(|it| tokens[it].clone());
        let expected = [json!(30), json!(12), json!(18), json!(6), json!("usage")];
        assert_eq!(found, expected, "{tokens}");
    }
}

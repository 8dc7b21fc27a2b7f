//! What an answer is read into: the same for every kind, over every protocol, and by every command.

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::http2::{Answer, Http2Stub, Manner};
use crate::support::stub::{Step, Stub, ok, send, wait};

const SUITE: &str = "[eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"contains\"\nvalue = \"4\"\n";

/// A manifest with one stage, which is called in every way.
fn project(address: impl std::fmt::Display, stage: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nurl = \"http://{address}/\"\n{stage}\n\
         [load.l]\ntarget = [\"api\"]\narrivals = {{ concurrency = 1 }}\nrequests = 4\n{SUITE}"
    ));
    project.write("g.jsonl", "{\"id\": \"q1\", \"input\": \"hi\"}\n");
    project
}

fn loaded(project: &Project) -> Value {
    let run = project.measure(&["load", "--format", "json"]).json();
    run["stages"]["api"].clone()
}

fn with_headers(headers: &str, body: &str) -> Step {
    send(format!(
        "HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

const CHAT: &str =
    "kind = \"chat\"\nmodel = \"m\"\nmessages = [{ role = \"user\", content = \"hi\" }]";

fn chat_answer(model: &str) -> String {
    json!({"model": model, "choices": [{"message": {"content": "42"}, "finish_reason": "stop"}]})
        .to_string()
}

/// verdicts G9: a gateway says in a header, or by the name of the model, that it fell back.
#[test]
fn fallbacks_of_a_chat_model_are_counted_by_header_and_by_model() {
    let stub = Stub::start(|_| {
        let header = "x-litellm-attempted-fallbacks: 1\r\nX-Other: none\r\n";
        vec![with_headers(header, &chat_answer("small"))]
    });
    for (output, rate) in [
        ("{ header = \"x-litellm-attempted-fallbacks\" }", json!(1.0)),
        (
            "{ header = \"X-LiteLLM-Attempted-Fallbacks\", equals = 2 }",
            json!(0.0),
        ),
        ("{ header = \"x-other\" }", json!(0.0)),
        ("{ header = \"x-missing\" }", json!(null)),
        ("{ header = \"x-missing\", absent = \"no\" }", json!(0.0)),
        ("{ path = \"$.model\", not = \"gpt-x\" }", json!(1.0)),
        (
            "{ path = \"$.model\", not = [\"gpt-x\", \"small\"] }",
            json!(0.0),
        ),
        ("\"$.degraded\"", json!(null)),
    ] {
        let stage = format!(
            "{CHAT}\noutput = {{ fallback = {output} }}\nslo = {{ fallback_rate = \"5%\" }}"
        );
        let stage = loaded(&project(stub.address, &stage));
        assert_eq!(
            (&stage["ok"], &stage["fallback_rate"]),
            (&json!(4), &rate),
            "{output}"
        );
        let met = rate.as_f64().map(|rate| rate < 0.05);
        assert_eq!(stage["slo"][0]["met"], json!(met), "{output}");
    }
}

/// verdicts G9: what no answer said is a dash, and the SLO says why it cannot be judged.
#[test]
fn a_rate_that_no_answer_told_is_not_zero() {
    let stub = Stub::start(|_| vec![ok("{\"answer\": \"42\"}")]);
    let stage = "kind = \"http\"\noutput = { text = \"$.answer\", fallback = \"$.degraded\" }\nslo = { fallback_rate = \"5%\" }";
    let project = project(stub.address, stage);
    let output = project.measure(&["load"]).expect(4);
    let shown = format!("{}{}", output.stdout, output.stderr);
    assert!(
        shown.contains("no answer said whether it was a fallback"),
        "{shown}"
    );
}

#[test]
fn headers_are_outputs_over_http2_as_well() {
    let stub = Http2Stub::start(Manner::default(), None, |_, _| {
        Answer::after(1, "{\"answer\": \"42\"}")
    });
    for (output, rate) in [
        (
            "{ header = \"content-type\", equals = \"application/json\" }",
            json!(1.0),
        ),
        (
            "{ header = \"Content-Type\", not = \"application/json\" }",
            json!(0.0),
        ),
        ("{ header = \"x-missing\" }", json!(null)),
    ] {
        let stage = format!(
            "kind = \"http\"\nhttp_version = \"2\"\noutput = {{ fallback = {output}, kind = {{ header = \"content-type\" }} }}"
        );
        let project = project(stub.address, &stage);
        assert_eq!(loaded(&project)["fallback_rate"], rate, "{output}");
        project.run(&["check", "--probe"]).expect(0);
        project.run(&["eval"]).expect(0);
    }
}

/// An output that later steps use may be in a header, and a promise that is not kept is told.
#[test]
fn a_header_is_handed_to_the_next_step() {
    let stub = Stub::start(|request| {
        vec![if request.path == "/open" {
            with_headers("Mcp-Session-Id: s-7\r\n", "{}")
        } else {
            ok(&request.head.contains("mcp-session-id: s-7").to_string())
        }]
    });
    let manifest = |header: &str| {
        let url = format!("http://{}", stub.address);
        format!(
            "version = 1\n[deployment]\nname = \"d\"\n\
             [stage.open]\nkind = \"http\"\nurl = \"{url}/open\"\noutput = {{ session = {{ header = \"{header}\" }} }}\n\
             [stage.api]\nkind = \"http\"\nurl = \"{url}/call\"\nheaders = {{ mcp-session-id = \"{{{{ steps.open.session }}}}\" }}\n\
             [pipeline.both]\nsteps = [\"open\", \"api\"]\n\
             [load.l]\ntarget = [\"both\"]\narrivals = {{ concurrency = 1 }}\nrequests = 3\n\
             [eval.e]\nstage = \"both\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"equals\"\nvalue = \"true\"\n"
        )
    };
    let project = Project::with_manifest(&manifest("mcp-session-id"));
    project.write("g.jsonl", "{\"input\": \"hi\"}\n");
    project.run(&["eval"]).expect(0);
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(run["stages"]["both"]["ok"], 3);
    let project = Project::with_manifest(&manifest("x-session"));
    project.write("g.jsonl", "{\"input\": \"hi\"}\n");
    let said = project.run(&["check", "--probe"]).stdout;
    let said: Vec<&str> = said.split_whitespace().collect();
    assert!(
        said.join(" ")
            .contains("the answer has no header `x-session`"),
        "{said:?}"
    );
}

/// The model's own text is looked into, through a fence too.
#[test]
fn outputs_are_found_in_what_the_model_wrote() {
    let text = "Here:\n```json\n{\"label\": \"b4\", \"escalate\": true, \"ids\": [\"d1\"]}\n```";
    let body =
        json!({"id": "x", "choices": [{"message": {"content": text}, "finish_reason": "stop"}]});
    let chunk = |text: &str| json!({"choices": [{"delta": {"content": text}}]});
    let (first, second) = text.split_at(20);
    let events = format!(
        "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        chunk(first),
        chunk(second)
    );
    let stub = Stub::start(move |request| {
        vec![if request.body.contains("\"stream\":true") {
            with_headers("content-type: text/event-stream\r\n", &events)
        } else {
            ok(&body.to_string())
        }]
    });
    for stream in ["false", "true"] {
        let output = "output = { text = { path = \"$.label\", in = \"text\" }, fallback = { path = \"$.escalate\", in = \"text\" } }";
        let project = project(
            stub.address,
            &format!("{CHAT}\nstream = {stream}\n{output}"),
        );
        let stage = loaded(&project);
        assert_eq!(
            (&stage["ok"], &stage["fallback_rate"]),
            (&json!(4), &json!(1.0)),
            "{stage}"
        );
        let run = project.run(&["eval", "--format", "json"]).expect(0).json();
        assert_eq!(run["eval"]["cases"][0]["output"], "b4");
        let missing = "output = { verdict = { path = \"$.verdict\", in = \"text\" } }";
        let project = self::project(
            stub.address,
            &format!("{CHAT}\nstream = {stream}\n{missing}"),
        );
        assert_eq!(loaded(&project)["errors"], json!({"contract": 4}));
    }
}

/// field 17: what the envelope and the model's own JSON both have is told, by whoever asks once.
#[test]
fn an_output_that_is_in_the_envelope_and_in_the_models_json_is_told() {
    let body = |text: &str| {
        let choice = json!({"message": {"content": text}, "finish_reason": "stop"});
        json!({"id": "chatcmpl-1", "model": "m", "choices": [choice]}).to_string()
    };
    let chunk =
        |text: &str| json!({"id": "c", "model": "m", "choices": [{"delta": {"content": text}}]});
    let text = "```json\n{\"id\": 7, \"model\": \"m\", \"own\": 1, \"text\": \"4\"}\n```";
    let whole = Stub::start({
        let body = body(text);
        move |_| vec![ok(&body)]
    });
    let events = format!("data: {}\n\ndata: [DONE]\n\n", chunk(text));
    let stream =
        Stub::start(move |_| vec![with_headers("content-type: text/event-stream\r\n", &events)]);
    let said = |taken: &str| {
        format!(
            "output.ids: `$.id` is in the {taken} and in the text's JSON, and the {taken}'s is taken; say `in = \"text\"` or `in = \"{taken}\"`"
        )
    };
    for (stub, key, taken) in [(&whole, "", "body"), (&stream, "stream = true\n", "events")] {
        for (output, notes) in [
            ("ids = \"$.id\"", vec![said(taken)]),
            // Not in both, the same in both, or said.
            ("m = \"$.model\"", vec![]),
            ("ids = { path = \"$.id\", in = \"text\" }", vec![]),
            ("fallback = \"$.own\"", vec![]),
        ] {
            let project = project(
                stub.address,
                &format!("{CHAT}\n{key}output = {{ {output} }}"),
            );
            let check = project.run(&["check", "--probe", "--format", "json"]);
            let check = check.expect(0).json();
            let told = check["stages"][0]["probe"]["notes"].clone();
            let none = notes.is_empty();
            assert_eq!(
                told,
                if none { Value::Null } else { json!(notes) },
                "{output}"
            );
            let human = project.run(&["check", "--probe"]).expect(0).stdout;
            assert_eq!(human.contains("is taken; say"), !none, "{human}");
            let eval = project.run(&["eval"]).expect(0).stderr;
            assert_eq!(
                eval.contains("output.ids, in 1 answers: `$.id` is in the"),
                !none,
                "{eval}"
            );
            for arguments in [&["load"][..], &["profile", "api", "--duration", "100ms"]] {
                let told = project.measure(arguments).stderr;
                let told = told.matches("stage `api`, output.ids: `$.id` is in the");
                assert_eq!(told.count(), usize::from(!none), "{arguments:?} {output}");
            }
        }
    }
}

/// verdicts G1: a path that only some of the hits have, or none, is no ranking of all.
#[test]
fn every_hit_has_its_id() {
    for (hits, output, failed) in [
        (
            "[{\"id\": 1}, {\"id\": 2}]",
            "ids = \"$.hits[*].id\"",
            false,
        ),
        ("[]", "ids = \"$.hits[*].id\"", false),
        (
            "[{\"doc\": 1}, {\"doc\": 2}]",
            "ids = \"$.hits[*].id\"",
            true,
        ),
        (
            "[{\"id\": 1}, {\"doc\": 2}, {\"id\": 3}]",
            "ids = \"$.hits[*].id\"",
            true,
        ),
        (
            "[{\"id\": 1}, {\"id\": null}]",
            "ids = \"$.hits[*].id\"",
            true,
        ),
        ("[{\"d\": {\"id\": 1}}]", "ids = \"$.hits[*].d.id\"", false),
        ("[{\"d\": {}}]", "ids = \"$.hits[*].d.id\"", true),
        (
            "[{\"id\": 1}, {\"doc\": 2}]",
            "texts = \"$.hits[*].id\"",
            false,
        ),
        ("[{\"doc\": 1}]", "texts = \"$.hits[*].id\"", true),
        // A filter says itself which are meant.
        (
            "[{\"id\": 1}, {\"doc\": 2}]",
            "ids = \"$.hits[?@.id].id\"",
            false,
        ),
    ] {
        let body = format!("{{\"hits\": {hits}, \"text\": \"4\"}}");
        let stub = Stub::start(move |_| vec![ok(&body)]);
        let stage = format!("kind = \"http\"\noutput = {{ text = \"$.text\", {output} }}");
        let stage = loaded(&project(stub.address, &stage));
        let errors = if failed {
            json!({"contract": 4})
        } else {
            json!({})
        };
        assert_eq!(stage["errors"], errors, "{hits} {output}");
    }
}

/// verdicts G1: an answer that shows nothing is counted, and the probe says so.
#[test]
fn an_answer_without_text_is_told() {
    for (body, output, empty) in [
        ("{\"answer\": \"\"}", "output = { text = \"$.answer\" }", 4),
        ("{\"answer\": \" \"}", "output = { text = \"$.answer\" }", 4),
        ("{\"answer\": \"4\"}", "output = { text = \"$.answer\" }", 0),
        ("", "", 4),
        ("\n", "", 4),
        ("4", "", 0),
    ] {
        let stub = Stub::start(move |_| vec![ok(body)]);
        let project = project(stub.address, &format!("kind = \"http\"\n{output}"));
        let stage = loaded(&project);
        let counted = stage["empty"].as_u64().unwrap_or(0);
        assert_eq!(
            (stage["ok"].as_u64(), counted),
            (Some(4), empty),
            "{body:?}"
        );
        let probe = project.run(&["check", "--probe"]).expect(0).stdout;
        let told = probe.contains("the answer is empty");
        assert_eq!(told, empty > 0, "{body:?}: {probe}");
    }
}

/// field 10: ids of more than 64 bits are neither rounded nor their neighbours, on any way.
#[test]
fn integers_of_more_than_64_bits_are_kept_exactly() {
    let body = "{\"hits\": [{\"id\": 100000000000000000001}, {\"id\": 12345678901234567890123}], \"text\": \"x 4\", \"n\": 18446744073709551616}";
    let stub = Stub::start(move |_| vec![ok(body)]);
    let stage = "kind = \"http\"\noutput = { ids = \"$.hits[*].id\", text = \"$.text\" }";
    let project = project(stub.address, stage);
    let manifest = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
    let more = "[[eval.e.assert]]\nkind = \"recall\"\nk = 2\n\
                [[eval.e.assert]]\nkind = \"json_path\"\npath = \"$.n\"\nvalue = \"{{ expected.n }}\"\n\
                [[eval.e.assert]]\nkind = \"numeric\"\npath = \"$.n\"\nvalue = \"{{ expected.n }}\"\n\
                [[eval.e.assert]]\nkind = \"json_schema\"\npath = \"$.n\"\nschema = { type = \"string\" }\n";
    project.write("stagegate.toml", format!("{manifest}{more}"));
    for (id, n, passed) in [
        ("12345678901234567890123", "18446744073709551616", true),
        ("12345678901234567890124", "18446744073709551616", false),
        ("100000000000000000000", "18446744073709551616", false),
        ("12345678901234567890123", "18446744073709551617", false),
        ("\"12345678901234567890123\"", "18446744073709551616", true),
    ] {
        let case = format!(
            "{{\"id\": \"q\", \"input\": \"hi\", \"expected\": {{\"ids\": [{id}], \"n\": {n}}}}}"
        );
        project.write("g.jsonl", case);
        let run = project.run(&["eval", "--no-cache", "--format", "json"]);
        let run = run.expect(0).json();
        assert_eq!(run["eval"]["cases"][0]["passed"], passed, "{id} {n} {run}");
    }
}

/// JSON-RPC, GraphQL, and MCP answer 200 and say inside that they failed.
#[test]
fn an_answer_can_say_that_it_failed() {
    let result = "{\"result\": {\"isError\": true, \"content\": [{\"type\": \"text\", \"text\": \"no such tool\"}]}}";
    for (output, body, said) in [
        (
            "\"$.error\"",
            "{\"id\": 1, \"error\": {\"code\": -32601, \"message\": \"Method not found\"}}",
            "Method not found",
        ),
        (
            "\"$.errors\"",
            "{\"data\": null, \"errors\": [{\"message\": \"Cannot query field\"}]}",
            "Cannot query field",
        ),
        ("\"$.result.isError\"", result, "no such tool"),
        (
            "{ path = \"$.status\", not = \"ok\" }",
            "{\"status\": \"partial\", \"detail\": \"shard 3 is down\"}",
            "shard 3 is down",
        ),
        ("{ header = \"x-failed\" }", "{}", "shard-3-down"),
    ] {
        let stub = Stub::start(move |_| vec![with_headers("x-failed: shard-3-down\r\n", body)]);
        let stage = format!("kind = \"http\"\noutput = {{ error = {output} }}");
        let project = project(stub.address, &stage);
        let load = project.measure(&["load"]).expect(1);
        assert!(load.stdout.contains("answer error"), "{load}");
        assert_eq!(
            loaded(&project)["errors"],
            json!({"answer error": 4}),
            "{output}"
        );
        for command in [&["eval"][..], &["load"], &["check", "--probe"]] {
            let output = project.measure(command).expect(1);
            let shown = format!("{}{}", output.stdout, output.stderr);
            let shown: Vec<&str> = shown.split_whitespace().collect();
            assert!(shown.join(" ").contains(said), "{command:?}: {output}");
        }
    }
}

#[test]
fn an_answer_that_reports_no_error_is_one() {
    for body in [
        "{\"result\": 42}",
        "{\"result\": 42, \"error\": null}",
        "{\"result\": 42, \"error\": false}",
        "{\"result\": 42, \"error\": []}",
        "{\"result\": 42, \"error\": \"none\"}",
    ] {
        let stub = Stub::start(move |_| vec![ok(body)]);
        let stage = "kind = \"http\"\noutput = { text = \"$.result\", error = \"$.error\" }";
        let project = project(stub.address, stage);
        project.run(&["eval"]).expect(0);
        assert_eq!(loaded(&project)["ok"], 4, "{body}");
    }
}

/// A chat model, an embedding model, and a program fail alike.
#[test]
fn every_kind_has_outputs() {
    let vectors = "{\"data\": [{\"embedding\": [1.0]}], \"warning\": \"cut after 8 tokens\"}";
    let stub = Stub::start(move |request| {
        vec![if request.path.contains("embed") {
            ok(vectors)
        } else {
            ok("{\"error\": {\"message\": \"no such model\"}}")
        }]
    });
    let address = stub.address;
    let embed =
        "kind = \"embeddings\"\nmodel = \"m\"\ninput = \"hi\"\noutput = { error = \"$.warning\" }";
    let program = "kind = \"command\"\ncommand = [\"echo\", '{\"failed\": \"disk full\"}']\noutput = { error = \"$.failed\" }";
    for (url, stage, said) in [
        (
            format!("http://{address}/embed"),
            embed.to_owned(),
            "cut after 8 tokens",
        ),
        (
            format!("http://{address}/"),
            format!("{CHAT}\noutput = {{ error = \"$.error\" }}"),
            "no such model",
        ),
        (String::new(), program.to_owned(), "disk full"),
    ] {
        let url = if url.is_empty() {
            url
        } else {
            format!("url = \"{url}\"\n")
        };
        let project = Project::with_manifest(&format!(
            "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\n{url}{stage}\n\
             [load.l]\ntarget = \"api\"\narrivals = {{ concurrency = 1 }}\nrequests = 4\n"
        ));
        assert_eq!(
            loaded(&project)["errors"],
            json!({"answer error": 4}),
            "{stage}"
        );
        let probe = project.run(&["check", "--probe"]);
        assert!(probe.stdout.contains(said), "{probe}");
    }
}

/// field 5: what shows nothing is counted whether it is taken or not, and so are refusals.
#[test]
fn empty_answers_and_refusals_are_counted() {
    let stub = Stub::start(|_| {
        vec![ok(
            "{\"choices\": [{\"message\": {\"content\": \"\"}, \"finish_reason\": \"stop\"}], \"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": 0}}",
        )]
    });
    let failed = project(stub.address, CHAT)
        .measure(&["load", "--format", "json"])
        .expect(1)
        .json();
    let stage = &failed["stages"]["api"];
    assert_eq!(
        (&stage["errors"], &stage["empty"]),
        (&json!({"contract": 4}), &json!(4))
    );
    let taken = project(stub.address, &format!("{CHAT}\nempty = \"ok\""));
    let stage = loaded(&taken);
    assert_eq!((&stage["ok"], &stage["empty"]), (&json!(4), &json!(4)));
    let shown = taken.measure(&["load"]).stdout;
    assert!(shown.contains("api: 4 of 4 answers were empty"), "{shown}");
    let refusal = Stub::start(|_| {
        vec![ok(
            "{\"choices\": [{\"message\": {\"refusal\": \"No.\"}, \"finish_reason\": \"stop\"}]}",
        )]
    });
    let refusing = project(refusal.address, CHAT);
    let stage = loaded(&refusing);
    assert_eq!((&stage["refusals"], stage.get("empty")), (&json!(4), None));
    let shown = refusing.measure(&["load"]).stdout;
    assert!(
        shown.contains("api: 4 of 4 ok answers were refusals"),
        "{shown}"
    );
}

/// OpenAI's Responses API, whole and streamed.
#[test]
fn the_responses_api_is_spoken() {
    let usage = json!({"input_tokens": 9, "output_tokens": 3});
    let whole = json!({"status": "completed", "usage": usage.clone(),
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "4 2!"}]}]});
    let stub = Stub::start(move |request| {
        if !request.body.contains("\"stream\":true") {
            return vec![ok(&whole.to_string())];
        }
        let event = |kind: &str, mut more: Value| {
            more["type"] = kind.into();
            send(format!("event: {kind}\ndata: {more}\n\n"))
        };
        let text = |text: &str| event("response.output_text.delta", json!({"delta": text}));
        let ended = json!({"response": {"status": "completed", "usage": usage.clone()}});
        vec![
            send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"),
            event(
                "response.created",
                json!({"response": {"status": "in_progress"}}),
            ),
            wait(30),
            text("4 "),
            wait(10),
            text("2"),
            wait(10),
            text("!"),
            event("response.completed", ended),
            Step::Close,
        ]
    });
    for stream in [false, true] {
        let stage = format!(
            "{CHAT}\napi = \"responses\"\nsystem = \"Be brief.\"\nmax_tokens = 64\nstream = {stream}"
        );
        let project = project(stub.address, &stage);
        let run = project.run(&["eval", "--format", "json"]).expect(0).json();
        assert_eq!(run["eval"]["cases"][0]["output"], "4 2!");
        let stage = loaded(&project);
        assert_eq!(stage["ok"], 4);
        assert_eq!(
            (&stage["tokens"]["input"], &stage["tokens"]["output"]),
            (&json!(36), &json!(12))
        );
        if stream {
            let mean = |metric: &str| stage["metrics"][metric]["mean"].as_f64().unwrap();
            assert!((30.0..200.0).contains(&mean("ttft")), "{}", mean("ttft"));
            // A first event that a busy machine reads late makes the rest come sooner after it.
            assert!((5.0..60.0).contains(&mean("tpot")), "{}", mean("tpot"));
        }
    }
    let sent: Value = serde_json::from_str(&stub.requests()[0].body).unwrap();
    assert_eq!(
        sent,
        json!({"model": "m", "instructions": "Be brief.", "input": [{"role": "user", "content": "hi"}], "max_output_tokens": 64})
    );
}

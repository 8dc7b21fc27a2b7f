//! What is wrong is said where it is, with the exit code of the contract, and nothing is lost or
//! leaked.

use std::io::Read as _;

use serde_json::json;

use crate::support::stub::{Request, Step, Stub, ok, send};
use crate::support::suite::{
    ANSWERS, Service, echo, golden, manifest, nobody, project, question, status, told,
};
use crate::support::{Output, Project};

/// A load whose validity cannot suffer from a busy machine: a closed loop has no schedule.
const TEN: &str = "[load.peak]\ntarget = [\"api\"]\narrivals = { concurrency = 1 }\nrequests = 10\ndata = \"golden.jsonl\"\n";

/// Makes a project with the suite and a load.
fn shop(stub: &Stub, stage: &str) -> Project {
    project(stub.address, stage, &format!("{ANSWERS}\n{TEN}"), 3)
}

#[test]
fn a_broken_manifest_is_shown_where_it_breaks() {
    let project = Project::with_manifest("version = 1\n[deployment\nname = \"d\"\n");
    insta::assert_snapshot!(told(&project.run(&["check"])), @r#"
        error: not valid TOML: unclosed table, expected `]`
           ╭─[stagegate.toml:2:12]
         1 │ version = 1
         2 │ [deployment
           ·            ▲
         3 │ name = "d"
           ╰────
        [exit 2]
        "#);
    let message = project.run(&["check"]).stderr;
    for command in ["load", "eval", "gate", "diff"] {
        assert_eq!(project.run(&[command]).expect(2).stderr, message);
    }
}

#[test]
fn a_missing_manifest_names_the_file_and_the_way_out() {
    let project = Project::new();
    insta::assert_snapshot!(told(&project.run(&["check"])), @r"
    error: there is no manifest `stagegate.toml`
      help: Run `stagegate init` to make one, or name another with `-m FILE`.
    [exit 2]
    ");
}

#[test]
fn an_unknown_key_has_a_suggestion() {
    let text = manifest("127.0.0.1:9".parse().unwrap(), "timout = \"2s\"", "");
    let project = Project::with_manifest(&text);
    insta::assert_snapshot!(told(&project.run(&["check"])), @r#"
    error: unknown key `timout` in stage `api`
        ╭─[stagegate.toml:14:1]
     13 │ owner = "app-team"
     14 │ timout = "2s"
        · ──────
        ╰────
      help: Did you mean `timeout`?
    [exit 2]
    "#);
}

#[test]
fn an_unknown_stage_has_a_suggestion() {
    let text = manifest("127.0.0.1:9".parse().unwrap(), "calls = [\"apj\"]", "");
    let project = Project::with_manifest(&text);
    insta::assert_snapshot!(told(&project.run(&["check"])), @r#"
    error: `calls` of stage `api`: there is no stage `apj`
        ╭─[stagegate.toml:14:10]
     13 │ owner = "app-team"
     14 │ calls = ["apj"]
        ·          ─────
        ╰────
      help: Did you mean `api`?
    [exit 2]
    "#);
}

#[test]
fn cyclic_calls_are_named() {
    let stages = "calls = [\"search\"]\n[stage.search]\nkind = \"http\"\nurl = \"http://x/\"\ncalls = [\"api\"]\n";
    let text = manifest("127.0.0.1:9".parse().unwrap(), stages, "");
    let output = Project::with_manifest(&text).run(&["check"]).expect(2);
    assert!(output.stderr.contains("api → search → api"), "{output}");
}

#[test]
fn unknown_names_on_the_command_line_have_a_suggestion() {
    let service = Service::start();
    let project = shop(&service.stub, "");
    insta::assert_snapshot!(told(&project.run(&["load", "peek"])), @r"
    error: there is no load `peek` in `stagegate.toml`
      help: Did you mean `peak`?
    [exit 2]
    ");
    insta::assert_snapshot!(told(&project.run(&["eval", "answer"])), @r"
    error: there is no eval `answer` in `stagegate.toml`
      help: Did you mean `answers`?
    [exit 2]
    ");
    insta::assert_snapshot!(told(&project.run(&["load", "--stage", "apj"])), @r"
    error: there is no stage `apj` in `stagegate.toml`
      help: Did you mean `api`?
    [exit 2]
    ");
    insta::assert_snapshot!(told(&project.run(&["eval", "--only", "q04"])), @r"
    error: `--only` names a case `q04` that is not in `golden.jsonl`
      help: Did you mean `q01`?
    [exit 2]
    ");
    insta::assert_snapshot!(told(&project.run(&["-e", "staging", "eval"])), @r"
    error: there is no environment `staging`
      help: The manifest has no `[env.NAME]`.
    [exit 2]
    ");
    insta::assert_snapshot!(told(&project.run(&["eval", "--format", "xml"])), @r"
error: invalid value 'xml' for '--format <FORMAT>'
  [possible values: human, json, jsonl, markdown, junit, csv, github]

For more information, try '--help'.
[exit 2]
");
    assert_eq!(service.stub.requests().len(), 0);
}

#[test]
fn an_unknown_environment_names_the_known_ones() {
    let tables = "[env.local]\na = 1\n[env.staging]\na = 2\n";
    let text = manifest("127.0.0.1:9".parse().unwrap(), "", tables)
        .replace("entry = \"api\"", "entry = \"api\"\nenv = \"local\"");
    let project = Project::with_manifest(&text);
    insta::assert_snapshot!(told(&project.run(&["check", "-e", "stagin"])), @r"
    error: there is no environment `stagin`
      help: Did you mean `staging`? Known are `local`, `staging`.
    [exit 2]
    ");
}

#[test]
fn a_broken_golden_line_is_named_and_nothing_is_sent() {
    let service = Service::start();
    let project = shop(&service.stub, "");
    let line = "{\"id\":\"q1\",\"input\":\"x\",\"expected\":\"x\"}\n";
    project.write("golden.jsonl", format!("{line}\n{{\"id\": \"q2\", \"inp\n"));
    insta::assert_snapshot!(told(&project.run(&["eval"])), @r"
    error: golden.jsonl:3: the line ends in the middle of a JSON object
      help: Write each case on one line; the file may have been cut off.
    [exit 2]
    ");
    project.write("golden.jsonl", line.replace("expected", "expectd"));
    insta::assert_snapshot!(told(&project.run(&["eval"])), @r"
    error: golden.jsonl:1: unknown key `expectd`
      help: Did you mean `expected`?
    [exit 2]
    ");
    project.write("golden.jsonl", format!("{line}{line}"));
    insta::assert_snapshot!(told(&project.run(&["eval"])), @r"
    error: golden.jsonl:2: case id `q1` is already used on line 1
      help: Give every case an id of its own.
    [exit 2]
    ");
    project.write(
        "golden.jsonl",
        [line.as_bytes(), b"{\"id\":\"\xff\"}\n"].concat(),
    );
    let output = project.run(&["eval"]).expect(2);
    assert!(output.stderr.contains("golden.jsonl:2"), "{output}");
    assert_eq!(service.stub.requests().len(), 0);
}

#[test]
fn a_missing_golden_file_is_named() {
    let service = Service::start();
    let project = shop(&service.stub, "");
    std::fs::remove_file(project.path("golden.jsonl")).unwrap();
    insta::assert_snapshot!(told(&project.run(&["eval"])), @r"
    error: golden set `golden.jsonl` does not exist
      help: Create the file, or correct `golden` or `data` in the manifest.
    [exit 3]
    ");
}

#[test]
fn a_missing_secret_is_named_and_nothing_is_sent() {
    let service = Service::start();
    let header = "headers = { authorization = \"Bearer {{ secret.SHOP_KEY }}\" }";
    let project = shop(&service.stub, header);
    insta::assert_snapshot!(told(&project.run(&["eval"])), @r"
    error: the secret `SHOP_KEY` is not set
      help: Set `SHOP_KEY` as an environment variable before running stagegate.
    [exit 3]
    ");
    for command in [&["load"][..], &["check", "--probe"]] {
        // `check --probe` reports each stage in its table, so its words may wrap.
        let output = project.run(command).expect(3);
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(said.contains("`SHOP_KEY`"), "{output}");
    }
    assert_eq!(service.stub.requests().len(), 0);
}

/// field 29
#[test]
fn a_secret_that_no_header_can_hold_ends_every_command_alike() {
    let service = Service::start();
    let header = "headers = { authorization = \"Bearer {{ secret.SHOP_KEY }}\" }";
    let project = shop(&service.stub, header);
    for secret in ["s3cr3t-key\n", "s3cr3t\r\nkey", "s3cr3t\u{1}key"] {
        for command in [&["load"][..], &["eval"], &["check", "--probe"]] {
            let output = project.run_with(command, &[("SHOP_KEY", secret)]).expect(3);
            let said = format!("{}{}", output.stdout, output.stderr);
            assert!(
                said.contains("authorization") && !said.contains("s3cr3t"),
                "{output}"
            );
        }
    }
    assert_eq!(service.stub.requests().len(), 0);
}

#[test]
fn an_unreachable_stage_is_named_with_its_address() {
    let address = nobody();
    let project = project(address, "", &format!("{ANSWERS}\n{TEN}"), 3);
    for command in [&["load"][..], &["eval"], &["check", "--probe"]] {
        let output = project.run(command).expect(3);
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(said.contains("`api`"), "{output}");
        assert!(said.contains(&address.to_string()), "{output}");
        assert!(said.contains("Connection refused"), "{output}");
    }
}

#[test]
fn a_host_that_does_not_exist_is_named() {
    let project = shop(&Service::start().stub, "");
    let url = "stage.api.url=http://shop.invalid/ask";
    let output = project.run(&["load", "--set", url]).expect(3);
    assert!(
        output
            .stderr
            .contains("stage `api`: `shop.invalid` cannot be resolved"),
        "{output}"
    );
    let output = project.run(&["eval", "--set", url]).expect(3);
    assert!(output.stderr.contains("shop.invalid"), "{output}");
}

#[test]
fn tls_against_a_server_without_it_is_a_failed_handshake() {
    let stub = Stub::start(echo);
    let project = shop(&stub, "");
    let url = format!("stage.api.url=https://{}/ask", stub.address);
    for command in ["load", "eval"] {
        let output = project.run(&[command, "--set", &url]).expect(3);
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(said.to_lowercase().contains("tls"), "{output}");
    }
}

/// Runs load and eval against a server that is there and never right; returns the kinds of error of
/// both.
fn failures(script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> [Vec<String>; 2] {
    let stub = Stub::start(script);
    let project = shop(&stub, "timeout = \"5s\"");
    let load = project.run(&["load", "--format", "json"]).expect(1).json();
    let api = &load["stages"]["api"];
    assert_eq!((&api["ok"], &api["failed"]), (&0.into(), &10.into()));
    assert_eq!(load["verdict"], "failed");
    let eval = project.run(&["eval", "--format", "json"]).expect(1).json();
    assert_eq!(eval["eval"]["errors"], 3);
    assert_eq!(eval["eval"]["pass_rate"]["value"], 0.0);
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect();
    [keys(&api["errors"]), keys(&eval["eval"]["error_kinds"])]
}

#[test]
fn an_answer_that_is_an_error_or_no_answer_fails() {
    let kinds = |kind: &str| [vec![kind.to_owned()], vec![kind.to_owned()]];
    assert_eq!(
        failures(|_| status(401, "who are you?")),
        kinds("status 401")
    );
    assert_eq!(
        failures(|_| vec![ok("<html>hello</html>")]),
        kinds("decode")
    );
    assert_eq!(failures(|_| vec![ok("{\"reply\": 1}")]), kinds("contract"));
    assert_eq!(failures(|_| vec![ok("")]), kinds("decode"));
}

#[test]
fn a_server_that_breaks_every_time_fails() {
    let kinds = |kind: &str| [vec![kind.to_owned()], vec![kind.to_owned()]];
    assert_eq!(failures(|_| status(500, "oops")), kinds("status 500"));
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"answer\":";
    assert_eq!(
        failures(move |_| vec![send(half), Step::Close]),
        kinds("reset")
    );
    assert_eq!(
        failures(|_| vec![send("SSH-2.0-OpenSSH\r\n"), Step::Close]),
        kinds("decode")
    );
}

#[test]
fn a_stream_cut_in_the_middle_is_no_answer() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"q01\"}}]}\n\n";
    let chunk = format!("{head}{:x}\r\n{event}\r\n", event.len());
    let stub = Stub::start(move |_| vec![send(chunk.clone()), Step::Close]);
    let text = format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nkind = \"chat\"\nurl = \"http://{}/v1\"\nmodel = \"m\"\n\
         stream = true\nmessages = [{{ role = \"user\", content = \"{{{{ input }}}}\" }}]\n{ANSWERS}\n{TEN}",
        stub.address
    );
    let project = Project::with_manifest(&text);
    project.write("golden.jsonl", golden(1));
    let load = project.run(&["load", "--format", "json"]).expect(1).json();
    assert_eq!(load["stages"]["api"]["errors"]["reset"], 10);
    let eval = project.run(&["eval", "--format", "json"]).expect(1).json();
    // What had come would have passed.
    assert_eq!(eval["eval"]["errors"], 1);
    assert_eq!(eval["eval"]["cases"][0]["passed"], false);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let service = Service::start();
    let project = shop(&service.stub, "");
    project.run(&["eval"]).expect(0);
    for arguments in [
        &["eval", "--format", "json"][..],
        &["check"],
        &["runs", "list"],
        &["runs", "show", "--format", "json"],
        &["--help"],
        &["demo", "--help"],
    ] {
        let mut child = project.command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = project.output(child.wait_with_output().unwrap()).expect(0);
        for word in ["panic", "error:", "roken pipe"] {
            assert!(!output.stderr.contains(word), "{arguments:?}\n{output}");
        }
    }
    let mut child = project
        .command(&["runs", "show", "--format", "json"])
        .spawn()
        .unwrap();
    let mut first = [0; 2];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"{\n");
    project.output(child.wait_with_output().unwrap()).expect(0);
}

#[test]
fn a_store_that_cannot_be_written_loses_no_measurement() {
    let service = Service::start();
    let project = shop(&service.stub, "[gate]\nloads = [\"peak\"]\n");
    project.write(".stagegate", "in the way");
    let output = project.run(&["load", "--format", "json"]).expect(3);
    assert_eq!(output.json()["stages"]["api"]["ok"], 10);
    assert!(
        output.stderr.contains("cannot create `./.stagegate/runs`"),
        "{output}"
    );
    // A base that cannot be looked for, and an answer that cannot be journaled, are found out
    // before anything is asked.
    let before = service.stub.requests().len();
    for (command, place) in [("gate", "runs"), ("eval", "journal")] {
        let output = project.run(&[command]).expect(3);
        assert!(
            output.stderr.contains(&format!("`./.stagegate/{place}`")),
            "{output}"
        );
    }
    assert_eq!(service.stub.requests().len(), before);
}

#[test]
fn a_broken_stored_run_is_named_and_hides_no_other() {
    let service = Service::start();
    let project = shop(&service.stub, "");
    project.run(&["eval"]).expect(0);
    let broken = project.run(&["eval", "--format", "json"]).expect(0).json();
    let id = broken["id"].as_str().unwrap();
    project.write(&format!(".stagegate/runs/{id}/run.json"), "{\"schema\":");
    let list = project.run(&["runs", "list", "--format", "json"]).expect(0);
    assert_eq!(list.json()["runs"].as_array().unwrap().len(), 1);
    assert!(list.stderr.contains(id), "{list}");
}

const SECRET: &str = "hunter2-\"kept\"-\\to-itself";

/// Fails when any of the secret is in what was printed or written.
#[track_caller]
fn nothing_leaked(project: &Project, outputs: &[Output]) {
    for output in outputs {
        assert!(!output.stdout.contains("hunter2"), "{output}");
        assert!(!output.stderr.contains("hunter2"), "{output}");
    }
    for path in project.files() {
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("hunter2"), "{} holds {text}", path.display());
    }
}

/// Runs everything that talks to the stage.
fn run_everything(project: &Project) -> Vec<Output> {
    [
        &["eval"][..],
        &["eval", "-v", "--format", "json"],
        &["eval", "--format", "markdown"],
        &["load", "-v", "--format", "json"],
        &["load"],
        &["check", "--probe"],
        &["check", "--probe", "--format", "json"],
        &["gate", "--format", "json"],
        &["runs", "show", "latest"],
    ]
    .iter()
    .map(|arguments| project.run_with(arguments, &[("SHOP_KEY", SECRET)]))
    .collect()
}

/// Returns the header in which the secret was sent.
fn credential(request: &Request) -> String {
    let mut lines = request.head.lines();
    let found = lines.find_map(|line| line.strip_prefix("authorization: "));
    found.unwrap().to_owned()
}

#[test]
fn a_secret_that_the_server_sends_back_is_neither_shown_nor_stored() {
    let header = "headers = { authorization = \"Bearer {{ secret.SHOP_KEY }}\" }\n\
                  [release]\nprompt = { stage = \"api\", response = \"$.answer\" }\n\
                  [gate]\nevals = [\"answers\"]\nloads = [\"peak\"]";
    let answers = Stub::start(|request| {
        let body = json!({"answer": format!("you said {}", credential(request))});
        vec![ok(&body.to_string())]
    });
    let refuses = Stub::start(|request| status(403, &format!("not {}", credential(request))));
    let breaks = Stub::start(|request| vec![ok(&format!("<p>{}</p>", credential(request)))]);
    for (stub, code) in [(&answers, 0), (&refuses, 1), (&breaks, 1)] {
        let project = shop(stub, header);
        let text = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
        let scored = text.replace("[load.peak]", "[load.peak]\nscore_with = \"answers\"");
        project.write("stagegate.toml", scored);
        let outputs = run_everything(&project);
        assert_eq!(outputs[0].code, Some(code), "{}", outputs[0]);
        assert!(stub.requests()[0].head.contains(SECRET));
        nothing_leaked(&project, &outputs);
    }
}

#[test]
fn a_secret_at_the_end_of_an_excerpt_is_not_shown_in_part() {
    let header = "headers = { authorization = \"Bearer {{ secret.SHOP_KEY }}\" }";
    let refuses = Stub::start(|request| {
        let padding = "x".repeat(question(request).parse().unwrap());
        status(403, &format!("{padding}{} and more", credential(request)))
    });
    let breaks = Stub::start(|request| {
        let padding = "x".repeat(question(request).parse().unwrap());
        vec![ok(&format!("{padding}{} and more", credential(request)))]
    });
    for stub in [&refuses, &breaks] {
        let project = shop(stub, header);
        let cases = (80..220).map(|padding| format!("{{\"input\":\"{padding}\"}}\n"));
        project.write("golden.jsonl", cases.collect::<String>());
        let outputs = ["json", "human"]
            .map(|format| project.run_with(&["eval", "--format", format], &[("SHOP_KEY", SECRET)]));
        assert_eq!(outputs[0].json()["eval"]["errors"], 140);
        nothing_leaked(&project, &outputs);
    }
}

#[test]
fn a_secret_in_an_address_is_not_shown_when_nobody_answers() {
    let project = project(
        nobody(),
        "",
        &format!("{ANSWERS}\n{TEN}\n[gate]\nevals = [\"answers\"]\n"),
        3,
    );
    let manifest = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
    project.write(
        "stagegate.toml",
        manifest.replace("/ask\"", "/ask?key={{ secret.SHOP_KEY | urlencode }}\""),
    );
    let outputs = run_everything(&project);
    assert_eq!(outputs[0].code, Some(3), "{}", outputs[0]);
    nothing_leaked(&project, &outputs);
}

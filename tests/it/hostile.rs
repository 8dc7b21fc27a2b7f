//! Stages that misbehave without end, and machines that have no room: a clear message, the right exit code, nothing lost.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::stub::{Request, Step, Stub, send, wait};
use crate::support::suite::{ANSWERS, Service, project};
use crate::support::{Output, Project};

const ONE: &str = "[load.peak]\ntarget = [\"api\"]\narrivals = { concurrency = 1 }\nrequests = 1\ndata = \"golden.jsonl\"\n";

/// Asks one case by a suite, under load, and as a probe; all must find that failure and say that.
fn every_way(stub: &Stub, stage: &str, failure: &str, said: &str) {
    let project = project(stub.address, stage, &format!("{ANSWERS}\n{ONE}"), 1);
    let load = project.measure(&["load", "--format", "json"]).expect(1);
    assert_eq!(load.json()["stages"]["api"]["errors"], json!({failure: 1}));
    assert!(load.stderr.contains(said), "{load}");
    let eval = project.run(&["eval", "--format", "json"]).expect(1);
    let error = eval.json()["eval"]["cases"][0]["error"].to_string();
    assert!(error.contains(failure), "{error}");
    let probe = project.run(&["check", "--probe"]);
    assert!(probe.code == Some(1) || probe.code == Some(3), "{probe}");
    assert!(
        probe.stdout.contains("`api`") || probe.stdout.contains("api"),
        "{probe}"
    );
}

#[test]
fn a_stream_without_end_ends_with_the_timeout() {
    let stub = Stub::start(|_| {
        let head =
            send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
        let forever = (0..2000).flat_map(|_| [send("data: {\"t\": \"x\"}\n\n"), wait(5)]);
        [head].into_iter().chain(forever).collect()
    });
    let address = stub.address;
    let text = format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nkind = \"http\"\nurl = \"http://{address}/\"\nstream = true\n\
         output = {{ delta = \"$.t\" }}\ntimeout = \"400ms\"\n{ANSWERS}\n{ONE}"
    );
    let project = Project::with_manifest(&text);
    project.write(
        "golden.jsonl",
        "{\"id\": \"q\", \"input\": \"x\", \"expected\": \"x\", \"tags\": {\"lang\": \"en\"}}\n",
    );
    let load = project.run(&["load", "--format", "json"]).expect(1);
    assert_eq!(
        load.json()["stages"]["api"]["errors"],
        json!({"timeout": 1})
    );
    let eval = project.run(&["eval", "--format", "json"]).expect(1).json();
    let error = eval["eval"]["cases"][0]["error"].to_string();
    assert!(
        error.contains("did not finish its answer within 400ms"),
        "{error}"
    );
}

#[test]
fn an_answer_of_200_mb_is_not_read_to_its_end() {
    let stub = Stub::start(|_: &Request| {
        let head = send("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        // One piece of memory, sent 200 times.
        let piece = vec![b'x'; 1 << 20];
        [head]
            .into_iter()
            .chain((0..200).map(|_| Step::Send(piece.clone())))
            .chain([Step::Close])
            .collect()
    });
    every_way(&stub, "", "too large", "64 MiB");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let stub = Stub::start(|_| vec![wait(8000), Step::Close]);
    every_way(
        &stub,
        "timeout = \"300ms\"",
        "timeout",
        "within the timeout",
    );
}

#[test]
fn bytes_that_are_no_text_are_no_answer() {
    let stub = Stub::start(|_| {
        vec![send(
            [
                &b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"answer\": \"\xff\""[..],
                b"}",
            ]
            .concat(),
        )]
    });
    every_way(&stub, "", "decode", "not JSON");
}

#[test]
fn a_limit_of_requests_is_counted_apart() {
    let stub = Stub::start(|_| {
        vec![send(
            "HTTP/1.1 429 Slow Down\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n",
        )]
    });
    every_way(&stub, "", "status 429", "");
}

#[test]
fn two_processes_share_one_store() {
    let service = Service::start();
    let project = project(service.stub.address, "", &format!("{ANSWERS}\n{ONE}"), 5);
    let start = |command: &str| {
        project
            .command(&[command, "--format", "json"])
            .spawn()
            .unwrap()
    };
    let running: Vec<_> = ["load", "eval", "load", "eval"]
        .into_iter()
        .map(start)
        .collect();
    let mut ids: Vec<String> = Vec::new();
    for child in running {
        let output = child.wait_with_output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        ids.push(document["id"].as_str().unwrap().to_owned());
    }
    let stored = project
        .run(&["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    let stored = stored["runs"].as_array().unwrap();
    assert_eq!(stored.len(), 4);
    assert!(
        ids.iter()
            .all(|id| stored.iter().any(|run| run["id"] == **id))
    );
}

/// Runs a script with a file system of 256 KiB at `disk`, in the project; `None` where this machine does not let us mount one.
fn on_a_small_disk(project: &Project, script: &str) -> Option<Output> {
    let binary = env!("CARGO_BIN_EXE_stagegate");
    let mount = "mkdir -p disk && mount -t tmpfs -o size=256k tmpfs disk";
    let unshare = |script: &str| {
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .current_dir(project.path(""))
            .env("COLUMNS", "80")
            .stdin(Stdio::null())
            .output()
    };
    let can = unshare(mount).is_ok_and(|output| output.status.success());
    if !can {
        return None;
    }
    let copy = "cp stagegate.toml golden.jsonl disk/ && cd disk";
    let output = unshare(&format!(
        "{mount} && {copy} && {}",
        script.replace("stagegate ", &format!("{binary} "))
    ));
    let output = output.unwrap();
    Some(Output {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    })
}

#[test]
fn a_full_disk_is_named_and_the_result_is_shown() {
    let service = Service::start();
    let project = project(service.stub.address, "", &format!("{ANSWERS}\n{ONE}"), 3);
    let fill = "dd if=/dev/zero of=fill bs=4k 2>/dev/null;";
    if let Some(load) = on_a_small_disk(&project, &format!("{fill} stagegate load --format json")) {
        let load = load.expect(3);
        assert_eq!(load.json()["stages"]["api"]["ok"], 1);
        assert!(load.stderr.contains("No space left on device"), "{load}");
    }
    if let Some(eval) = on_a_small_disk(&project, &format!("{fill} stagegate eval")) {
        let eval = eval.expect(3);
        assert!(eval.stderr.contains("No space left on device"), "{eval}");
    }
}

#[test]
fn a_read_only_store_is_named_and_the_result_is_shown() {
    let service = Service::start();
    let project = project(service.stub.address, "", &format!("{ANSWERS}\n{ONE}"), 3);
    let script = "mount -o remount,ro . && stagegate load --format json";
    if let Some(load) = on_a_small_disk(&project, script) {
        let load = load.expect(3);
        assert_eq!(load.json()["stages"]["api"]["ok"], 1);
        assert!(load.stderr.contains("Read-only file system"), "{load}");
    }
}

#[test]
fn a_shallow_clone_says_that_its_history_ends() {
    let service = Service::start();
    let project = project(
        service.stub.address,
        "",
        &format!("{ANSWERS}\n[gate]\nevals = [\"answers\"]\n"),
        3,
    );
    project.commit("v1");
    project.commit("v2");
    let head = git2::Repository::open(project.path(""))
        .unwrap()
        .head()
        .unwrap()
        .target()
        .unwrap();
    // What `git clone --depth 1` leaves: the commit without its parents.
    project.write(".git/shallow", format!("{head}\n"));
    let gate = project.run(&["gate"]);
    assert!(gate.code == Some(0) || gate.code == Some(4), "{gate}");
    assert!(gate.stderr.contains("shallow"), "{gate}");
}

/// `max_answer` bounds a body alike whoever reads it, and the failure says how much was allowed.
#[test]
fn the_size_of_an_answer_has_a_limit_of_the_stages_own() {
    let body = format!("{{\"answer\": \"{}\"}}", "x".repeat(3000));
    let stub = Stub::start(move |_: &Request| vec![crate::support::stub::ok(&body)]);
    for (limit, said) in [
        ("max_answer = \"1KiB\"", "1024 bytes"),
        ("max_answer = 2000", "2000 bytes"),
    ] {
        every_way(&stub, limit, "too large", said);
    }
    let project = project(
        stub.address,
        "max_answer = \"4kB\"",
        &format!("{ANSWERS}\n{ONE}"),
        1,
    );
    project.run(&["load"]).expect(0);
    for (wrong, said) in [
        (
            "max_answer = 0",
            "`max_answer` of stage `api` must be above zero",
        ),
        (
            "max_answer = \"much\"",
            "`much` is not a size such as `64MiB`",
        ),
        ("max_answer = -1", "`-1` is not a size such as `64MiB`"),
    ] {
        let project = crate::support::suite::project(stub.address, wrong, ANSWERS, 1);
        let shown = project.run(&["check"]).expect(2).stderr;
        assert!(shown.contains(said), "{shown}");
    }
}

/// field 23: one example of each kind of failure, in the report and in JSON, without secrets.
#[test]
fn a_load_says_what_its_failures_look_like() {
    let stub = Stub::start(|_: &Request| {
        let body = format!(
            "{{\"error\":\"unknown model; your key is s3cret-key\", \"more\": \"{}\"}}",
            "x".repeat(5000)
        );
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        vec![send(head + &body)]
    });
    let headers = "headers = { authorization = \"Bearer {{ secret.API_KEY }}\" }";
    let project = project(stub.address, headers, &format!("{ANSWERS}\n{ONE}"), 1);
    let run = |format: &str| {
        let mut command = project.command(&["load", "--format", format]);
        let output = command.env("API_KEY", "s3cret-key").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&run("json")).unwrap();
    let example = json["stages"]["api"]["examples"]["status 400"]
        .as_str()
        .unwrap();
    assert!(
        example.contains("unknown model; your key is ***"),
        "{example}"
    );
    assert!(example.len() < 400, "{example}");
    let shown = run("human");
    assert!(
        shown.contains("api, status 400: ") && shown.contains("unknown model"),
        "{shown}"
    );
    assert!(!shown.contains("s3cret") && !json.to_string().contains("s3cret"));
}

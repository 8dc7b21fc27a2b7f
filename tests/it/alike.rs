//! A stage is called in one way: whoever calls it, the same answer means the same.

use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::Project;
use crate::support::stub::{Stub, ok, send};

/// A manifest with one stage, which `load`, `eval`, and `profile` call.
fn project(url: &str, stage: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nurl = \"{url}\"\n{stage}\n\
         [load.l]\ntarget = [\"api\"]\narrivals = {{ concurrency = 1 }}\nrequests = 2\nhonour_retry_after = true\n\
         [eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"contains\"\nvalue = \"4\"\n"
    ));
    project.write("g.jsonl", "{\"id\": \"q1\", \"input\": \"hi\"}\n");
    project
}

/// Returns how long the stub was left alone between the first two requests of a command.
fn wait_of(head: &str, command: &str) -> Duration {
    let refused = format!("HTTP/1.1 503 Busy\r\n{head}\r\ncontent-length: 0\r\n\r\n");
    let asked = AtomicUsize::new(0);
    let stub = Stub::start(move |_| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        vec![if first {
            send(refused.clone())
        } else {
            ok("42")
        }]
    });
    let project = project(&format!("http://{}/", stub.address), "kind = \"http\"");
    project.run(&[command, "--format", "json"]);
    let requests = stub.requests();
    assert_eq!(requests.len(), 2, "{command}: {head}");
    requests[1].at - requests[0].at
}

#[test]
fn a_stage_is_left_alone_as_long_as_it_asks_by_load_and_eval_alike() {
    let date = "date: Wed, 21 Oct 2015 07:28:00 GMT\r\nretry-after:";
    for (head, millis) in [
        ("retry-after: 1".to_owned(), 1000),
        ("Retry-After: 0.3".to_owned(), 300),
        (format!("{date} Wed, 21 Oct 2015 07:28:01 GMT"), 1000),
        (format!("{date} Wednesday, 21-Oct-15 07:28:01 GMT"), 1000),
        (format!("{date} Wed Oct 21 07:28:01 2015"), 1000),
    ] {
        for command in ["load", "eval"] {
            let (wait, asked) = (wait_of(&head, command), Duration::from_millis(millis));
            // An eval adds up to a quarter, so that its cases do not all come back at once.
            let most = asked * 5 / 4 + Duration::from_millis(400);
            assert!(wait >= asked && wait < most, "{command}, {head}: {wait:?}");
        }
    }
}

#[test]
fn a_wait_above_the_timeout_is_a_failure_that_names_it() {
    let refused = "HTTP/1.1 529 Overloaded\r\nretry-after: 120\r\ncontent-length: 4\r\n\r\nfull";
    let stub = Stub::start(move |_| vec![send(refused)]);
    let url = format!("http://{}/", stub.address);
    let project = project(&url, "kind = \"http\"\ntimeout = \"600ms\"");
    let said = "answered 529: full; it asks for a wait of 2m, longer than its timeout of 600ms";
    for command in [&["load"][..], &["eval"], &["check", "--probe"]] {
        let before = stub.requests().len();
        let output = project.run(command).expect(1);
        let shown = format!("{}{}", output.stdout, output.stderr).replace('\n', " ");
        let shown: Vec<&str> = shown.split_whitespace().collect();
        assert!(shown.join(" ").contains(said), "{command:?}: {output}");
        // An eval does not ask again; the user of a load comes back after the timeout.
        let asked = stub.requests().len() - before;
        assert_eq!(asked, if command == ["load"] { 2 } else { 1 });
    }
}

/// field 20
#[test]
fn every_address_of_a_name_is_tried_by_all() {
    // A server on ::1 only, on a port at which nothing is on 127.0.0.1.
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return; // A machine without IPv6.
    };
    let port = listener.local_addr().unwrap().port();
    if !resolves_to_both() || TcpListener::bind(("127.0.0.1", port)).is_err() {
        return;
    }
    let stub = Stub::on(listener, |_| vec![ok("42")]);
    for connections in ["pooled", "per_request"] {
        let stage = "kind = \"http\"\nmethod = \"POST\"\nbody = \"x\"";
        let project = project(&format!("http://localhost:{port}/"), stage);
        let set = format!("load.l.connections=\"{connections}\"");
        for command in [
            &["check", "--probe"][..],
            &["eval"],
            &["load", "--set", &set],
        ] {
            project.measure(command).expect(0);
        }
    }
    assert_eq!(stub.requests().len(), 2 * (1 + 1 + 2));
}

fn resolves_to_both() -> bool {
    use std::net::ToSocketAddrs as _;
    let found = ("localhost", 80).to_socket_addrs();
    let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    found.iter().any(SocketAddr::is_ipv4) && found.iter().any(SocketAddr::is_ipv6)
}

/// field 28: proxies of the environment are not used, and that is said once by whoever calls a stage elsewhere.
#[test]
fn a_proxy_of_the_environment_is_told_once() {
    let proxy = [("HTTPS_PROXY", "http://127.0.0.1:9/"), ("http_proxy", "")];
    let elsewhere = "http://stage.invalid/";
    for command in [&["check", "--probe"][..], &["eval"], &["load"]] {
        let output = project(elsewhere, "kind = \"http\"").run_with(command, &proxy);
        let said = "`HTTPS_PROXY` is set and not used";
        assert_eq!(
            output.stderr.matches(said).count(),
            1,
            "{command:?}: {output}"
        );
        let here = project("http://127.0.0.1:9/", "kind = \"http\"").run_with(command, &proxy);
        assert!(!here.stderr.contains("not used"), "{command:?}: {here}");
    }
    let output = project(elsewhere, "kind = \"http\"").run_with(&["check"], &proxy);
    assert!(!output.stderr.contains("not used"), "{output}");
}

const SSE: &str = "content-type: text/event-stream\r\n";
const LINES: &str = "content-type: application/x-ndjson\r\n";
const CHAT: &str = "kind = \"chat\"\nmodel = \"m\"\nmessages = []";

/// Stage, head and body of its answer, and what kind of failure that is.
const ANSWERS: &[(&str, &str, &str, Option<&str>)] = &[
    ("kind = \"http\"", "", "4", None),
    (
        "kind = \"http\"\noutput = { error = \"$.error\", text = \"$.a\" }",
        "",
        "{\"error\": {\"message\": \"no\"}}",
        Some("answer error"),
    ),
    (
        "kind = \"http\"\noutput = { error = \"$.error\", text = \"$.a\" }",
        "",
        "{\"error\": \"false\", \"a\": 4}",
        None,
    ),
    (
        "kind = \"http\"\noutput = { error = { header = \"x-error\" } }",
        "x-error: overloaded\r\n",
        "4",
        Some("answer error"),
    ),
    (
        "kind = \"http\"\noutput = { text = \"$.a\", s = { header = \"x-s\" } }",
        "",
        "{\"a\": 4}",
        Some("contract"),
    ),
    (
        "kind = \"http\"\noutput = { ids = \"$.hits[0:].id\", text = \"$.a\" }",
        "",
        "{\"hits\": [], \"a\": \"4\"}",
        None,
    ),
    (
        "kind = \"http\"\nstream = \"ndjson\"\noutput = { delta = \"$.t\" }",
        LINES,
        "{\"t\": \"4\"}\n",
        None,
    ),
    (
        "kind = \"http\"\nstream = \"ndjson\"\noutput = { delta = \"$.t\" }",
        SSE,
        "data: {\"t\": \"4\"}\n\n",
        Some("decode"),
    ),
    ("kind = \"http\"\nstream = \"text\"", "", "4", None),
    (
        "kind = \"http\"\nstream = true\noutput = { delta = \"$.t\", error = \"$.failed\" }",
        SSE,
        "data: {\"t\": \"4\"}\n\ndata: {\"failed\": true}\n\n",
        Some("answer error"),
    ),
    (
        CHAT,
        "",
        "{\"choices\": [{\"message\": {\"content\": \"4\"}}]}",
        None,
    ),
    (
        CHAT,
        "",
        "{\"choices\": [{\"message\": {\"content\": \"\"}}]}",
        Some("contract"),
    ),
];

/// What one answer means to whoever calls its stage: `None` where it is ok, else the kind of failure.
#[test]
fn an_answer_means_the_same_to_load_eval_check_and_profile() {
    for (stage, head, body, failure) in ANSWERS.iter().copied() {
        let answer = format!(
            "HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let stub = Stub::start(move |_| vec![send(answer.clone())]);
        let project = project(&format!("http://{}/", stub.address), stage);
        let load = project.measure(&["load", "--format", "json"]).json();
        let errors = load["stages"]["api"]["errors"].clone();
        let expected =
            failure.map_or_else(|| serde_json::json!({}), |it| serde_json::json!({it: 2}));
        assert_eq!(errors, expected, "load: {stage}");
        let eval = project.run(&["eval", "--format", "json"]).json();
        let errors = &eval["eval"]["error_kinds"];
        let expected =
            failure.map_or_else(|| serde_json::json!({}), |it| serde_json::json!({it: 1}));
        assert_eq!(errors, &expected, "eval: {stage}");
        let code = i32::from(failure.is_some());
        project.run(&["check", "--probe"]).expect(code);
        let profile = ["profile", "api", "--duration", "100ms", "--format", "json"];
        let profile = project.measure(&profile).json();
        let cell = &profile["stages"]["api"];
        assert_eq!(
            cell["ok"] == 0,
            failure.is_some(),
            "profile: {stage}: {cell}"
        );
    }
}

/// field 21: bytes of any kind are a sign of life, and before the first of them there is nothing to
/// be idle.
#[test]
fn the_idle_limit_means_the_same_in_load_and_eval() {
    use crate::support::stub::{Step, wait};
    const HEAD: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let content = "data: {\"t\": \"42\"}\n\n";
    let comments = |first: u64| {
        let mut steps = vec![wait(first), send(HEAD)];
        steps.extend((0..5).flat_map(|_| [wait(200), send(": still here\n\n")]));
        steps
    };
    for (name, first, silence, code) in [
        ("comments are life", 0, 200, 0),
        ("waiting for the first byte is not idle", 900, 200, 0),
        ("silence is", 0, 900, 1),
    ] {
        let stub = Stub::start(move |_| {
            let mut steps = comments(first);
            steps.extend([wait(silence), send(content), Step::Close]);
            steps
        });
        let stage = "kind = \"http\"\nstream = true\noutput = { delta = \"$.t\" }\ntimeout = { idle = \"500ms\" }";
        let project = project(&format!("http://{}/", stub.address), stage);
        for command in ["load", "eval"] {
            let output = project.measure(&[command, "--format", "json"]);
            assert_eq!(output.code, Some(code), "{name}, {command}: {output}");
            if code == 1 {
                let said = output.stdout.contains("timeout");
                assert!(said, "{name}, {command}: {output}");
            }
        }
    }
}

// security 22
#[test]
fn the_user_of_an_address_is_sent_by_all_as_basic_authentication() {
    let stub = Stub::start(|_| vec![ok("42")]);
    let asked = |user: &str, stage: &str| {
        let url = format!("http://{user}@{}/", stub.address);
        let project = project(&url, &format!("kind = \"http\"\n{stage}"));
        let before = stub.requests().len();
        for command in [&["check", "--probe"][..], &["load"], &["eval"]] {
            project
                .run_with(command, &[("PASSWORD", "a:b@c")])
                .expect(0);
        }
        let requests = stub.requests().split_off(before);
        let heads: Vec<String> = requests.iter().map(|it| it.head.to_lowercase()).collect();
        assert_eq!(heads.len(), 4);
        heads
    };
    // "me:se cret", "me:", ":x", and "me:a:b@c".
    for (user, basic) in [
        ("me:se%20cret", "bWU6c2UgY3JldA=="),
        ("me", "bWU6"),
        (":x", "Ong="),
        ("me:{{ secret.PASSWORD | urlencode }}", "bWU6YTpiQGM="),
    ] {
        let line = format!("authorization: basic {}", basic.to_lowercase());
        for head in asked(user, "") {
            assert!(head.contains(&line), "{user}: {head}");
            assert!(!head.contains('@'), "{head}");
        }
    }
    for head in asked("me:x", "headers = { Authorization = \"Bearer t\" }") {
        assert!(head.contains("authorization: bearer t"), "{head}");
        assert!(!head.contains("basic"), "{head}");
    }
}

// security 5
#[test]
fn of_a_large_answer_what_is_selected_is_read_by_all() {
    let pad = "[1,2,{\"a\":[3]}],".repeat(600_000);
    let body = format!("{{\"pad\": [{pad}0], \"hits\": [{{\"t\": \"41\"}}, {{\"t\": \"42\"}}]}}");
    assert!(body.len() > 8 << 20);
    let stub = Stub::start(move |_| vec![ok(&body)]);
    let url = format!("http://{}/", stub.address);
    let stage = |path: &str| format!("kind = \"http\"\noutput = {{ text = \"{path}\" }}");
    let counts = |project: &Project| {
        // Reading it takes a debug build so long that the load calls itself invalid.
        let load = project.run(&["load", "--format", "json"]).json();
        let stage = &load["stages"]["api"];
        (stage["ok"].as_u64(), stage["errors"]["too large"].as_u64())
    };
    for path in [
        "$.hits[1].t",
        "$['hits'][-1]['t']",
        "$.hits[?@.t == '42'].t",
    ] {
        let project = project(&url, &stage(path));
        project.run(&["check", "--probe"]).expect(0);
        project.run(&["eval"]).expect(0);
        assert_eq!(counts(&project), (Some(2), None), "{path}");
    }
    // All of it is more than may be kept.
    let project = project(&url, &stage("$.pad"));
    for command in [&["check", "--probe"][..], &["eval"]] {
        let output = project.run(command).expect(1);
        let shown = format!("{}{}", output.stdout, output.stderr);
        let words: Vec<&str> = shown.split_whitespace().collect();
        let said = "the JSON of the answer cannot be kept: it is large";
        assert!(words.join(" ").contains(said), "{command:?}: {output}");
    }
    assert_eq!(counts(&project), (Some(0), Some(2)));
}

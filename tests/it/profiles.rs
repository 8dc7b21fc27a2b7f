//! Profiles of orchestrators whose truth is known: right, or silent.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::Project;
use crate::support::stub::{Request, Stub, ok, wait};

/// A stage that takes so long itself, and calls others: each once for every time that it is named, one after another.
fn stage(own: u64, calls: &[SocketAddr]) -> Stub {
    let calls = calls.to_vec();
    Stub::start(move |_: &Request| {
        for callee in &calls {
            call(*callee);
        }
        vec![wait(own), ok("{}")]
    })
}

fn call(callee: SocketAddr) {
    let mut connection = TcpStream::connect(callee).unwrap();
    let request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut seen = [0; 512];
    let read = connection.read(&mut seen).unwrap();
    assert!(read > 0);
}

/// What the profile of `gateway` says; the stages come with what they call.
fn said(duration: &str, stages: &[(&str, &Stub, &str)]) -> String {
    let mut text = "version = 1\n[deployment]\nname = \"d\"\n".to_owned();
    for (name, stub, calls) in stages {
        let url = format!("http://{}/", stub.address);
        writeln!(
            text,
            "[stage.{name}]\nkind = \"http\"\nmethod = \"GET\"\nurl = \"{url}\"\ncalls = [{calls}]"
        )
        .unwrap();
    }
    let project = Project::with_manifest(&text);
    let arguments = [
        "profile",
        "gateway",
        "--rate",
        "10/s",
        "--duration",
        duration,
        "--format",
        "json",
    ];
    let run = project.measure(&arguments).json();
    let found = &run["profile"];
    let inside_low = |stage: &str| {
        let cells = found["cells"].as_array().unwrap();
        cells
            .iter()
            .any(|it| it["stage"] == stage && it["place"] == "inside" && it["load"] == "low")
    };
    assert!(inside_low("gateway") && !inside_low("b"), "{found}");
    found["summary"].as_str().unwrap().to_owned()
}

#[test]
fn the_slowest_of_stages_that_follow_one_another_is_named() {
    let (a, b, c) = (stage(15, &[]), stage(40, &[]), stage(5, &[]));
    let gateway = stage(5, &[a.address, b.address, c.address]);
    let said = said(
        "6s",
        &[
            ("gateway", &gateway, "\"a\", \"b\", \"c\""),
            ("a", &a, ""),
            ("b", &b, ""),
            ("c", &c, ""),
        ],
    );
    assert!(said.starts_with("`b` takes "), "{said}");
}

#[test]
fn a_stage_that_is_called_by_another_is_not_counted_twice() {
    let b = stage(40, &[]);
    let a = stage(5, &[b.address]);
    let gateway = stage(5, &[a.address]);
    let said = said(
        "1s",
        &[
            ("gateway", &gateway, "\"a\""),
            ("a", &a, "\"b\""),
            ("b", &b, ""),
        ],
    );
    assert!(said.contains("its parts cannot be added up"), "{said}");
}

#[test]
fn a_stage_that_is_called_twice_is_not_taken_for_its_callers_own_time() {
    let (a, b) = (stage(25, &[]), stage(20, &[]));
    let gateway = stage(5, &[a.address, b.address, b.address]);
    let said = said(
        "6s",
        &[
            ("gateway", &gateway, "\"a\", \"b\""),
            ("a", &a, ""),
            ("b", &b, ""),
        ],
    );
    assert!(said.contains("its parts cannot be added up"), "{said}");
}

/// field 23, security 6: a profile says what its failures look like, and what a stage echoes is
/// struck out of it too.
#[test]
fn a_profile_says_why_answers_failed_and_repeats_no_secret() {
    let asked = AtomicUsize::new(0);
    let stub = Stub::start(move |_: &Request| {
        let body = if asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            r#"{"error": "no quota for hunter2-key"}"#
        } else {
            r#"{"choices": [{"message": {"content": "a"}, "finish_reason": "hunter2-key"}]}"#
        };
        vec![ok(body)]
    });
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.llm]\nkind = \"chat\"\nmodel = \"m\"\n\
         url = \"http://{}/\"\nheaders = {{ x-key = \"{{{{ secret.KEY }}}}\" }}\n\
         messages = [{{ role = \"user\", content = \"hi\" }}]\n",
        stub.address
    ));
    let arguments = ["profile", "llm", "--rate", "20/s", "--duration", "400ms"];
    let arguments = [&arguments[..], &["--format", "json"]].concat();
    let variables = [("KEY", "hunter2-key")];
    let output = project.run_with(&arguments, &variables);
    assert!(
        output.stderr.contains("stage `llm`, contract: "),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("no quota for ***"),
        "{}",
        output.stderr
    );
    let example = output.json()["stages"]["llm"]["examples"]["contract"].clone();
    assert!(example.as_str().unwrap().contains("no quota for ***"));
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

//! Headers that differ from request to request, or that the manifest's SLOs say.

use std::collections::HashSet;
use std::net::SocketAddr;

use crate::support::Project;
use crate::support::http2::{Answer, Http2Stub, Manner};
use crate::support::stub::{Request, Stub, ok};

fn project(address: SocketAddr, deployment: &str, stage: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n{deployment}\n[stage.api]\nurl = \"http://{address}/\"\n{stage}\n\
         [load.l]\ntarget = [\"api\"]\narrivals = {{ concurrency = 2 }}\nrequests = 12\n\
         [eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\nrepeats = 2\n[[eval.e.assert]]\nkind = \"contains\"\nvalue = \"4\"\n"
    ));
    let cases = (0..3).map(|number| format!("{{\"id\": \"q{number}\", \"input\": \"hi\"}}\n"));
    project.write("g.jsonl", cases.collect::<String>());
    project
}

fn header(request: &Request, name: &str) -> Option<String> {
    let mut lines = request
        .head
        .lines()
        .filter_map(|line| line.split_once(": "));
    let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_owned())
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

#[test]
fn every_request_begins_a_trace_of_its_own_whoever_sends_it() {
    for (deployment, stage) in [
        ("trace = true", "kind = \"http\""),
        (
            "",
            "kind = \"http\"\ntrace = true\nmethod = \"POST\"\nbody = { a = 1 }",
        ),
    ] {
        let stub = Stub::start(|_| vec![ok("42")]);
        let project = project(stub.address, deployment, stage);
        project.run(&["check", "--probe"]).expect(0);
        project.run(&["load"]);
        let eval = project.run(&["eval", "--format", "json"]).expect(0).json();
        // The same seed is no reason for the same traces.
        project.run(&["load"]);
        let requests = stub.requests();
        assert_eq!(requests.len(), 1 + 12 + 6 + 12);
        let traces: Vec<String> = requests
            .iter()
            .map(|request| header(request, "traceparent").expect("a traceparent"))
            .collect();
        let mut ids = HashSet::new();
        for trace in &traces {
            let parts: Vec<&str> = trace.split('-').collect();
            let [version, id, span, flags] = parts[..] else {
                panic!("{trace}");
            };
            assert!(version == "00" && flags == "01", "{trace}");
            assert!(is_hex(id, 32) && is_hex(span, 16), "{trace}");
            assert!(ids.insert(id.to_owned()), "{trace} twice");
        }
        let cases = eval["eval"]["cases"].as_array().unwrap().iter();
        let stored: HashSet<&str> = cases.map(|it| it["trace_id"].as_str().unwrap()).collect();
        let sent = traces[13..19]
            .iter()
            .map(|it| it.split('-').nth(1).unwrap());
        assert_eq!(stored, sent.collect());
    }
}

/// Each has one that is well-formed and no other's.
fn are_traces_of_their_own(found: Vec<Option<String>>) {
    let mut ids = HashSet::new();
    for trace in found {
        let trace = trace.expect("a traceparent");
        let parts: Vec<&str> = trace.split('-').collect();
        assert!(
            matches!(parts[..], ["00", id, span, "01"] if is_hex(id, 32) && is_hex(span, 16)),
            "{trace}"
        );
        assert!(ids.insert(parts[1].to_owned()), "{trace} twice");
    }
}

#[test]
fn a_profile_traces_its_requests_too() {
    let stub = Stub::start(|_| vec![ok("42")]);
    let project = project(stub.address, "trace = true", "kind = \"http\"");
    let profile = project.measure(&["profile", "api", "--rate", "10/s", "--duration", "1s"]);
    let requests = stub.requests();
    assert!(requests.len() > 10, "{profile}");
    are_traces_of_their_own(
        requests
            .iter()
            .map(|it| header(it, "traceparent"))
            .collect(),
    );
}

#[test]
fn requests_over_http2_are_traced_too() {
    let stub = Http2Stub::start(Manner::default(), None, |_, _| Answer::after(1, "42"));
    let stage = "kind = \"http\"\nhttp_version = \"2\"\ntrace = true";
    let project = project(stub.address, "", stage);
    project.run(&["check", "--probe"]).expect(0);
    project.measure(&["load"]).expect(0);
    project.run(&["eval"]).expect(0);
    let found = stub.header("traceparent");
    assert_eq!(found.len(), 1 + 12 + 6);
    are_traces_of_their_own(found);
}

#[test]
fn without_the_key_and_with_a_trace_of_ones_own_nothing_is_added() {
    for (deployment, stage, found) in [
        ("", "kind = \"http\"", None),
        ("trace = true", "kind = \"http\"\ntrace = false", None),
        (
            "trace = true",
            "kind = \"http\"\nheaders = { Traceparent = \"mine\" }",
            Some("mine"),
        ),
    ] {
        let stub = Stub::start(|_| vec![ok("42")]);
        let project = project(stub.address, deployment, stage);
        let load = project.run(&["load"]);
        project.run(&["eval"]).expect(0);
        for request in stub.requests() {
            let trace = header(&request, "traceparent");
            assert_eq!(trace.as_deref(), found, "{load}");
            assert_eq!(
                request
                    .head
                    .to_ascii_lowercase()
                    .matches("traceparent")
                    .count(),
                usize::from(found.is_some())
            );
        }
    }
}

#[test]
fn a_program_has_its_trace_in_its_environment() {
    let project = Project::with_manifest(
        "version = 1\n[deployment]\nname = \"d\"\ntrace = true\n[stage.api]\nkind = \"command\"\n\
         command = [\"sh\", \"-c\", \"echo $TRACEPARENT >> traces; echo '\\\"42\\\"'\"]\n\
         [load.l]\ntarget = [\"api\"]\narrivals = { concurrency = 1 }\nrequests = 3\n",
    );
    project.run(&["check", "--probe"]).expect(0);
    project.run(&["load"]);
    let text = std::fs::read_to_string(project.path("traces")).unwrap();
    let traces: HashSet<&str> = text.lines().collect();
    assert_eq!((text.lines().count(), traces.len()), (4, 4), "{text}");
    assert!(
        traces
            .iter()
            .all(|it| it.len() == 55 && it.starts_with("00-")),
        "{text}"
    );
}

#[test]
fn a_router_is_told_the_slos() {
    let slo = "slo = { ttft.p95 = \"500ms\", ttft.p50 = \"200ms\", tpot.p95 = \"30.5ms\", response_time.p95 = \"9s\" }";
    for (deployment, keys) in [("slo_headers = true", ""), ("", "slo_headers = true\n")] {
        let stub = Stub::start(|_| vec![ok("42")]);
        let stream = "kind = \"http\"\nstream = true\noutput = { delta = \"$.t\" }";
        let stage = format!("{stream}\n{keys}{slo}");
        let project = project(stub.address, deployment, &stage);
        project.run(&["load"]);
        project.run(&["eval"]);
        let requests = stub.requests();
        assert_eq!(requests.len(), 12 + 6);
        for request in requests {
            assert_eq!(header(&request, "x-slo-ttft-ms").as_deref(), Some("200"));
            assert_eq!(header(&request, "x-slo-tpot-ms").as_deref(), Some("30.5"));
        }
    }
    let stub = Stub::start(|_| vec![ok("42")]);
    let project = project(
        stub.address,
        "",
        &format!("kind = \"http\"\nstream = true\noutput = {{ delta = \"$.t\" }}\n{slo}"),
    );
    project.run(&["eval"]);
    assert!(stub.requests().iter().all(|it| !it.head.contains("x-slo")));
}

//! A gate that decides about latency: sessions of a base are measured, and later releases are held
//! against them. What is slower here is so by forty times: a busy machine is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::support::Project;
use crate::support::stub::{Stub, ok, wait};

const P95: &str = "load.peak.api.response_time.p95";

/// A service that takes as long as the release at hand.
struct Service {
    stub: Stub,
    millis: Arc<AtomicU64>,
}

impl Service {
    fn start() -> Self {
        let millis = Arc::new(AtomicU64::new(10));
        let takes = Arc::clone(&millis);
        let stub = Stub::start(move |_| vec![wait(takes.load(Ordering::Relaxed)), ok("fine")]);
        Self { stub, millis }
    }

    fn takes(&self, millis: u64) {
        self.millis.store(millis, Ordering::Relaxed);
    }
}

fn repository(service: &Service, gate: &str) -> Project {
    let address = service.stub.address;
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n\
         [stage.api]\nkind = \"http\"\nurl = \"http://{address}/\"\nowner = \"api-team\"\n\
         [load.peak]\ntarget = [\"api\"]\narrivals = {{ concurrency = 16 }}\nrequests = 100\n\
         [gate]\nloads = [\"peak\"]\n{gate}"
    ));
    project.commit("v1");
    project
}

fn release(project: &Project, tag: &str) {
    project.write("release.txt", tag);
    project.commit(tag);
}

/// Runs a gate; returns its exit code and its document.
fn gate(project: &Project) -> (i32, Value) {
    let output = project.run(&["gate", "--format", "json"]);
    (output.code.unwrap_or(-1), output.json())
}

fn manifest(project: &Project) -> String {
    std::fs::read_to_string(project.path("stagegate.toml")).unwrap()
}

fn p95(document: &Value) -> &Value {
    let mut all = document["comparisons"].as_array().unwrap().iter();
    all.find(|it| it["metric"] == P95).unwrap()
}

fn note(document: &Value) -> &str {
    p95(document)["note"].as_str().unwrap()
}

#[test]
fn a_slower_release_fails_beside_the_sessions_of_its_base() {
    let service = Service::start();
    let project = repository(&service, "");

    // Without sessions nothing is decided, and it is said how many there are.
    release(&project, "v2");
    let (code, document) = gate(&project);
    assert_eq!(code, 4);
    assert!(note(&document).contains("0 of 5 base sessions"));

    let seeded = project.run(&["gate", "--seed-base", "5", "--format", "json"]);
    let seeded = seeded.expect(0).json();
    assert_eq!(seeded["runs"].as_array().map(Vec::len), Some(5));
    release(&project, "v3");
    let (code, document) = gate(&project);
    assert!(code == 0 || code == 4, "{document}");
    let row = p95(&document);
    assert_eq!(
        row["n"], 7,
        "five sessions, that of v2's gate, and the head's: {row}"
    );
    assert!(
        row["outcome"].is_string() && row["p_decided"].is_number(),
        "{row}"
    );

    service.takes(400);
    release(&project, "v4");
    let (code, document) = gate(&project);
    assert_eq!(
        (code, document["verdict"].as_str()),
        (1, Some("failed")),
        "{document}"
    );
    let row = p95(&document);
    assert_eq!(
        (row["verdict"].as_str(), row["n"].as_u64()),
        (Some("regressed"), Some(8))
    );
    let summary = document["summary"].as_str().unwrap();
    assert!(
        summary.contains("above the base (floor 2%, margin 5%, owner api-team)"),
        "{summary}"
    );

    // What failed is no session of the next one's base.
    release(&project, "v5");
    let (code, document) = gate(&project);
    assert_eq!((code, p95(&document)["n"].as_u64()), (1, Some(8)));
}

#[test]
fn a_rule_of_an_increase_is_kept_or_broken_by_sessions() {
    let service = Service::start();
    let rule = format!("[[gate.rule]]\nmetric = \"{P95}\"\nmax_increase = \"100%\"\n");
    let project = repository(&service, &rule);
    project.run(&["gate", "--seed-base", "5"]).expect(0);
    // Near the others: it becomes one of the sessions that the next release is held against.
    service.takes(9);
    release(&project, "v2");
    let (code, document) = gate(&project);
    assert!(code == 0 || code == 4, "{document}");
    service.takes(400);
    release(&project, "v3");
    let (code, document) = gate(&project);
    assert_eq!(
        (code, p95(&document)["rule"].as_str()),
        (1, Some("max_increase 100%"))
    );
}

#[test]
fn sessions_of_another_workload_do_not_count() {
    let service = Service::start();
    let project = repository(&service, "");
    project.run(&["gate", "--seed-base", "5"]).expect(0);
    let text = manifest(&project);
    project.write(
        "stagegate.toml",
        text.replace("requests = 100", "requests = 120"),
    );
    project.commit("v2");
    let (code, document) = gate(&project);
    assert_eq!(code, 4);
    let expected = "0 of 5 base sessions, without 5 sessions of another workload or machine";
    assert!(note(&document).contains(expected), "{}", note(&document));
}

#[test]
fn what_could_be_no_base_is_not_measured_as_one() {
    let service = Service::start();
    let project = repository(&service, "");
    let refused = |arguments: &[&str], why: &str| {
        let output = project.run(arguments).expect(2);
        assert!(output.stderr.contains(why), "{output}");
    };
    let seed = ["gate", "--seed-base", "1"];
    refused(&["gate", "--seed-base", "0"], "0 is not in 1..=100");
    refused(
        &["gate", "--seed-base", "1", "--dry-run"],
        "cannot be used with",
    );
    let set = ["--set", "load.peak.requests=80"];
    refused(&[&set[..], &seed].concat(), "changes what is measured");
    project.write("stagegate.toml", manifest(&project) + "\n");
    refused(&seed, "the tree is dirty");
    assert!(service.stub.requests().is_empty());
}

/// The sessions of a base come along with the release: a clone that has measured nothing is held
/// against them.
#[test]
fn a_release_is_carried_to_another_store_with_its_sessions() {
    let service = Service::start();
    let project = repository(&service, "");
    project.run(&["gate", "--seed-base", "5"]).expect(0);
    release(&project, "v2");
    project.run(&["gate"]);
    let exported = project.run(&["runs", "export", "v1"]).expect(0);
    let document = exported.json();
    assert_eq!(document["schema"], "stagegate/release");
    let kinds = |kind: &str| {
        let runs = document["runs"].as_array().unwrap().iter();
        runs.filter(|run| run["kind"] == kind).count()
    };
    assert_eq!((kinds("load"), kinds("gate")), (5, 5));

    std::fs::remove_dir_all(project.path(".stagegate")).unwrap();
    project.write("v1.json", &exported.stdout);
    let import = || {
        project
            .run(&["runs", "import", "v1.json", "--format", "json"])
            .expect(0)
    };
    let first = import();
    assert!(
        first
            .stderr
            .contains("10 runs stored, 0 were there already"),
        "{first}"
    );
    assert_eq!(first.json()["runs"].as_array().map(Vec::len), Some(10));
    let again = import();
    assert!(
        again
            .stderr
            .contains("0 runs stored, 10 were there already"),
        "{again}"
    );

    // What a commit brings along would be whoever's.
    project.commit("v3");
    let tracked = project.run(&["runs", "import", "v1.json"]).expect(3);
    assert!(tracked.stderr.contains("git tracks `v1.json`"), "{tracked}");

    service.takes(400);
    let (code, document) = gate(&project);
    assert_eq!(
        (code, p95(&document)["n"].as_u64()),
        (1, Some(6)),
        "{document}"
    );
}

#[test]
fn what_is_no_export_is_not_imported() {
    let project = Project::new();
    for (text, why) in [
        (
            "{\"schema\": \"stagegate/release\", \"version\": {\"major\": 1, \"minor\": 1}, \"runs\": []}",
            "at `runs`: there is none",
        ),
        (
            "{\"schema\": \"stagegate/release\"}",
            "missing field `runs`",
        ),
        (
            "{\"schema\": \"stagegate/release\", \"runs\": [{\"schema\": \"x\"}]}",
            "holds no run: its `schema` is `x`",
        ),
        (
            "{\"schema\": \"stagegate/release\", \"version\": {\"major\": 9, \"minor\": 0}, \"runs\": []}",
            "has format 9.0",
        ),
        ("[]", "v1.json"),
    ] {
        project.write("v1.json", text);
        let output = project.run(&["runs", "import", "v1.json"]).expect(3);
        assert!(output.stderr.contains(why), "{output}");
    }
    assert!(!project.path(".stagegate/runs").exists());
}

//! `gate --accept` and `[[accept]]`: an intended change is written down, passes, and expires.

use serde_json::Value;

use crate::support::Project;
use crate::support::stub::{Stub, ok, wait};
use crate::support::suite::{GATE, Service, gated, release};

const BROKEN: [usize; 10] = [3, 6, 9, 12, 15, 18, 21, 24, 25, 26];

/// A repository whose first release, which is right, has been gated.
fn repository(service: &Service) -> Project {
    let gate = GATE.replace("70%", "50%");
    let project = gated(service.stub.address, &gate, 60, "v1.4.0");
    project.run(&["gate"]).expect(0);
    project
}

fn manifest(project: &Project) -> String {
    std::fs::read_to_string(project.path("stagegate.toml")).unwrap()
}

fn gate(project: &Project, arguments: &[&str], code: i32) -> Value {
    let arguments = [&["gate", "--format", "json"], arguments].concat();
    project.run(&arguments).expect(code).json()
}

#[test]
fn what_was_found_is_accepted_until_a_release_and_no_longer() {
    let service = Service::start();
    let project = repository(&service);
    service.deploy(&BROKEN);
    release(&project, "v1.4.1");
    let before = manifest(&project);
    let output = project.run(&["gate", "--accept", "--reason", "a \"smaller\" model"]);
    // What was judged, was judged without it.
    let said = output.expect(1).stderr;
    assert!(
        said.contains("accepted in `stagegate.toml`: `eval.answers.pass_rate` up to"),
        "{said}"
    );
    assert!(said.contains("until v1.5.0"), "{said}");
    let text = manifest(&project);
    let added = text.strip_prefix(&before).unwrap();
    assert_eq!(added.matches("[[accept]]").count(), 2, "{added}");
    assert!(added.contains("slice.\"lang=de\".pass_rate"), "{added}");
    project.run(&["check"]).expect(0);

    project.commit("accepted");
    let document = gate(&project, &[], 0);
    let summary = document["summary"].as_str().unwrap();
    assert!(
        summary.contains("which was accepted until v1.5.0 (a \"smaller\" model)"),
        "{summary}"
    );
    let diff = project
        .run(&["diff", "v1.4.0", "accepted"])
        .expect(0)
        .stdout;
    assert!(diff.contains("accepted"), "{diff}");
    // Nothing new was found, so that nothing is written.
    gate(&project, &["--accept"], 0);
    assert_eq!(manifest(&project), text);

    // The release with that tag is the last one.
    project.commit("v1.5.0");
    let last = gate(&project, &["--base", "v1.4.0"], 0);
    assert!(
        last["summary"].as_str().unwrap().contains("accepted"),
        "{last}"
    );
    release(&project, "v1.5.1");
    let document = gate(&project, &["--base", "v1.4.0"], 1);
    assert_eq!(document["verdict"], "failed", "{document}");
    // Against what shipped, it is unchanged.
    gate(&project, &[], 0);
}

#[test]
fn more_than_was_accepted_fails_and_is_told() {
    let service = Service::start();
    let project = repository(&service);
    service.deploy(&BROKEN);
    let accept = "\n[[accept]]\nmetric = \"eval.answers.pass_rate\"\nup_to = \"6%\"\nuntil = \"v2\"\nreason = \"so\"\n";
    project.write("stagegate.toml", format!("{}{accept}", manifest(&project)));
    release(&project, "v1.4.1");
    let output = project.run(&["gate", "--accept", "--format", "csv"]);
    let output = output.expect(1);
    assert!(
        output.stdout.contains("up to 6% accepted until v2: so"),
        "{}",
        output.stdout
    );
    assert!(
        output.stderr.contains(
            "`eval.answers.pass_rate` is accepted already, and not so far: write `up_to = \""
        ),
        "{}",
        output.stderr
    );
}

#[test]
fn a_slower_release_is_accepted_and_sessions_begin_with_it() {
    const P95: &str = "load.peak.api.response_time.p95";
    let millis = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(10));
    let takes = std::sync::Arc::clone(&millis);
    let stub = Stub::start(move |_| {
        let millis = takes.load(std::sync::atomic::Ordering::Relaxed);
        vec![wait(millis), ok("fine")]
    });
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n\
         [stage.api]\nkind = \"http\"\nurl = \"http://{}/\"\n\
         [load.peak]\ntarget = [\"api\"]\narrivals = {{ concurrency = 16 }}\nrequests = 100\n\
         [gate]\nloads = [\"peak\"]",
        stub.address
    ));
    project.commit("v1.0.0");
    project.run(&["gate", "--seed-base", "5"]).expect(0);
    millis.store(400, std::sync::atomic::Ordering::Relaxed);
    project.write("release.txt", "2");
    project.commit("v1.0.1");
    let said = project.run(&["gate", "--accept"]).expect(1).stderr;
    assert!(said.contains("say why in `reason`"), "{said}");
    project.commit("v1.0.2");
    let document = project.run(&["gate", "--format", "json"]).json();
    let row = |document: &Value| {
        let mut all = document["comparisons"].as_array().unwrap().iter();
        all.find(|it| it["metric"] == P95).unwrap().clone()
    };
    // It grew by as much as was found before, and a busy machine leaves it open at most.
    assert_ne!(document["verdict"], "failed", "{document}");
    let rule = row(&document)["rule"].as_str().unwrap().to_owned();
    assert!(rule.contains("accepted until v1.1.0: found by"), "{rule}");
    // What came before it is no session of the next base.
    project.write("release.txt", "3");
    project.commit("v1.0.3");
    let document = project.run(&["gate", "--format", "json"]).json();
    let note = row(&document)["note"].as_str().unwrap().to_owned();
    assert!(note.contains("of 5 base sessions"), "{note}");
}

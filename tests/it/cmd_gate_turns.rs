//! A gate that puts base and head into one slot in turns, and decides by rounds. What is slower here
//! is so by several times: a busy machine is not.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::support::Project;
use crate::support::stub::{Stub, ok, wait};

const P95: &str = "load.peak.api.response_time.p95";

/// A deployment with one slot: what is in it, the switch writes into a file.
struct Deployment {
    project: Project,
    slot: PathBuf,
    log: PathBuf,
    _folder: tempfile::TempDir,
    _stub: Stub,
}

impl Deployment {
    /// Starts a service that takes 20 ms, and so many more with the head in the slot; `gate` are
    /// further lines of `[gate]`.
    fn start(head_more: u64, gate: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (slot, log) = (folder.path().join("slot"), folder.path().join("log"));
        let reads = Arc::new(slot.clone());
        let stub = Stub::start(move |_| {
            let is_head = std::fs::read_to_string(&*reads).is_ok_and(|it| it.trim() == "head");
            vec![wait(20 + if is_head { head_more } else { 0 }), ok("fine")]
        });
        let (address, slot_text, log_text) = (stub.address, slot.display(), log.display());
        let switch = format!(
            "echo $STAGEGATE_SIDE $STAGEGATE_COMMIT >> {log_text}; echo $STAGEGATE_SIDE > {slot_text}"
        );
        let project = Project::with_manifest(&format!(
            "version = 1\n[deployment]\nname = \"d\"\n\
             [stage.api]\nkind = \"http\"\nurl = \"http://{address}/\"\nowner = \"api-team\"\n\
             [load.peak]\ntarget = [\"api\"]\narrivals = {{ concurrency = 8 }}\nrequests = 80\n\
             [gate]\nloads = [\"peak\"]\n{gate}\n\
             [gate.switch]\nbase = \"{switch}\"\nhead = \"{switch}\"\n"
        ));
        project.commit("v1");
        project.write("release.txt", "v2");
        project.commit("v2");
        Self {
            project,
            slot,
            log,
            _folder: folder,
            _stub: stub,
        }
    }

    /// Commits a manifest with other commands for the two sides.
    fn switch(&self, base: &str, head: &str) {
        let path = self.project.path("stagegate.toml");
        let manifest = std::fs::read_to_string(path).unwrap();
        let (before, _) = manifest.split_once("[gate.switch]").unwrap();
        let switch = format!("[gate.switch]\nbase = \"{base}\"\nhead = \"{head}\"\n");
        self.project
            .write("stagegate.toml", format!("{before}{switch}"));
        self.project.commit("v3");
    }

    fn gate(&self) -> (i32, Value, String) {
        let output = self.project.run(&["gate", "--format", "json"]);
        let document = output.json();
        (output.code.unwrap_or(-1), document, output.stderr)
    }

    /// Returns each switch as side and commit.
    fn switches(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        let pair = |line: &str| {
            let (side, commit) = line.split_once(' ').unwrap();
            (side.to_owned(), commit.to_owned())
        };
        text.lines().map(pair).collect()
    }
}

fn p95(document: &Value) -> &Value {
    let mut all = document["comparisons"].as_array().unwrap().iter();
    all.find(|it| it["metric"] == P95).unwrap()
}

#[test]
fn a_slower_head_fails_in_a_few_rounds_without_a_stored_base() {
    let deployment = Deployment::start(60, "");
    let (code, document, stderr) = deployment.gate();
    assert_eq!(
        (code, document["verdict"].as_str()),
        (1, Some("failed")),
        "{document} {stderr}"
    );
    let row = p95(&document);
    assert_eq!(row["method"], "rounds_t");
    assert_eq!(row["verdict"], "regressed");
    assert!(row["change"].as_f64().unwrap() > 1.0, "{row}");
    let rounds = row["n"].as_u64().unwrap();
    assert!((6..=12).contains(&rounds), "{row}");
    assert!(stderr.contains("round 1 of at most 40"), "{stderr}");

    // Each round has both, each after a switch of its own, in an order by coin; before them the head
    // is put in for what is asked of it alone.
    let switches = deployment.switches();
    assert_eq!(switches.len() as u64, 1 + 2 * rounds);
    let commits = |side: &str| -> Vec<&str> {
        let of_side = switches.iter().filter(|(it, _)| it == side);
        let mut all: Vec<&str> = of_side.map(|(_, commit)| commit.as_str()).collect();
        all.dedup();
        all
    };
    let (base, head) = (commits("base"), commits("head"));
    assert_eq!((base.len(), head.len()), (1, 1));
    assert_ne!(base, head);
    assert_eq!(document["base"]["commit"], base[0]);
    assert_eq!(document["head"]["commit"], head[0]);
    for round in switches[1..].chunks(2) {
        assert_ne!(round[0].0, round[1].0);
    }

    // The runs keep their rounds; the base's side can be no base of another gate.
    let exported = |side: &str| {
        let id = document[side]["runs"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .as_str()
            .unwrap();
        deployment
            .project
            .run(&["runs", "export", id])
            .expect(0)
            .json()
    };
    let (base, head) = (exported("base"), exported("head"));
    for run in [&base, &head] {
        assert_eq!(
            run["rounds"].as_array().map(Vec::len),
            Some(rounds as usize)
        );
        assert_eq!(run["stages"]["api"]["attempted"], 80 * rounds);
        let first = &run["rounds"][0]["stages"]["api"];
        assert_eq!(first["attempted"], 80);
        assert!(first["metrics"]["response_time"]["histogram"].is_string());
    }
    assert_eq!(base["overrides"][0], "the base's side of a gate");
    assert!(head["overrides"].is_null());
}

#[test]
fn a_head_that_is_as_fast_passes() {
    let deployment = Deployment::start(0, "margin = \"60%\"\nmax_rounds = 12");
    let (code, document, stderr) = deployment.gate();
    assert_eq!(
        (code, document["verdict"].as_str()),
        (0, Some("passed")),
        "{document} {stderr}"
    );
    let row = p95(&document);
    assert_eq!(row["rule"], "floor 2%, margin 60%");
    assert!(row["bound"].as_f64().unwrap() < 0.6, "{row}");
}

#[test]
fn a_budget_ends_a_gate_that_cannot_tell() {
    let deployment = Deployment::start(0, "margin = \"0.1%\"\nmax_requests = 700");
    let (code, document, _) = deployment.gate();
    assert_eq!(
        (code, document["verdict"].as_str()),
        (4, Some("inconclusive")),
        "{document}"
    );
    let reasons = document["reasons"].as_array().unwrap();
    let says = |text: &str| {
        reasons
            .iter()
            .any(|it| it["text"].as_str().unwrap().contains(text))
    };
    assert!(
        says("`max_requests` = 700 ended the gate after 5 rounds"),
        "{document}"
    );
    let note = p95(&document)["note"].as_str().unwrap();
    assert!(note.contains("5 of 6 rounds"), "{note}");
}

#[test]
fn a_switch_that_fails_ends_the_gate_and_says_what_it_wrote() {
    let deployment = Deployment::start(0, "");
    deployment.switch("echo no such image; exit 7", "true");
    let output = deployment.project.run(&["gate"]).expect(3);
    assert!(
        output
            .stderr
            .contains("`base` of `[gate.switch]` ended with exit status: 7"),
        "{output}"
    );
    assert!(output.stderr.contains("no such image"), "{output}");
    assert!(!deployment.slot.exists());
}

#[test]
fn what_a_switch_leaves_running_ends_before_the_next_one() {
    let deployment = Deployment::start(0, "margin = \"60%\"\nmax_rounds = 6");
    let log = deployment.log.display();
    // A server of a release would hold its port like this.
    let switch = format!(
        "if ! mkdir {log}.lock; then echo still there; exit 9; fi; (trap 'rmdir {log}.lock; exit' TERM; while :; do sleep 0.01; done) &"
    );
    deployment.switch(&switch, &switch);
    let output = deployment.project.run(&["gate"]);
    assert!(matches!(output.code, Some(0 | 4)), "{output}");
    assert!(!PathBuf::from(format!("{log}.lock")).exists());
}

#[test]
fn without_an_earlier_commit_the_absolute_rules_decide() {
    let rule =
        format!("[[gate.rule]]\nmetric = \"{P95}\"\nmax = \"20s\"\nmax_increase = \"60%\"\n");
    let deployment = Deployment::start(0, &rule);
    let manifest = std::fs::read_to_string(deployment.project.path("stagegate.toml")).unwrap();
    let project = Project::with_manifest(&manifest);
    project.commit("v1");
    let output = project.run(&["gate", "--format", "json"]).expect(0);
    let (document, stderr) = (output.json(), &output.stderr);
    assert!(stderr.contains("no earlier commit is known"), "{output}");
    let note = p95(&document)["note"].as_str().unwrap().to_owned();
    assert!(note.contains("max_increase not judged"), "{note}");

    // A commit that git does not know, and a tree that is none.
    let output = project.run(&["gate", "--base", "v9"]);
    assert!(matches!(output.code, Some(2 | 3)), "{output}");
    project.write("stagegate.toml", format!("{manifest}\n"));
    let output = project.run(&["gate"]).expect(2);
    assert!(output.stderr.contains("the tree is dirty"), "{output}");
}

/// What failed is not what the next change is measured by, though nothing but the gate is stored.
#[test]
fn a_release_whose_gate_failed_is_not_taken_turns_with() {
    let deployment = Deployment::start(60, "");
    let (code, document, _) = deployment.gate();
    assert_eq!(code, 1);
    let base = document["base"]["commit"].clone();
    deployment.project.write("docs.txt", "only words");
    deployment.project.commit("v3");
    let (code, document, stderr) = deployment.gate();
    assert_eq!(
        (code, &document["base"]["commit"]),
        (1, &base),
        "{document}"
    );
    assert!(stderr.contains("is no base: its gate failed"), "{stderr}");
    assert_eq!(
        document["base"]["passed_over"].as_array().map(Vec::len),
        Some(1)
    );
    // The base's side is never what `latest` means.
    let latest = deployment
        .project
        .run(&["runs", "export", "latest"])
        .expect(0)
        .json();
    assert_eq!(latest["release"]["commit"], document["head"]["commit"]);
    assert_eq!(document["changed"]["manifest"], false);
}

#[test]
fn what_was_measured_before_a_switch_fails_is_kept() {
    let deployment = Deployment::start(0, "margin = \"60%\"");
    let log = deployment.log.display();
    let switch = format!("echo x >> {log}; test $(wc -l < {log}) -lt 8");
    deployment.switch(&switch, &switch);
    deployment.project.run(&["gate"]).expect(3);
    let runs = deployment
        .project
        .run(&["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(runs.iter().all(|run| run["complete"] == false));
}

#[test]
fn a_stored_gate_measures_its_rounds_as_one_session() {
    let stub = Stub::start(|_| vec![wait(5), ok("fine")]);
    let address = stub.address;
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n\
         [stage.api]\nkind = \"http\"\nurl = \"http://{address}/\"\n\
         [load.peak]\ntarget = [\"api\"]\narrivals = {{ concurrency = 8 }}\nrequests = 80\n\
         [gate]\nloads = [\"peak\"]\nrounds = 3\n"
    ));
    project.commit("v1");
    let seeded = project
        .run(&["gate", "--seed-base", "5", "--format", "json"])
        .expect(0)
        .json();
    let runs = seeded["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5);
    for run in runs {
        assert_eq!(run["rounds"].as_array().map(Vec::len), Some(3));
        assert_eq!(run["stages"]["api"]["attempted"], 240);
    }
    project.write("release.txt", "v2");
    project.commit("v2");
    let output = project.run(&["gate", "--format", "json"]);
    assert!(matches!(output.code, Some(0 | 4)), "{output}");
    let document = output.json();
    let row = p95(&document);
    assert_eq!(
        (row["n"].as_u64(), row["method"].as_str()),
        (Some(6), Some("sessions_t"))
    );
    // The session's value is the mean of its rounds' logarithms.
    let id = document["head"]["runs"][0].as_str().unwrap();
    let run = project.run(&["runs", "export", id]).expect(0).json();
    let rounds = run["rounds"].as_array().unwrap().iter();
    let value = |it: &Value| {
        it["stages"]["api"]["metrics"]["response_time"]["p95"]
            .as_f64()
            .unwrap()
    };
    let logs: Vec<f64> = rounds.map(|it| value(it).ln()).collect();
    let mean = (logs.iter().sum::<f64>() / 3.0).exp();
    assert!(
        (row["head"].as_f64().unwrap() - mean).abs() < 1e-6,
        "{row} {mean}"
    );
}

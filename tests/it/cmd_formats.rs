//! Formats for machines, `--out`, `report`, and `runs prune`.

use serde_json::{Value, json};

use crate::support::stub::{Stub, ok};
use crate::support::{Output, Project};

const MANIFEST: &str = r#"version = 1

[deployment]
name = "d"

[stage.api]
kind = "http"
url = "http://ADDRESS/ask"
body = { q = "{{ input }}" }
output = { text = "$.text" }
slo = { response_time.p95 = "1us", error_rate = "1%" }

[load.peak]
target = "api"
arrivals = { concurrency = 2 }
requests = 80
data = "g.jsonl"

[eval.answers]
stage = "api"
golden = "g.jsonl"
must_pass = ["a"]
[[eval.answers.assert]]
kind = "equals"
value = "{{ expected }}"

[gate]
loads = ["peak"]
evals = ["answers"]
[[gate.rule]]
metric = "eval.answers.pass_rate"
min = "90%"
"#;

fn project() -> Project {
    let stub = Stub::start(|_| vec![ok("{\"text\": \"yes, 100%\\n\"}")]);
    let project = Project::with_manifest(&MANIFEST.replace("ADDRESS", &stub.address.to_string()));
    let cases = [
        json!({"id": "a", "input": "x", "expected": "yes, 100%"}),
        json!({"id": "b:1,2", "input": "x", "expected": "no <&> \u{1}"}),
    ];
    project.write("g.jsonl", cases.map(|it| it.to_string()).join("\n"));
    project
}

fn lines(output: &Output) -> Vec<Value> {
    let lines = output.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn annotations_stand_at_the_line_that_was_broken() {
    let project = project();
    let load = project.run(&["load", "--format", "github"]).expect(1);
    assert!(load.stdout.starts_with("::error file=stagegate.toml,line=11,title=load peak%3A failed::response_time.p95 of api is "), "{load}");
    assert_eq!(load.stdout.lines().count(), 1, "{load}");
    let eval = project.run(&["eval", "--format", "github"]).expect(0);
    assert_eq!(
        eval.stdout,
        "::warning file=stagegate.toml,line=19,title=eval answers%3A not passed::b:1,2\n"
    );
    let gate = project.run(&["gate", "--format", "github"]).expect(1);
    let rule = gate
        .stdout
        .lines()
        .find(|line| line.contains("line=31"))
        .unwrap();
    assert!(rule.starts_with("::error file=stagegate.toml,line=31,title=gate%3A failed::eval.answers.pass_rate is 50.0 %25"), "{rule}");
    let right = project
        .run(&["eval", "--only", "a", "--format", "github"])
        .expect(0);
    assert!(
        right
            .stdout
            .starts_with("::notice title=stagegate::passed: "),
        "{right}"
    );
}

#[test]
fn junit_is_xml_with_failures_and_their_reasons() {
    let project = project();
    let output = project.run(&["eval", "--format", "junit"]).expect(0).stdout;
    assert!(output.starts_with("<?xml version=\"1.0\""), "{output}");
    assert!(
        output.contains(
            "<testsuite name=\"eval answers\" tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"1\""
        ),
        "{output}"
    );
    assert!(
        output.contains("<testcase name=\"b:1,2\" classname=\"eval answers\""),
        "{output}"
    );
    assert!(output.contains("type=\"failed\""), "{output}");
    assert!(!output.contains('\u{1}'), "{output}");
    let load = project.run(&["load", "--format", "junit"]).expect(1).stdout;
    assert!(
        load.contains("name=\"api keeps response_time.p95\""),
        "{load}"
    );
    assert!(load.contains("failures=\"1\""), "{load}");
}

/// A project whose stage finds one of the two documents that it should, with two limits on one
/// latency.
fn one_of_two_found() -> Project {
    let stub = Stub::start(|_| {
        vec![ok(
            "{\"t\": \"the lab\", \"hits\": [{\"id\": \"d1\"}, {\"id\": \"d2\"}]}",
        )]
    });
    let manifest = MANIFEST
        .replace("ADDRESS", &stub.address.to_string())
        .replace(
            "{ text = \"$.text\" }",
            "{ text = \"$.t\", ids = \"$.hits[*].id\" }",
        )
        .replace("\"1us\", error_rate = \"1%\"", "\"5s\"")
        .replace("must_pass = [\"a\"]\n", "")
        .replace(
            "kind = \"equals\"\nvalue = \"{{ expected }}\"",
            "kind = \"recall\"\nk = 2",
        );
    let rule = "[[gate.rule]]\nmetric = \"load.peak.api.response_time.p95\"\nmax = \"4s\"\n";
    let project = Project::with_manifest(&(manifest + rule));
    let case = json!({"id": "a", "input": "x", "expected": {"ids": ["d1", "d5"]}});
    project.write("g.jsonl", case.to_string());
    project
}

/// stumbles S4: why a case failed is said wherever it is told that it did, with the ids of a ranking.
#[test]
fn every_format_says_why_a_case_failed() {
    let project = one_of_two_found();
    let why = "recall: 1 of 2 relevant ids in the top 2, missing `d5`";
    let eval = project.run(&["eval", "--format", "json"]).expect(0).json();
    let graded = &eval["eval"]["cases"][0];
    assert_eq!(
        (&graded["reason"], &graded["output"]),
        (&json!(why), &json!("[\"d1\",\"d2\"]"))
    );
    for format in ["junit", "markdown", "jsonl"] {
        let shown = project
            .run(&["report", "--format", format])
            .expect(0)
            .stdout;
        let shown = shown.replace("\\`", "`");
        assert!(
            shown.contains(why) && shown.contains("d2"),
            "{format}: {shown}"
        );
    }
}

/// stumbles S22, S23: each limit is a test of its own, and numbers have their units.
#[test]
fn every_limit_is_a_test_and_every_number_has_a_unit() {
    let project = one_of_two_found();
    project
        .measure(&["gate", "--out", "junit=g.xml", "--out", "csv=g.csv"])
        .expect(1);
    let junit = std::fs::read_to_string(project.path("g.xml")).unwrap();
    for name in [
        "load.peak.api.response_time.p95 max 4 s",
        "load.peak.api.response_time.p95 slo &lt;= 5 s",
        "eval.answers.pass_rate min 90%",
    ] {
        let test = format!("<testcase name=\"{name}\" classname=\"gate\"");
        assert_eq!(junit.matches(&test).count(), 1, "{name}: {junit}");
    }
    assert!(junit.contains("eval.answers.pass_rate is 0 %"), "{junit}");
    let csv = std::fs::read_to_string(project.path("g.csv")).unwrap();
    let mut rows = csv.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let at = |name: &str| head.iter().position(|it| *it == name).unwrap();
    let units: Vec<(&str, &str, &str)> = rows
        .map(|row| (row[0], row[at("unit")], row[at("change_kind")]))
        .collect();
    assert!(
        units.contains(&("load.peak.api.response_time.p95", "ms", "relative")),
        "{csv}"
    );
    assert!(
        units.contains(&("eval.answers.pass_rate", "share", "difference")),
        "{csv}"
    );
}

#[test]
fn lines_of_json_and_rows_of_csv_hold_every_value() {
    let project = project();
    let eval = lines(&project.run(&["eval", "--format", "jsonl"]).expect(0));
    let types: Vec<&str> = eval
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["run", "case", "case"]);
    assert_eq!(eval[1]["run"], eval[0]["id"]);
    let load = lines(&project.run(&["load", "--format", "jsonl"]).expect(1));
    assert_eq!(
        (&load[1]["stage"], &load[1]["ok"]),
        (&json!("api"), &json!(80))
    );
    assert!(
        load[1]["metrics"]["response_time"]
            .get("histogram")
            .is_none()
    );
    let gate = lines(&project.run(&["gate", "--format", "jsonl"]).expect(1));
    assert!(
        gate.iter()
            .any(|line| line["type"] == "comparison" && line["metric"] == "eval.answers.pass_rate")
    );
    let csv = project.run(&["report", "--format", "csv"]).expect(0).stdout;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(
        rows[0],
        "run,kind,name,env,commit,subject,id,metric,stat,value,unit"
    );
    assert!(
        rows.iter()
            .any(|row| row.contains(",case,\"b:1,2\",equals,0,0,score")),
        "{csv}"
    );
    assert!(
        rows.iter()
            .any(|row| row.contains(",stage,api,response_time,p50,")),
        "{csv}"
    );
    assert!(
        rows.iter()
            .any(|row| row.ends_with(",stage,api,attempted,,80,")),
        "{csv}"
    );
    let list = project
        .run(&["runs", "list", "--format", "csv"])
        .expect(0)
        .stdout;
    assert_eq!(list.lines().count(), 1 + 5, "{list}");
}

#[test]
fn a_result_goes_to_several_files_at_once() {
    let project = project();
    let output = project
        .run(&[
            "eval",
            "--out",
            "junit=out/deep/r.xml",
            "--out",
            "json=r.json",
            "-q",
        ])
        .expect(0);
    assert!(output.stdout.contains("eval answers"), "{output}");
    let json: Value =
        serde_json::from_str(&std::fs::read_to_string(project.path("r.json")).unwrap()).unwrap();
    assert_eq!(json["schema"], "stagegate/run");
    assert!(
        std::fs::read_to_string(project.path("out/deep/r.xml"))
            .unwrap()
            .contains("<testsuites")
    );
    let failed = project
        .run(&["eval", "--out", "json=g.jsonl/r.json"])
        .expect(3);
    assert!(
        failed
            .stderr
            .contains("`g.jsonl/r.json` could not be written"),
        "{failed}"
    );
    let unknown = project.run(&["eval", "--out", "jnit=r.xml"]).expect(2);
    assert!(
        unknown.stderr.contains("did you mean `junit`?"),
        "{unknown}"
    );
    project.run(&["eval", "--out", "r.xml"]).expect(2);
}

#[test]
fn stored_results_are_rendered_again() {
    let project = project();
    let first = project.run(&["eval", "--format", "json"]).expect(0).json();
    let id = first["id"].as_str().unwrap();
    assert_eq!(
        project
            .run(&["report", id, "--format", "json"])
            .expect(0)
            .json(),
        first
    );
    assert!(
        project
            .run(&["report", "--format", "markdown"])
            .expect(0)
            .stdout
            .contains("eval answers")
    );
    let second = project.run(&["eval", "--format", "json"]).expect(0).json();
    let range = format!("{id}..{}", second["id"].as_str().unwrap());
    let diff = project
        .run(&["report", &range, "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&diff["schema"], &diff["base"]["id"]),
        (&json!("stagegate/diff"), &json!(id))
    );
    project.run(&["report", "no-such-run"]).expect(3);
}

#[test]
fn old_runs_are_deleted_when_asked() {
    let project = project();
    for _ in 0..3 {
        project.run(&["eval"]).expect(0);
    }
    project.run(&["runs", "prune"]).expect(2);
    let count = || {
        project
            .run(&["runs", "list", "--format", "json"])
            .expect(0)
            .json()["runs"]
            .as_array()
            .unwrap()
            .len()
    };
    let dry = project
        .run(&[
            "runs",
            "prune",
            "--keep",
            "1",
            "--dry-run",
            "--format",
            "json",
        ])
        .expect(0);
    assert_eq!(dry.json()["runs"].as_array().unwrap().len(), 2);
    assert!(dry.stderr.contains("would delete 2 runs, "), "{dry}");
    assert_eq!(count(), 3);
    project
        .run(&["runs", "prune", "--older-than", "1d"])
        .expect(0);
    assert_eq!(count(), 3);
    let gone = project.run(&["runs", "prune", "--keep", "1"]).expect(0);
    assert!(gone.stderr.contains("deleted 2 runs, "), "{gone}");
    assert_eq!(count(), 1);
    // stumbles S15: that nothing is deleted does not say that nothing is stored.
    let none = project.run(&["runs", "prune", "--keep", "1"]).expect(0);
    assert_eq!(none.stdout, "nothing to delete: 1 run kept\n");
    project.run(&["runs", "show"]).expect(0);
}

/// stumbles S21: both commands take both spellings; the start of several ids is ambiguous.
#[test]
fn two_releases_are_named_alike_everywhere() {
    let project = project();
    for _ in 0..2 {
        project.run(&["eval"]).expect(0);
    }
    for words in [
        &["diff", "latest~1..latest"][..],
        &["diff", "latest~1", "latest"],
    ] {
        let output = project.run(&[words, &["--format", "json"]].concat());
        assert_eq!(output.json()["schema"], "stagegate/diff", "{output}");
    }
    for words in [
        &["report", "latest~1..latest"][..],
        &["report", "latest~1", "latest"],
    ] {
        let output = project
            .run(&[words, &["--format", "json"]].concat())
            .expect(0);
        assert_eq!(output.json()["schema"], "stagegate/diff", "{output}");
    }
    let short = project.run(&["runs", "show", "01"]).expect(2);
    assert!(short.stderr.contains("`01` may mean run `01"), "{short}");
    // stumbles S25: a file that cannot be written ends with 3.
    project.write("taken", "a file");
    project
        .run(&["report", "--out", "json=taken/report.json"])
        .expect(3);
}

/// security 16: a command that measures nothing ends when it is asked to, whatever it is doing.
#[cfg(unix)]
#[test]
fn what_only_shows_ends_at_the_first_signal() {
    use rustix::process::{Pid, Signal, kill_process};
    let project = Project::new();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        // Nobody reads: it waits for room in the pipe.
        let mut child = project.command(&["schema", "manifest"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert!(
            child.try_wait().unwrap().is_none(),
            "it has more to say than a pipe takes"
        );
        kill_process(Pid::from_child(&child), signal).unwrap();
        let begun = std::time::Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed().as_secs() < 20, "it goes on");
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        assert_eq!(status.code(), Some(130), "{signal:?}");
    }
}

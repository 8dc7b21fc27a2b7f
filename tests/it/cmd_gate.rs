//! `gate`, `diff`, and `runs` over the life of a repository: releases come, and one of them loses
//! answers.

use serde_json::{Value, json};

use crate::support::stub::{Stub, ok};
use crate::support::suite::{ANSWERS, GATE, Service, gated, golden, id, nobody, project, release};
use crate::support::{Output, Project};

/// Makes a repository whose first release `v1` is committed.
fn repository(service: &Service, cases: usize) -> Project {
    gated(service.stub.address, GATE, cases, "v1")
}

fn gate(project: &Project, code: i32) -> Value {
    project
        .run(&["gate", "--format", "json"])
        .expect(code)
        .json()
}

/// Returns the comparison of a metric.
fn comparison<'a>(document: &'a Value, metric: &str) -> &'a Value {
    let comparisons = document["comparisons"].as_array().unwrap();
    let found = comparisons
        .iter()
        .find(|comparison| comparison["metric"] == metric);
    found.unwrap_or_else(|| panic!("no {metric} in {document}"))
}

fn ids(cases: &[usize]) -> Value {
    cases.iter().map(|at| id(*at)).collect()
}

#[test]
fn releases_are_judged_against_the_one_before() {
    let service = Service::start();
    let project = repository(&service, 60);

    the_first_has_no_base(&project);
    release(&project, "v2");
    an_unchanged_one_passes(&project);
    let broken = [3, 6, 9, 12, 15, 18, 21, 24, 25, 26];
    service.deploy(&broken);
    release(&project, "v3");
    one_that_loses_answers_fails(&project, &broken);
    the_store_answers(&project);
    the_comparison_holds_every_key(&project);
    other_sides_and_formats(&project, &broken);

    service.deploy(&[]);
    release(&project, "v4");
    gate(&project, 0);
    let fixed = project
        .run(&["diff", "v3", "v4", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(fixed["cases"], json!({"broke": [], "fixed": ids(&broken)}));
    assert_eq!(
        comparison(&fixed, "eval.answers.pass_rate")["verdict"],
        "improved"
    );
}

fn the_first_has_no_base(project: &Project) {
    let first = project.run(&["gate", "--format", "json"]).expect(0);
    assert!(
        first.stderr.contains("only the absolute rules count"),
        "{first}"
    );
    let first = first.json();
    assert_eq!(
        (&first["schema"], &first["verdict"]),
        (&json!("stagegate/diff"), &json!("passed"))
    );
    assert_eq!(
        (&first["base"]["id"], &first["head"]["tag"]),
        (&json!(null), &json!("v1"))
    );
}

fn an_unchanged_one_passes(project: &Project) {
    let same = gate(project, 0);
    assert_eq!(
        (&same["base"]["tag"], &same["head"]["tag"]),
        (&json!("v1"), &json!("v2"))
    );
    assert_eq!(same["verdict"], "passed");
    assert_eq!(same["cases"], json!({"broke": [], "fixed": []}));
    let rate = comparison(&same, "eval.answers.pass_rate");
    assert_eq!(
        (&rate["base"], &rate["head"], &rate["change"]),
        (&json!(1.0), &json!(1.0), &json!(0.0))
    );
    assert_eq!(
        (&rate["verdict"], &rate["n"], &rate["outcome"]),
        (&json!("unchanged"), &json!(60), &json!("passed"))
    );
    assert!(rate["bound"].as_f64().unwrap() > -0.05, "{rate}");
}

fn one_that_loses_answers_fails(project: &Project, broken: &[usize]) {
    let worse = gate(project, 1);
    assert_eq!(
        (&worse["base"]["tag"], &worse["head"]["tag"]),
        (&json!("v2"), &json!("v3"))
    );
    assert_eq!(worse["verdict"], "failed");
    assert_eq!(worse["cases"], json!({"broke": ids(broken), "fixed": []}));
    assert!(
        worse["summary"].as_str().unwrap().contains("answers"),
        "{}",
        worse["summary"]
    );
    let rate = comparison(&worse, "eval.answers.pass_rate");
    assert_eq!(
        (&rate["verdict"], &rate["outcome"]),
        (&json!("regressed"), &json!("failed"))
    );
    assert!(
        (rate["change"].as_f64().unwrap() + 10.0 / 60.0).abs() < 1e-9,
        "{rate}"
    );
    assert!(rate["p"].as_f64().unwrap() < 0.01, "{rate}");
    // Eight of twenty German answers were lost, two of forty English ones.
    let slice = comparison(&worse, "eval.answers.slice.\"lang=de\".pass_rate");
    assert_eq!(
        (&slice["verdict"], &slice["n"]),
        (&json!("regressed"), &json!(20))
    );
    assert_ne!(
        comparison(&worse, "eval.answers.slice.\"lang=en\".pass_rate")["verdict"],
        "regressed"
    );
}

fn the_store_answers(project: &Project) {
    let list = project
        .run(&["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(list["schema"], "stagegate/runs");
    let runs = list["runs"].as_array().unwrap();
    let kinds: Vec<&str> = runs
        .iter()
        .map(|run| run["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["gate", "eval", "gate", "eval", "gate", "eval"]);
    let tags: Vec<&str> = runs
        .iter()
        .map(|run| run["tag"].as_str().unwrap())
        .collect();
    assert_eq!(tags, ["v3", "v3", "v2", "v2", "v1", "v1"]);
    assert!(runs.iter().all(|run| run["dirty"] == false), "{list}");
    let shown = project
        .run(&["runs", "show", "v2", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&shown["kind"], &shown["release"]["tag"]),
        (&json!("eval"), &json!("v2"))
    );
    assert_eq!(
        (&runs[0]["verdict"], &runs[2]["verdict"]),
        (&json!("failed"), &json!("passed"))
    );
    // A gate measured nothing itself: compared, its id stands for the runs that it made.
    let id = runs[0]["id"].as_str().unwrap();
    let again = project
        .run(&["diff", "v2", id, "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(again["head"]["id"], runs[1]["id"]);
    let made = project
        .run(&["runs", "export", id, "--name", "answers"])
        .expect(0)
        .json();
    assert_eq!(
        (&made["kind"], &made["id"]),
        (&json!("eval"), &runs[1]["id"])
    );
    project.run(&["runs", "show", "v9"]).expect(3);
}

fn the_comparison_holds_every_key(project: &Project) {
    let far = project
        .run(&["diff", "v1", "v3", "--format", "json"])
        .expect(1)
        .json();
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    for key in [
        "schema",
        "version",
        "base",
        "head",
        "verdict",
        "comparisons",
        "cases",
        "blame",
        "changed",
        "summary",
    ] {
        assert!(keys(&far).contains(&key.to_owned()), "{key}");
    }
    for comparison in far["comparisons"].as_array().unwrap() {
        for key in [
            "metric", "base", "head", "change", "low", "high", "p", "bound", "method", "n",
            "verdict", "rule", "owner",
        ] {
            assert!(
                keys(comparison).contains(&key.to_owned()),
                "{key} in {comparison}"
            );
        }
    }
    for side in ["base", "head"] {
        assert!(
            far[side]["id"].is_string() && far[side]["commit"].is_string(),
            "{far}"
        );
    }
    assert_eq!(far["changed"]["manifest"], false);
    assert_eq!(
        comparison(&far, "eval.answers.pass_rate")["owner"],
        "app-team"
    );
}

fn other_sides_and_formats(project: &Project, broken: &[usize]) {
    let far = project
        .run(&["diff", "v1", "v3", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(far["cases"]["broke"], ids(broken));
    assert_eq!(
        project
            .run(&["diff", "v1", "v2", "--format", "json"])
            .expect(0)
            .json()["verdict"],
        "passed"
    );
    let latest = project.run(&["diff", "--format", "json"]).expect(1).json();
    assert_eq!(
        (&latest["base"]["tag"], &latest["head"]["tag"]),
        (&json!("v2"), &json!("v3"))
    );
    let markdown = project
        .run(&["diff", "v1", "v3", "--format", "markdown"])
        .expect(1)
        .stdout;
    for word in ["FAILED", "| ", "q03", "lang=de", "app-team"] {
        assert!(
            markdown.to_uppercase().contains(&word.to_uppercase()),
            "{word}\n{markdown}"
        );
    }
    assert!(!markdown.contains('\u{1b}'));
}

/// Returns `--out` flags for every format, into a folder.
fn every_format(folder: &str) -> Vec<String> {
    let out = |format| ["--out".to_owned(), format!("{format}={folder}/{format}")];
    FORMATS.iter().flat_map(out).collect()
}

const FORMATS: [&str; 7] = [
    "human", "json", "jsonl", "markdown", "junit", "csv", "github",
];

#[test]
fn a_gate_is_rendered_again_as_it_was_decided() {
    let service = Service::start();
    let project = repository(&service, 60);
    gate(&project, 0);
    service.deploy(&[3, 6, 9, 12, 15, 18, 21, 24, 25, 26]);
    release(&project, "v2");
    let run = |arguments: &[&str], folder: &str, code| {
        let formats = every_format(folder);
        let arguments = arguments.iter().copied();
        let arguments: Vec<&str> = arguments
            .chain(formats.iter().map(String::as_str))
            .collect();
        project.run(&arguments).expect(code)
    };
    run(&["gate"], "decided", 1);
    let list = project.run(&["runs", "list", "--format", "json"]).json();
    let id = list["runs"][0]["id"].as_str().unwrap();
    let exported = project.run(&["runs", "export", id]).expect(0);
    project.write("gate.json", &exported.stdout);
    // What the answers would be now does not matter, nor that they are gone.
    service.deploy(&[]);
    std::fs::remove_dir_all(project.path(".stagegate/runs").join(made_by(&exported))).unwrap();
    run(&["report", id], "reported", 0);
    run(&["runs", "show", id], "shown", 0);
    run(&["report", "gate.json"], "from_file", 0);
    let read =
        |folder: &str, format| std::fs::read_to_string(project.path(folder).join(format)).unwrap();
    for format in FORMATS {
        for folder in ["reported", "shown", "from_file"] {
            assert_eq!(read(folder, format), read("decided", format));
        }
    }
    let decided: Value = serde_json::from_str(&read("decided", "json")).unwrap();
    let exported = exported.json();
    assert_eq!(
        (&exported["kind"], &exported["verdict"]),
        (&json!("gate"), &json!("failed"))
    );
    assert_eq!(exported["diff"], decided);
    // Its runs may be compared; the gate itself holds none.
    let diff = project.run(&["diff", "v1", "gate.json"]).expect(2);
    assert!(diff.stderr.contains("holds a run of gate"), "{diff}");
}

fn made_by(gate: &Output) -> String {
    gate.json()["runs"][0].as_str().unwrap().to_owned()
}

#[test]
fn too_few_cases_are_inconclusive_with_the_number_it_would_take() {
    let service = Service::start();
    let project = repository(&service, 12);
    gate(&project, 0);
    release(&project, "v2");
    let document = gate(&project, 4);
    assert_eq!(document["verdict"], "inconclusive");
    let note = comparison(&document, "eval.answers.pass_rate")["note"]
        .as_str()
        .unwrap();
    let numbers: Vec<u64> = note
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect();
    // The margin, what it takes, what there is.
    assert!(
        matches!(numbers[..], [5, takes, 12] if takes >= 59),
        "{note}"
    );
    // The document says what was found, whatever the exit code is told to be.
    for (counts_as, code) in [("fail", 1), ("neutral", 0)] {
        let output = project.run(&["gate", "--inconclusive", counts_as, "--format", "json"]);
        assert_eq!(output.expect(code).json()["verdict"], "inconclusive");
    }
    // field 29: the test page agrees with the exit code.
    let neutral = ["gate", "--inconclusive", "neutral", "--format", "junit"];
    let junit = project.run(&neutral).expect(0).stdout;
    assert!(junit.contains("<skipped") && junit.contains("errors=\"0\""));
    service.deploy(&[1, 2, 3, 4, 5]);
    project
        .run(&["gate", "--inconclusive", "neutral"])
        .expect(1);
}

#[test]
fn absolute_rules_and_cases_that_must_pass_need_no_base() {
    let service = Service::start();
    let project = repository(&service, 10);
    service.deploy(&[1, 2, 3, 4]);
    let document = gate(&project, 1);
    assert_eq!(
        comparison(&document, "eval.answers.pass_rate")["outcome"],
        "failed"
    );
    service.deploy(&[5]);
    let must_pass = ["gate", "--set", "eval.answers.must_pass=[\"q05\"]"];
    let output = project.run(&must_pass).expect(1);
    assert!(output.stdout.contains("q05"), "{output}");
}

#[test]
fn different_environments_are_never_compared() {
    let service = Service::start();
    let envs = format!("{ANSWERS}{GATE}[env.eu]\nregion = \"eu-west-1\"\n[env.us]\n");
    let project = project(service.stub.address, "", &envs, 60);
    let text = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
    project.write(
        "stagegate.toml",
        text.replace("entry =", "env = \"eu\"\nentry ="),
    );
    project.commit("v1");
    gate(&project, 0);
    project.commit("v2");
    let other = project
        .run(&["gate", "-e", "us", "--format", "json"])
        .expect(0);
    assert!(
        other.stderr.contains("only the absolute rules count"),
        "{other}"
    );
    assert_eq!(other.json()["base"]["id"], json!(null));
    // v1 was measured in eu alone, v2 in us alone.
    let diff = project.run(&["diff", "v1", "v2"]);
    assert!(matches!(diff.code, Some(3 | 4)), "{diff}");
    let list = project
        .run(&["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&list["runs"][0]["env"], &list["runs"][3]["env"]),
        (&json!("us"), &json!("eu"))
    );
    gate(&project, 0);
    let diff = project
        .run(&["diff", "v1", "v2", "-e", "eu", "--format", "json"])
        .expect(0);
    assert_eq!(diff.json()["verdict"], "passed");
}

#[test]
fn a_dirty_tree_is_measured_and_is_nobodys_base() {
    let service = Service::start();
    let project = repository(&service, 60);
    gate(&project, 0);
    project.write("prompts/answer.txt", "Answer, uncommitted.\n");
    service.deploy(&[1, 2, 3, 4, 5, 6, 7, 8]);
    let dirty = gate(&project, 1);
    assert_eq!(dirty["base"]["tag"], "v1");
    let latest = project
        .run(&["runs", "show", "latest", "--format", "json"])
        .expect(0)
        .json();
    let text = latest.to_string();
    assert!(text.contains("\"dirty\":true"), "{text}");
    // The revision still names the clean run.
    let clean = project
        .run(&["runs", "show", "v1", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (
            &clean["release"]["dirty"],
            &clean["eval"]["pass_rate"]["value"]
        ),
        (&json!(false), &json!(1.0))
    );
    service.deploy(&[]);
    release(&project, "v2");
    assert_eq!(
        gate(&project, 0)["cases"],
        json!({"broke": [], "fixed": []})
    );
}

#[test]
fn without_git_the_run_before_is_the_base() {
    let service = Service::start();
    let project = project(service.stub.address, "", &format!("{ANSWERS}{GATE}"), 60);
    gate(&project, 0);
    let again = gate(&project, 0);
    assert!(again["base"]["id"].is_string(), "{again}");
    assert_eq!(again["head"]["commit"], json!(null));
    service.deploy(&[1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        gate(&project, 1)["cases"]["broke"]
            .as_array()
            .unwrap()
            .len(),
        8
    );
    let diff = project
        .run(&["diff", "latest~1", "latest", "--format", "json"])
        .expect(1);
    assert_eq!(diff.json()["cases"]["broke"].as_array().unwrap().len(), 8);
}

#[test]
fn a_dry_run_runs_nothing() {
    let service = Service::start();
    let project = repository(&service, 5);
    let output = project.run(&["gate", "--dry-run"]).expect(0);
    assert!(output.stdout.contains("answers"), "{output}");
    assert!(output.stdout.contains("eval.answers.pass_rate"), "{output}");
    let plan = project
        .run(&["gate", "--dry-run", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&plan["evals"], &plan["rules"]),
        (&json!(["answers"]), &json!(["eval.answers.pass_rate"]))
    );
    assert_eq!(service.stub.requests().len(), 0);
    assert!(!project.path(".stagegate/runs").exists());
}

#[test]
fn a_gate_that_could_not_measure_does_not_pass() {
    let service = Service::start();
    let project = repository(&service, 60);
    gate(&project, 0);
    release(&project, "v2");
    let url = format!("stage.api.url=http://{}/ask", nobody());
    project.run(&["gate", "--set", &url]).expect(3);
    let before = service.stub.requests().len();
    let unknown = project.run(&["gate", "--base", "v9"]).expect(3);
    assert!(unknown.stderr.contains("`v9`"), "{unknown}");
    assert_eq!(
        service.stub.requests().len(),
        before,
        "a base that is not there is found before measuring"
    );
    let empty = Project::with_manifest(
        &std::fs::read_to_string(project.path("stagegate.toml"))
            .unwrap()
            .replace("[gate]\nevals = [\"answers\"]", "[gate]"),
    );
    empty.write("golden.jsonl", golden(3));
    let output = empty.run(&["gate"]).expect(2);
    assert!(output.stderr.contains("[gate]"), "{output}");
}

#[test]
fn a_single_slower_run_is_shown_and_not_gated_on() {
    let load = "[load.peak]\ntarget = [\"api\"]\narrivals = { concurrency = 2 }\nrequests = 80\ndata = \"golden.jsonl\"\n";
    let delay = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(2));
    let shared = std::sync::Arc::clone(&delay);
    let stub = crate::support::stub::Stub::start(move |request| {
        let pause = crate::support::stub::wait(shared.load(std::sync::atomic::Ordering::Relaxed));
        [vec![pause], crate::support::suite::echo(request)].concat()
    });
    let gate = GATE.replace("[gate]", "[gate]\nrounds = 1\nloads = [\"peak\"]");
    let rule = "[[gate.rule]]\nmetric = \"load.peak.api.response_time.p95\"\nmax = \"900ms\"\n";
    let project = project(
        stub.address,
        "",
        &format!("{ANSWERS}{load}{gate}{rule}"),
        60,
    );
    project.commit("v1");
    project.measure(&["gate"]).expect(0);
    delay.store(30, std::sync::atomic::Ordering::Relaxed);
    project.write("prompts/answer.txt", "x");
    project.commit("v2");
    let document = project.measure(&["gate", "--format", "json"]);
    let document = document.expect(0).json();
    let slower = comparison(&document, "load.peak.api.response_time.p95");
    assert!(slower["change"].as_f64().unwrap() > 1.0, "{slower}");
    assert_eq!(
        (&slower["outcome"], &slower["verdict"]),
        (&json!("passed"), &json!("insufficient"))
    );
    let blamed: &Output = &project.run(&["diff", "v1", "v2"]).expect(0);
    assert!(blamed.stdout.contains("response_time"), "{blamed}");
    let strict = [
        "gate",
        "--set",
        "stage.api.slo={ response_time.p95 = \"10ms\" }",
    ];
    project.measure(&strict).expect(1);
}

#[test]
fn an_exported_run_is_compared_like_a_stored_one() {
    let service = Service::start();
    let project = repository(&service, 60);
    gate(&project, 0);
    let elsewhere = Project::new();
    let export = |tag: &str| {
        let run = project.run(&["runs", "export", tag]).expect(0);
        elsewhere.write(&format!("{tag}.json"), &run.stdout);
        run.json()
    };
    let exported = export("v1");
    // A revision is a release: its run, and the gate that made it.
    let kinds = exported["runs"].as_array().unwrap().iter();
    let kinds: Vec<&Value> = kinds.map(|run| &run["kind"]).collect();
    assert_eq!(
        (&exported["schema"], kinds.len()),
        (&json!("stagegate/release"), 2)
    );
    assert!(kinds.contains(&&json!("eval")) && kinds.contains(&&json!("gate")));
    assert_eq!(exported["runs"][0]["release"]["tag"], "v1");
    service.deploy(&[1, 2, 3, 4, 5, 6, 7, 8]);
    release(&project, "v2");
    gate(&project, 1);
    export("v2");
    let stored = project
        .run(&["diff", "v1", "v2", "--format", "json"])
        .expect(1);
    let files = elsewhere
        .run(&["diff", "v1.json", "v2.json", "--format", "json"])
        .expect(1);
    assert_eq!(stored.json()["cases"], files.json()["cases"]);
    let metric = "eval.answers.pass_rate";
    let (stored, files) = (stored.json(), files.json());
    for key in ["change", "low", "high", "p", "n"] {
        assert_eq!(
            comparison(&stored, metric)[key],
            comparison(&files, metric)[key],
            "{key}"
        );
    }
    elsewhere.write("broken.json", "{\"schema\": \"stagegate/run\"");
    let broken = elsewhere.run(&["diff", "v1.json", "broken.json"]);
    assert!(matches!(broken.code, Some(2 | 3)), "{broken}");
    assert!(broken.stderr.contains("broken.json"), "{broken}");
}

/// verdicts G6: what a service leaves behind in the checkout makes no release unusable as a base.
#[test]
fn an_untracked_file_that_the_manifest_does_not_name_is_no_dirt() {
    let service = Service::start();
    let project = repository(&service, 60);
    project.write("__pycache__/app.pyc", "left behind");
    let first = project.run(&["gate", "--format", "json"]).expect(0);
    assert!(first.stderr.contains("`__pycache__/app.pyc`"), "{first}");
    release(&project, "v2");
    project.write("__pycache__/app.pyc", "left behind again");
    let document = gate(&project, 0);
    assert_eq!(document["base"]["tag"], "v1");
}

/// verdicts G6: where the tree is dirty, the gate says so, which file it is, and in every format.
#[test]
fn a_dirty_tree_is_told_where_it_happens() {
    let service = Service::start();
    let project = repository(&service, 60);
    project.write("prompts/answer.txt", "Changed and not committed.\n");
    let said = "the tree is dirty: `prompts/answer.txt`; this run can be no base";
    let output = project.run(&["gate"]).expect(0);
    assert!(output.stderr.contains("the tree is dirty"), "{output}");
    for format in ["human", "markdown", "junit", "github"] {
        let output = project.run(&["gate", "--format", format]).expect(0);
        let words: Vec<&str> = output.stdout.split_whitespace().collect();
        assert!(words.join(" ").contains(said), "{format}: {output}");
    }
    let document = gate(&project, 0);
    assert_eq!(document["head"]["dirty"], true);
    assert_eq!(document["head"]["dirt"], json!(["prompts/answer.txt"]));
}

/// stumbles S6: nothing listens, so nothing is measured, and the gate says what to do.
#[test]
fn a_gate_whose_stage_is_not_there_ends_before_it_measures() {
    let load = "[load.peak]\ntarget = [\"api\"]\narrivals = { rate = \"20/s\" }\nduration = \"60s\"\ndata = \"golden.jsonl\"\n";
    let tables =
        format!("{ANSWERS}{load}{GATE}").replace("evals = ", "loads = [\"peak\"]\nevals = ");
    let address = nobody();
    let project = project(address, "", &tables, 60);
    project.commit("v1");
    let output = project.run(&["gate", "--format", "json"]).expect(3);
    let document = output.json();
    assert_eq!(document["schema"], "stagegate/error");
    let error = &document["errors"][0];
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("stage `api` cannot be reached: "),
        "{error}"
    );
    assert!(message.contains(&address.to_string()), "{error}");
    assert_eq!(error["key"], "stage.api.url");
    assert!(error["line"].as_u64().is_some());
    let runs = project
        .run(&["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(runs["runs"], json!([]));
    let waited = project.run(&["gate", "--wait", "600ms"]).expect(3);
    assert!(waited.stderr.contains("after a wait of 600ms"), "{waited}");
}

#[test]
fn a_gate_waits_for_a_deployment_that_boots() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let address = nobody();
    let project = project(address, "", &format!("{ANSWERS}{GATE}"), 60);
    project.commit("v1");
    let mut gate = project.command(&["gate", "--wait", "60s"]).spawn().unwrap();
    let mut stderr = BufReader::new(gate.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("waiting for `api`") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the gate ended");
    }
    let listener = std::net::TcpListener::bind(address).unwrap();
    let _stub = crate::support::stub::Stub::on(listener, crate::support::suite::echo);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(gate.wait().unwrap().code(), Some(0), "{rest}");
}

/// stumbles S25: a stage that answers what cannot be read was reached.
#[test]
fn a_probe_of_an_answer_that_cannot_be_read_has_failed() {
    let stub = crate::support::stub::Stub::start(|_| vec![crate::support::stub::ok("no json")]);
    let project = project(stub.address, "", ANSWERS, 1);
    let output = project
        .run(&["check", "--probe", "--format", "json"])
        .expect(1);
    let probe = &output.json()["stages"][0]["probe"];
    assert_eq!(
        (&probe["ok"], &probe["reached"]),
        (&json!(false), &json!(true))
    );
}

/// stumbles S17: a gate that somebody stopped has decided nothing, and says that it was stopped.
#[cfg(unix)]
#[test]
fn a_gate_that_is_stopped_says_so_in_every_format() {
    let slow = crate::support::stub::Stub::start(|request| {
        let answer = crate::support::suite::echo(request);
        [vec![crate::support::stub::wait(25)], answer].concat()
    });
    let suite = ANSWERS.replace("[[eval", "concurrency = 1\n[[eval");
    let project = project(slow.address, "", &format!("{suite}{GATE}"), 60);
    project.commit("v1");
    let outs = [
        "--out",
        "github=g.txt",
        "--out",
        "junit=g.xml",
        "--out",
        "json=g.json",
    ];
    let child = project
        .command(&[&["gate"][..], &outs].concat())
        .spawn()
        .unwrap();
    while slow.requests().len() < 10 {
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = project
        .output(child.wait_with_output().unwrap())
        .expect(130);
    assert!(output.stdout.starts_with("INTERRUPTED"), "{output}");
    let read = |file: &str| std::fs::read_to_string(project.path(file)).unwrap();
    assert!(read("g.txt").starts_with("::error "), "{}", read("g.txt"));
    assert!(read("g.xml").contains("<error "), "{}", read("g.xml"));
    let document: Value = serde_json::from_str(&read("g.json")).unwrap();
    assert_eq!(
        (&document["interrupted"], &document["verdict"]),
        (&json!(true), &json!("inconclusive"))
    );
}

/// Rates have a limit where the load is known: in a rule.
#[test]
fn rates_are_limited_by_rules() {
    let stub = Stub::start(|_| vec![ok("{\"t\": \"x\", \"n\": 5}")]);
    for (metric, limit, code) in [
        ("goodput_tps", "min = \"50/s\"", 0),
        ("goodput_tps", "min = \"500/s\"", 1),
        ("goodput_rps", "min = \"600/m\"", 0),
        ("achieved_rps", "min = 100", 1),
        ("offered_rps", "max = \"21/s\"", 0),
    ] {
        let project = rates(&stub, "rate = \"20/s\"", metric, limit);
        let output = project.measure(&["gate", "--format", "json"]).expect(code);
        let document = output.json();
        let rate = comparison(&document, &format!("load.l.api.{metric}"));
        let outcome = ["passed", "failed"][usize::from(code == 1)];
        assert_eq!(rate["outcome"], outcome, "{rate}");
    }
    let closed = rates(&stub, "concurrency = 1", "offered_rps", "max = 21");
    let document = closed.measure(&["gate", "--format", "json"]).expect(4);
    let document = document.json();
    let rate = comparison(&document, "load.l.api.offered_rps");
    let note = rate["note"].as_str().unwrap();
    assert!(note.contains("a closed loop offers no rate"), "{rate}");
}

/// A project with one load, and one rule on a rate of it.
fn rates(stub: &Stub, arrivals: &str, metric: &str, limit: &str) -> Project {
    Project::with_manifest(&format!(
        "version = 1\n[stage.api]\nkind = \"http\"\nurl = \"http://{}/\"\noutput = {{ text = \"$.t\", output_tokens = \"$.n\" }}\n\
         [load.l]\ntarget = \"api\"\narrivals = {{ {arrivals} }}\nduration = \"1s\"\n\
         [gate]\nloads = [\"l\"]\n[[gate.rule]]\nmetric = \"load.l.api.{metric}\"\n{limit}\n",
        stub.address
    ))
}

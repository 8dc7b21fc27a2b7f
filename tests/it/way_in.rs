//! What others put into the checkout: links, pipes, and runs that a pull request brings along.

#![cfg(unix)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::support::suite::{ANSWERS, Service, project};
use crate::support::{Output, Project};

/// Runs a command that must come to its end on its own.
fn soon(project: &Project, arguments: &[&str]) -> Output {
    let begun = Instant::now();
    let mut child = project.command(arguments).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("`{}` hangs", arguments.join(" "));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    project.output(child.wait_with_output().unwrap())
}

fn pipe(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    mkfifoat(CWD, path, Mode::RWXU).unwrap();
}

// security 1
#[test]
fn what_a_link_in_the_store_leads_to_stays() {
    let service = Service::start();
    for (place, target) in [
        (".stagegate/tmp", ".."),
        (".stagegate/tmp", "../src"),
        (".stagegate/runs", "../src"),
        (".stagegate/journal", "../src"),
        (".stagegate", "src"),
        (".stagegate/tmp", "../nowhere"),
    ] {
        let gate = format!("{ANSWERS}[gate]\nevals = [\"answers\"]\n");
        let project = project(service.stub.address, "", &gate, 2);
        for file in ["src/main.py", "src/old.aaaaaa/x", "prompts/a.txt"] {
            project.write(file, "of the user");
        }
        let link = project.path(place);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, &link).unwrap();
        let before = project.files();
        let long_ago = std::time::SystemTime::now() - Duration::from_hours(72);
        for folder in ["src", "src/old.aaaaaa", "prompts"] {
            let folder = std::fs::File::open(project.path(folder)).unwrap();
            folder.set_modified(long_ago).unwrap();
        }
        for command in [
            &["eval"][..],
            &["eval", "--resume"],
            &["gate"],
            &["runs", "list"],
            &["runs", "prune", "--older-than", "1h"],
        ] {
            let output = project.run(command).expect(3);
            assert!(
                output.stderr.contains(place) && output.stderr.contains("is a link"),
                "{output}"
            );
        }
        assert_eq!(project.files(), before, "{place} -> {target}");
    }
    assert!(service.stub.requests().is_empty());
}

// security 11
#[test]
fn a_pipe_or_a_device_in_the_place_of_a_file_is_refused() {
    let service = Service::start();
    let project = project(service.stub.address, "", ANSWERS, 2);
    let refused = |file: &str, arguments: &[&str]| {
        let aside = project.path("aside");
        let path = project.path(file);
        std::fs::rename(&path, &aside).ok();
        pipe(&path);
        let output = soon(&project, arguments).expect(3);
        let name = Path::new(file).file_name().unwrap().to_str().unwrap();
        assert!(output.stderr.contains(name), "{output}");
        assert!(output.stderr.contains("a pipe"), "{output}");
        std::fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        let output = soon(&project, arguments).expect(3);
        assert!(output.stderr.contains("a device"), "{output}");
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&aside, &path).ok();
    };
    refused("stagegate.toml", &["check"]);
    refused("golden.jsonl", &["check"]);
    refused("golden.jsonl", &["eval"]);
    refused("base.json", &["runs", "show", "base.json"]);
    let schema = ANSWERS.replace(
        "kind = \"equals\"",
        "kind = \"json_schema\"\nfile = \"s.json\"",
    );
    let schema = schema.replace("value = \"{{ expected }}\"", "");
    let manifest = crate::support::suite::manifest(service.stub.address, "", &schema);
    project.write("stagegate.toml", manifest);
    refused("s.json", &["eval"]);
}

// security 11
#[test]
fn a_pipe_among_the_runs_is_a_run_that_cannot_be_read() {
    let service = Service::start();
    let project = project(service.stub.address, "", ANSWERS, 2);
    project.run(&["eval"]).expect(0);
    pipe(&project.path(".stagegate/runs/x/run.json"));
    pipe(&project.path(".stagegate/runs/y"));
    pipe(&project.path(".stagegate/journal/answers-1.jsonl"));
    pipe(&project.path(".stagegate/calibration.json"));
    let list = soon(&project, &["runs", "list"]).expect(0);
    assert!(list.stderr.contains("a pipe, not a regular file"), "{list}");
    soon(&project, &["eval", "--resume"]).expect(0);
    soon(&project, &["diff", "latest~1", "latest"]);
    soon(
        &project,
        &["runs", "prune", "--keep", "1", "--older-than", "1h"],
    )
    .expect(0);
}

/// The suite, and a gate over it.
fn gated() -> String {
    format!("{ANSWERS}\n[gate]\nevals = [\"answers\"]\n")
}

/// Returns the folder of the only stored run of a kind.
fn only_run(project: &Project, kind: &str) -> std::path::PathBuf {
    let runs = std::fs::read_dir(project.path(".stagegate/runs"))
        .unwrap()
        .flatten();
    let mut found: Vec<_> = runs
        .map(|it| it.path())
        .filter(|it| {
            let text = std::fs::read_to_string(it.join("run.json")).unwrap();
            text.contains(&format!("\"kind\": \"{kind}\""))
        })
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

// security 2
#[test]
fn a_run_that_a_commit_brings_along_is_no_base() {
    let service = Service::start();
    let project = project(service.stub.address, "", &gated(), 60);
    project.commit("v1");
    // What the pull request holds: a base in which every case failed.
    service.deploy(&(1..=60).collect::<Vec<_>>());
    project.run(&["eval"]).expect(0);
    let forged = only_run(&project, "eval");
    service.deploy(&[]);
    let id = forged.file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::write(project.path(".stagegate/.gitignore"), "").unwrap();
    project.commit("v2");
    let gate = project.run(&["gate"]);
    assert_ne!(gate.code, Some(0), "{gate}");
    assert!(gate.stderr.contains(&id), "{gate}");
    assert!(gate.stderr.contains("git tracks"), "{gate}");
    for base in ["v1", "latest", &id] {
        let gate = project.run(&["gate", "--base", base]);
        assert!(
            !gate.stderr.contains(&format!("measured by `{id}`")),
            "--base {base}: {gate}"
        );
    }
    project.run(&["gate", "--base", "v1"]).expect(3);
    let named = project.run(&["gate", "--base", &id]).expect(3);
    assert!(named.stderr.contains("git tracks its files"), "{named}");
    // A comparison that decides nothing may look at it.
    project.run(&["runs", "show", &id]).expect(0);
    // What this project measured itself is one, and is named.
    project.write(".stagegate/.gitignore", "*\n");
    project.write("prompts/a.txt", "a");
    project.commit("v3");
    let gate = project.run(&["gate", "--format", "json"]);
    let base = gate.json()["base"]["runs"][0].as_str().unwrap().to_owned();
    assert_ne!(base, id);
    assert!(
        gate.stderr.contains(&format!("measured by `{base}`")),
        "{gate}"
    );
}

// security 28
#[test]
fn a_run_from_the_future_is_passed_over() {
    let service = Service::start();
    let project = project(service.stub.address, "", &gated(), 60);
    project.commit("v1");
    project.run(&["eval"]).expect(0);
    let run = only_run(&project, "eval").join("run.json");
    let text = std::fs::read_to_string(&run).unwrap();
    let at = text.find("\"started_at\": \"").unwrap() + 15;
    let later = format!("{}2999{}", &text[..at], &text[at + 4..]);
    std::fs::write(&run, later).unwrap();
    let shown = project.run(&["runs", "show", "latest"]).expect(3);
    project.run(&["eval"]).expect(0);
    let shown_now = project.run(&["runs", "show", "latest"]).expect(0);
    assert!(!shown.stdout.contains("2999") && !shown_now.stdout.contains("2999"));
    assert!(
        shown_now.stderr.contains("begin in the future"),
        "{shown_now}"
    );
    project.write("prompts/a.txt", "a");
    project.commit("v2");
    let gate = project.run(&["gate"]).expect(0);
    assert!(gate.stderr.contains("begin in the future"), "{gate}");
}

// security 17
#[test]
fn a_resume_of_a_run_that_is_complete_ends_well() {
    let service = Service::start();
    let project = project(service.stub.address, "", ANSWERS, 4);
    project.run(&["eval"]).expect(0);
    let run = only_run(&project, "eval");
    let id = run.file_name().unwrap().to_str().unwrap().to_owned();
    let asked = service.stub.requests().len();
    // The process ended after the run was stored, and before its journal was removed.
    let record: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
    let release = &record["release"];
    let header = serde_json::json!({
        "schema": "stagegate/journal/2", "run_id": id, "started_at": record["started_at"],
        "key": {
            "suite": "answers", "env": record["env"], "release": "", "dirty": release["dirty"],
            "manifest": release["manifest"], "golden": record["eval"]["golden"]["digest"],
        },
    });
    let journal = format!(".stagegate/journal/answers-{id}.jsonl");
    project.write(&journal, format!("{header}\n"));
    let resumed = project
        .run(&["eval", "--resume", "--format", "json"])
        .expect(0);
    assert_eq!(resumed.json()["id"], id, "{resumed}");
    assert!(resumed.stderr.contains("was complete already"), "{resumed}");
    assert!(!project.path(&journal).exists());
    assert_eq!(service.stub.requests().len(), asked);
}

// security 8
#[test]
fn a_resume_with_another_prompt_is_another_run() {
    let stub = crate::support::stub::Stub::start(|_| vec![crate::support::stub::wait(60_000)]);
    let tables = format!("{ANSWERS}\n[release]\np = {{ files = \"p.txt\" }}\n");
    let project = project(stub.address, "timeout = \"1s\"", &tables, 2);
    project.write("p.txt", "one");
    let mut child = project.command(&["eval"]).spawn().unwrap();
    // Until its first line is whole.
    let has_begun = || {
        let journals = std::fs::read_dir(project.path(".stagegate/journal"));
        let mut journals = journals.into_iter().flatten().flatten();
        journals.any(|it| std::fs::read_to_string(it.path()).is_ok_and(|it| it.contains('\n')))
    };
    while !has_begun() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = |project: &Project| {
        let mut child = project.command(&["eval", "--resume"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        child.kill().ok();
        project.output(child.wait_with_output().unwrap()).stderr
    };
    project.write("p.txt", "two");
    let other = said(&project);
    assert!(other.contains("other files in `[release]`"), "{other}");
    project.write("p.txt", "one");
    assert!(said(&project).contains("continuing"));
}

const STAGE: &str = "version = 1\n[stage.api]\nkind = \"http\"\nurl = \"http://127.0.0.1:9/\"\n";

/// Manifests that hold texts to hang `check`, to crash it, or to fill a log, by name.
fn hostile_texts() -> Vec<(&'static str, String)> {
    let body = |template: &str| format!("{STAGE}body = {{ q = '{template}' }}\n");
    let path = |path: &str| format!("{STAGE}output = {{ text = '{path}' }}\n");
    let assertion = |keys: &str| {
        format!(
            "{STAGE}[eval.a]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.a.assert]]\n{keys}\n"
        )
    };
    let n = 300_000;
    vec![
        (
            "filters",
            body(&format!("{{{{ input{} }}}}", "|upper".repeat(n / 6))),
        ),
        ("brackets", body(&format!("{{{{ {}1 }}}}", "(".repeat(n)))),
        (
            "negations",
            body(&format!("{{{{ {}1 }}}}", "not ".repeat(n / 4))),
        ),
        ("joins", body(&format!("{{{{ 1{} }}}}", "~1".repeat(7000)))),
        ("blocks", body(&"{% if input %}".repeat(n / 14))),
        ("path brackets", path(&format!("$[?{}@.a]", "(".repeat(n)))),
        (
            "path functions",
            path(&format!("$[?{}@.a", "length(".repeat(n / 7))),
        ),
        ("path segments", path(&format!("${}", ".a".repeat(n / 2)))),
        ("path descents", path(&format!("${}", "..*".repeat(n / 3)))),
        ("lists", format!("{STAGE}x = {}", "[".repeat(n))),
        (
            "a dotted key",
            format!("{STAGE}a{} = 1\n", ".a".repeat(n / 2)),
        ),
        (
            "a long line",
            format!("{STAGE}timeout = \"{}\"\n", "y".repeat(n)),
        ),
        ("a long key", format!("{STAGE}{} = 1\n", "k".repeat(n))),
        (
            "an assertion's path",
            assertion(&format!(
                "kind = \"json_path\"\npath = '$[?{}'",
                "@[?".repeat(5000)
            )),
        ),
        (
            "an assertion's path in paths",
            assertion(&format!(
                "kind = \"json_path\"\npath = '$[?{}'",
                "@[?".repeat(500)
            )),
        ),
        (
            "a value that multiplies",
            assertion("kind = \"numeric\"\nvalue = \"{{ [1]*99999999 }}\"\nx = 1"),
        ),
        (
            "a schema that multiplies",
            assertion("kind = \"json_schema\"\nschema = { const = \"{{ [1]*99999999 }}\" }"),
        ),
    ]
}

/// A stage that calls another one, whose name is one letter off.
fn slip(at: usize) -> String {
    let name = format!("{}{at}", "a".repeat(50));
    format!("[stage.{name}]\nkind = \"http\"\nurl = \"http://x/\"\ncalls = [\"{name}x\"]\n")
}

/// Manifests with tables and keys of that kind.
fn hostile_tables() -> Vec<(&'static str, String)> {
    let lines =
        |count: usize, line: &dyn Fn(usize) -> String| -> String { (0..count).map(line).collect() };
    vec![
        (
            "long names",
            lines(60, &|at| {
                let (own, other) = ("a".repeat(2000), "b".repeat(2000));
                format!(
                    "[stage.{own}{at}]\nkind = \"http\"\nurl = \"x\"\ncalls = [\"{other}{at}\"]\n"
                )
            }),
        ),
        ("slips of the hand", lines(900, &slip)),
        ("unknown keys", lines(2000, &|at| format!("x{at} = 1\n"))),
        (
            "unknown long keys",
            lines(100, &|at| format!("{}{at} = 1\n", "x".repeat(2000))),
        ),
        (
            "wrong values",
            format!(
                "{STAGE}headers = {{{}}}\n",
                lines(3000, &|at| format!("h{at} = {at},"))
            ),
        ),
        (
            "a cycle",
            lines(500, &|at| {
                let next = (at + 1) % 500;
                format!(
                    "[stage.s{at}]\nkind = \"http\"\nurl = \"http://x/\"\ncalls = [\"s{next}\"]\n"
                )
            }),
        ),
        (
            "globs in globs",
            format!(
                "{STAGE}[release]\np = {{ files = \"{}b{}\" }}\n",
                "{a,".repeat(9000),
                "}".repeat(9000)
            ),
        ),
        (
            "a rate",
            format!(
                "{STAGE}[load.a]\ntarget = [\"api\"]\nduration = \"100000h\"\narrivals = {{ rate = \"1e11/s\" }}\n"
            ),
        ),
        (
            "users",
            format!(
                "{STAGE}[load.a]\ntarget = [\"api\"]\nduration = \"1s\"\narrivals = {{ concurrency = 4000000000 }}\n"
            ),
        ),
    ]
}

// security 12, 20
#[test]
fn check_ends_well_on_a_strangers_manifest_whatever_is_in_it() {
    for (name, manifest) in hostile_texts().into_iter().chain(hostile_tables()) {
        let project = Project::with_manifest(&manifest);
        for format in ["human", "json"] {
            let output = project.run(&["check", "--format", format]);
            assert_eq!(
                output.code,
                Some(2),
                "{name}: {:?}",
                output.stderr.get(..2000)
            );
            assert!(!output.stderr.contains("panicked"), "{name}: {output}");
            let length = output.stdout.len() + output.stderr.len();
            assert!(length < 100_000, "{name}, {format}: {length} bytes");
        }
    }
}

//! The built-in story, and the templates of `init` against the pipeline that it serves.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Output, Project};

/// Stories and loads take turns: two at a time would measure each other.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the story; once more when the machine was too busy to measure at all.
fn story(project: &Project, arguments: &[&str]) -> Output {
    let folder = project.path("tmp").display().to_string();
    let mut output = project.run_with(arguments, &[("TMPDIR", &folder)]);
    if output.code == Some(4) {
        output = project.run_with(arguments, &[("TMPDIR", &folder)]);
    }
    output.expect(0)
}

fn entries(project: &Project, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(project.path(folder)).unwrap().flatten();
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_story_ends_by_naming_the_stage_the_slice_and_the_owner() {
    let _turn = turn();
    let project = Project::new();
    project.write("tmp/.keep", "");
    let output = story(&project, &["demo"]);
    for word in ["rerank", "lang=de", "search-team", "v1.0.0", "v2.0.0"] {
        assert!(output.stdout.contains(word), "{word}\n{output}");
    }
    assert!(
        output.stderr.contains("the planted regression was found"),
        "{output}"
    );
    assert_eq!(
        entries(&project, "tmp"),
        [".keep"],
        "the story leaves nothing behind"
    );
    assert_eq!(entries(&project, "."), ["tmp"]);
}

#[test]
fn the_story_can_be_kept_and_looked_into() {
    let _turn = turn();
    let project = Project::new();
    project.write("tmp/.keep", "");
    let output = story(&project, &["demo", "--keep", "--format", "json"]);
    let document = output.json();
    assert_eq!(
        (&document["schema"], &document["verdict"]),
        (&json!("stagegate/diff"), &json!("failed"))
    );
    let blame = &document["blame"][0];
    assert_eq!(
        (&blame["stage"], &blame["owner"]),
        (&json!("rerank"), &json!("search-team"))
    );
    let slice = "eval.answers.slice.\"lang=de\".pass_rate";
    let comparisons = document["comparisons"].as_array().unwrap();
    let slice = comparisons
        .iter()
        .find(|comparison| comparison["metric"] == slice)
        .unwrap();
    assert_eq!(
        (&slice["verdict"], &slice["outcome"]),
        (&json!("regressed"), &json!("failed"))
    );
    assert!(
        document["summary"].as_str().unwrap().contains("rerank"),
        "{}",
        document["summary"]
    );
    let kept: Vec<String> = entries(&project, "tmp")
        .into_iter()
        .filter(|name| name != ".keep")
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(output.stderr.contains(&kept[0]), "{output}");
    let folder = format!("tmp/{}", kept[0]);
    project.run(&["-C", &folder, "check"]).expect(0);
    let again = project
        .run(&[
            "-C", &folder, "diff", "v1.0.0", "v2.0.0", "--format", "json",
        ])
        .expect(1);
    assert_eq!(again.json()["cases"], document["cases"]);
    let list = project
        .run(&["-C", &folder, "runs", "list", "--format", "json"])
        .expect(0)
        .json();
    assert!(list["runs"].as_array().unwrap().len() >= 4, "{list}");
}

#[cfg(unix)]
#[test]
fn a_story_that_is_broken_off_leaves_nothing_behind() {
    let project = Project::new();
    project.write("tmp/.keep", "");
    let folder = project.path("tmp").display().to_string();
    let mut command = project.command(&["demo"]);
    let child = command.env("TMPDIR", &folder).spawn().unwrap();
    let begun = Instant::now();
    while !project
        .files()
        .iter()
        .any(|path| path.components().any(|it| it.as_os_str() == ".stagegate"))
    {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the story did not begin"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    project
        .output(child.wait_with_output().unwrap())
        .expect(130);
    assert_eq!(entries(&project, "tmp"), [".keep"]);
}

/// The pipeline, served until the value is dropped.
struct Served {
    child: Child,
    port: u16,
    said: String,
}

impl Served {
    fn start(project: &Project, port: u16) -> Self {
        let port = if port == 0 { free_port() } else { port };
        let mut child = project
            .command(&["demo", "--serve", "--port", &port.to_string()])
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        Self { child, port, said }
    }

    /// Asks it to end, as a service manager or Ctrl-C does, and returns its exit code.
    #[cfg(unix)]
    fn end(&mut self, signal: rustix::process::Signal) -> Option<i32> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[cfg(unix)]
#[test]
fn the_pipeline_is_served_until_it_is_asked_to_end() {
    let project = Project::new();
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let mut served = Served::start(&project, 0);
        let port = served.port;
        assert!(
            served.said.contains(&format!("127.0.0.1:{port}")),
            "{}",
            served.said
        );
        let taken = project
            .run(&["demo", "--serve", "--port", &port.to_string()])
            .expect(3);
        assert!(taken.stderr.contains(&port.to_string()), "{taken}");
        assert_eq!(served.end(signal), Some(0));
        TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
    project.run(&["demo", "--serve", "--keep"]).expect(2);
}

#[test]
fn init_writes_everything_or_nothing() {
    let project = Project::new();
    project.write("shop/golden/support.jsonl", "mine\n");
    let output = project.run(&["init", "shop"]).expect(2);
    insta::assert_snapshot!(output.stderr, @r"
    error: `shop/golden/support.jsonl` exists already, so nothing was written
      help: Choose another folder, or overwrite with `--force`.
    ");
    assert_eq!(project.files(), [project.path("shop/golden/support.jsonl")]);
    project.run(&["init", "shop", "--force"]).expect(0);
    project.run(&["check", "-C", "shop"]).expect(0);
    let unknown = project.run(&["init", "--template", "rga"]).expect(2);
    assert!(
        unknown.stderr.contains("rag") && unknown.stderr.contains("minimal"),
        "{unknown}"
    );
    let listed = project
        .run(&["init", "other", "--format", "json"])
        .expect(0)
        .json();
    for file in listed["files"].as_array().unwrap() {
        assert!(project.path(file.as_str().unwrap()).is_file(), "{listed}");
    }
}

/// Runs a gate; again when the generator was starved, which says nothing about the template.
fn gate(project: &Project, arguments: &[&str]) -> Value {
    let arguments = [&["gate", "--format", "json"], arguments].concat();
    for _ in 0..3 {
        let output = project.run(&arguments);
        let list = project.run(&["runs", "list", "--format", "json"]).json();
        let starved = list["runs"]
            .as_array()
            .unwrap()
            .iter()
            .take(3)
            .any(|run| run["validity"] == "invalid");
        if !(starved && output.code == Some(4)) {
            return output.expect(0).json();
        }
    }
    panic!("the generator was starved three times");
}

/// Writes a template, gates its own release twice against the demo, and returns the second verdict.
fn template_passes(name: &str, settings: &[&str], api: &dyn Fn(u16) -> String) -> Value {
    let project = Project::new();
    project.run(&["init", "--template", name]).expect(0);
    project.run(&["check"]).expect(0);
    project.commit("v1");
    let home = Project::new();
    let served = Served::start(&home, 0);
    let address = api(served.port);
    let settings: Vec<&str> = settings
        .iter()
        .chain([&address.as_str()])
        .flat_map(|it| ["--set", *it])
        .collect();
    project
        .run(&[&["check", "--probe"][..], &settings].concat())
        .expect(0);
    gate(&project, &settings);
    gate(&project, &settings)
}

#[test]
fn the_gate_of_the_rag_template_passes_an_unchanged_release() {
    let _turn = turn();
    let shorter = [
        "load.peak.duration=5s",
        "load.peak.arrivals.rate=20/s",
        "load.peak.warmup=500ms",
    ];
    let document = template_passes("rag", &shorter, &|port| {
        format!("env.local.api=http://127.0.0.1:{port}")
    });
    assert_eq!(document["verdict"], "passed");
    assert_eq!(document["cases"], json!({"broke": [], "fixed": []}));
}

#[test]
fn the_gate_of_the_minimal_template_passes_an_unchanged_release() {
    let _turn = turn();
    let shorter = [
        "load.steady.duration=5s",
        "load.steady.arrivals.rate=20/s",
        "load.steady.warmup=500ms",
    ];
    let document = template_passes("minimal", &shorter, &|port| {
        format!("stage.service.url=http://127.0.0.1:{port}/chat")
    });
    assert_eq!(document["verdict"], "passed");
    assert_eq!(document["cases"], json!({"broke": [], "fixed": []}));
}

/// The gates of the other templates: quicker, because what they share is tested above.
#[test]
fn the_gates_of_the_other_templates_pass_an_unchanged_release() {
    let _turn = turn();
    for (name, load, address) in [
        ("chat", "chat", "env.local.llm"),
        ("agent", "tasks", "env.local.agent"),
        ("embeddings", "search", "env.local.api"),
    ] {
        let shorter = [
            format!("load.{load}.duration=4s"),
            format!("load.{load}.arrivals.rate=25/s"),
            format!("load.{load}.warmup=500ms"),
        ];
        let shorter: Vec<&str> = shorter.iter().map(String::as_str).collect();
        let document = template_passes(name, &shorter, &|port| {
            format!("{address}=http://127.0.0.1:{port}")
        });
        assert_eq!(document["verdict"], "passed", "{name}: {document:#}");
        assert_eq!(
            document["cases"],
            json!({"broke": [], "fixed": []}),
            "{name}"
        );
    }
}

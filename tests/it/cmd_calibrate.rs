//! `calibrate` end to end, and the load engine held against the reference server.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::cmd_demo::turn;
use crate::support::Project;

/// The reference server, served by the binary until the end of the test.
struct Served(Child, String);

impl Served {
    fn start(project: &Project, flags: &[&str]) -> Self {
        let arguments = [&["calibrate", "--serve"], flags].concat();
        let mut child = project
            .command(&arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let word = line
            .split_whitespace()
            .find(|word| word.starts_with("http"));
        Self(child, word.unwrap().to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn the_floor_of_this_machine_is_measured_and_stored_with_its_runs() {
    let _turn = turn();
    let home = Project::new();
    let served = Served::start(&home, &[]);
    let project = Project::with_manifest(&format!(
        "version = 1\n[stage.api]\nkind = \"http\"\nurl = \"{}\"\n\
         [load.x]\ntarget = \"api\"\narrivals = {{ rate = \"100/s\" }}\nduration = \"500ms\"\n",
        served.1
    ));
    let found = project
        .run(&["calibrate", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(found["schema"], "stagegate/calibration");
    for key in ["schedule_lag_ms", "ttft_error_ms", "gap_error_ms"] {
        let (p50, p99) = (
            found[key]["p50"].as_f64().unwrap(),
            found[key]["p99"].as_f64().unwrap(),
        );
        assert!(p50 >= 0.0 && p99 >= p50, "{found}");
    }
    assert!(found["max_rps"].as_f64().unwrap() > 100.0, "{found}");
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        run["generator"]["calibration"]["measured_at"],
        found["measured_at"]
    );
}

#[test]
fn a_frozen_server_shows_in_every_request_that_was_due_while_it_stood_still() {
    let _turn = turn();
    let home = Project::new();
    let served = Served::start(&home, &["--delay", "2ms", "--freeze", "200ms/1s"]);
    let project = Project::with_manifest(&format!(
        "version = 1\n[stage.api]\nkind = \"http\"\nurl = \"{}\"\n\
         [load.x]\ntarget = \"api\"\narrivals = {{ rate = \"500/s\" }}\nduration = \"4s\"\n",
        served.1
    ));
    let run = project.measure(&["load", "--format", "json"]).json();
    let metrics = &run["stages"]["api"]["metrics"];
    let of = |metric: &str, stat: &str| metrics[metric][stat].as_f64().unwrap();
    // Three or four pauses fall into the run: 15 to 20 % of the requests wait for the rest of one.
    assert!(
        (60.0..160.0).contains(&of("response_time", "p90")),
        "{metrics}"
    );
    assert!(of("response_time", "p50") < 20.0, "{metrics}");
}

#[test]
fn tokens_are_stamped_when_they_came() {
    let _turn = turn();
    let home = Project::new();
    let served = Served::start(&home, &["--ttft", "30ms", "--gap", "4ms", "--tokens", "25"]);
    let project = Project::with_manifest(&format!(
        "version = 1\n[stage.llm]\nkind = \"chat\"\nurl = \"{}/v1/chat/completions\"\nmodel = \"m\"\nstream = true\n\
         messages = [{{ role = \"user\", content = \"hi\" }}]\n\
         [load.x]\ntarget = \"llm\"\narrivals = {{ rate = \"40/s\" }}\nduration = \"2s\"\n",
        served.1
    ));
    let run = project.measure(&["load", "--format", "json"]).json();
    let stage = &run["stages"]["llm"];
    let metrics = &stage["metrics"];
    let of = |metric: &str| metrics[metric]["p50"].as_f64().unwrap();
    assert_eq!(stage["tokens"]["output"], 80 * 25);
    assert_eq!(stage["tokens"]["source"], Value::from("usage"));
    // The role-only chunk comes at once and is no token.
    assert!((30.0..40.0).contains(&of("ttft")), "{metrics}");
    assert!((3.8..4.4).contains(&of("tpot")), "{metrics}");
    assert!((3.8..4.4).contains(&of("chunk_gap")), "{metrics}");
}

#[test]
fn errors_are_measured_against_a_server_that_runs_by_itself() {
    let _turn = turn();
    let home = Project::new();
    let served = Served::start(&home, &["--tokens", "10", "--ttft", "20ms"]);
    let arguments = [
        "calibrate",
        "--against",
        &served.1,
        "--rate",
        "40/s",
        "--duration",
        "1s",
    ];
    let found = home
        .run(&[&arguments[..], &["--format", "json"]].concat())
        .expect(0)
        .json();
    assert!(found["ttft_error_ms"]["p50"].as_f64().unwrap() < 20.0);
    assert!(found["gap_error_ms"]["p99"].as_f64().is_some(), "{found}");
    assert_eq!(found["max_rps"], Value::Null);
    let shown = home.run(&arguments).expect(0).stdout;
    assert!(shown.contains("TTFT error"), "{shown}");
    assert!(!shown.contains("at most"), "{shown}");
}

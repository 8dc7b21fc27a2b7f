//! `start`, `stop`, and `ready` of `[deployment]`: around what is measured, whatever becomes of it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::support::Project;
use crate::support::stub::{Stub, ok};

/// Serves a file over HTTP, from a while after it was started on, until it is ended.
const SERVER: &str = r#"
import http.server, sys, time
time.sleep(float(sys.argv[2]))
print("listening, with the key s3cret-key", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"#;

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn project(port: u16, deployment: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n{deployment}\n[stage.api]\nkind = \"http\"\nurl = \"http://127.0.0.1:{port}/page.txt\"\n\
         [load.l]\ntarget = [\"api\"]\narrivals = {{ concurrency = 1 }}\nrequests = 3\n\
         [eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"contains\"\nvalue = \"4\"\n\
         [gate]\nevals = [\"e\"]\n[[gate.rule]]\nmetric = \"eval.e.pass_rate\"\nmin = \"90%\"\n"
    ));
    project.write("g.jsonl", "{\"id\": \"a\", \"input\": \"hi\"}\n");
    project.write("page.txt", "42");
    project.write("server.py", SERVER);
    project
}

fn is_there(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Whether a server of that test listens still; it has a while to go.
fn is_gone(port: u16) -> bool {
    let begin = Instant::now();
    while is_there(port) && begin.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    !is_there(port)
}

#[test]
fn a_deployment_is_started_waited_for_and_stopped_around_every_command() {
    for command in [
        &["load"][..],
        &["eval"],
        &["profile", "api", "--duration", "100ms"],
        &["gate"],
    ] {
        let port = free_port();
        // One that stays in the foreground, and one that is left behind.
        for (start, name) in [
            (
                format!("exec python3 server.py {port} 0.5 2>>err"),
                "foreground",
            ),
            (
                format!("python3 server.py {port} 0.5 2>>err & echo $! > pid"),
                "background",
            ),
        ] {
            let keys =
                format!("start = \"{start}\"\nstop = \"echo stopped >> log\"\nready = \"20s\"");
            let project = project(port, &keys);
            let output = project.run(command);
            assert!(
                output.code == Some(0) || output.code == Some(4),
                "{name}: {output}"
            );
            assert!(is_gone(port), "{name} {command:?}");
            let log = std::fs::read_to_string(project.path("log")).unwrap();
            assert_eq!(log, "stopped\n", "{name} {command:?}");
        }
    }
}

#[test]
fn one_that_does_not_come_up_is_exit_3_with_what_it_wrote() {
    let port = free_port();
    let failing = project(
        port,
        "start = \"echo no such image >&2; exit 7\"\nstop = \"echo stopped >> log\"",
    );
    let output = failing.run(&["eval"]).expect(3);
    for part in [
        "`start` of `[deployment]` ended with exit status: 7",
        "no such image",
    ] {
        assert!(output.stderr.contains(part), "{output}");
    }
    assert_eq!(
        std::fs::read_to_string(failing.path("log")).unwrap(),
        "stopped\n"
    );
    let silent = project(
        port,
        "start = \"echo starting; sleep 60\"\nready = \"600ms\"\nstop = \"echo stopped >> log\"",
    );
    let begin = Instant::now();
    let output = silent.run(&["load", "--format", "json"]).expect(3);
    assert!(begin.elapsed() < Duration::from_secs(10));
    let said: Vec<&str> = output.stderr.split_whitespace().collect();
    let said = said.join(" ");
    for part in ["not ready after 600ms: stage `api`", "starting"] {
        assert!(said.contains(part), "{output}");
    }
    assert_eq!(
        std::fs::read_to_string(silent.path("log")).unwrap(),
        "stopped\n"
    );
}

#[test]
fn stop_runs_also_behind_what_failed_and_its_failure_is_a_warning() {
    let stub = Stub::start(|_| vec![ok("5")]);
    let keys = "stop = \"echo stopped >> log; echo no luck; exit 3\"\nready = \"5s\"";
    let project = project(stub.address.port(), keys);
    let output = project.run(&["gate"]).expect(1);
    let said: Vec<&str> = output.stderr.split_whitespace().collect();
    assert!(
        said.join(" ")
            .contains("`stop` of `[deployment]` ended with exit status: 3; it wrote: no luck"),
        "{output}"
    );
    assert_eq!(
        std::fs::read_to_string(project.path("log")).unwrap(),
        "stopped\n"
    );
}

#[test]
fn ctrl_c_ends_what_was_started_and_stops_it() {
    let port = free_port();
    let project = project(
        port,
        "start = \"echo $$ > pid; exec sleep 60\"\nstop = \"echo stopped >> log\"",
    );
    let mut child = project.command(&["eval"]).spawn().unwrap();
    let begin = Instant::now();
    while std::fs::read_to_string(project.path("pid")).map_or(true, |it| it.trim().is_empty()) {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let group: i32 = std::fs::read_to_string(project.path("pid"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let group = rustix::process::Pid::from_raw(group).unwrap();
    assert!(rustix::process::test_kill_process_group(group).is_err());
    assert_eq!(
        std::fs::read_to_string(project.path("log")).unwrap(),
        "stopped\n"
    );
}

/// Whoever does not wait for `stop` is told what it has not done, and how it is done by hand.
#[test]
fn a_second_ctrl_c_says_what_is_left_to_be_stopped() {
    for (secret, shown) in [
        ("", "echo $$ > stopping; sleep 60"),
        ("s3cret", "echo $$ > stopping; sleep 60 # ***"),
    ] {
        let stop = format!(
            "echo $$ > stopping; sleep 60{}",
            if secret.is_empty() { "" } else { " # s3cret" }
        );
        let keys = format!("start = \"echo $$ > pid; exec sleep 60\"\nstop = \"{stop}\"");
        let project = project(free_port(), &keys);
        let manifest = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
        let header = "headers = { x-key = \"{{ secret.KEY }}\" }\n[load.l]";
        project.write("stagegate.toml", manifest.replace("[load.l]", header));
        let errors = std::fs::File::create(project.path("errors")).unwrap();
        let mut command = project.command(&["eval"]);
        command.env("KEY", if secret.is_empty() { "another" } else { secret });
        let mut child = command.stderr(errors).spawn().unwrap();
        let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
        let interrupt = || rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        appears(&project.path("pid"));
        std::thread::sleep(Duration::from_millis(300));
        interrupt();
        appears(&project.path("stopping"));
        interrupt();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let errors = std::fs::read_to_string(project.path("errors")).unwrap();
        let said = format!(
            "warning: interrupted again: `stop` of `[deployment]` has not run to its end, so that the deployment may still be up; run it yourself: {shown}\n"
        );
        assert!(errors.contains(&said), "{errors}");
        assert!(
            errors.contains("Ctrl-C again ends this at once"),
            "{errors}"
        );
        for file in ["pid", "stopping"] {
            let pid = std::fs::read_to_string(project.path(file)).unwrap();
            let group = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
            assert!(is_over(group), "{file}");
        }
    }
}

/// Returns whether nobody of a process group is left; a killed one takes a moment.
fn is_over(group: rustix::process::Pid) -> bool {
    let begin = Instant::now();
    while rustix::process::test_kill_process_group(group).is_ok() {
        if begin.elapsed() > Duration::from_secs(5) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Waits until something has been written to a file.
fn appears(path: &std::path::Path) {
    let begin = Instant::now();
    while std::fs::read_to_string(path).map_or(true, |it| it.trim().is_empty()) {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn wrong_keys_are_told() {
    for (keys, said) in [
        ("start = \" \"", "`start` of `[deployment]` is no command"),
        (
            "ready = \"0s\"",
            "`ready` of `[deployment]` must be above zero",
        ),
    ] {
        let shown = project(1, keys).run(&["check"]).expect(2).stderr;
        assert!(shown.contains(said), "{shown}");
    }
}

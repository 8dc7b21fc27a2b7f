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

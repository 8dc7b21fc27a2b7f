//! Nothing of a program outlives its request, nor the command, however that ends.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use stagegate_kit::Project;

/// Programs that write their number into `started`, start another one without streams, and wait.
/// Both hold a pipe open.
struct Waiting {
    project: Project,
    /// Ends when everybody is dead who could write into the pipe.
    reading: JoinHandle<Vec<u8>>,
}

impl Waiting {
    fn new() -> Self {
        let project = Project::with_manifest(
            r#"
version = 1
[stage.tool]
kind = "command"
command = ["sh", "-c", "exec 3> pipe; sleep 120 >&3 2>&1 < /dev/null & echo $$ >> started; exec sleep 120 >&3"]
timeout = "100s"
[load.all]
target = ["tool"]
arrivals = { concurrency = 2 }
requests = 100
[eval.answers]
stage = "tool"
golden = "golden.jsonl"
[[eval.answers.assert]]
kind = "contains"
value = "x"
"#,
        );
        project.write("golden.jsonl", "{\"id\": \"q1\", \"input\": \"a\"}\n");
        let pipe = project.path("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let reading = std::thread::spawn(move || std::fs::read(pipe).unwrap());
        Self { project, reading }
    }

    /// Begins a command and waits until a program of it runs.
    fn begin(&self, arguments: &[&str]) -> Child {
        let child = self.project.command(arguments).spawn().unwrap();
        let started: PathBuf = self.project.path("started");
        let begun = Instant::now();
        while std::fs::read_to_string(&started)
            .unwrap_or_default()
            .is_empty()
        {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "nothing was started"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    /// Ends the command by signals and returns its exit code, `None` where it was killed; then
    /// waits for the end of all that it has started.
    fn end(self, mut child: Child, signals: &[Signal]) -> Option<i32> {
        for signal in signals {
            kill_process(Pid::from_child(&child), *signal).unwrap();
        }
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > Duration::from_mins(1) {
                child.kill().unwrap();
                panic!("the command did not end by {signals:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let code = status.code();
        self.reading.join().unwrap();
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "they ended by themselves"
        );
        code
    }
}

/// Returns whether these tests run under `nohup`, which what they start inherits: a command goes on
/// then.
fn ignores_hangups() -> bool {
    let told = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = told.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
    ignored.is_some_and(|signals| signals & 1 == 1)
}

// security 7, 16: once, twice, the terminal closes, a service manager, and the worst.
#[test]
fn the_programs_of_a_command_end_with_it() {
    let (int, term, hup, kill) = (Signal::INT, Signal::TERM, Signal::HUP, Signal::KILL);
    let ends: [(&[Signal], Option<i32>); 5] = [
        (&[int], Some(130)),
        (&[int, int], Some(130)),
        (&[term], Some(130)),
        (&[hup], Some(130)),
        (&[kill], None),
    ];
    for arguments in [["load", "all"], ["eval", "answers"]] {
        for (signals, code) in ends {
            if signals == [hup] && ignores_hangups() {
                continue;
            }
            let waiting = Waiting::new();
            let child = waiting.begin(&arguments);
            assert_eq!(
                waiting.end(child, signals),
                code,
                "{arguments:?} {signals:?}"
            );
        }
    }
}

// security 7
#[test]
fn profile_and_check_leave_no_program_behind_either() {
    for arguments in [&["profile", "tool"][..], &["check", "--probe"]] {
        let waiting = Waiting::new();
        let child = waiting.begin(arguments);
        assert_eq!(
            waiting.end(child, &[Signal::INT]),
            Some(130),
            "{arguments:?}"
        );
    }
}

//! Every command block of the documentation, run as a reader would: in one project, in the order of
//! the pages, against the demo.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stagegate_kit::project::measured;

use crate::cmd_demo::turn;
use crate::support::Project;

/// The pages in an order in which they can be followed.
const PAGES: [&str; 10] = [
    "docs/start.md",
    "docs/manifest.md",
    "docs/load.md",
    "docs/profile.md",
    "docs/calibrate.md",
    "docs/eval.md",
    "docs/gate.md",
    "docs/formats.md",
    "docs/ci.md",
    "README.md",
];

/// Where the documentation says that the demo is.
const PORT: u16 = 8642;

/// The demo, served until the end of the test.
struct Demo(Child);

impl Demo {
    fn start(project: &Project) -> Self {
        let port = PORT.to_string();
        let mut child = project
            .command(&["demo", "--serve", "--port", &port])
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", PORT)).is_err() {
            assert!(
                child.try_wait().unwrap().is_none(),
                "the demo ended: is port {PORT} taken?"
            );
            assert!(Instant::now() < deadline, "the demo does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self(child)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns what stands behind `$ ` in the page's console blocks.
fn commands(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside && let Some(command) = line.strip_prefix("$ ") {
            found.push(command.to_owned());
        }
    }
    found
}

/// What is not for this test: CI builds and installs, and the demo is being served already.
fn is_done_elsewhere(command: &str) -> bool {
    command.starts_with("cargo ") || command.starts_with("stagegate demo ")
}

/// Shortens what would take long: the words stay those of the page.
fn hurry(command: &str) -> String {
    if command.starts_with("stagegate profile") && !command.contains("--duration") {
        return format!("{command} --duration 300ms");
    }
    command.to_owned()
}

fn shorten_loads(manifest: &Path) {
    let Ok(text) = std::fs::read_to_string(manifest) else {
        return;
    };
    let text = text
        .replace("duration = \"15s\"", "duration = \"3s\"")
        .replace("rate = \"10/s\"", "rate = \"40/s\"")
        .replace("warmup = \"2s\"", "warmup = \"300ms\"");
    std::fs::write(manifest, text).unwrap();
}

/// Runs a command line in a shell that finds the binary under its name.
fn run(command: &str, folder: &Path, home: &Path) -> (i32, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_stagegate")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env_clear()
        .envs([
            ("PATH", path.as_str()),
            ("COLUMNS", "80"),
            ("LC_ALL", "C.UTF-8"),
        ])
        .env("HOME", home)
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|key| (key, "A Reader")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|key| (key, "reader@example.org")))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code().unwrap_or(-1), said)
}

fn has_curl() -> bool {
    let version = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// Does what the page's only use of `curl` does, on a machine without it.
fn switch_release(command: &str) {
    use std::io::{Read as _, Write as _};
    let body = command.split('\'').nth(1).unwrap();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", PORT)).unwrap();
    let length = body.len();
    write!(stream, "PUT /release HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn every_command_of_the_documentation_runs() {
    let _turn = turn();
    let home = Project::new();
    let project = Project::new();
    let demo = Demo::start(&home);
    let mut count = 0;
    for page in PAGES {
        let mut folder: PathBuf = project.path("");
        for command in commands(page) {
            if is_done_elsewhere(&command) {
                continue;
            }
            if let Some(inside) = command.strip_prefix("cd ") {
                folder = folder.join(inside);
                continue;
            }
            if command.starts_with("curl ") && !has_curl() {
                switch_release(&command);
                continue;
            }
            let started = Instant::now();
            // A page's next commands need a measurement that is valid.
            let (code, said) = measured(
                || run(&hurry(&command), &folder, &home.path("")),
                |(code, said)| (Some(*code), said.clone()),
            );
            // A gate may fail, as the pages tell, or find too little on a busy machine. What a page
            // writes must be understood.
            let may_judge = ["gate", "diff", "load"]
                .iter()
                .any(|word| command.contains(word));
            assert!(
                code == 0 || may_judge && [1, 4].contains(&code),
                "{page}: $ {command}\n{said}\n[exit {code}]"
            );
            count += 1;
            eprintln!("{:>6.1} s  {command}", started.elapsed().as_secs_f64());
            shorten_loads(&folder.join("stagegate.toml"));
            shorten_loads(&folder.join("my-project/stagegate.toml"));
        }
    }
    assert!(count > 30, "only {count} commands were found");
    drop(demo);
}

//! A project in a temporary folder, and the binary run in it with nothing of the outside environment.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::record::Record;

/// A project; gone with the value.
pub struct Project {
    folder: TempDir,
}

/// What a command left.
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

/// Returns the binary under test: cargo builds it beside the folder of the tests.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let binary = folder.join(format!("stagegate{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.is_file(), "there is no {}", binary.display());
    binary
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs what measures, and returns what it brought; again, at most twice, when this machine was too
/// busy: an exit code of 4, and a text that says that the measurement is invalid.
pub fn measured<T>(run: impl Fn() -> T, told: impl Fn(&T) -> (Option<i32>, String)) -> T {
    let mut found = run();
    for _ in 0..2 {
        let (code, said) = told(&found);
        if code != Some(4) || !said.to_lowercase().contains("invalid") {
            break;
        }
        found = run();
    }
    found
}

impl Project {
    /// Makes an empty project.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Makes a project with that manifest.
    pub fn with_manifest(text: &str) -> Self {
        let project = Self::new();
        project.write("stagegate.toml", text);
        project
    }

    /// Returns a path inside the project.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, its folders too.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Writes a stored run to a file, which `report`, `diff`, and `runs show` take as they take an
    /// id.
    pub fn record(&self, path: &str, record: &Record) {
        self.write(path, record.text());
    }

    /// Returns the command, not started: no terminal, no environment but a home, 80 columns.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("COLUMNS", "80")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the binary.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    /// Runs a load; again, at most twice, when this machine was too busy for a valid measurement.
    pub fn measure(&self, arguments: &[&str]) -> Output {
        measured(
            || self.run(arguments),
            |output| (output.code, output.to_string()),
        )
    }

    /// Runs the binary with environment variables.
    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let output = self
            .command(arguments)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        self.output(output)
    }

    /// Turns a process's output into text, the temporary folder's name taken out.
    pub fn output(&self, output: std::process::Output) -> Output {
        let text = |bytes: Vec<u8>| {
            let folder = self.folder.path().display().to_string();
            String::from_utf8(bytes)
                .unwrap()
                .replace(&folder, "[project]")
        };
        Output {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code(),
        }
    }

    /// Makes the project a git repository with everything committed, and tags the commit.
    pub fn commit(&self, tag: &str) {
        let repository = git2::Repository::open(self.folder.path())
            .or_else(|_| git2::Repository::init(self.folder.path()))
            .unwrap();
        let mut index = repository.index().unwrap();
        index
            .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
            .unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let author = git2::Signature::now("A Tester", "tester@example.org").unwrap();
        let parent = repository
            .head()
            .ok()
            .and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let commit = repository
            .commit(Some("HEAD"), &author, &author, tag, &tree, &parents)
            .unwrap();
        let object = repository.find_object(commit, None).unwrap();
        repository.tag_lightweight(tag, &object, false).unwrap();
    }

    /// Returns every file that a run left, for tests that grep them.
    pub fn files(&self) -> Vec<PathBuf> {
        fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    collect(&path, found);
                } else {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        collect(self.folder.path(), &mut found);
        found
    }
}

impl Output {
    /// Returns stdout as the one JSON document it must be.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// Fails the test, with everything that was printed, unless the exit code is that one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}--- stderr ---\n{}", self.stdout, self.stderr)?;
        match self.code {
            Some(code) => write!(f, "[exit {code}]"),
            None => f.write_str("[killed]"),
        }
    }
}

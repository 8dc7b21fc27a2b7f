//! A command that fails says why in the format that was asked for, on stdout and in the files of
//! `--out` (verdicts G5).

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::suite::{ANSWERS, Service, manifest, nobody, project};

const MACHINE: [&str; 6] = ["json", "jsonl", "markdown", "junit", "csv", "github"];

fn mistyped() -> Project {
    let text = manifest(nobody(), "", "");
    Project::with_manifest(&text.replace("url = ", "uri = "))
}

#[test]
fn a_wrong_manifest_is_one_json_document_with_file_line_and_key() {
    let output = mistyped().run(&["check", "--format", "json"]).expect(2);
    let document = output.json();
    assert_eq!(document["schema"], "stagegate/error");
    assert_eq!(document["exit"], 2);
    let errors = document["errors"].as_array().unwrap();
    let unknown = errors
        .iter()
        .find(|it| it["key"] == "stage.api.uri")
        .unwrap_or_else(|| panic!("{document:#}"));
    assert_eq!(unknown["file"], "stagegate.toml");
    assert!(unknown["line"].as_u64().unwrap() > 1);
    assert_eq!(unknown["help"], "Did you mean `url`?");
    // The user is told too.
    assert!(output.stderr.contains("unknown key `uri`"), "{output}");
}

#[test]
fn every_machine_format_shows_the_error_and_human_shows_it_on_stderr_alone() {
    let project = mistyped();
    for command in ["check", "eval", "gate"] {
        for format in MACHINE {
            let output = project.run(&[command, "--format", format]).expect(2);
            assert!(
                output.stdout.contains("uri"),
                "{command} {format}: {output}"
            );
        }
        assert_eq!(project.run(&[command]).expect(2).stdout, "");
    }
    let github = project.run(&["check", "--format", "github"]).expect(2);
    assert!(
        github
            .stdout
            .starts_with("::error file=stagegate.toml,line="),
        "{github}"
    );
    let junit = project.run(&["check", "--format", "junit"]).expect(2);
    assert!(junit.stdout.contains("<error "), "{junit}");
    assert!(!junit.stdout.contains("errors=\"0\""), "{junit}");
}

#[test]
fn a_missing_secret_reaches_the_files_that_ci_uploads() {
    let service = Service::start();
    let stage = "headers = { authorization = \"Bearer {{ secret.FORK_HAS_NONE }}\" }";
    let tables = format!("{ANSWERS}[gate]\nevals = [\"answers\"]\n");
    let project = project(service.stub.address, stage, &tables, 3);
    let flags = ["--out", "markdown=gate.md", "--out", "junit=gate.xml"];
    let arguments = [&["gate", "--format", "github"][..], &flags].concat();
    let output = project.run(&arguments).expect(3);
    assert!(output.stdout.starts_with("::error "), "{output}");
    for file in ["gate.md", "gate.xml"] {
        let text = std::fs::read_to_string(project.path(file)).unwrap();
        assert!(text.contains("FORK_HAS_NONE"), "{file}: {text}");
    }
}

#[test]
fn a_wrong_golden_set_names_each_line() {
    let service = Service::start();
    let project = project(service.stub.address, "", ANSWERS, 3);
    project.write(
        "golden.jsonl",
        "{\"id\": \"a\", \"input\": \"x\"}\n{\"inptu\": 1}\nnot json\n",
    );
    let document = project.run(&["eval", "--format", "json"]).expect(2).json();
    let lines: Vec<&Value> = document["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["line"])
        .collect();
    assert!(
        lines.contains(&&json!(2)) && lines.contains(&&json!(3)),
        "{document:#}"
    );
    assert_eq!(document["errors"][0]["file"], "golden.jsonl");
}

#[test]
fn a_wrong_command_line_is_a_document_too() {
    let project = Project::new();
    let output = project
        .run(&["check", "--porbe", "--format", "json"])
        .expect(2);
    let document = output.json();
    assert_eq!(
        (&document["schema"], &document["exit"]),
        (&json!("stagegate/error"), &json!(2))
    );
    let message = document["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("--porbe"), "{document:#}");
    assert!(
        project
            .run(&["--format=github", "nonsense"])
            .expect(2)
            .stdout
            .starts_with("::error")
    );
    // Help is no error.
    let help = project
        .run(&["check", "--help", "--format", "json"])
        .expect(0);
    assert!(!help.stdout.contains("stagegate/error"), "{help}");
}

#[test]
fn a_right_manifest_is_a_check_that_passed() {
    let project = Project::with_manifest(&manifest(nobody(), "", ""));
    let output = project.run(&["check", "--format", "github"]).expect(0);
    assert_eq!(output.stdout, "::notice title=stagegate::passed: 1 check\n");
}

#[test]
fn annotations_name_files_from_the_root_of_the_repository() {
    let project = Project::new();
    let text = manifest(nobody(), "", "").replace("url = ", "uri = ");
    project.write("ai/rag/stagegate.toml", text);
    project.commit("v1");
    let below = ["-C", "ai/rag", "check", "--format", "github"];
    let output = project.run(&below).expect(2);
    assert!(
        output
            .stdout
            .starts_with("::error file=ai/rag/stagegate.toml,line="),
        "{output}"
    );
}

/// stumbles S11: the manifest is looked for upwards, as cargo, git, and uv do.
#[test]
fn a_command_in_a_subfolder_finds_the_manifest_above() {
    let project = Project::with_manifest(&manifest(nobody(), "", ""));
    project.write("prompts/deep/x.txt", "");
    project.run(&["-C", "prompts/deep", "check"]).expect(0);
    project
        .run(&["-C", "prompts/deep", "runs", "list"])
        .expect(0);
    assert!(!project.path("prompts/deep/.stagegate").exists());
    // A manifest that is named is the one that is meant.
    let named = ["-C", "prompts/deep", "-m", "stagegate.toml", "check"];
    project.run(&named).expect(2);
}

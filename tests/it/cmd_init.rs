//! `init --ci`: the gate as a step of a CI system.

use serde_json::Value;

use crate::support::Project;

fn yaml(project: &Project, path: &str) -> Value {
    let text = std::fs::read_to_string(project.path(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"))
}

/// Every `stagegate …` line in the strings of a document.
fn commands(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let lines = text.lines().map(str::trim);
            found.extend(
                lines
                    .filter(|line| line.starts_with("stagegate "))
                    .map(str::to_owned),
            );
        }
        Value::Array(items) => items.iter().for_each(|item| commands(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| commands(item, found)),
        _ => {}
    }
}

/// The command line takes them: asking for help of exactly these words ends with 0.
fn all_are_understood(project: &Project, document: &Value) {
    let mut found = Vec::new();
    commands(document, &mut found);
    assert!(
        found.iter().any(|line| line.starts_with("stagegate gate")),
        "{found:?}"
    );
    for line in found {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let dry = if words[0] == "gate" {
            "--dry-run"
        } else {
            "--quiet"
        };
        project.run(&[&words[..], &[dry]].concat()).expect(0);
    }
}

#[test]
fn a_workflow_is_written_for_the_repository_that_the_project_is_in() {
    let project = Project::new();
    project.commit("empty");
    project.run(&["init", "ai/rag", "--ci", "github"]).expect(0);
    let workflow = yaml(&project, ".github/workflows/stagegate.yml");
    assert_eq!(workflow["defaults"]["run"]["working-directory"], "ai/rag");
    assert_eq!(
        workflow["permissions"],
        serde_json::json!({"contents": "read"})
    );
    let steps = workflow["jobs"]["gate"]["steps"].as_array().unwrap();
    assert_eq!(steps[0]["with"]["fetch-depth"], 0);
    let inside = Project::new();
    inside.run(&["init"]).expect(0);
    all_are_understood(&inside, &workflow);
    // Once more: the workflow is there already, and nothing is overwritten.
    let again = project.run(&["init", "ai/rag", "--ci", "github"]).expect(2);
    assert!(
        again.stderr.contains("stagegate.yml` exists already"),
        "{again}"
    );
    project
        .run(&["init", "ai/rag", "--ci", "github", "--force"])
        .expect(0);
}

#[test]
fn a_job_is_included_or_it_is_said_how() {
    let project = Project::new();
    project.commit("empty");
    project.run(&["init", "--template", "minimal"]).expect(0);
    let first = project.run(&["init", "--ci", "gitlab"]).expect(0);
    assert!(!first.stdout.contains("template"), "{first}");
    let job = yaml(&project, ".gitlab/stagegate.gitlab-ci.yml");
    assert_eq!(
        job["stagegate"]["artifacts"]["reports"]["junit"],
        "gate.xml"
    );
    // security 2: the cache is restored over nothing that lies about, and over nothing committed.
    let variables = &job["stagegate"]["variables"];
    assert_eq!(variables["GIT_STRATEGY"], "fetch");
    assert_eq!(variables["GIT_CLEAN_FLAGS"], "-ffdxq");
    let script = job["stagegate"]["script"].to_string();
    let refuses = script.find("git ls-files .stagegate").unwrap();
    assert!(refuses < script.find("stagegate gate").unwrap(), "{script}");
    assert_eq!(
        yaml(&project, ".gitlab-ci.yml")["include"][0]["local"],
        ".gitlab/stagegate.gitlab-ci.yml"
    );
    all_are_understood(&project, &job);
    let other = Project::new();
    other.write(".gitlab-ci.yml", "test: {script: [make]}\n");
    let told = other.run(&["init", "--ci", "gitlab"]).expect(0);
    assert!(
        told.stdout.contains("add this to `.gitlab-ci.yml`"),
        "{told}"
    );
    let kept = std::fs::read_to_string(other.path(".gitlab-ci.yml")).unwrap();
    assert_eq!(kept, "test: {script: [make]}\n");
    assert!(
        other
            .run(&["init", "--ci", "gitlb"])
            .expect(2)
            .stderr
            .contains("gitlab")
    );
}

/// stumbles S9: whatever was written, the next commands are the last lines.
#[test]
fn what_was_written_ends_with_the_next_command() {
    let bare = Project::new();
    let told = bare.run(&["init", "shop"]).expect(0).stdout;
    let end = "then, as a release is a commit:\n  git -C shop init\n  git -C shop add -A\n  \
               git -C shop commit -m \"gate releases\"\n  stagegate -C shop gate\n";
    assert!(told.contains("stagegate demo --serve &"), "{told}");
    assert!(told.ends_with(end), "{told}");
    let project = Project::new();
    project.commit("empty");
    let told = project.run(&["init"]).expect(0).stdout;
    assert!(!told.contains("git init"), "{told}");
    assert!(told.ends_with("\n  stagegate gate\n"), "{told}");
    let told = project.run(&["init", "--ci", "github"]).expect(0).stdout;
    for word in ["start your services", "no base yet"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(told.ends_with("\n  git push\n"), "{told}");
    let other = Project::new();
    other.write(".gitlab-ci.yml", "test: {script: [make]}\n");
    let told = other.run(&["init", "--ci", "gitlab"]).expect(0).stdout;
    assert!(told.trim_start().starts_with("add this to"), "{told}");
    assert!(told.ends_with("\n  git push\n"), "{told}");
}

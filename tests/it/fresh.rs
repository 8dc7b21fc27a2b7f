//! Generated files that are committed are those that the binary generates.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::Project;

/// Where each shell looks for it, or what it is usually called.
const COMPLETIONS: [(&str, &str); 6] = [
    ("bash", "stagegate.bash"),
    ("elvish", "stagegate.elv"),
    ("fish", "stagegate.fish"),
    ("nushell", "stagegate.nu"),
    ("powershell", "_stagegate.ps1"),
    ("zsh", "_stagegate"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a committed file with its fresh text, or writes it when `STAGEGATE_REFRESH` is set.
fn compare(path: &Path, fresh: &str, stale: &mut Vec<String>) {
    if std::env::var_os("STAGEGATE_REFRESH").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, fresh).unwrap();
    } else if std::fs::read_to_string(path).ok().as_deref() != Some(fresh) {
        stale.push(path.strip_prefix(root()).unwrap().display().to_string());
    }
}

#[track_caller]
fn all_fresh(stale: &[String]) {
    assert!(
        stale.is_empty(),
        "not what the binary generates: {}\nrefresh them with: STAGEGATE_REFRESH=1 cargo test --test it fresh",
        stale.join(", ")
    );
}

#[test]
fn completions_are_fresh() {
    let project = Project::new();
    let mut stale = Vec::new();
    for (shell, file) in COMPLETIONS {
        let text = project.run(&["completions", shell]).expect(0).stdout;
        assert!(text.contains("profile"), "{shell}");
        compare(&root().join("completions").join(file), &text, &mut stale);
    }
    all_fresh(&stale);
}

#[test]
fn manual_pages_are_fresh() {
    let project = Project::new();
    project.run(&["man", "--dir", "man"]).expect(0);
    let pages: BTreeMap<String, String> = std::fs::read_dir(project.path("man"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(pages.contains_key("stagegate-load.1"), "{:?}", pages.keys());
    let mut stale = Vec::new();
    for (name, page) in &pages {
        compare(&root().join("docs/man").join(name), page, &mut stale);
    }
    all_fresh(&stale);
    let whole = project.run(&["man"]).expect(0).stdout;
    assert_eq!(Some(&whole), pages.get("stagegate.1"));
}

const SCHEMAS: [&str; 3] = ["manifest", "run", "diff"];

#[test]
fn schemas_are_fresh() {
    let project = Project::new();
    let mut stale = Vec::new();
    for name in SCHEMAS {
        let text = project.run(&["schema", name]).expect(0).stdout;
        let path = root()
            .join("docs/schema")
            .join(format!("{name}.schema.json"));
        compare(&path, &text, &mut stale);
    }
    all_fresh(&stale);
}

fn validator(name: &str) -> jsonschema::Validator {
    let schema = Project::new().run(&["schema", name]).expect(0).json();
    jsonschema::validator_for(&schema).unwrap()
}

fn faults(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    let faults = validator.iter_errors(value);
    faults
        .map(|it| format!("{}: {it}", it.instance_path()))
        .collect()
}

fn toml(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

#[test]
fn the_manifest_schema_takes_every_manifest_that_is_right() {
    let validator = validator("manifest");
    let templates = root().join("templates/init");
    let templates = std::fs::read_dir(templates).unwrap();
    let mut files: Vec<_> = templates
        .map(|it| it.unwrap().path().join("stagegate.toml"))
        .collect();
    files.push(root().join("templates/demo/stagegate.toml"));
    files.push(root().join("tests/real/stagegate.toml"));
    for name in ["contract.toml", "small.toml"] {
        files.push(root().join("tests/fixtures/manifests").join(name));
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(
            faults(&validator, &toml(&text)),
            Vec::<String>::new(),
            "{}",
            file.display()
        );
    }
}

#[test]
fn the_manifest_schema_refuses_what_is_wrong() {
    let validator = validator("manifest");
    let right = "version = 1\n[stage.a]\nkind = \"http\"\nurl = \"http://x\"\n";
    assert!(validator.is_valid(&toml(right)));
    for wrong in [
        "[stage.a]\nkind = \"http\"\nurl = \"http://x\"\n".to_owned(),
        right.replace("url", "ulr"),
        right.replace("\"http\"", "\"htpt\""),
        format!("{right}method = 3\n"),
        format!("{right}slo = {{ response_time.p94 = \"1s\" }}\n"),
        format!("{right}timeout = \"fast\"\n"),
        format!("{right}[load.x]\ntarget = \"a\"\narrivals = {{ rate = \"5 per s\" }}\n"),
        format!("{right}[eval.x]\nstage = \"a\"\ngolden = \"g\"\n"),
        format!(
            "{right}[eval.x]\nstage = \"a\"\ngolden = \"g\"\n[[eval.x.assert]]\nkind = \"not_recall\"\n"
        ),
        format!("{right}[lod.x]\n"),
    ] {
        assert!(!validator.is_valid(&toml(&wrong)), "{wrong}");
    }
}

#[test]
fn the_run_schema_takes_every_stored_run_and_the_diff_schema_every_comparison() {
    let (run, diff) = (validator("run"), validator("diff"));
    let read = |path: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(root().join(path)).unwrap()).unwrap()
    };
    for path in [
        "tests/fixtures/records/load.json",
        "tests/fixtures/records/eval.json",
    ] {
        assert_eq!(faults(&run, &read(path)), Vec::<String>::new(), "{path}");
    }
    for entry in std::fs::read_dir(root().join("tests/fixtures/diffs")).unwrap() {
        let path = entry.unwrap().path();
        let document = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(
            faults(&diff, &document),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
    }
    let mut broken = read("tests/fixtures/records/load.json");
    broken["kind"] = "lode".into();
    assert!(!run.is_valid(&broken));
}

//! Generated files that are committed are those that the binary generates.

use std::collections::BTreeMap;
use std::path::Path;

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

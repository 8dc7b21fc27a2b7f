//! The architecture is what `docs/architecture.md` says: who imports whom, and how long a file may get.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Layer by module, as in `src/lib.rs` and `docs/architecture.md`.
const LAYERS: &[(&str, u8)] = &[
    ("error", 0),
    ("exit", 0),
    ("measure", 0),
    ("name", 0),
    ("palette", 0),
    ("registry", 0),
    ("schema", 0),
    ("stats", 0),
    ("text", 0),
    ("record", 1),
    ("template", 1),
    ("git", 2),
    ("golden", 2),
    ("manifest", 2),
    ("protocol", 3),
    ("scaffold", 3),
    ("store", 3),
    ("stage", 4),
    ("transport", 5),
    ("demo", 6),
    ("diff", 6),
    ("eval", 6),
    ("load", 6),
    ("profile", 6),
    ("reference", 6),
    ("args", 7),
    ("fuzzing", 7),
    ("plan", 7),
    ("report", 7),
    ("ui", 7),
    ("commands", 8),
    ("cli", 9),
];

/// Imports inside a layer that are allowed: from, to, and why.
const SIDEWAYS: &[(&str, &str, &str)] = &[
    ("exit", "error", "maps kinds of errors to codes"),
    ("measure", "error", "units are refused like any input"),
    (
        "stats",
        "measure",
        "histograms are what quantiles are taken from",
    ),
    ("profile", "load", "a profile is several loads"),
    ("reference", "load", "the same alarm clock"),
    ("args", "report", "the formats that exist"),
    ("args", "ui", "when to use colour"),
];

/// Lines of a source file outside its tests.
const LONGEST_FILE: usize = 600;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

pub(crate) fn all_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    found.sort();
    let relative = |path: &PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
    found
        .iter()
        .map(|path| (relative(path), std::fs::read_to_string(path).unwrap()))
        .collect()
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Returns the source before its inline tests.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap()
}

#[test]
fn modules_import_from_their_own_folder_and_from_below() {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in all_sources() {
        let from = module_of(&file);
        if matches!(from, "lib" | "main") {
            continue;
        }
        let own = *layers
            .get(from)
            .unwrap_or_else(|| panic!("`{from}` has no layer in {}", file!()));
        for (at, _) in text.match_indices("crate::") {
            let rest = &text[at + "crate::".len()..];
            let to: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let Some(layer) = layers.get(to.as_str()) else {
                continue;
            };
            let sideways = SIDEWAYS.iter().any(|(f, t, _)| *f == from && *t == to);
            if to != from && *layer >= own && !sideways {
                wrong.push(format!(
                    "{file}: {from} (layer {own}) imports {to} (layer {layer})"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = all_sources()
        .iter()
        .filter(|(file, _)| !file.ends_with("/tests.rs"))
        .map(|(file, text)| (file, without_tests(text).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(
        long.is_empty(),
        "two rooms would be easier to live in:\n{}",
        long.join("\n")
    );
}

#[test]
fn the_architecture_page_shows_every_module() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md"))
            .unwrap();
    for (module, layer) in LAYERS {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| {layer} |")));
        let row = row.unwrap_or_else(|| panic!("docs/architecture.md has no row of layer {layer}"));
        assert!(
            row.contains(&format!("`{module}`")),
            "layer {layer} does not name `{module}`: {row}"
        );
    }
}

#[test]
fn only_ui_prints() {
    for (file, text) in all_sources() {
        if module_of(&file) != "ui" {
            for word in ["println!", "eprintln!", "print!(", "dbg!"] {
                assert!(!without_tests(&text).contains(word), "{file} has {word}");
            }
        }
    }
}

#[test]
fn the_exit_codes_are_the_same_everywhere() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md"))
            .unwrap();
    let source =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/exit.rs")).unwrap();
    for code in [0, 1, 2, 3, 4, 101, 130] {
        assert!(
            page.contains(&format!("| {code} |")),
            "docs/exit-codes.md lacks {code}"
        );
        assert!(
            source.contains(&code.to_string()),
            "src/exit.rs lacks {code}"
        );
    }
}

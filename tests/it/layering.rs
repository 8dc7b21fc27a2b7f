//! The architecture is what `docs/architecture.md` says: who imports whom, and how long a file or a
//! function may get.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::imports::{Crate, functions};

/// Layer by module, as in `src/lib.rs` and `docs/architecture.md`.
const LAYERS: &[(&str, u8)] = &[
    ("error", 0),
    ("exit", 0),
    ("group", 0),
    ("intake", 0),
    ("measure", 0),
    ("name", 0),
    ("palette", 0),
    ("registry", 0),
    ("schema", 0),
    ("stats", 0),
    ("text", 0),
    ("arrival", 1),
    ("metric", 1),
    ("template", 1),
    ("golden", 2),
    ("manifest", 2),
    ("record", 2),
    ("git", 3),
    ("protocol", 3),
    ("scaffold", 3),
    ("stage", 4),
    ("store", 4),
    ("transport", 5),
    ("demo", 6),
    ("diff", 6),
    ("eval", 6),
    ("load", 6),
    ("reference", 6),
    ("args", 7),
    ("plan", 7),
    ("report", 7),
    ("ui", 7),
    ("experiment", 8),
    ("commands", 9),
    ("fuzzing", 9),
    ("cli", 10),
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
    ("reference", "load", "the same alarm clock"),
    ("args", "report", "the formats that exist"),
    ("args", "ui", "when to use colour"),
];

/// Lines of a source file outside its tests.
const LONGEST_FILE: usize = 400;
/// Lines of a function, from its `fn` to its last brace.
const LONGEST_FUNCTION: usize = 60;
/// Imports inside a layer: more would mean that the layers are wrong.
const MOST_SIDEWAYS: usize = 6;

#[test]
fn modules_import_from_their_own_folder_and_from_below() {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let all = Crate::read();
    let mut wrong = Vec::new();
    for (at, source) in all.sources.iter().enumerate() {
        let from = all.top(at);
        if from.is_empty() {
            continue;
        }
        let own = *layers
            .get(from)
            .unwrap_or_else(|| panic!("`{from}` has no layer in {}", file!()));
        for imported in all.imports(at) {
            let to = all.top(imported);
            let Some(layer) = layers.get(to) else {
                continue;
            };
            let sideways = SIDEWAYS.iter().any(|(f, t, _)| *f == from && *t == to);
            if to != from && *layer >= own && !sideways {
                let file = &source.file;
                wrong.push(format!(
                    "{file}: {from} (layer {own}) imports {to} (layer {layer})"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        SIDEWAYS.len() <= MOST_SIDEWAYS,
        "{} exceptions",
        SIDEWAYS.len()
    );
}

#[test]
fn commands_leave_measuring_to_experiments() {
    const ENGINES: [&str; 3] = ["load", "eval", "diff"];
    let all = Crate::read();
    let mut wrong = Vec::new();
    for (at, source) in all.sources.iter().enumerate() {
        let imported = all.imports(at).into_iter();
        let imported = imported.filter(|to| all.top(at) == "commands" && *to != at);
        let engines = imported.filter(|to| ENGINES.contains(&all.top(*to)));
        wrong.extend(engines.map(|to| format!("{} imports {}", source.file, all.top(to))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_of_a_module_import_each_other_in_a_circle() {
    let all = Crate::read();
    let circles = all.circles();
    let shown: Vec<String> = circles.iter().map(|it| it.join(" ↔ ")).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn files_and_functions_stay_readable() {
    let mut long = Vec::new();
    for source in &Crate::read().sources {
        let file = &source.file;
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            long.push(format!("{file}: {lines} lines"));
        }
        let functions = functions(&source.text).into_iter();
        let functions = functions.filter(|(_, lines)| *lines > LONGEST_FUNCTION);
        long.extend(functions.map(|(name, lines)| format!("{file}: {name} has {lines} lines")));
    }
    assert!(
        long.is_empty(),
        "two rooms would be easier to live in:\n{}",
        long.join("\n")
    );
}

#[test]
fn an_imports_reader_that_sees_nothing_would_find_nothing_wrong() {
    let all = Crate::read();
    let number = |file: &str| all.sources.iter().position(|it| it.file == file).unwrap();
    // By `use`, through a re-export, and from the middle of code.
    let imports = all.imports(number("load/pool/open.rs"));
    assert!(imports.contains(&number("load/pool/connection.rs")));
    assert!(imports.contains(&number("load/wire/exchange.rs")));
    assert!(imports.contains(&number("measure/outcome.rs")));
    let longest = functions(
        "fn a() {\n    1\n}\n\npub(crate) async fn b(\n    c: u8,\n) -> u8 {\n    c\n}\n",
    );
    assert_eq!(longest, [("a".to_owned(), 3), ("b".to_owned(), 5)]);
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
    let all = Crate::read();
    for (at, source) in all.sources.iter().enumerate() {
        if all.top(at) != "ui" {
            for word in ["println!", "eprintln!", "print!(", "dbg!"] {
                assert!(!source.text.contains(word), "{} has {word}", source.file);
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

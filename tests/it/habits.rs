//! Habits of the project that no compiler sees: few packages, pinned actions, and promises that
//! name what there is.

use std::path::Path;

use crate::support::imports::Crate;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_lock_file_stays_small() {
    let recipes = read("justfile");
    let most = recipes
        .lines()
        .find_map(|line| line.strip_prefix("most_packages := "))
        .expect("the justfile says how many packages there may be");
    let most: usize = most.trim_matches('"').parse().unwrap();
    let count = read("Cargo.lock").matches("[[package]]").count();
    assert!(
        count <= most,
        "Cargo.lock has {count} packages, at most {most}: do without, or raise `most_packages` in the justfile and say why"
    );
}

#[test]
fn actions_are_pinned_by_hash_and_say_their_version() {
    let is_pinned = |used: &str| {
        let (_, pin) = used.split_once('@').unwrap_or_default();
        let (hash, version) = pin.split_once(" # ").unwrap_or_default();
        hash.len() == 40 && hash.chars().all(|c| c.is_ascii_hexdigit()) && version.starts_with('v')
    };
    for file in ["ci.yml", "release.yml"] {
        for line in read(&format!(".github/workflows/{file}")).lines() {
            let Some((_, used)) = line.split_once("uses: ") else {
                continue;
            };
            assert!(used.starts_with("./") || is_pinned(used), "{file}: {used}");
        }
    }
}

/// `stagegate/NAME` in a source, as the value of a constant or of a key.
fn documents(source: &str) -> impl Iterator<Item = &str> {
    let named = source.split("\"stagegate/").skip(1);
    named.filter_map(|rest| rest.split_once('"').map(|(name, _)| name))
}

#[test]
fn the_page_on_stability_names_every_document() {
    let page = read("docs/stability.md");
    let mut found = 0;
    for source in Crate::read().sources {
        let file = &source.file;
        // A user agent is completed by `concat!`.
        for name in documents(&source.text).filter(|name| !name.is_empty()) {
            found += 1;
            assert!(
                page.contains(&format!("`stagegate/{name}`")),
                "docs/stability.md does not say what `stagegate/{name}` of src/{file} promises"
            );
        }
    }
    assert!(found > 5, "only {found} documents were found");
}

#[test]
fn comments_are_no_wider_than_code() {
    let mut wide = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let lines = text.lines().enumerate();
                let lines = lines.filter(|(_, line)| {
                    line.trim_start().starts_with("//") && line.chars().count() > 100
                });
                wide.extend(lines.map(|(at, _)| format!("{}:{}", path.display(), at + 1)));
            }
        }
    }
    assert!(
        wide.is_empty(),
        "{} lines of comments are wider than 100 columns:\n{}",
        wide.len(),
        wide.join("\n")
    );
}

/// security 4
#[test]
fn there_is_one_way_out() {
    for source in Crate::read().sources {
        let (file, text) = (&source.file, &source.text);
        let may = |path: &str| file == path;
        for (word, place) in [
            ("renderer.render(", "report/mod.rs"),
            ("io::stdout()", "ui/console.rs"),
            ("io::stderr()", "ui/console.rs"),
        ] {
            let is_asked = may("ui/facts.rs") && word.starts_with("io::");
            assert!(
                may(place) || is_asked || !text.contains(word),
                "src/{file} has `{word}…)`, which is for src/{place} alone: it escapes what strangers wrote"
            );
        }
    }
}

//! Who imports whom, read from the source as text: `use` trees, `super::` and `crate::` paths, and
//! re-exports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A path in segments, from the root of the crate.
pub(crate) type ModulePath = Vec<String>;

/// One source file, without its tests.
pub(crate) struct Source {
    /// Relative to `src`, for instance `load/plan.rs`.
    pub(crate) file: String,
    pub(crate) module: ModulePath,
    /// What is compiled outside tests.
    pub(crate) text: String,
    /// What its names stand for: `pub use` and `use`, by the name that they bring in.
    names: BTreeMap<String, ModulePath>,
    /// Every path that it names.
    paths: BTreeSet<ModulePath>,
}

/// The whole crate.
pub(crate) struct Crate {
    pub(crate) sources: Vec<Source>,
    by_module: BTreeMap<ModulePath, usize>,
}

impl Crate {
    /// Reads every source that is not a test's.
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&root, &mut files);
        files.sort();
        let sources: Vec<Source> = files
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
            .filter(|file| !is_test(file))
            .map(|file| Source::read(&root, file))
            .collect();
        let by_module = sources.iter().enumerate();
        let by_module = by_module.map(|(at, it)| (it.module.clone(), at)).collect();
        Self { sources, by_module }
    }

    /// Returns the files, by number, that a file imports from: those that define what it names.
    pub(crate) fn imports(&self, from: usize) -> BTreeSet<usize> {
        let source = &self.sources[from];
        let found = source.paths.iter().filter_map(|path| self.defines(path, 0));
        found.filter(|to| *to != from).collect()
    }

    /// Returns the file that defines what a path names; re-exports are followed.
    fn defines(&self, path: &[String], depth: usize) -> Option<usize> {
        let mut length = path.len();
        while length > 0 && !self.by_module.contains_key(&path[..length]) {
            length -= 1;
        }
        let at = *self.by_module.get(&path[..length])?;
        let source = &self.sources[at];
        let Some(name) = path.get(length) else {
            return Some(at);
        };
        match source.names.get(name) {
            Some(further) if depth < 8 => {
                let mut further = further.clone();
                further.extend_from_slice(&path[length + 1..]);
                self.defines(&further, depth + 1).or(Some(at))
            }
            _ => Some(at),
        }
    }

    /// Returns the circles of files within one top-level module: each a set of files of which each
    /// reaches the others.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let edges: Vec<BTreeSet<usize>> = (0..self.sources.len())
            .map(|from| {
                let inside = |to: &usize| self.top(*to) == self.top(from);
                self.imports(from).into_iter().filter(inside).collect()
            })
            .collect();
        let reach: Vec<BTreeSet<usize>> = (0..edges.len()).map(|at| reached(&edges, at)).collect();
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for at in 0..edges.len() {
            let circle: Vec<usize> = reach[at]
                .iter()
                .copied()
                .filter(|other| reach[*other].contains(&at))
                .collect();
            if circle.len() > 1 && seen.insert(circle.clone()) {
                let files = circle.iter().map(|it| self.sources[*it].file.as_str());
                circles.push(files.collect());
            }
        }
        circles
    }

    /// Returns the top-level module of a file.
    pub(crate) fn top(&self, at: usize) -> &str {
        self.sources[at].module.first().map_or("", String::as_str)
    }
}

fn reached(edges: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        next.extend(edges[at].iter().filter(|it| found.insert(**it)));
    }
    found
}

impl Source {
    fn read(root: &Path, file: String) -> Self {
        let text = std::fs::read_to_string(root.join(&file)).unwrap();
        let text = without_tests(&text);
        let mut module: ModulePath = file
            .trim_end_matches(".rs")
            .split('/')
            .map(str::to_owned)
            .collect();
        if matches!(
            module.last().map(String::as_str),
            Some("mod" | "lib" | "main")
        ) {
            module.pop();
        }
        let mut source = Self {
            file,
            module,
            names: BTreeMap::new(),
            paths: BTreeSet::new(),
            text,
        };
        source.find_uses();
        source.find_paths();
        source
    }

    fn find_uses(&mut self) {
        let text = self.text.clone();
        for (at, word) in text.match_indices("use ") {
            let before = text[..at].rsplit('\n').next().unwrap_or_default();
            let is_use = matches!(before.trim(), "" | "pub(crate)" | "pub(super)" | "pub");
            let Some(end) = text[at..].find(';').filter(|_| is_use) else {
                continue;
            };
            let tree = &text[at + word.len()..at + end];
            for (path, name) in flatten(tree) {
                let Some(path) = self.absolute(&path) else {
                    continue;
                };
                // A re-export of a folder's own child makes the child known; it is no import.
                let is_own = before.contains("pub") && path.starts_with(&self.module);
                if !is_own {
                    self.paths.insert(path.clone());
                }
                self.names.insert(name, path);
            }
        }
    }

    /// Finds `crate::…` and `super::…` in the middle of code.
    fn find_paths(&mut self) {
        let code: String = self
            .text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .filter(|line| !line.trim_start().contains("use "))
            .collect::<Vec<_>>()
            .join("\n");
        for root in ["crate::", "super::"] {
            for (at, _) in code.match_indices(root) {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                if code[..at].ends_with(is_word) || code[..at].ends_with("::") {
                    continue;
                }
                let end = code[at..].find(|c: char| !is_word(c) && c != ':');
                let path = &code[at..end.map_or(code.len(), |end| at + end)];
                let path: Vec<String> = path.split("::").map(str::to_owned).collect();
                if let Some(path) = self.absolute(&path) {
                    self.paths.insert(path);
                }
            }
        }
    }

    /// Returns a path from the root of the crate; `None` for one of another crate.
    fn absolute(&self, path: &[String]) -> Option<ModulePath> {
        let mut base = self.module.clone();
        let mut rest = path;
        match rest.first().map(String::as_str)? {
            "crate" => {
                base.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|it| it == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            // A child of this folder, or another crate: told apart by whether such a module exists.
            child if self.text.contains(&format!("mod {child};")) => {}
            _ => return None,
        }
        base.extend(rest.iter().filter(|it| !it.is_empty()).cloned());
        Some(base)
    }
}

/// Flattens a `use` tree into paths, each with the name that it brings in.
fn flatten(tree: &str) -> Vec<(ModulePath, String)> {
    let tree = tree.trim();
    if let Some((head, rest)) = tree.split_once('{') {
        let inside = rest.trim_end().trim_end_matches('}');
        let head: ModulePath = head
            .trim()
            .trim_end_matches("::")
            .split("::")
            .filter(|it| !it.is_empty())
            .map(|it| it.trim().to_owned())
            .collect();
        return split(inside)
            .iter()
            .flat_map(|part| flatten(part))
            .map(|(tail, name)| {
                let path: ModulePath = head.iter().cloned().chain(tail).collect();
                (path, name)
            })
            .collect();
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path.trim(), Some(alias.trim().to_owned())),
        None => (tree, None),
    };
    let mut segments: ModulePath = path.split("::").map(|it| it.trim().to_owned()).collect();
    if segments.last().is_some_and(|it| it == "self" || it == "*") {
        segments.pop();
    }
    let name = alias
        .or_else(|| segments.last().cloned())
        .unwrap_or_default();
    vec![(segments, name)]
}

/// Splits at the commas outside braces.
fn split(inside: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0);
    for c in inside.chars() {
        match c {
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                part.push(c);
            }
        }
    }
    parts.push(part);
    parts.retain(|it| !it.trim().is_empty());
    parts
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

fn is_test(file: &str) -> bool {
    let is_test = |it: &str| matches!(it, "tests" | "tests.rs" | "testing.rs" | "fixtures.rs");
    file.split('/').any(is_test)
}

/// Returns a source before its inline tests.
fn without_tests(text: &str) -> String {
    let marks = [
        "\n#[cfg(test)]\nmod tests {",
        "\n#[cfg(test)]\npub(crate) mod testing {",
    ];
    let ends = marks.iter().filter_map(|mark| text.find(mark));
    let end = ends.min().unwrap_or(text.len());
    text[..end].to_owned()
}

/// Returns the functions of a source with their lengths in lines, as `cargo fmt` lays them out.
pub(crate) fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words: Vec<&str> = code.split_whitespace().take(6).collect();
        let Some(place) = words.iter().position(|word| *word == "fn") else {
            continue;
        };
        let is_head =
            |it: &str| matches!(it, "async" | "const" | "unsafe" | "pub") || it.starts_with("pub(");
        if !words[..place].iter().all(|it| is_head(it)) {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let end = lines[at..].iter().position(|it| **it == close);
        let is_one_line = code.ends_with(';') || code.ends_with('}');
        if let Some(end) = end.filter(|_| !is_one_line) {
            let name = words.get(place + 1).unwrap_or(&"");
            let name = name.split(['(', '<']).next().unwrap_or_default();
            found.push((name.to_owned(), end + 1));
        }
    }
    found
}

//! What of a work tree makes a measurement that of no commit: tracked files that changed, and new
//! files that the manifest reads. A cache that a service left behind does not.

use std::path::{Path, PathBuf};

use super::release::glob_matches;
use super::repository::GitFacts;

/// How the work tree differs from its commit, seen from the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dirt {
    /// Files whose contents are no commit's and take part in the release, from the root of the
    /// work tree.
    pub(crate) counts: Vec<String>,
    /// Untracked files that nothing in the manifest names.
    pub(crate) aside: Vec<String>,
}

/// What the manifest reads.
pub(crate) struct Reads<'a> {
    pub(crate) manifest: &'a Path,
    /// The manifest's text: a file that it names is read.
    pub(crate) text: &'a str,
    /// The globs of `[release]`.
    pub(crate) globs: Vec<&'a str>,
}

impl Dirt {
    /// Tells apart what counts of a work tree and what does not.
    pub(crate) fn of(git: &GitFacts, reads: &Reads<'_>) -> Self {
        let shown = |path: &PathBuf| path.display().to_string();
        let mut dirt = Self {
            counts: git.changed.iter().map(shown).collect(),
            aside: Vec::new(),
        };
        for path in &git.untracked {
            let counts = git.root.as_ref().is_none_or(|root| reads.file(root, path));
            if counts {
                &mut dirt.counts
            } else {
                &mut dirt.aside
            }
            .push(shown(path));
        }
        dirt
    }
}

impl Reads<'_> {
    /// Returns whether the manifest reads an untracked file of a work tree. What cannot be told
    /// counts as read.
    fn file(&self, root: &Path, path: &Path) -> bool {
        let Ok(root) = root.canonicalize() else {
            return true;
        };
        let Ok(manifest) = self.manifest.canonicalize() else {
            return true;
        };
        let file = root.join(path);
        let folder = manifest.parent().unwrap_or(&root);
        file == manifest
            || names(self.text, &relative(folder, &file))
            || self.globs.iter().any(|it| glob_matches(folder, it, &file))
    }
}

/// Returns a path as it is from a folder: `../common/x`.
fn relative(folder: &Path, file: &Path) -> String {
    let common = folder.components().zip(file.components());
    let common = common.take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(common).map(|_| "..".to_owned());
    let down = file.components().skip(common);
    let down = down.map(|it| it.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Returns whether a text names a path as a whole, `./` before it or not.
fn names(text: &str, path: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].strip_suffix("./").unwrap_or(&text[..at]);
        let after = &text[at + path.len()..];
        !before.ends_with(part) && !after.starts_with(|c| part(c) && c != '.')
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestRepo;
    use super::*;

    fn dirt_of(files: &[&str], text: &str) -> Dirt {
        let repo = TestRepo::new();
        repo.file("ai/stagegate.toml", text);
        repo.commit("one");
        for file in files {
            repo.file(file, "new");
        }
        let reads = Reads {
            manifest: &repo.path().join("ai/stagegate.toml"),
            text,
            globs: vec!["prompts/**", "../common/*.txt"],
        };
        Dirt::of(&GitFacts::read(repo.path()), &reads)
    }

    /// verdicts G6: a service started from the checkout leaves files behind.
    #[test]
    fn what_a_service_leaves_behind_is_no_part_of_the_release() {
        let left = [
            "__pycache__/app.pyc",
            "ai/out.txt",
            "ai/golden/set.jsonl.bak",
        ];
        let dirt = dirt_of(&left, "golden = \"golden/set.jsonl\"");
        assert_eq!(dirt.counts, Vec::<String>::new());
        assert_eq!(dirt.aside.len(), 3);
    }

    #[test]
    fn a_new_file_that_the_manifest_reads_counts() {
        let text = "golden = \"./golden/set.jsonl\"\ncommand = [\"python3\", \"../tools/ask.py\"]";
        for read in [
            "ai/golden/set.jsonl",
            "tools/ask.py",
            "ai/prompts/deep/answer.txt",
            "common/style.txt",
        ] {
            assert_eq!(dirt_of(&[read, "x.log"], text).counts, [read]);
        }
        // A name inside another one is another file.
        assert!(
            dirt_of(&["ai/set.jsonl", "common/deep/style.txt"], text)
                .counts
                .is_empty()
        );
    }

    #[test]
    fn a_tracked_file_counts_whoever_reads_it() {
        assert_eq!(dirt_of(&["file.txt"], "").counts, ["file.txt"]);
        assert_eq!(
            dirt_of(&["ai/stagegate.toml"], "").counts,
            ["ai/stagegate.toml"]
        );
    }
}

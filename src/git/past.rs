//! What lies behind a commit: where its branch began, which releases it follows, what a file was.

use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};

use super::repository::Git;
use crate::intake;

/// What the default branch may be called, the surest first.
const DEFAULT_BRANCHES: [&str; 5] = [
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
];

impl Git {
    /// Returns where a commit's branch has left the default branch; `None` on it, and where there
    /// is none that is known.
    pub(crate) fn fork_point(&self, commit: &str) -> Option<String> {
        let repository = self.repository()?;
        let id = Oid::from_str(commit).ok()?;
        let mut default = DEFAULT_BRANCHES.iter();
        let default = default.find_map(|name| repository.revparse_single(name).ok());
        let default = default?.peel_to_commit().ok()?.id();
        let base = repository.merge_base(id, default).ok()?;
        (base != id).then(|| base.to_string())
    }

    /// Returns whether a commit comes after the release with that tag: the tag is on one of its
    /// ancestors. Where the history ends early and the tag is elsewhere, it is taken to be.
    pub(crate) fn is_after(&self, commit: &str, tag: &str) -> bool {
        let after = || {
            let repository = self.repository()?;
            let tag = repository
                .find_reference(&format!("refs/tags/{tag}"))
                .ok()?;
            let tagged = tag.peel_to_commit().ok()?.id();
            let commit = Oid::from_str(commit).ok()?;
            let reached = repository.graph_descendant_of(commit, tagged).ok()?;
            Some(reached || (repository.is_shallow() && tagged != commit))
        };
        after().unwrap_or(false)
    }

    /// Returns where a file lies in the work tree, as commits know it.
    pub(crate) fn place_of(&self, file: &Path) -> Option<PathBuf> {
        let root = self.root()?.canonicalize().ok()?;
        let file = file.canonicalize().ok()?;
        file.strip_prefix(root).ok().map(Path::to_owned)
    }

    /// Returns the text of a file, by its place in the work tree, as a commit has it.
    pub(crate) fn text_at(&self, commit: &str, place: &Path) -> Option<String> {
        let repository = self.repository()?;
        let commit = repository.find_commit(Oid::from_str(commit).ok()?).ok()?;
        let entry = commit.tree().ok()?.get_path(place).ok()?;
        let (size, kind) = repository.odb().ok()?.read_header(entry.id()).ok()?;
        let is_text = kind == ObjectType::Blob && !intake::MANIFEST.is_passed_by(size as u64);
        let blob = repository.find_blob(entry.id()).ok().filter(|_| is_text)?;
        String::from_utf8(blob.content().to_vec()).ok()
    }
}

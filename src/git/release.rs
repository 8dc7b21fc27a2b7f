//! What a release is made of: the commit, the manifest, and versions of what git does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::GlobSet;
use miette::Diagnostic;

use super::repository::GitFacts;
use crate::error::{Classify, Kind};
use crate::intake::{self, GlobError};
use crate::record::{FOLDER, Release};

/// Why the version of a part of the release cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReleaseError {
    /// Not a glob.
    #[error("`release.{part}`: `{glob}` is not a glob")]
    Glob {
        part: String,
        glob: String,
        source: GlobError,
    },
    /// No such file.
    #[error("`release.{part}`: no file matches `{glob}` in `{}`", folder.display())]
    NoMatch {
        part: String,
        glob: String,
        folder: PathBuf,
    },
    /// A file or folder that cannot be read.
    #[error("`release.{part}`: cannot read `{}`", path.display())]
    Unreadable {
        part: String,
        path: PathBuf,
        source: io::Error,
    },
}

impl Diagnostic for ReleaseError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        match self {
            Self::NoMatch { part, .. } => Some(Box::new(format!(
                "Globs are relative to the manifest and `*` stops at `/`: correct `files` in \
                 `release.{part}`, or add the file."
            ))),
            Self::Glob { .. } | Self::Unreadable { .. } => None,
        }
    }
}

impl Classify for ReleaseError {
    fn kind(&self) -> Kind {
        match self {
            Self::Glob { .. } => Kind::Manifest,
            Self::NoMatch { .. } | Self::Unreadable { .. } => Kind::Environment,
        }
    }
}

/// So many of the files that make a tree dirty are named.
const NAMED: usize = 5;

/// Returns the release of the present tree; `dirt` are the files that are not as in
/// the commit, `versions` holds what `[release]` names, already found out.
pub(crate) fn release_of(
    git: &GitFacts,
    dirt: &[String],
    manifest_text: &str,
    versions: BTreeMap<String, String>,
) -> Release {
    Release {
        commit: git.commit.clone(),
        tag: git.tag.clone(),
        dirty: git.unclear || !dirt.is_empty(),
        dirt: dirt.iter().take(NAMED).cloned().collect(),
        manifest: digest(manifest_text.as_bytes()),
        versions,
    }
}

/// Returns the digest of some bytes as it stands in documents: `blake3:` and 64 hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

/// Returns the digest of the names and contents of the files that match a glob, which is relative
/// to the manifest's folder and may start with `../`; `part` is the key in `[release]`, for
/// messages.
pub(crate) fn files_version(
    manifest_folder: &Path,
    part: &str,
    glob: &str,
) -> Result<String, ReleaseError> {
    let mut all = blake3::Hasher::new();
    for (name, path) in matching_files(manifest_folder, part, glob)? {
        let hash = hash_file(&path).map_err(|source| ReleaseError::Unreadable {
            part: part.to_owned(),
            path,
            source,
        })?;
        // The length keeps names apart from what follows them.
        all.update(&(name.len() as u64).to_le_bytes());
        all.update(name.as_bytes());
        all.update(hash.as_bytes());
    }
    Ok(format!("blake3:{}", all.finalize().to_hex()))
}

/// Returns the files that match such a glob, by their names from where it begins; never none. They
/// are not opened.
pub(crate) fn matching_files(
    manifest_folder: &Path,
    part: &str,
    glob: &str,
) -> Result<Found, ReleaseError> {
    let (fixed, open) = fixed_folder(glob);
    let matcher = intake::glob(open).map_err(|source| ReleaseError::Glob {
        part: part.to_owned(),
        glob: glob.to_owned(),
        source,
    })?;
    let folder = manifest_folder.join(fixed);
    let found =
        Walk::new(&matcher)
            .all(&folder)
            .map_err(|(path, source)| ReleaseError::Unreadable {
                part: part.to_owned(),
                path,
                source,
            })?;
    if found.is_empty() {
        return Err(ReleaseError::NoMatch {
            part: part.to_owned(),
            glob: glob.to_owned(),
            folder: manifest_folder.to_owned(),
        });
    }
    Ok(found)
}

/// Returns the folder that a glob begins in, relative to what the glob is; empty where it is that.
pub(crate) fn folder_of(glob: &str) -> &str {
    fixed_folder(glob).0
}

/// Returns whether a glob, which is relative to a folder, matches a file.
pub(super) fn glob_matches(folder: &Path, glob: &str, file: &Path) -> bool {
    let (fixed, open) = fixed_folder(glob);
    let below = folder.join(fixed).canonicalize();
    let inside = below.ok().and_then(|below| file.strip_prefix(below).ok());
    inside.is_some_and(|inside| intake::glob(open).is_ok_and(|it| it.is_match(inside)))
}

/// Splits a glob into the folders that hold no wildcard and the rest.
fn fixed_folder(glob: &str) -> (&str, &str) {
    let wild = glob.find(['*', '?', '[', '{', '\\']).unwrap_or(glob.len());
    match glob[..wild].rfind('/') {
        Some(slash) => (&glob[..slash], &glob[slash + 1..]),
        None => ("", glob),
    }
}

/// Files by their names from where a glob begins.
type Found = BTreeMap<String, PathBuf>;

/// A place and what is wrong there.
type Failed = (PathBuf, io::Error);

/// A walk through the folders of a release: `.git` and `.stagegate` are never looked into, and each
/// real folder once, however many links lead to it.
struct Walk<'a> {
    matcher: &'a GlobSet,
    seen: BTreeSet<PathBuf>,
    entries: u64,
    found: Found,
    /// Links to folders, with their paths from where the walk began. They are followed when
    /// everything without links has been seen, so that what a file is called depends on no order.
    links: BTreeMap<String, PathBuf>,
}

impl<'a> Walk<'a> {
    fn new(matcher: &'a GlobSet) -> Self {
        Self {
            matcher,
            seen: BTreeSet::new(),
            entries: 0,
            found: Found::new(),
            links: BTreeMap::new(),
        }
    }

    /// Finds the files below a folder whose path, relative to it, matches. A folder that is not
    /// there holds nothing.
    fn all(mut self, folder: &Path) -> Result<Found, Failed> {
        self.below(folder, "")?;
        while let Some((inside, link)) = self.links.pop_first() {
            self.below(&link, &inside)?;
        }
        Ok(self.found)
    }

    fn below(&mut self, folder: &Path, relative: &str) -> Result<(), Failed> {
        let is_new = folder
            .canonicalize()
            .is_ok_and(|real| self.seen.insert(real));
        if !is_new {
            return Ok(());
        }
        let at = |error: io::Error| (folder.to_owned(), error);
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => return Ok(()),
            Err(e) => return Err(at(e)),
        };
        for entry in entries {
            let entry = entry.map_err(at)?;
            self.entries += 1;
            if intake::RELEASE_FILES.is_passed_by(self.entries) {
                let said = format!("more than {} files and folders", intake::RELEASE_FILES);
                return Err(at(io::Error::other(said)));
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let inside = match relative {
                "" => name.clone(),
                relative => format!("{relative}/{name}"),
            };
            self.entry(&entry.path(), &name, inside)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &str, inside: String) -> Result<(), Failed> {
        // A dangling link is no file.
        let Ok(metadata) = fs::metadata(path) else {
            return Ok(());
        };
        if metadata.is_dir() {
            if intake::is_link(path) {
                self.links.insert(inside, path.to_owned());
            } else if name != ".git" && name != FOLDER {
                self.below(path, &inside)?;
            }
        } else if metadata.is_file() && self.matcher.is_match(&inside) {
            self.found.insert(inside, path.to_owned());
        }
        Ok(())
    }
}

fn hash_file(path: &Path) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(intake::open(path)?)?;
    Ok(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn version(files: &[(&str, &str)], glob: &str) -> Result<String, String> {
        files_version(project(files).path(), "prompt", glob).map_err(|e| e.to_string())
    }

    const PROMPTS: [(&str, &str); 3] = [
        ("prompts/a.txt", "A"),
        ("prompts/deep/b.txt", "B"),
        ("other.txt", "C"),
    ];

    #[test]
    fn the_version_depends_on_names_and_contents_of_matching_files_only() {
        let before = version(&PROMPTS, "prompts/**").unwrap();
        assert!(before.starts_with("blake3:"));
        let other = [PROMPTS[0], PROMPTS[1], ("other.txt", "changed")];
        assert_eq!(version(&other, "prompts/**").unwrap(), before);
        let content = [PROMPTS[0], ("prompts/deep/b.txt", "changed")];
        assert_ne!(version(&content, "prompts/**").unwrap(), before);
        let name = [PROMPTS[0], ("prompts/deep/renamed.txt", "B")];
        assert_ne!(version(&name, "prompts/**").unwrap(), before);
    }

    #[test]
    fn a_star_stops_at_a_slash_and_a_plain_path_is_one_file() {
        let only_a = version(&PROMPTS, "prompts/*.txt").unwrap();
        assert_eq!(version(&PROMPTS, "prompts/a.txt").unwrap(), only_a);
        assert_eq!(version(&PROMPTS, "./prompts/a.txt").unwrap(), only_a);
        assert_ne!(version(&PROMPTS, "prompts/**/*.txt").unwrap(), only_a);
    }

    #[test]
    fn files_beside_the_manifest_folder_can_be_named() {
        let dir = project(&[("common/p.txt", "P"), ("app/stagegate.toml", "")]);
        let found = files_version(&dir.path().join("app"), "prompt", "../common/*").unwrap();
        assert_eq!(found, version(&[("p.txt", "P")], "*").unwrap());
    }

    #[test]
    fn a_glob_that_matches_nothing_is_an_error_that_names_it() {
        for glob in ["prompt/**", "prompts/*.md", "prompts/a.txt/b"] {
            let message = version(&PROMPTS, glob).unwrap_err();
            assert!(
                message.starts_with(&format!("`release.prompt`: no file matches `{glob}` in `")),
                "{message}"
            );
        }
        let message = version(&PROMPTS, "prompts/[a").unwrap_err();
        assert_eq!(message, "`release.prompt`: `prompts/[a` is not a glob");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_above_is_not_followed() {
        let dir = project(&PROMPTS);
        let before = files_version(dir.path(), "p", "**/*.txt").unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("prompts/loop")).unwrap();
        assert_eq!(files_version(dir.path(), "p", "**/*.txt").unwrap(), before);
    }

    #[test]
    fn the_store_is_never_part_of_a_version() {
        let with_store = [PROMPTS[0], (".stagegate/runs/x/a.txt", "X")];
        assert_eq!(
            version(&with_store, "**/*.txt").unwrap(),
            version(&[PROMPTS[0]], "**/*.txt").unwrap()
        );
    }

    // security 20
    #[cfg(unix)]
    #[test]
    fn many_links_to_each_other_are_walked_once() {
        let dir = project(&[("prompts/a.txt", "a")]);
        for at in 0..12 {
            let folder = dir.path().join(format!("prompts/f{at}"));
            fs::create_dir(&folder).unwrap();
            for to in 0..12 {
                let target = format!("../f{to}");
                std::os::unix::fs::symlink(target, folder.join(format!("l{to}"))).unwrap();
            }
        }
        let begun = std::time::Instant::now();
        files_version(dir.path(), "p", "prompts/**").unwrap();
        assert!(begun.elapsed().as_secs() < 10);
    }

    // security 20
    #[test]
    fn a_glob_that_cannot_be_compiled_is_an_error() {
        let dir = project(&[("a.txt", "a")]);
        for glob in ["{a,".repeat(300) + "b" + &"}".repeat(300), "x".repeat(2000)] {
            files_version(dir.path(), "p", &glob).unwrap_err();
        }
    }
}

//! What a release is made of: the commit, the manifest, and versions of what git does not know.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use miette::Diagnostic;

use super::repository::GitFacts;
use crate::error::{Classify, Kind};
use crate::record::{FOLDER, Release};

/// Why the version of a part of the release cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReleaseError {
    /// Not a glob.
    #[error("`release.{part}`: `{glob}` is not a glob")]
    Glob {
        part: String,
        glob: String,
        source: globset::Error,
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
    let (fixed, open) = fixed_folder(glob);
    let matcher = matcher(open).map_err(|source| ReleaseError::Glob {
        part: part.to_owned(),
        glob: glob.to_owned(),
        source,
    })?;
    let folder = manifest_folder.join(fixed);
    let mut found = BTreeMap::new();
    collect(&folder, "", &matcher, &mut found).map_err(|(path, source)| {
        ReleaseError::Unreadable {
            part: part.to_owned(),
            path,
            source,
        }
    })?;
    if found.is_empty() {
        return Err(ReleaseError::NoMatch {
            part: part.to_owned(),
            glob: glob.to_owned(),
            folder: manifest_folder.to_owned(),
        });
    }
    let mut all = blake3::Hasher::new();
    for (name, hash) in &found {
        // The length keeps names apart from what follows them.
        all.update(&(name.len() as u64).to_le_bytes());
        all.update(name.as_bytes());
        all.update(hash.as_bytes());
    }
    Ok(format!("blake3:{}", all.finalize().to_hex()))
}

fn matcher(open: &str) -> Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(open).literal_separator(true).build()?;
    Ok(glob.compile_matcher())
}

/// Returns whether a glob, which is relative to a folder, matches a file.
pub(super) fn glob_matches(folder: &Path, glob: &str, file: &Path) -> bool {
    let (fixed, open) = fixed_folder(glob);
    let below = folder.join(fixed).canonicalize();
    let inside = below.ok().and_then(|below| file.strip_prefix(below).ok());
    inside.is_some_and(|inside| matcher(open).is_ok_and(|it| it.is_match(inside)))
}

/// Splits a glob into the folders that hold no wildcard and the rest.
fn fixed_folder(glob: &str) -> (&str, &str) {
    let wild = glob.find(['*', '?', '[', '{', '\\']).unwrap_or(glob.len());
    match glob[..wild].rfind('/') {
        Some(slash) => (&glob[..slash], &glob[slash + 1..]),
        None => ("", glob),
    }
}

type Found = BTreeMap<String, blake3::Hash>;

/// Hashes the files below a folder whose path, relative to where the walk began, matches. A folder
/// that is not there holds nothing; `.git` and `.stagegate` are never looked into; a link back up
/// is not followed.
fn collect(
    folder: &Path,
    relative: &str,
    matcher: &GlobMatcher,
    found: &mut Found,
) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| (path, error)
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(());
        }
        Err(e) => return Err(at(folder)(e)),
    };
    for entry in entries {
        let entry = entry.map_err(at(folder))?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let inside = if relative.is_empty() {
            name.clone()
        } else {
            format!("{relative}/{name}")
        };
        // A dangling link is no file.
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        if metadata.is_dir() {
            if name != ".git" && name != FOLDER && !leads_back(&path, folder) {
                collect(&path, &inside, matcher, found)?;
            }
        } else if metadata.is_file() && matcher.is_match(&inside) {
            let hash = hash_file(&path).map_err(at(&path))?;
            found.insert(inside, hash);
        }
    }
    Ok(())
}

fn leads_back(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(target), Ok(folder)) => folder.starts_with(target),
        _ => true,
    }
}

fn hash_file(path: &Path) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
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
        let dir = project(&[("shared/p.txt", "P"), ("app/stagegate.toml", "")]);
        let found = files_version(&dir.path().join("app"), "prompt", "../shared/*").unwrap();
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
}

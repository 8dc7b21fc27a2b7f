//! The journal of a running suite: an append-only file that holds every answer before it is graded.
//!
//! A header line, then one line for each attempt, and another for what stages told about its answer
//! where assertions asked them. Lines are written in groups, and a group is on disk before any of
//! its answers is graded. A killed process leaves at most one torn line, which is dropped; an
//! attempt that errored is in the journal for people, but it is no answer, so that resuming asks it
//! again.
//!
//! Answers are graded as the stage gave them, and hold no secret on disk: each line is sealed with
//! the secrets at hand, and opened with them. An answer that held a secret which has another value
//! now is asked again.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::held::{Lines, VersionsLine, read};
use super::attempt::Attempt;
use super::journal_line::{LineRef, ToldRef};
use super::question::Told;
use crate::error::{Classify, Kind};
use crate::intake;
use crate::stage::Heard;
use crate::template::Secrets;

#[cfg(any(test, fuzzing))]
pub(crate) use held::answers as journal_answers;

mod held;

/// The schema of a journal; another one is left alone.
const SCHEMA: &str = "stagegate/journal/2";

/// Which suite of which release a journal belongs to: only an equal one is continued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JournalKey {
    /// The suite's name; also part of the file's name.
    pub(crate) suite: String,
    pub(crate) env: String,
    /// The commit; empty outside git.
    pub(crate) release: String,
    pub(crate) dirty: bool,
    /// The manifest's digest, overrides included.
    pub(crate) manifest: String,
    /// The golden set's digest.
    pub(crate) golden: String,
    /// The versions of `[release]` that files tell.
    #[serde(default)]
    pub(crate) versions: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    schema: String,
    run_id: String,
    /// RFC 3339.
    started_at: String,
    key: JournalKey,
}

/// An open journal, locked against other processes.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    run_id: String,
    started_at: String,
    /// Where its lines of each answer are.
    answered: HashMap<(String, u32), Lines>,
    /// What stages told of `[release]` while the answers that it holds were given.
    told: BTreeMap<String, String>,
    /// What they tell now, and how much of it is written down.
    heard: Option<Arc<Heard>>,
    written: BTreeMap<String, String>,
}

/// Why a journal cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum JournalError {
    #[error("journal `{}` cannot be {doing}: {reason}", path.display())]
    #[diagnostic(help(
        "Make room or correct the permissions; then `--resume` continues with what was kept."
    ))]
    File {
        path: PathBuf,
        doing: &'static str,
        reason: io::Error,
    },
    #[error("journal `{}` is in use by another stagegate", path.display())]
    #[diagnostic(help("Wait until the other run has ended, or run without `--resume`."))]
    Busy { path: PathBuf },
}

impl Classify for JournalError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

impl Journal {
    /// Starts a journal in `dir`.
    pub(crate) fn create(
        dir: &Path,
        key: &JournalKey,
        run_id: &str,
        started_at: &str,
    ) -> Result<Self, JournalError> {
        let path = dir.join(format!("{}-{run_id}.jsonl", key.suite));
        let header = Header {
            schema: SCHEMA.to_owned(),
            run_id: run_id.to_owned(),
            started_at: started_at.to_owned(),
            key: key.clone(),
        };
        let create = || {
            fs::create_dir_all(dir)?;
            let mut options = OpenOptions::new();
            let mut file = options
                .append(true)
                .read(true)
                .create_new(true)
                .open(&path)?;
            file.lock()?;
            let mut line = serde_json::to_vec(&header)?;
            line.push(b'\n');
            file.write_all(&line)?;
            file.sync_all()?;
            // The file's name must survive a power cut as well as what is in it.
            #[cfg(unix)]
            File::open(dir)?.sync_all()?;
            Ok(file)
        };
        match create() {
            Ok(file) => Ok(Self {
                path,
                file,
                run_id: header.run_id,
                started_at: header.started_at,
                answered: HashMap::new(),
                told: BTreeMap::new(),
                heard: None,
                written: BTreeMap::new(),
            }),
            Err(reason) => Err(failed(&path, "created", reason)),
        }
    }

    /// Opens the newest journal in `dir` that belongs to `key`; `None` where there is none.
    pub(crate) fn resume(
        dir: &Path,
        key: &JournalKey,
        secrets: &Secrets,
    ) -> Result<Option<Self>, JournalError> {
        let Some((path, header)) = newest(dir, &key.suite, |it| it == key)? else {
            return Ok(None);
        };
        let opened = intake::open_own(&path, OpenOptions::new().append(true).read(true));
        let mut file = opened.map_err(|reason| failed(&path, "opened", reason))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy { path }),
            Err(TryLockError::Error(reason)) => return Err(failed(&path, "locked", reason)),
        }
        if !path.exists() {
            // Its run ended, and removed it, between our looking and our locking.
            return Ok(None);
        }
        let read = read(&mut file, secrets).map_err(|reason| failed(&path, "read", reason))?;
        Ok(Some(Self {
            path,
            file,
            run_id: header.run_id,
            started_at: header.started_at,
            answered: read.answered,
            told: read.told,
            heard: None,
            written: BTreeMap::new(),
        }))
    }

    /// Returns how the newest journal of the same suite, which is none of `key`, differs from it;
    /// `None` where there is none.
    pub(crate) fn differs(dir: &Path, key: &JournalKey) -> Result<Option<String>, JournalError> {
        let found = newest(dir, &key.suite, |it| it != key)?;
        Ok(found.map(|(_, header)| key.told_from(&header.key)))
    }

    /// Returns the id of the run that the journal was begun for.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Returns when that run began, in RFC 3339.
    pub(crate) fn started_at(&self) -> &str {
        &self.started_at
    }

    /// Returns how many answers it held when it was opened.
    pub(crate) fn answered(&self) -> usize {
        self.answered.len()
    }

    /// Writes down from now on what stages tell of `[release]`, beside the answers.
    pub(crate) fn listen(&mut self, heard: Arc<Heard>) {
        self.heard = Some(heard);
    }

    /// Returns what stages told of `[release]` before the run was interrupted, by part.
    pub(crate) const fn told(&self) -> &BTreeMap<String, String> {
        &self.told
    }

    /// Removes the journal, once the run it belongs to has been stored complete.
    pub(crate) fn remove(self) -> Result<(), JournalError> {
        fs::remove_file(&self.path).map_err(|reason| failed(&self.path, "removed", reason))
    }

    /// Takes the answer to a case, where an earlier process had one.
    pub(super) fn take(&mut self, case: &str, repeat: u32, secrets: &Secrets) -> Option<Attempt> {
        let lines = self.answered.remove(&(case.to_owned(), repeat))?;
        lines.read(&mut self.file, secrets)
    }

    /// Appends entries and returns once they are on disk.
    pub(super) fn append<'a>(
        &mut self,
        entries: impl IntoIterator<Item = (&'a str, u32, Entry<'a>)>,
        secrets: &Secrets,
    ) -> Result<(), JournalError> {
        let versions = self.new_versions();
        // Line by line: a group of large answers is not held a second time.
        let mut file = BufWriter::new(&self.file);
        let mut write = |line: &str| {
            file.write_all(secrets.seal(line).as_bytes())?;
            file.write_all(b"\n")
        };
        let written = entries
            .into_iter()
            .try_for_each(|(case, repeat, entry)| {
                let line = match entry {
                    Entry::Attempt(attempt) => {
                        serde_json::to_string(&LineRef::new(case, repeat, attempt))?
                    }
                    Entry::Told(told) => serde_json::to_string(&ToldRef::new(case, repeat, told))?,
                };
                write(&line)
            })
            .and_then(|()| match &versions {
                Some(versions) => write(&serde_json::to_string(versions)?),
                None => Ok(()),
            })
            .and_then(|()| file.flush())
            .and_then(|()| self.file.sync_data());
        written.map_err(|reason| failed(&self.path, "written", reason))?;
        if let Some(VersionsLine { versions }) = versions {
            self.written = versions;
        }
        Ok(())
    }

    /// Returns what stages tell of `[release]`, where there is more of it than is written down.
    fn new_versions(&self) -> Option<VersionsLine> {
        let versions = self.heard.as_ref().map(|it| it.all());
        let versions = versions.filter(|it| *it != self.written)?;
        Some(VersionsLine { versions })
    }
}

/// What a line says of a case.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    /// It was asked; what was told about its answer is not part of this line.
    Attempt(&'a Attempt),
    /// What stages told about the answer of an earlier line.
    Told(&'a Told),
}

fn failed(path: &Path, doing: &'static str, reason: io::Error) -> JournalError {
    let path = path.to_owned();
    JournalError::File {
        path,
        doing,
        reason,
    }
}

impl JournalKey {
    /// Says what another journal's key has that this one has not.
    fn told_from(&self, other: &Self) -> String {
        let env = format!("environment `{}`", other.env);
        let parts = [
            (self.env != other.env, env.as_str()),
            (self.release != other.release, "another commit"),
            (
                self.dirty != other.dirty,
                "a tree that was changed in between",
            ),
            (
                self.manifest != other.manifest,
                "another manifest, or other `--set`",
            ),
            (self.golden != other.golden, "another golden set"),
            (
                self.versions != other.versions,
                "other files in `[release]`",
            ),
        ];
        let parts: Vec<&str> = parts.into_iter().filter(|it| it.0).map(|it| it.1).collect();
        parts.join(", ")
    }
}

/// Finds the journal of a suite that began last among those whose key fits. What cannot be read is
/// none.
fn newest(
    dir: &Path,
    suite: &str,
    fits: impl Fn(&JournalKey) -> bool,
) -> Result<Option<(PathBuf, Header)>, JournalError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(reason) => return Err(failed(dir, "listed", reason)),
    };
    let prefix = format!("{suite}-");
    let found = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let ours = path.file_name()?.to_str()?.starts_with(&prefix);
        let header = if ours { header(&path)? } else { return None };
        (header.key.suite == suite && fits(&header.key)).then_some((path, header))
    });
    Ok(found.max_by_key(|(_, header)| {
        let began: Option<Timestamp> = header.started_at.parse().ok();
        (began, header.run_id.clone())
    }))
}

fn header(path: &Path) -> Option<Header> {
    let file = intake::open_own(path, OpenOptions::new().read(true)).ok()?;
    let mut line = Vec::new();
    intake::read_line(
        &mut BufReader::new(file),
        &mut line,
        &intake::JOURNAL_HEADER,
    )
    .ok()?;
    let header: Header = serde_json::from_slice(&line).ok()?;
    (header.schema == SCHEMA && line.ends_with(b"\n")).then_some(header)
}

#[cfg(test)]
mod tests;

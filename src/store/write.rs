//! Writes a run so that it is there whole or not at all: a folder made aside, flushed, and renamed
//! into place.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tempfile::TempDir;

use super::error::StoreError;
use super::export;
use super::layout::{Store, no_link};
use super::read;
use super::split::{Parts, split};
use crate::record::RunId;
use crate::record::RunRecord;

/// How long an abandoned folder of a killed process is left alone: longer than any write takes.
const ABANDONED: SignedDuration = SignedDuration::from_hours(24);

/// So many characters tell the folders of one run apart.
const RANDOM: usize = 6;

/// The finished folder, inside the one made aside.
const NEW: &str = "run";

impl Store {
    /// Writes a run and returns its folder. A run is never overwritten, unless what is there is
    /// incomplete: a resumed run takes the place of the one that was interrupted.
    pub(crate) fn write(&self, run: &RunRecord) -> Result<PathBuf, StoreError> {
        let id: RunId = run.id.parse()?;
        let place = self.run_dir(&id);
        self.guard()?;
        let replace = match is_replaceable(&id, &place) {
            Err(StoreError::Exists { .. }) if self.holds(&id, run) => return Ok(place),
            other => other?,
        };
        let tmp = self.tmp_dir();
        self.prepare(&self.runs_dir())?;
        self.prepare(&tmp)?;
        sweep(&tmp, self.clock.now());
        let aside = aside(&tmp, id.as_str())?;
        let folder = aside.path().join(NEW);
        fs::create_dir(&folder).map_err(|e| StoreError::io("create", &folder, e))?;
        write_parts(&folder, &split(run.clone())).map_err(|e| name_final(e, &folder, &place))?;
        // What could not be read again would be lost without a word.
        read::verify(&folder).map_err(|error| StoreError::Unreadable {
            id: id.to_string(),
            reason: name_final(error, &folder, &place).to_string(),
        })?;
        match self.put(&id, aside.path(), &place, replace) {
            Err(StoreError::Exists { .. }) if self.holds(&id, run) => Ok(place),
            other => other.map(|()| place),
        }
    }

    /// Returns whether a run is stored already, as it is.
    fn holds(&self, id: &RunId, run: &RunRecord) -> bool {
        self.read(id).is_ok_and(|stored| stored == *run)
    }

    /// Renames the finished folder into place; what is to be replaced is moved aside first, and
    /// back when that fails.
    fn put(&self, id: &RunId, aside: &Path, place: &Path, replace: bool) -> Result<(), StoreError> {
        let old = aside.join("old");
        if replace {
            fs::rename(place, &old).map_err(|e| StoreError::io("replace", place, e))?;
        }
        if let Err(error) = fs::rename(aside.join(NEW), place) {
            if replace {
                fs::rename(&old, place).map_err(|e| StoreError::io("restore", place, e))?;
            }
            return Err(match error.kind() {
                io::ErrorKind::DirectoryNotEmpty => exists(id, place),
                _ => StoreError::io("write", place, error),
            });
        }
        flush_folder(&self.runs_dir())
    }
}

/// Returns whether what lies in the run's place may be replaced: it is incomplete, or broken so
/// that nothing is lost. A complete run is an error.
fn is_replaceable(id: &RunId, place: &Path) -> Result<bool, StoreError> {
    no_link(place)?;
    if !place.is_dir() {
        return Ok(false); // Nothing, or a file in the way, which the rename will find.
    }
    match read::own_header(&place.join(read::RUN_FILE)) {
        Ok(old) if old.complete => Err(exists(id, place)),
        Ok(_) | Err(StoreError::Malformed { .. }) => Ok(true),
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(other) => Err(other),
    }
}

fn exists(id: &RunId, place: &Path) -> StoreError {
    StoreError::Exists {
        id: id.to_string(),
        path: place.to_owned(),
    }
}

/// Names the place where the file would have been, not the one aside that is gone when the error is
/// read.
fn name_final(error: StoreError, aside: &Path, place: &Path) -> StoreError {
    let named = |path: PathBuf| match path.strip_prefix(aside) {
        Ok(name) => place.join(name),
        Err(_) => path,
    };
    match error {
        StoreError::Io {
            action,
            path,
            source,
        } => StoreError::io(action, &named(path), source),
        StoreError::Malformed {
            path,
            place: at,
            message,
        } => StoreError::Malformed {
            path: named(path),
            place: at,
            message,
        },
        other => other,
    }
}

fn write_parts(folder: &Path, parts: &Parts) -> Result<(), StoreError> {
    if !parts.histograms.is_empty() {
        write_file(&folder.join(read::HISTOGRAMS_FILE), |out| {
            json(out, &parts.histograms)
        })?;
    }
    if !parts.cases.is_empty() {
        write_file(&folder.join(read::CASES_FILE), |out| {
            parts.cases.iter().try_for_each(|case| json(out, case))
        })?;
    }
    if let Some(diff) = &parts.diff {
        write_file(&folder.join(read::DIFF_FILE), |out| json(out, diff))?;
    }
    // Last: a folder with a `run.json` is whole, also where a file system reorders renames.
    write_file(&folder.join(read::RUN_FILE), |out| {
        out.write_all(export::document(&parts.header).as_bytes())
    })?;
    flush_folder(folder)
}

fn write_file(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), StoreError> {
    let write = || {
        let mut out = BufWriter::new(File::create_new(path)?);
        fill(&mut out)?;
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()
    };
    write().map_err(|e| StoreError::io("write", path, e))
}

fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Makes the names in a folder durable.
fn flush_folder(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| StoreError::io("flush", folder, e))?;
    }
    Ok(())
}

/// Removes what killed processes left behind; a failure does not matter, the next write tries
/// again.
fn sweep(tmp: &Path, now: Timestamp) {
    let Ok(entries) = fs::read_dir(tmp) else {
        return;
    };
    for entry in entries.flatten() {
        // Of a link this is what is said of the link itself.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let modified = metadata.modified().ok();
        let modified = modified.and_then(|it| Timestamp::try_from(it).ok());
        let age = modified.map(|it| now.duration_since(it));
        let ours = metadata.is_dir() && is_aside(&entry.file_name());
        if ours && age.is_some_and(|age| age > ABANDONED) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Makes a folder in which a run is made, or emptied, out of everybody's sight.
pub(super) fn aside(tmp: &Path, id: &str) -> Result<TempDir, StoreError> {
    let made = tempfile::Builder::new()
        .prefix(&format!("{id}."))
        .rand_bytes(RANDOM)
        .tempdir_in(tmp);
    made.map_err(|e| StoreError::io("create a folder in", tmp, e))
}

/// Returns whether [`aside`] gives such names: `RUNID.random`.
fn is_aside(name: &OsStr) -> bool {
    let parts = name.to_str().and_then(|name| name.split_once('.'));
    parts.is_some_and(|(id, random)| {
        let alphanumeric = random.bytes().all(|it| it.is_ascii_alphanumeric());
        id.parse::<RunId>().is_ok() && random.len() == RANDOM && alphanumeric
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use insta::assert_snapshot;

    use super::super::testing::{eval_at, fixture, incomplete, run_at};
    use super::*;
    use crate::error::{Classify, Kind};
    use crate::measure::Clock;
    use crate::metric::LatencyMetric;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_is_kept_in_parts_and_read_whole() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        for (run, files) in [
            (fixture("v1.0", "load"), vec!["histograms.json", "run.json"]),
            (fixture("v1.0", "eval"), vec!["cases.jsonl", "run.json"]),
            (fixture("v1.1", "gate"), vec!["diff.json", "run.json"]),
        ] {
            let folder = store.write(&run).unwrap();
            assert_eq!(names(&folder), files);
            let text = fs::read_to_string(folder.join("run.json")).unwrap();
            assert!(
                !text.contains("histogram\"")
                    && !text.contains("\"q1\"")
                    && !text.contains("\"comparisons\""),
                "{text}"
            );
            assert_eq!(store.read(&run.id.parse().unwrap()).unwrap(), run);
        }
        assert_eq!(
            names(&project.path().join(".stagegate")),
            [".gitignore", "runs", "tmp"]
        );
        assert_eq!(names(&store.tmp_dir()), [] as [&str; 0]);
    }

    #[test]
    fn rounds_keep_their_histograms_apart() {
        let mut run = run_at(0, None);
        let round = crate::record::Round {
            stages: run.stages.clone(),
        };
        let mut bare = round.clone();
        let metric = bare
            .stages
            .get_mut("gateway")
            .unwrap()
            .metrics
            .get_mut(&LatencyMetric::ResponseTime)
            .unwrap();
        metric.histogram = None;
        metric.intervals.clear();
        run.rounds = vec![bare, round];
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        store.write(&run).unwrap();
        assert_eq!(store.read(&run.id.parse().unwrap()).unwrap(), run);
    }

    #[test]
    fn a_complete_run_is_never_overwritten_and_an_incomplete_one_is() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        let run = eval_at(1, None);
        let folder = store.write(&incomplete(run.clone())).unwrap();
        store.write(&run).unwrap();
        assert_eq!(store.read(&run.id.parse().unwrap()).unwrap(), run);
        let error = store.write(&incomplete(run.clone())).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("run `run-0001` is already stored in `{}`", folder.display())
        );
        assert_eq!(store.read(&run.id.parse().unwrap()).unwrap(), run);
        assert_eq!(names(&store.tmp_dir()), [] as [&str; 0]);
    }

    #[test]
    fn many_writers_at_once_all_succeed() {
        let project = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for worker in 0..4 {
                let store = Store::open(project.path(), &Clock::System);
                scope.spawn(move || {
                    for run in 0..5 {
                        store.write(&eval_at(worker * 100 + run, None)).unwrap();
                    }
                });
            }
        });
        let listing = Store::open(project.path(), &Clock::System).list().unwrap();
        assert_eq!((listing.runs.len(), listing.broken.len()), (20, 0));
    }

    #[test]
    fn two_writers_of_one_run_leave_one_whole() {
        let project = tempfile::tempdir().unwrap();
        let run = eval_at(1, None);
        let written: usize = thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        Store::open(project.path(), &Clock::System)
                            .write(&run)
                            .is_ok()
                    })
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| usize::from(writer.join().unwrap()))
                .sum()
        });
        // security 17: an equal run in its place is success.
        assert_eq!(written, 4);
        let other = RunRecord {
            duration_s: 1.0,
            ..run.clone()
        };
        let store = Store::open(project.path(), &Clock::System);
        assert!(store.write(&other).is_err());
        assert_eq!(store.read(&run.id.parse().unwrap()).unwrap(), run);
    }

    #[test]
    fn a_store_that_cannot_be_written_is_an_error_of_the_environment_and_leaves_nothing() {
        for in_the_way in [".stagegate", ".stagegate/runs", ".stagegate/tmp"] {
            let project = tempfile::tempdir().unwrap();
            let file = project.path().join(in_the_way);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "in the way").unwrap();
            let store = Store::open(project.path(), &Clock::System);
            let error = store.write(&run_at(1, None)).unwrap_err();
            assert_eq!(error.kind(), Kind::Environment);
            assert!(error.to_string().contains(in_the_way), "{error}");
            assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
            assert!(!store.run_dir(&"run-0001".parse().unwrap()).exists());
        }
    }

    #[test]
    fn a_file_in_the_place_of_the_run_is_not_removed() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        fs::create_dir_all(store.runs_dir()).unwrap();
        fs::write(store.runs_dir().join("run-0001"), "mine").unwrap();
        let error = store.write(&run_at(1, None)).unwrap_err().to_string();
        let error = error.replace(project.path().to_str().unwrap(), "PROJECT");
        assert_snapshot!(error, @"cannot write `PROJECT/.stagegate/runs/run-0001`");
        let kept = fs::read_to_string(store.runs_dir().join("run-0001")).unwrap();
        assert_eq!(kept, "mine");
        assert_eq!(names(&store.tmp_dir()), [] as [&str; 0]);
    }

    #[test]
    fn a_failed_file_is_named_by_its_final_place() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let aside = Path::new("tmp/x/run");
        let error = StoreError::io("write", &aside.join("cases.jsonl"), full);
        let named = name_final(error, aside, Path::new("runs/x"));
        assert_eq!(named.to_string(), "cannot write `runs/x/cases.jsonl`");
        let help = miette::Diagnostic::help(&named).unwrap().to_string();
        assert_snapshot!(help, @"Free some space; nothing half-written was left behind.");
    }

    #[test]
    fn only_what_was_abandoned_long_ago_is_swept() {
        let project = tempfile::tempdir().unwrap();
        // Half an hour is nothing; two days are more than any write takes.
        let clock = Clock::manual(Timestamp::now());
        let store = Store::open(project.path(), &clock);
        let [fresh, old] = ["run-1.fresh1", "run-2.older2"].map(|name| store.tmp_dir().join(name));
        for folder in [&fresh, &old] {
            fs::create_dir_all(folder).unwrap();
        }
        let two_days = std::time::Duration::from_hours(48);
        let long_ago = std::time::SystemTime::now() - two_days;
        File::open(&old).unwrap().set_modified(long_ago).unwrap();
        store.write(&run_at(1, None)).unwrap();
        assert_eq!(names(&store.tmp_dir()), ["run-1.fresh1"]);
        clock.advance(std::time::Duration::from_hours(25));
        store.write(&run_at(2, None)).unwrap();
        assert!(names(&store.tmp_dir()).is_empty());
    }

    // security 1
    #[test]
    fn only_folders_with_names_of_ours_are_swept() {
        let project = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::now());
        let store = Store::open(project.path(), &clock);
        let tmp = store.tmp_dir();
        for name in [
            "src",
            ".git",
            "prompts.d",
            "run-1",
            "run-1.x",
            "a b.abcdef",
            "run-1.ab/def",
        ] {
            fs::create_dir_all(tmp.join(name)).unwrap();
        }
        fs::write(tmp.join("run-3.abcdef"), "a file").unwrap();
        let before = names(&tmp);
        clock.advance(std::time::Duration::from_hours(25));
        store.write(&run_at(1, None)).unwrap();
        assert_eq!(names(&tmp), before);
        assert!(is_aside(OsStr::new("0193-abc.Xy01zz")));
    }

    // security 1
    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_run_is_neither_replaced_nor_read() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        fs::create_dir(project.path().join("src")).unwrap();
        fs::create_dir_all(store.runs_dir()).unwrap();
        fs::create_dir_all(store.tmp_dir()).unwrap();
        let place = store.runs_dir().join("run-0001");
        std::os::unix::fs::symlink("../../src", &place).unwrap();
        let link = format!("`{}` is a link", place.display());
        let error = store.write(&run_at(1, None)).unwrap_err();
        assert!(error.to_string().starts_with(&link), "{error}");
        let error = store.read(&"run-0001".parse().unwrap()).unwrap_err();
        assert!(error.to_string().starts_with(&link), "{error}");
        let listing = store.list().unwrap();
        assert!(listing.broken[0].message.starts_with(&link));
        assert!(project.path().join("src").is_dir());
    }

    // security 9
    #[test]
    fn what_could_not_be_read_again_is_not_stored() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        for score in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut suite = eval_at(1, None);
            suite.eval.as_mut().unwrap().cases[0].score = score;
            let mut timed = run_at(1, None);
            timed.duration_s = score;
            let mut rate = eval_at(1, None);
            rate.eval.as_mut().unwrap().pass_rate.low = score;
            for run in [suite, timed, rate] {
                let error = store.write(&run).unwrap_err();
                assert_eq!(error.kind(), Kind::Environment);
                let text = error.to_string();
                assert!(
                    text.starts_with("run `run-0001` could not be read again"),
                    "{text}"
                );
            }
            assert_eq!(names(&store.runs_dir()), [] as [&str; 0]);
            assert_eq!(names(&store.tmp_dir()), [] as [&str; 0]);
        }
    }
}

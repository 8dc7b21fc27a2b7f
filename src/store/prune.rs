//! Deleting old runs: what may go, and letting it go.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::error::StoreError;
use super::layout::Store;
use super::listing::Listing;
use super::write::aside;
use crate::git::Git;
use crate::name::Name;
use crate::record::{RunId, RunKind, RunSummary};

/// What to delete. A run goes when every rule that is set lets it go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PruneRules {
    /// Of each kind, name, and environment, so many of the newest stay.
    pub(crate) keep: Option<usize>,
    /// Only what is older goes.
    pub(crate) older_than: Option<Duration>,
    /// Also runs of commits with a tag.
    pub(crate) tagged: bool,
}

/// What is deleted, or would be.
#[derive(Debug, Default)]
pub(crate) struct Pruned {
    pub(crate) runs: Vec<RunSummary>,
    /// Journals of interrupted suites that were never resumed.
    pub(crate) journals: Vec<PathBuf>,
    pub(crate) bytes: u64,
    /// How many runs stay.
    pub(crate) kept: usize,
    /// Of these, how many stay only because their commit has a tag.
    pub(crate) kept_tagged: usize,
}

impl Store {
    /// Finds what the rules let go. The newest usable run of each kind, name, and environment
    /// always stays: it is what the next comparison needs.
    pub(crate) fn prunable(
        &self,
        git: &Git,
        rules: PruneRules,
        now: Timestamp,
    ) -> Result<Pruned, StoreError> {
        let listing = self.list()?;
        let tagged = git.tagged();
        let runs = choose(&listing, &tagged, rules, now);
        let also_tagged = PruneRules {
            tagged: true,
            ..rules
        };
        let with_tagged = choose(&listing, &tagged, also_tagged, now);
        let journals = match rules.older_than {
            Some(age) => old_files(&self.journal_dir(), age, now)?,
            None => Vec::new(),
        };
        let folders = runs.iter().map(|run| self.runs_dir().join(&run.id));
        let bytes = folders
            .chain(journals.iter().cloned())
            .map(|path| size(&path))
            .sum();
        Ok(Pruned {
            kept: listing.runs.len() - runs.len(),
            kept_tagged: with_tagged.len() - runs.len(),
            runs: runs.into_iter().cloned().collect(),
            journals,
            bytes,
        })
    }

    /// Deletes it. Each run vanishes at once: its folder is renamed away before it is emptied.
    pub(crate) fn prune(&self, pruned: &Pruned) -> Result<(), StoreError> {
        let trash = self.tmp_dir();
        if !pruned.runs.is_empty() {
            self.prepare(&trash)?;
        }
        for run in &pruned.runs {
            let (folder, gone) = (self.runs_dir().join(&run.id), aside(&trash, &run.id)?);
            gone_or(fs::rename(&folder, gone.path().join(&run.id)), &folder)?;
            let path = gone.path().to_owned();
            gone_or(gone.close(), &path)?;
        }
        pruned
            .journals
            .iter()
            .try_for_each(|journal| gone_or(fs::remove_file(journal), journal))
    }
}

/// What another process has deleted already, is deleted.
fn gone_or(result: io::Result<()>, path: &Path) -> Result<(), StoreError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("delete", path, error))
        }
        _ => Ok(()),
    }
}

fn choose<'a>(
    listing: &'a Listing,
    tagged: &BTreeSet<String>,
    rules: PruneRules,
    now: Timestamp,
) -> Vec<&'a RunSummary> {
    let mut seen: BTreeMap<(RunKind, &str, &str), (usize, bool)> = BTreeMap::new();
    let may_go = |run: &&'a RunSummary| {
        let key = (run.kind, run.name.as_str(), run.env.as_str());
        let (newer, had_usable) = seen.entry(key).or_default();
        let rank = *newer;
        *newer += 1;
        let is_newest_usable = run.is_usable() && !*had_usable;
        *had_usable |= run.is_usable();
        let has_tag = run
            .commit
            .as_ref()
            .is_some_and(|commit| tagged.contains(commit));
        let is_old = rules.older_than.is_none_or(|age| is_older(run, age, now));
        !is_newest_usable
            && rank > 0
            && rules.keep.is_none_or(|keep| rank >= keep)
            && is_old
            && (rules.tagged || !has_tag)
    };
    listing.runs.iter().filter(may_go).collect()
}

fn is_older(run: &RunSummary, age: Duration, now: Timestamp) -> bool {
    let started = run.started_at.parse::<Timestamp>();
    started.is_ok_and(|started| is_past(started, age, now))
}

/// Returns whether a moment is longer ago than that.
fn is_past(moment: Timestamp, age: Duration, now: Timestamp) -> bool {
    moment < now && now.duration_since(moment).unsigned_abs() > age
}

fn old_files(folder: &Path, age: Duration, now: Timestamp) -> Result<Vec<PathBuf>, StoreError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| StoreError::io("read", folder, error))?;
        // Of a link this is what is said of the link itself.
        let metadata = entry.metadata();
        let modified = metadata.as_ref().ok().and_then(|it| it.modified().ok());
        let modified = modified.and_then(|it| Timestamp::try_from(it).ok());
        let ours = metadata.is_ok_and(|it| it.is_file()) && is_journal(&entry.file_name());
        if ours && modified.is_some_and(|it| is_past(it, age, now)) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Returns whether a journal has such a name: `SUITE-RUNID.jsonl`.
fn is_journal(name: &OsStr) -> bool {
    let stem = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
    let parts = stem.and_then(|stem| {
        let at = stem.len().checked_sub(RunId::LENGTH + 1)?;
        let (suite, id) = (stem.get(..at)?, stem.get(at..)?);
        Some((suite, id.strip_prefix('-')?))
    });
    parts.is_some_and(|(suite, id)| suite.parse::<Name>().is_ok() && RunId::is_ours(id))
}

/// Returns how many bytes lie at a path and below; no link is followed.
fn size(path: &Path) -> u64 {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| size(&entry.path())).sum()
        }
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::fixture;
    use super::*;

    fn run(id: &str, day: u32, name: &str, commit: &str) -> RunSummary {
        RunSummary {
            id: id.to_owned(),
            name: name.to_owned(),
            commit: Some(commit.to_owned()),
            dirty: false,
            started_at: format!("2026-01-{day:02}T00:00:00Z"),
            ..RunSummary::of(&fixture("v1.0", "load"))
        }
    }

    fn id() -> RunId {
        RunId::new("2026-01-31T00:00:00Z".parse().unwrap())
    }

    fn chosen(runs: Vec<RunSummary>, rules: PruneRules) -> Vec<String> {
        let listing = Listing {
            runs,
            ..Listing::default()
        };
        let tagged = BTreeSet::from(["released".to_owned()]);
        let now = "2026-01-31T00:00:00Z".parse().unwrap();
        let found = choose(&listing, &tagged, rules, now);
        found.iter().map(|run| run.id.clone()).collect()
    }

    #[test]
    fn the_newest_of_each_stay_and_so_do_releases() {
        let runs = || {
            vec![
                run("e", 30, "peak", "a"),
                run("d", 20, "peak", "released"),
                run("c", 15, "other", "a"),
                run("b", 10, "peak", "a"),
                run("a", 5, "peak", "a"),
            ]
        };
        let keep = |keep| PruneRules {
            keep: Some(keep),
            ..PruneRules::default()
        };
        assert_eq!(chosen(runs(), keep(1)), ["b", "a"]);
        assert_eq!(chosen(runs(), keep(3)), ["a"]);
        assert_eq!(
            chosen(
                runs(),
                PruneRules {
                    tagged: true,
                    ..keep(1)
                }
            ),
            ["d", "b", "a"]
        );
        let old = PruneRules {
            older_than: Some(Duration::from_hours(22 * 24)),
            ..PruneRules::default()
        };
        assert_eq!(chosen(runs(), old), ["a"]);
    }

    #[test]
    fn journals_go_by_their_age_on_the_clock_that_is_handed_in() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join(format!("answers-{}.jsonl", id()));
        fs::write(&journal, "").unwrap();
        let written = fs::metadata(&journal).unwrap().modified().unwrap();
        let written = Timestamp::try_from(written).unwrap();
        let after = |hours| written + Duration::from_hours(hours);
        let old = |hours| old_files(folder.path(), Duration::from_hours(3), after(hours)).unwrap();
        assert_eq!(old(2), Vec::<PathBuf>::new());
        assert_eq!(old(4), [journal]);
    }

    #[test]
    fn an_incomplete_run_does_not_push_out_the_last_good_one() {
        let mut newest = run("b", 30, "peak", "a");
        newest.complete = false;
        let all = PruneRules {
            keep: Some(1),
            ..PruneRules::default()
        };
        assert!(chosen(vec![newest, run("a", 5, "peak", "a")], all).is_empty());
    }

    // security 1
    #[test]
    fn only_files_with_names_of_journals_go() {
        let ours = format!("my-suite_2-{}.jsonl", id());
        assert!(is_journal(OsStr::new(&ours)));
        for other in [
            "secrets.jsonl".to_owned(),
            "answers-run-0001.jsonl".to_owned(),
            format!("{}.jsonl", id()),
            format!("-{}.jsonl", id()),
            format!("a b-{}.jsonl", id()),
            format!("answers-{}.json", id()),
            format!("answers-{}x.jsonl", id()),
            format!("ä-{}", id()),
        ] {
            assert!(!is_journal(OsStr::new(&other)), "{other}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("golden.jsonl"), "").unwrap();
        fs::create_dir(folder.path().join(&ours)).unwrap();
        let later = Timestamp::now() + Duration::from_hours(99);
        let found = old_files(folder.path(), Duration::from_hours(1), later).unwrap();
        assert_eq!(found, Vec::<PathBuf>::new());
    }

    // security 18
    #[test]
    fn what_another_prune_has_deleted_is_deleted() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &crate::measure::Clock::System);
        let kept = store.write(&fixture("v1.0", "load")).unwrap();
        let journal = store.journals().unwrap().join("gone.jsonl");
        let pruned = Pruned {
            runs: vec![
                run("gone", 1, "peak", "a"),
                RunSummary::of(&fixture("v1.0", "load")),
            ],
            journals: vec![journal],
            ..Pruned::default()
        };
        for _ in 0..2 {
            store.prune(&pruned).unwrap();
            assert!(!kept.exists());
            let left = fs::read_dir(store.tmp_dir()).unwrap().count();
            assert_eq!(left, 0);
        }
    }
}

//! What to say when the runs that were asked for are not there: what was looked for, what exists,
//! what was meant.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use miette::Diagnostic;

use super::error::StoreError;
use super::listing::{Listing, TRACKED_HELP};
use super::wanted::Wanted;
use crate::error::{Classify, Kind};
use crate::record::{RunSummary, Unusable};
use crate::registry::did_you_mean;

/// How many releases a message names.
const NAMED: usize = 5;

/// Why no runs were selected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelectError {
    /// `latest~x`.
    #[error("`{written}` names no run: after `latest~` comes a number")]
    Latest { written: String },
    /// Neither git nor the store nor the disk knows it.
    #[error("`{written}` is neither a git revision nor a stored run nor a file")]
    Unknown { written: String, help: String },
    /// The start of several ids, or of an id and a commit.
    #[error("`{written}` may mean {}", meanings.join(" or "))]
    Ambiguous {
        written: String,
        meanings: Vec<String>,
    },
    /// Known, but there are no runs of it that can be used.
    #[error("there is no usable run of {looked_for}{unusable}")]
    NoRuns {
        looked_for: String,
        /// Why those that are there cannot be used: empty, or starts with `: `.
        unusable: String,
        help: String,
    },
    /// A file of something that was not asked for.
    #[error("`{}` holds a run of {kind} `{name}`, which was not asked for", path.display())]
    OtherRun {
        path: PathBuf,
        kind: &'static str,
        name: String,
    },
    /// A base that anybody could have written.
    #[error("run `{id}` cannot be a base: git tracks its files")]
    Tracked { id: String },
    /// No base was named and none was found.
    #[error("there is nothing to compare {head} with in environment `{env}`")]
    NothingComparable {
        head: String,
        env: String,
        /// The releases that could not be it, and why: one sentence each.
        passed_over: Vec<String>,
        /// About runs that are left out of account: one sentence each.
        doubts: Vec<String>,
        help: String,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Diagnostic for SelectError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self {
            Self::Latest { .. } => Some(Box::new(
                "`latest~1` is the run before the newest one of the same name.",
            )),
            Self::Ambiguous { .. } => Some(Box::new("Write more of it.")),
            Self::Unknown { help, .. }
            | Self::NoRuns { help, .. }
            | Self::NothingComparable { help, .. } => Some(Box::new(help)),
            Self::OtherRun { .. } => None,
            Self::Tracked { .. } => Some(Box::new(TRACKED_HELP)),
            Self::Store(error) => error.help(),
        }
    }
}

impl Classify for SelectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Latest { .. } | Self::Ambiguous { .. } | Self::OtherRun { .. } => Kind::Usage,
            Self::Unknown { .. } | Self::NoRuns { .. } | Self::Tracked { .. } => Kind::Environment,
            Self::NothingComparable { .. } => Kind::Inconclusive,
            Self::Store(error) => error.kind(),
        }
    }
}

impl SelectError {
    /// What was written is too short a start of ids to mean one of them.
    pub(super) fn ambiguous_start(written: &str, ids: &[&str]) -> Self {
        let shown = ids.iter().take(NAMED).map(|id| format!("run `{id}`"));
        let more = ids.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!("one of {more} more"));
        Self::Ambiguous {
            written: written.to_owned(),
            meanings: shown.chain(more).collect(),
        }
    }

    pub(super) fn unknown(written: &str, git_names: &[String], listing: &Listing) -> Self {
        let tags = listing.runs.iter().filter_map(|run| run.tag.as_deref());
        let candidates = git_names.iter().map(String::as_str).chain(tags);
        let help = match did_you_mean(written, candidates.chain(["latest", "latest~1"])) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => known(listing, None),
        };
        Self::Unknown {
            written: written.to_owned(),
            help,
        }
    }

    pub(super) fn none(
        label: &str,
        commit: Option<&str>,
        wanted: &Wanted<'_>,
        listing: &Listing,
    ) -> Self {
        Self::NoRuns {
            looked_for: looked_for(label, commit, wanted),
            unusable: commit
                .map(|commit| unusable(commit, wanted, listing))
                .unwrap_or_default(),
            help: known(listing, wanted.env),
        }
    }

    pub(super) fn nothing_comparable(
        head: &str,
        env: &str,
        (listing, passed_over): (&Listing, Vec<String>),
    ) -> Self {
        let known = known(listing, Some(env));
        let help = match passed_over.as_slice() {
            [] => known,
            reasons => format!("{}. {known}", reasons.join(". ")),
        };
        Self::NothingComparable {
            head: head.to_owned(),
            env: env.to_owned(),
            passed_over,
            doubts: listing.doubts(),
            help,
        }
    }
}

/// Returns for instance ``eval `answers` of `v1` (commit `1a2b3c4d5e`) in environment `eu` ``.
fn looked_for(label: &str, commit: Option<&str>, wanted: &Wanted<'_>) -> String {
    let what = match (wanted.kind, wanted.name) {
        (Some(kind), Some(name)) => format!("{} `{name}` of ", kind.word()),
        (Some(kind), None) => format!("kind `{}` of ", kind.word()),
        (None, Some(name)) => format!("`{name}` of "),
        (None, None) => String::new(),
    };
    let commit = commit
        .filter(|commit| !commit.starts_with(label))
        .map(|commit| format!(" (commit `{}`)", shown(commit)))
        .unwrap_or_default();
    let env = wanted
        .env
        .map(|env| format!(" in environment `{env}`"))
        .unwrap_or_default();
    format!("{what}`{label}`{commit}{env}")
}

/// Returns why the runs of a commit cannot stand for it: empty, or for instance `: 1 dirty, 2
/// incomplete`.
fn unusable(commit: &str, wanted: &Wanted<'_>, listing: &Listing) -> String {
    let any_env = Wanted {
        env: None,
        ..*wanted
    };
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for run in &listing.runs {
        if run.commit.as_deref() != Some(commit) || !any_env.admits(run) {
            continue;
        }
        let reason = reason(run, wanted);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    if reasons.is_empty() {
        return String::new();
    }
    let counted: Vec<String> = reasons
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    format!(": {}", counted.join(", "))
}

fn reason(run: &RunSummary, wanted: &Wanted<'_>) -> &'static str {
    run.no_base()
        .filter(|it| *it != Unusable::Unmeasured)
        .filter(|it| *it != Unusable::Tracked || wanted.trusted)
        .map_or("in another environment", Unusable::words)
}

/// Returns a sentence that names the releases of which there are runs, newest first.
fn known(listing: &Listing, env: Option<&str>) -> String {
    let mut seen = BTreeSet::new();
    let releases: Vec<String> = listing
        .runs
        .iter()
        .filter(|run| env.is_none_or(|env| env == run.env))
        .filter(|run| seen.insert((run.commit.as_deref(), run.dirty)))
        .map(release)
        .collect();
    if releases.is_empty() {
        return match env {
            Some(env) => format!("No run is stored in environment `{env}` yet."),
            None => {
                "No run is stored yet: `stagegate load` and `stagegate eval` make some.".to_owned()
            }
        };
    }
    let more = match releases.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let named = &releases[..releases.len().min(NAMED)];
    format!("Runs are stored of {}{more}.", named.join(", "))
}

/// Returns for instance ``commit `1a2b3c4d5e` (at or after `v1`, dirty)``.
fn release(run: &RunSummary) -> String {
    let Some(commit) = &run.commit else {
        return "no commit".to_owned();
    };
    let tag = run.tag.as_ref().map(|tag| format!("at or after `{tag}`"));
    let dirty = run.dirty.then(|| "dirty".to_owned());
    let notes: Vec<String> = tag.into_iter().chain(dirty).collect();
    if notes.is_empty() {
        format!("commit `{}`", shown(commit))
    } else {
        format!("commit `{}` ({})", shown(commit), notes.join(", "))
    }
}

/// Returns a commit's id as it is shown.
fn shown(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{RunKind, RunRecord};
    use crate::store::testing::{dirty, gate_at, in_env, incomplete, invalid, run_at};

    fn listing(runs: impl IntoIterator<Item = RunRecord>) -> Listing {
        Listing {
            runs: runs.into_iter().map(|run| RunSummary::of(&run)).collect(),
            broken: Vec::new(),
        }
    }

    fn help(error: &SelectError) -> String {
        error.help().map(|it| it.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_slip_is_told_from_what_is_not_there() {
        let names = ["main".to_owned(), "v1.2.0".to_owned()];
        let unknown = |written: &str| SelectError::unknown(written, &names, &Listing::default());
        assert_eq!(help(&unknown("mian")), "Did you mean `main`?");
        assert_eq!(help(&unknown("latst")), "Did you mean `latest`?");
        let nothing = "No run is stored yet: `stagegate load` and `stagegate eval` make some.";
        assert_eq!(help(&unknown("feature/answers")), nothing);
        assert_eq!(unknown("mian").kind(), Kind::Environment);
    }

    #[test]
    fn a_short_start_names_some_of_its_meanings() {
        let ids = ["a1", "a2", "a3", "a4", "a5", "a6", "a7"];
        let error = SelectError::ambiguous_start("a", &ids);
        let told = "`a` may mean run `a1` or run `a2` or run `a3` or run `a4` or run `a5` or one of 2 more";
        assert_eq!(error.to_string(), told);
        let two = SelectError::ambiguous_start("a", &ids[..2]);
        assert_eq!(two.to_string(), "`a` may mean run `a1` or run `a2`");
        assert_eq!(
            (two.kind(), help(&two).as_str()),
            (Kind::Usage, "Write more of it.")
        );
    }

    #[test]
    fn why_the_runs_of_a_commit_cannot_be_used_is_counted_by_reason() {
        let commit = Some("c0ffee0123456789");
        let listing = listing(vec![
            dirty(run_at(1, commit)),
            incomplete(run_at(2, commit)),
            incomplete(run_at(3, commit)),
            invalid(run_at(4, commit)),
            in_env(run_at(5, commit), "eu"),
            run_at(6, Some("another")),
            gate_at(7, commit, &[]),
        ]);
        let wanted = Wanted {
            kind: Some(RunKind::Load),
            name: Some("peak"),
            env: Some("us"),
            gate: false,
            trusted: false,
        };
        let error = SelectError::none("v1", commit, &wanted, &listing);
        assert_eq!(
            error.to_string(),
            "there is no usable run of load `peak` of `v1` (commit `c0ffee0123`) in environment `us`: \
             1 of a dirty work tree, 2 incomplete, 1 invalid, 1 in another environment"
        );
        assert_eq!(help(&error), "No run is stored in environment `us` yet.");
    }

    #[test]
    fn what_was_looked_for_is_told_as_far_as_it_was_said() {
        let any = Wanted::default();
        assert_eq!(looked_for("v1", None, &any), "`v1`");
        // A commit is not told twice.
        assert_eq!(
            looked_for("c0ffee", Some("c0ffee01234567"), &any),
            "`c0ffee`"
        );
        let named = Wanted {
            name: Some("peak"),
            ..any
        };
        assert_eq!(looked_for("v1", None, &named), "`peak` of `v1`");
        let of_kind = Wanted {
            kind: Some(RunKind::Eval),
            ..any
        };
        assert_eq!(looked_for("v1", None, &of_kind), "kind `eval` of `v1`");
    }

    #[test]
    fn releases_are_named_once_and_not_all() {
        let commits = ["c1", "c2", "c3", "c4", "c5", "c6", "c7"];
        let twice = commits.iter().chain(&commits);
        let listing = listing((0..).zip(twice).map(|(at, it)| run_at(at, Some(it))));
        let told = "Runs are stored of commit `c1`, commit `c2`, commit `c3`, commit `c4`, commit `c5`, and 2 more.";
        assert_eq!(known(&listing, None), told);
        let outside = self::listing([run_at(1, None), dirty(run_at(2, Some("c1")))]);
        assert_eq!(
            known(&outside, None),
            "Runs are stored of no commit, commit `c1` (dirty)."
        );
    }

    #[test]
    fn a_base_that_was_passed_over_is_told_with_the_reason() {
        let passed = vec!["`c2` is no base: its gate failed".to_owned()];
        let empty = Listing::default();
        let error = SelectError::nothing_comparable("`c3`", "eu", (&empty, passed));
        assert_eq!(
            error.to_string(),
            "there is nothing to compare `c3` with in environment `eu`"
        );
        let told = "`c2` is no base: its gate failed. No run is stored in environment `eu` yet.";
        assert_eq!(
            (error.kind(), help(&error).as_str()),
            (Kind::Inconclusive, told)
        );
    }
}

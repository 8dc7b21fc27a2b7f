//! The base that a gate holds its head against.

use miette::Diagnostic;

use crate::error::{Classify, Kind, Result};
use crate::experiment::Experiment;
use crate::git::Git;
use crate::manifest::Measuring;
use crate::plan::GatePlan;
use crate::record::{Release, RunKind, dirty_sentence};
use crate::store::{Base, Head, RunRef, SelectError, Selection, Wanted};

/// Of a clone without its whole history.
pub(super) const SHALLOW: &str = "this clone is shallow, so that earlier releases may be out of sight: fetch the whole history \
     (`git fetch --unshallow`, or `fetch-depth: 0` in CI)";

/// The base of a gate, if there is one, and the releases that could not be it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) base: Option<Selection>,
    pub(super) passed_over: Vec<String>,
}

/// Finds the base.
pub(super) fn base_of(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    reference: Option<&RunRef>,
) -> Result<Found> {
    let (store, git) = (&experiment.store, Git::open(&experiment.project.folder));
    let takes_turns = matches!(plan.measuring, Measuring::Abba(_));
    if let Some(reference) = reference {
        return named_base(experiment, &git, (reference, takes_turns));
    }
    let head = head_of(experiment, plan);
    match store.default_base(&git, &head) {
        Ok(Base {
            selection,
            passed_over,
            doubts,
        }) => {
            say_base(experiment, &selection, &doubts);
            Ok(Found {
                base: Some(selection),
                passed_over,
            })
        }
        Err(SelectError::NothingComparable {
            mut passed_over,
            doubts,
            ..
        }) => {
            for doubt in doubts {
                experiment.warn(doubt);
            }
            if !takes_turns {
                say_no_base(experiment, &passed_over, git.is_shallow());
            }
            passed_over.extend(git.is_shallow().then(|| SHALLOW.to_owned()));
            Ok(Found {
                base: None,
                passed_over,
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the head, before it is measured.
pub(super) fn head_of<'a>(experiment: &'a Experiment, plan: &'a GatePlan<'_>) -> Head<'a> {
    let loads = plan.loads.iter();
    let loads = loads.map(|it| (RunKind::Load, it.name.as_str()));
    let evals = plan.evals.iter();
    let evals = evals.map(|it| (RunKind::Eval, it.name.as_str()));
    Head {
        commit: experiment.release.commit.as_deref(),
        dirty: experiment.release.dirty,
        env: experiment.project.env_name.as_str(),
        measured: loads.chain(evals).collect(),
        runs: Vec::new(),
        takes_failed: plan.takes_failed,
    }
}

/// Finds the base that was asked for. What takes turns needs no run of it, where it is a commit.
fn named_base(
    experiment: &Experiment,
    git: &Git,
    (reference, takes_turns): (&RunRef, bool),
) -> Result<Found> {
    let wanted = Wanted {
        env: Some(experiment.project.env_name.as_str()),
        trusted: true,
        ..Wanted::default()
    };
    let base = match experiment.store.select(git, reference, &wanted) {
        Err(SelectError::NoRuns { .. }) if takes_turns && is_commit(git, reference) => {
            return Ok(Found::default());
        }
        selected => selected?,
    };
    if let RunRef::Path(path) = reference
        && git.tracks(path)
    {
        experiment.warn(format!(
            "git tracks the base `{}`: whoever can make a commit decides what the head is held against",
            path.display()
        ));
    }
    say_base(experiment, &base, &base.doubts);
    Ok(Found {
        base: Some(base),
        passed_over: Vec::new(),
    })
}

fn is_commit(git: &Git, reference: &RunRef) -> bool {
    matches!(reference, RunRef::Named(revision) if git.resolve(revision).is_some())
}

/// Says which runs the head will be held against, and which were left out of account.
fn say_base(experiment: &Experiment, base: &Selection, doubts: &[String]) {
    for doubt in doubts {
        experiment.warn(doubt);
    }
    let runs = base.runs.iter();
    let runs: Vec<String> = runs.map(|run| format!("`{}`", run.id)).collect();
    let (label, runs) = (base.tag.as_ref().unwrap_or(&base.label), runs.join(", "));
    experiment.note(format!("the base is `{label}`, measured by {runs}"));
}

/// Says that there is no base, and which releases could not be it.
fn say_no_base(experiment: &Experiment, passed_over: &[String], is_shallow: bool) {
    let begins =
        "no earlier release that can be a base was measured here: only the absolute rules count";
    let said = std::iter::once(begins).chain(passed_over.iter().map(String::as_str));
    experiment.note(said.collect::<Vec<_>>().join("; "));
    if is_shallow {
        experiment.warn(SHALLOW);
    }
}

/// Base and head cannot take turns.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTurns {
    #[error("git knows no commit `{0}` to take turns with")]
    NoCommit(String),
    #[error("{0}: a switch puts commits into the slot, and the head is none")]
    Dirty(String),
}

impl Diagnostic for NoTurns {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(match self {
            Self::NoCommit(_) => {
                "Name a branch, a tag, or a commit, or fetch the history that it is in."
            }
            Self::Dirty(_) => {
                "Commit first, or take the store's sessions: `--set gate.mode=stored` without `[gate.switch]`."
            }
        }))
    }
}

impl Classify for NoTurns {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// Returns the release that takes turns with the head: that of the base's runs, or where nothing is
/// stored of one, the commit that was named, or the nearest before the head whose gate did not
/// fail: from where its branch has left the default one, or on that the commit before. `None` where
/// there is none.
pub(super) fn release_of(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    reference: Option<&RunRef>,
    found: &mut Found,
) -> Result<Option<Release>> {
    let own = &experiment.release;
    if let Some(dirty) = dirty_sentence(own.dirty, &own.dirt) {
        return Err(NoTurns::Dirty(dirty).into());
    }
    let stored = found.base.as_ref().and_then(|base| base.runs.first());
    if let Some(release) = stored.map(|run| &run.release)
        && release.commit.is_some()
    {
        return Ok(Some(release.clone()));
    }
    let git = Git::open(&experiment.project.folder);
    let commit = match (reference, &own.commit) {
        (Some(RunRef::Named(revision)), _) => match git.resolve(revision) {
            Some(commit) => Some(commit),
            None => return Err(NoTurns::NoCommit(revision.clone()).into()),
        },
        (_, None) => None,
        (_, Some(head)) => {
            let fork = git.fork_point(head).filter(|fork| fork != head);
            let from = fork.clone().unwrap_or_else(|| head.clone());
            let commits = fork.into_iter().chain(git.first_parents(&from));
            let of_head = head_of(experiment, plan);
            let (commit, passed_over) = experiment.store.first_not_failed(commits, &of_head)?;
            found.passed_over = passed_over;
            commit
        }
    };
    for sentence in &found.passed_over {
        experiment.note(sentence);
    }
    let Some(commit) = commit else {
        experiment
            .warn("no earlier commit is known to take turns with: only the absolute rules count");
        if git.is_shallow() {
            experiment.warn(SHALLOW);
        }
        return Ok(None);
    };
    experiment.note(format!(
        "the base is `{}`",
        commit.get(..7).unwrap_or(&commit)
    ));
    Ok(Some(Release {
        commit: Some(commit),
        manifest: own.manifest.clone(),
        ..Release::default()
    }))
}

//! The stored runs that a command line names.

use miette::Diagnostic;

use super::Context;
use crate::error::{Classify, Kind, Result};
use crate::git::Git;
use crate::record::RunRecord;
use crate::store::{Base, Head, RunRef, SelectError, Selection, Store, Wanted};

/// Several runs where one was asked for.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("`{label}` has {count} runs: {names}")]
#[diagnostic(help("Name one of them by its id, or with `--name`."))]
pub(crate) struct SeveralRuns {
    label: String,
    count: usize,
    names: String,
}

impl Classify for SeveralRuns {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// The store and the repository of the project at hand; the manifest itself is not needed to look
/// at runs.
pub(super) struct Stored<'a> {
    context: &'a Context,
    pub(super) store: Store,
    pub(super) git: Git,
    /// The environment that was asked for.
    pub(super) env: Option<&'a str>,
}

impl<'a> Stored<'a> {
    /// Opens them.
    pub(super) fn open(context: &'a Context) -> Self {
        let folder = context.folder();
        Self {
            context,
            store: Store::open(&folder, &context.clock),
            git: Git::open(&folder),
            env: context.global.env.first().map(String::as_str),
        }
    }

    /// Returns what is asked for where nothing else is said.
    pub(super) fn wanted(&self) -> Wanted<'a> {
        Wanted {
            env: self.env,
            ..Wanted::default()
        }
    }

    /// Finds the runs that a reference means; `-C` stands before the path of an exported file.
    pub(super) fn select(&self, reference: &RunRef, wanted: &Wanted<'_>) -> Result<Selection> {
        let located = match reference {
            RunRef::Path(path) => &RunRef::Path(self.context.path(path)),
            other => other,
        };
        let found = self.store.select(&self.git, located, wanted)?;
        self.tell(&found.doubts);
        Ok(found)
    }

    /// Finds what was measured before a release.
    pub(super) fn before(&self, head: &Selection) -> Result<Selection> {
        let found = self.store.default_base(&self.git, &Head::of(head));
        if let Ok(Base { doubts, .. }) | Err(SelectError::NothingComparable { doubts, .. }) = &found
        {
            self.tell(doubts);
        }
        Ok(found?.selection)
    }

    /// Says which runs were left out of account.
    fn tell(&self, doubts: &[String]) {
        for doubt in doubts {
            self.context.ui.warn(doubt);
        }
    }
}

/// Returns the run of a selection that must be one.
pub(super) fn only_run(selection: Selection) -> Result<RunRecord, SeveralRuns> {
    let count = selection.runs.len();
    let names = selection.runs.iter();
    let names = names.map(|run| format!("{} {} ({})", run.kind.word(), run.name, run.id));
    let names: Vec<String> = names.collect();
    let first = selection.runs.into_iter().next();
    first.filter(|_| count == 1).ok_or_else(|| SeveralRuns {
        label: selection.label,
        count,
        names: names.join(", "),
    })
}

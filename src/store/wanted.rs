//! Which of the runs that a reference names are meant.

use crate::record::{RunKind, RunRecord, RunSummary};

/// Which runs of a side are asked for; `None` is any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) kind: Option<RunKind>,
    pub(crate) name: Option<&'a str>,
    /// Not looked at for a run named by id or a file: naming it is asking for its environment.
    pub(crate) env: Option<&'a str>,
    /// Whether a gate that is named, by its id or a file, is meant itself, for the comparison that
    /// it holds. Else, and where it holds none, it stands for the runs that it made.
    pub(crate) gate: bool,
    /// Whether runs in files that git tracks are left out: whoever made the commit could have
    /// written them.
    pub(crate) trusted: bool,
}

impl Wanted<'_> {
    /// Returns whether the kind and name are those asked for. A run of kind `gate` measured nothing
    /// itself and is meant only when asked for.
    pub(super) fn takes(&self, kind: RunKind, name: &str) -> bool {
        let kind_fits = match self.kind {
            Some(wanted) => wanted == kind,
            None => kind != RunKind::Gate,
        };
        kind_fits && self.name.is_none_or(|wanted| wanted == name)
    }

    /// Returns whether a gate is meant itself.
    pub(super) fn takes_gate(&self, gate: &RunRecord) -> bool {
        self.gate && gate.diff.is_some() && self.name.is_none_or(|wanted| wanted == gate.name)
    }

    /// Returns whether a run may be meant, whoever could have written it.
    pub(super) fn trusts(&self, run: &RunSummary) -> bool {
        !(self.trusted && run.tracked)
    }

    /// Returns whether a run in the list is asked for, its environment included.
    pub(super) fn admits(&self, run: &RunSummary) -> bool {
        self.takes(run.kind, &run.name) && self.env.is_none_or(|env| env == run.env)
    }
}

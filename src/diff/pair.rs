//! Which run of the base each run of the head is put beside, and which runs cannot be compared at
//! all.

use std::collections::BTreeMap;

use crate::record::{RunKind, RunRecord, ValidityVerdict};

/// The runs of two releases, paired.
pub(super) struct Pairing<'a> {
    /// The newest run of the head of each kind, name, and environment.
    pub(super) pairs: Vec<Matched<'a>>,
    /// The newest runs of the base, each with the head's run that stands in its place, if there is
    /// one.
    pub(super) before: Vec<(&'a RunRecord, Option<&'a RunRecord>)>,
}

/// A run of the head and the run of the base it is compared with.
pub(super) struct Matched<'a> {
    base: Option<&'a RunRecord>,
    pub(super) head: &'a RunRecord,
}

/// Which side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SideName {
    Base,
    Head,
}

impl SideName {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }
}

impl<'a> Pairing<'a> {
    /// Pairs by kind and name, within an environment where both sides have it; of several runs the
    /// newest counts.
    pub(super) fn new(base: &'a [RunRecord], head: &'a [RunRecord]) -> Self {
        let pairs = newest(head).into_iter().map(|head| Matched {
            base: partner(head, base),
            head,
        });
        let before = newest(base)
            .into_iter()
            .map(|run| (run, partner(run, head)));
        Self {
            pairs: pairs.collect(),
            before: before.collect(),
        }
    }

    /// Returns whether a run of the generator itself was refused.
    pub(super) fn has_invalid(&self) -> bool {
        let heads = self.pairs.iter().map(|pair| pair.head);
        heads
            .chain(self.before.iter().map(|(base, _)| *base))
            .any(is_invalid)
    }
}

impl<'a> Matched<'a> {
    /// Returns the run of the base, if it may decide anything.
    pub(super) fn base(&self) -> Option<&'a RunRecord> {
        self.base.filter(|run| unfit(run).is_none())
    }

    /// Returns whether the head's run may decide anything.
    pub(super) fn is_fit(&self) -> bool {
        unfit(self.head).is_none()
    }

    /// Returns the runs that must not decide anything, each with its side and the reason.
    pub(super) fn unfit(&self) -> Vec<(SideName, &'a RunRecord, String)> {
        [
            (SideName::Base, self.base),
            (SideName::Head, Some(self.head)),
        ]
        .into_iter()
        .filter_map(|(side, run)| Some((side, run?, unfit(run?)?)))
        .collect()
    }
}

/// Returns why a run decides nothing: it is no measurement, or was not finished.
fn unfit(run: &RunRecord) -> Option<String> {
    if is_invalid(run) {
        return Some(format!("is invalid: {}", run.validity.reasons.join(", ")));
    }
    if run.complete {
        return None;
    }
    let how_far = run.eval.as_ref().map_or_else(String::new, |eval| {
        let planned = eval.golden.cases * u64::from(eval.repeats.max(1));
        format!(", {} of {planned} answers", eval.cases.len())
    });
    Some(format!(
        "is incomplete{how_far}, so that it decides nothing"
    ))
}

/// Returns whether the generator declared the run invalid.
pub(super) fn is_invalid(run: &RunRecord) -> bool {
    run.validity.verdict == ValidityVerdict::Invalid
}

/// Returns the newest run of each kind, name, and environment; ids are ordered by time.
fn newest(runs: &[RunRecord]) -> Vec<&RunRecord> {
    let mut chosen: BTreeMap<(RunKind, &String, &String), &RunRecord> = BTreeMap::new();
    for run in runs {
        let place = chosen.entry((run.kind, &run.name, &run.env)).or_insert(run);
        if run.id > place.id {
            *place = run;
        }
    }
    chosen.into_values().collect()
}

/// Returns the other side's run of the same kind and name, of the same environment where there is
/// one.
fn partner<'a>(run: &RunRecord, others: &'a [RunRecord]) -> Option<&'a RunRecord> {
    others
        .iter()
        .filter(|other| other.kind == run.kind && other.name == run.name)
        .max_by_key(|other| (other.env == run.env, &other.id))
}

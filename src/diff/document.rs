//! The three passes, one after another, and the document that is made of them.

use std::collections::BTreeSet;

use super::blame::blame;
use super::compare::compare as put_side_by_side;
use super::context::Context;
use super::judge::judge;
use super::pair::Pairing;
use super::summary::{reasons, sentence};
use crate::record::{
    BASE_SIDE, Changed, DIFF_SCHEMA, DiffDocument, FormatVersion, RunRecord, Side,
};

/// Compares the runs of two releases, judges rules and SLOs, and says what decided.
///
/// The runs are those the store chose: of each kind and name the one that stands for its release
/// (of several, the newest counts). It fails when a pass rate, of a suite or of a slice, is shown
/// to be lower, when an SLO that the base met is missed, when a `must_pass` case did not pass, when
/// every request of the head failed, or when a rule is broken; it is inconclusive when a rule
/// cannot be judged or there was nothing to decide by, and passed otherwise.
pub(crate) fn compare(
    base: &[RunRecord],
    head: &[RunRecord],
    context: &Context<'_>,
) -> DiffDocument {
    let pairing = Pairing::new(base, head);
    let compared = put_side_by_side(&pairing, context);
    let judged = judge(&pairing, &compared, context);
    let blame = blame(&pairing, &judged, context);
    let reasons = reasons(&pairing, &compared, &judged, &blame, context);
    DiffDocument {
        schema: DIFF_SCHEMA.to_owned(),
        version: FormatVersion::CURRENT,
        base: side(base),
        head: side(head),
        verdict: judged.verdict,
        interrupted: false,
        comparisons: judged.rows.into_iter().map(|row| row.comparison).collect(),
        cases: compared.cases,
        blame,
        changed: changed(base, head),
        summary: sentence(judged.verdict, &reasons),
        reasons,
    }
}

fn side(runs: &[RunRecord]) -> Side {
    let newest = runs.iter().max_by_key(|run| &run.id);
    let mut ids: Vec<String> = runs.iter().map(|run| run.id.clone()).collect();
    ids.sort();
    Side {
        id: newest.map(|run| run.id.clone()),
        commit: newest.and_then(|run| run.release.commit.clone()),
        tag: newest.and_then(|run| run.release.tag.clone()),
        runs: ids,
        passed_over: Vec::new(),
        dirty: newest.is_some_and(|run| run.release.dirty),
        dirt: newest.map_or_else(Vec::new, |run| run.release.dirt.clone()),
    }
}

fn changed(base: &[RunRecord], head: &[RunRecord]) -> Changed {
    let newest = |runs: &'_ [RunRecord]| runs.iter().max_by_key(|run| &run.id).cloned();
    let (Some(base), Some(head)) = (newest(base), newest(head)) else {
        return Changed::default();
    };
    let is_side = base.overrides.iter().any(|it| it == BASE_SIDE);
    let (before, after) = (base.release.versions, head.release.versions);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let versions = names
        .into_iter()
        // Of the base's side of a gate only what its stages tell is known.
        .filter(|name| before.contains_key(*name) || !is_side)
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            (
                name.clone(),
                (before.get(name).cloned(), after.get(name).cloned()),
            )
        })
        .collect();
    Changed {
        manifest: base.release.manifest != head.release.manifest,
        versions,
    }
}

#[cfg(test)]
mod tests;

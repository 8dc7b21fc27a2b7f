//! What the templates of a manifest refer to: environments' keys, stages, and secrets.

use std::collections::{BTreeMap, BTreeSet};

use super::Known;
use crate::manifest::error::Problems;
use crate::manifest::kind::KindTable;
use crate::manifest::model::{Manifest, Span};
use crate::name::Name;
use crate::registry::suggest;

/// Checks every reference and returns the secrets, with the stages that need each.
pub(super) fn check(
    manifest: &Manifest,
    known: &Known,
    problems: &mut Problems,
) -> BTreeMap<String, BTreeSet<Name>> {
    let stages = manifest
        .stages
        .iter()
        .map(|stage| (&stage.name, &stage.kind));
    let asserts = manifest.evals.iter().flat_map(|eval| {
        let asserts = eval.asserts.iter();
        asserts.map(move |assert| (&eval.stage, assert))
    });
    let faults = manifest.faults.iter().map(|it| (&it.stage, &it.inject));
    let mut secrets: BTreeMap<String, BTreeSet<Name>> = BTreeMap::new();
    for (stage, table) in stages.chain(asserts).chain(faults) {
        for (reference, span) in table.references() {
            match reference.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["env", key, ..] => environment(key, &span, table, manifest, problems),
                ["steps", step, ..] => self::step(step, &span, table, known, problems),
                ["secret", name, ..] => {
                    let stages = secrets.entry(name.to_owned()).or_default();
                    stages.insert(stage.clone());
                }
                _ => {}
            }
        }
    }
    secrets
}

/// A key must be there whichever environment is picked.
fn environment(
    key: &str,
    span: &Span,
    table: &KindTable,
    manifest: &Manifest,
    problems: &mut Problems,
) {
    let environments = &manifest.environments;
    let lacking: Vec<String> = environments
        .iter()
        .filter(|(_, environment)| !environment.values.contains_key(key))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let what = table.what();
    if environments.is_empty() {
        let message = format!("{what}: there is no environment to take `env.{key}` from");
        let help = format!("Add `[env.local]` with `{key} = …`.");
        problems.at(span.clone(), message, Some(help));
    } else if !lacking.is_empty() {
        let plural = if lacking.len() == 1 { "" } else { "s" };
        let lacking_all = lacking.len() == environments.len();
        let lacking = lacking.join(", ");
        let message = format!("{what}: `env.{key}` is missing in environment{plural} {lacking}");
        let keys = environments.values().flat_map(|it| it.values.keys());
        let keys: Vec<&str> = keys.map(String::as_str).collect();
        let help = if lacking_all {
            suggest(key, &keys)
        } else {
            Some(format!("Every environment needs `{key}`."))
        };
        problems.at(span.clone(), message, help);
    }
}

fn step(step: &str, span: &Span, table: &KindTable, known: &Known, problems: &mut Problems) {
    if known.stages.iter().any(|stage| stage == step) {
        return;
    }
    let hyphenated = known.stages.iter();
    let mut hyphenated = hyphenated.filter(|stage| stage.starts_with(&format!("{step}-")));
    let help = if let Some(stage) = hyphenated.next() {
        Some(format!("A name with `-` is written `steps[\"{stage}\"]`."))
    } else {
        let stages: Vec<&str> = known.stages.iter().map(String::as_str).collect();
        suggest(step, &stages)
    };
    let message = format!("{}: there is no stage `{step}`", table.what());
    problems.at(span.clone(), message, help);
}

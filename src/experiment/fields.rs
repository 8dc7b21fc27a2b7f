//! The fields of cases that templates ask for, held against the cases of a golden set.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::golden::{Case, GoldenSet};
use crate::manifest::{KindTable, Manifest, Problems};
use crate::name::Name;
use crate::registry::did_you_mean;

/// Reports each field that a template of these tables asks for and no case has: every request would
/// fail, one by one (stumbles S3). `said` holds the places that were reported already.
pub(super) fn check<'a>(
    tables: impl Iterator<Item = &'a KindTable>,
    set: &GoldenSet,
    said: &mut BTreeSet<(usize, String)>,
    problems: &mut Problems,
) {
    for table in tables {
        for (reference, span) in table.needed_references() {
            if let Some((message, help)) = lacking(&reference, set)
                && said.insert((span.start, message.clone()))
            {
                problems.at(span, format!("{}: {message}", table.what()), Some(help));
            }
        }
    }
}

/// Reports each field that a template of these tables asks for where there are no cases at all;
/// `what` has none.
pub(super) fn check_without_cases<'a>(
    tables: impl Iterator<Item = &'a KindTable>,
    what: &str,
    said: &mut BTreeSet<(usize, String)>,
    problems: &mut Problems,
) {
    for table in tables {
        for (reference, span) in table.needed_references() {
            let is_of_case = matches!(
                reference.first().map(String::as_str),
                Some("input" | "expected")
            );
            let (written, whose) = (reference.join("."), table.what());
            let message = format!("{whose}: there is no `{written}`, as {what} has no `data`");
            if is_of_case && reference.len() > 1 && said.insert((span.start, message.clone())) {
                let help = "Name a golden set with `data`: `data = \"golden/cases.jsonl\"`.";
                problems.at(span, message, Some(help.to_owned()));
            }
        }
    }
}

/// Returns the tables of all stages that are called for a target: its own, those of its steps, and
/// of the steps that their requests need.
pub(super) fn called<'a>(manifest: &'a Manifest, target: &'a Name) -> Vec<&'a KindTable> {
    let mut names: Vec<&str> = manifest.steps_of(target).iter().map(Name::as_str).collect();
    let mut tables = Vec::new();
    let mut at = 0;
    while let Some(stage) = names.get(at).and_then(|name| manifest.stage(name)) {
        for (reference, _) in stage.kind.references() {
            let step = match reference.as_slice() {
                [root, step, ..] if root == "steps" => manifest.stage(step),
                _ => None,
            };
            if let Some(step) = step.filter(|step| !names.contains(&step.name.as_str())) {
                names.push(step.name.as_str());
            }
        }
        tables.push(&stage.kind);
        at += 1;
    }
    tables
}

/// Says what is wrong with a reference that no case can answer, and the way out.
fn lacking(reference: &[String], set: &GoldenSet) -> Option<(String, String)> {
    let (root, fields) = reference.split_first()?;
    let of: fn(&Case) -> &Value = match root.as_str() {
        "input" => |case| &case.input,
        "expected" => |case| &case.expected,
        _ => return None,
    };
    let mut values = set.cases.iter().map(of);
    if fields.is_empty() || set.cases.is_empty() || values.any(|it| step(it, fields).is_some()) {
        return None;
    }
    let (written, path) = (reference.join("."), &set.path);
    let message = format!("no case of `{path}` has `{written}`");
    Some((message, near(set.cases.iter().map(of), root, fields)?))
}

fn step<'a>(value: &'a Value, fields: &[String]) -> Option<&'a Value> {
    fields.iter().try_fold(value, |value, field| match value {
        Value::Array(items) => items.get(field.parse::<usize>().ok()?),
        value => value.get(field),
    })
}

/// Names the field that was meant, or those that there are.
fn near<'a>(
    values: impl Iterator<Item = &'a Value>,
    root: &str,
    fields: &[String],
) -> Option<String> {
    let (last, before) = fields.split_last()?;
    let parents = values.filter_map(|value| step(value, before)?.as_object());
    let known: BTreeSet<&str> = parents
        .flat_map(|it| it.keys())
        .map(String::as_str)
        .collect();
    let place = |field: &str| {
        let path: Vec<&str> = std::iter::once(root)
            .chain(before.iter().map(String::as_str))
            .chain([field])
            .collect();
        path.join(".")
    };
    if known.is_empty() {
        return Some(format!(
            "`{root}` of the cases is a text, a number, or a list: write `{{{{ {root} }}}}`."
        ));
    }
    Some(match did_you_mean(last, known.iter().copied()) {
        Some(near) => format!("Did you mean `{}`?", place(near)),
        None => format!(
            "The cases have {}.",
            known
                .iter()
                .map(|it| format!("`{}`", place(it)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    })
}

//! The fields of cases that templates ask for, held against the cases of a golden set.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::golden::{Case, GoldenSet};
use crate::manifest::{Eval, Manifest, Problems};
use crate::registry::did_you_mean;

/// Reports each field that a template of the suite asks for and no case has: every request would
/// fail, one by one (stumbles S3).
pub(super) fn check(eval: &Eval, set: &GoldenSet, manifest: &Manifest, problems: &mut Problems) {
    let target = eval.stage.as_str();
    let steps = manifest.pipeline(target).map(|it| it.steps.as_slice());
    let names = steps.unwrap_or(std::slice::from_ref(&eval.stage));
    let stages = names.iter().filter_map(|it| manifest.stage(it.as_str()));
    let tables = stages.map(|stage| &stage.kind).chain(&eval.asserts);
    for table in tables {
        for (reference, span) in table.needed_references() {
            if let Some((message, help)) = lacking(&reference, eval, set) {
                problems.at(span, format!("{}: {message}", table.what()), Some(help));
            }
        }
    }
}

/// Says what is wrong with a reference that no case can answer, and the way out.
fn lacking(reference: &[String], eval: &Eval, set: &GoldenSet) -> Option<(String, String)> {
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
    let (written, path) = (reference.join("."), eval.golden.display());
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

//! What can be known of a template from its text: plain references, subscripts, and filters.

use std::collections::BTreeSet;

use super::jinja;
use super::scope::ROOTS;
use crate::registry::did_you_mean;

/// A dotted reference, for instance `input.question`, in its segments.
pub(crate) type Reference = Vec<String>;

/// A piece of a template that needs no engine.
#[derive(Clone)]
pub(super) enum Part {
    Text(String),
    Reference(Reference),
}

/// Splits a text that holds nothing but plain references; `None` where the engine is needed.
pub(super) fn parts(text: &str) -> Option<Vec<Part>> {
    if text.contains("{%") || text.contains("{#") {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, after) = after.split_once("}}")?;
        let path: Reference = inside.trim().split('.').map(str::to_owned).collect();
        let plain = ROOTS.contains(&path[0].as_str()) && path.iter().all(|key| is_identifier(key));
        if !plain {
            return None;
        }
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Reference(path));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Some(parts)
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn plain_references(parts: &[Part]) -> Vec<Reference> {
    let paths = parts.iter().filter_map(|part| match part {
        Part::Text(_) => None,
        Part::Reference(path) => Some(path.clone()),
    });
    paths.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Adds the names that stand in `steps["my-stage"]`, which the engine reports as `steps` alone.
pub(super) fn with_subscripts(text: &str, names: &BTreeSet<String>) -> Vec<Reference> {
    let mut references: BTreeSet<Reference> = names
        .iter()
        .map(|name| name.split('.').map(str::to_owned).collect())
        .collect();
    for root in ROOTS {
        let bare = vec![root.to_owned()];
        if !references.contains(&bare) {
            continue;
        }
        let subscripts: Vec<Reference> = subscripts(text, root)
            .map(|key| vec![root.to_owned(), key.to_owned()])
            .collect();
        if !subscripts.is_empty() {
            references.remove(&bare);
            references.extend(subscripts);
        }
    }
    references.into_iter().collect()
}

/// Returns the quoted keys directly after a root.
fn subscripts<'a>(text: &'a str, root: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(root).filter_map(move |(at, _)| {
        let rest = text[at + root.len()..].trim_start().strip_prefix('[')?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest[1..].split(quote).next()
    })
}

pub(super) fn check_reference(reference: &[String]) -> Result<(), String> {
    let root = reference.first().map_or("", String::as_str);
    if !ROOTS.contains(&root) {
        let known = ROOTS.map(|root| format!("`{root}`")).join(", ");
        return Err(match did_you_mean(root, ROOTS) {
            Some(near) => format!("`{root}` is not known; did you mean `{near}`?"),
            None => format!(
                "`{root}` is not known, only {known}; a name with `-` is written `steps[\"my-stage\"]`"
            ),
        });
    }
    if reference.len() == 1 && !matches!(root, "input" | "expected") {
        return Err(format!("`{root}` needs a name, as in `{root}.NAME`"));
    }
    Ok(())
}

/// The engine looks filters up when it renders; a slip must show when the manifest is read.
pub(super) fn check_filters(text: &str) -> Result<(), String> {
    match filters(text).find(|name| !jinja::has_filter(name)) {
        Some(unknown) => Err(format!("there is no filter `{unknown}`")),
        None => Ok(()),
    }
}

/// Returns the names after `|` inside braces and outside quotes.
fn filters(text: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    let mut inside = false;
    let mut previous = ' ';
    text.char_indices().filter_map(move |(at, c)| {
        let before = std::mem::replace(&mut previous, c);
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '{' | '%') if before == '{' => inside = true,
            (None, '}') if matches!(before, '}' | '%') => inside = false,
            (None, '"' | '\'') if inside => quote = Some(c),
            (None, '|') if inside => {
                let rest = text[at + 1..].trim_start();
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                return Some(&rest[..end]).filter(|name| !name.is_empty());
            }
            (Some(_) | None, _) => {}
        }
        None
    })
}

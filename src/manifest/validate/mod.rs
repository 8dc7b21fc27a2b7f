//! Sections → `Manifest`: names, references, ranges, and units, with every problem and not only the first.

mod arrivals;
mod deployment;
mod eval;
mod fault;
mod gate;
mod load;
mod mix;
mod pipeline;
mod prompts;
mod reference;
mod rule;
mod sends;
mod slo;
mod stage;

pub(crate) use gate::{DEFAULT_EVAL_ALPHA, DEFAULT_MARGIN};

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeValue;

use super::document::{self, Document, Section, Table};
use super::error::Problems;
use super::model::{Manifest, Span};
use super::overrides;
use super::shape::{self, Subject};
use super::topology::Topology;
use crate::name::Name;
use crate::registry::suggest;

/// The version of the manifest's format that this program reads.
const VERSION: &str = "1";

/// The names that references may use. A section that is wrong inside still has its name.
#[derive(Debug, Default)]
struct Known {
    environments: Vec<String>,
    stages: Vec<String>,
    pipelines: Vec<String>,
    loads: Vec<String>,
    evals: Vec<String>,
    faults: Vec<String>,
}

/// Parses and checks a manifest. Where anything is wrong, the manifest holds what could be understood.
pub(super) fn manifest(
    path: &Path,
    text: &str,
    overrides: &[(String, String)],
) -> (Manifest, Problems) {
    let mut problems = Problems::default();
    let mut manifest = match document::read(text, overrides, &mut problems) {
        Some(document) => build(document, &mut problems),
        // Everything is missing from a text that is not TOML; that need not be said.
        None => build(Document::default(), &mut Problems::default()),
    };
    path.clone_into(&mut manifest.path);
    text.clone_into(&mut manifest.text);
    let overrides = overrides.iter();
    manifest.overrides = overrides.map(|(k, v)| overrides::shown(k, v)).collect();
    (manifest, problems)
}

fn build(document: Document, problems: &mut Problems) -> Manifest {
    let known = Known::new(&document);
    version(document.version.as_ref(), problems);
    unique(&document, problems);
    let environments = deployment::environments(document.environments, problems);
    let deployment = deployment::deployment(document.deployment, &known, problems);
    let release = deployment::release(document.release, &known, problems);
    if document.stages.is_empty() {
        let help = "Add `[stage.NAME]` with `kind` and `url`.".to_owned();
        problems.at(0..0, "the manifest has no stage", Some(help));
    }
    let stages = collect(document.stages, &known, problems, stage::stage);
    let pipelines = collect(document.pipelines, &known, problems, stage::pipeline);
    let loads = collect(document.loads, &known, problems, load::load);
    let evals = document.evals.into_iter();
    let evals = evals
        .map(|section| eval::eval(section, &known, problems))
        .collect();
    let faults = collect(document.faults, &known, problems, fault::fault);
    let gate = document
        .gate
        .and_then(|table| gate::gate(table, &known, problems));
    let accept = document.accept.into_iter();
    let accept = accept
        .filter_map(|table| rule::accept(table, problems))
        .collect();
    let mut manifest = Manifest {
        path: std::path::PathBuf::new(),
        text: String::new(),
        overrides: Vec::new(),
        deployment,
        environments,
        release,
        stages,
        pipelines,
        loads,
        evals,
        faults,
        gate,
        accept,
        secrets: std::collections::BTreeMap::new(),
    };
    cycles(&manifest, problems);
    pipeline::check(&manifest, problems);
    rule::subjects(&manifest, &known, problems);
    manifest.secrets = reference::check(&manifest, &known, problems);
    manifest
}

fn collect<T>(
    sections: Vec<Section>,
    known: &Known,
    problems: &mut Problems,
    one: impl Fn(Section, &Known, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let sections = sections.into_iter();
    sections
        .filter_map(|section| one(section, known, problems))
        .collect()
}

fn version(version: Option<&Spanned<DeValue<'_>>>, problems: &mut Problems) {
    let help = || Some(format!("Write `version = {VERSION}`."));
    match version {
        None => problems.at(0..0, "the manifest has no `version`", help()),
        Some(value) => match value.get_ref() {
            DeValue::Integer(number) if number.as_str() == VERSION => {}
            _ => {
                let message = format!("`version` must be {VERSION}");
                problems.at(value.span(), message, help());
            }
        },
    }
}

/// Stages and pipelines share one set of names.
fn unique(document: &Document, problems: &mut Problems) {
    for pipeline in &document.pipelines {
        let same = |stage: &&Section| stage.name == pipeline.name;
        if let Some(stage) = document.stages.iter().find(same) {
            let message = format!("`{}` is the name of a stage already", stage.name);
            let help = "Stages and pipelines need names of their own.".to_owned();
            problems.at(pipeline.table.span.clone(), message, Some(help));
        }
    }
}

fn cycles(manifest: &Manifest, problems: &mut Problems) {
    for cycle in Topology::new(manifest).cycles() {
        let first = cycle.first().and_then(|name| manifest.stage(name));
        let span = first.map_or(0..0, |stage| stage.span.clone());
        let message = format!("the calls go round in a circle: {}", cycle.join(" → "));
        let help = "Take one of these stages out of the `calls` of the one before it.".to_owned();
        problems.at(span, message, Some(help));
    }
}

impl Known {
    fn new(document: &Document) -> Self {
        let names = |sections: &[Section]| -> Vec<String> {
            let names = sections.iter().map(|section| section.name.to_string());
            names.collect()
        };
        Self {
            environments: names(&document.environments),
            stages: names(&document.stages),
            pipelines: names(&document.pipelines),
            loads: names(&document.loads),
            evals: names(&document.evals),
            faults: names(&document.faults),
        }
    }
}

impl Known {
    /// Returns what a load or an eval can call.
    fn targets(&self) -> Vec<String> {
        [self.stages.as_slice(), self.pipelines.as_slice()].concat()
    }
}

/// Checks that what is referred to exists, and reports at the reference when it does not.
fn exists(
    name: &str,
    span: &Span,
    (family, known): (&str, &[String]),
    by: &str,
    problems: &mut Problems,
) -> bool {
    if known.iter().any(|known| known == name) {
        return true;
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let message = format!("{by}: there is no {family} `{name}`");
    problems.at(span.clone(), message, suggest(name, &known));
    false
}

/// Checks every name of a list and returns them without their places.
fn all_exist(
    names: Vec<Spanned<Name>>,
    (family, known): (&str, &[String]),
    by: &str,
    problems: &mut Problems,
) -> Vec<Name> {
    for name in &names {
        let text = name.get_ref().as_str();
        exists(text, &name.span(), (family, known), by, problems);
    }
    names.into_iter().map(Spanned::into_inner).collect()
}

/// Reports a key that must be there and is not.
fn required<T>(value: Option<T>, key: &str, table: &Heading, problems: &mut Problems) -> Option<T> {
    if value.is_none() && !table.wrong.contains(key) {
        let help = format!("Add `{key} = …`.");
        let message = format!("{} has no `{key}`", table.what);
        problems.at(table.span.clone(), message, Some(help));
    }
    value
}

/// What a table is called and where it stands, when its entries have been taken.
#[derive(Clone, Debug)]
struct Heading {
    what: String,
    span: Span,
    /// Keys that are there and wrong, so that they are not missing.
    wrong: BTreeSet<String>,
}

/// Reads what is left of a table, without the keys that are wrong.
fn read<T: DeserializeOwned>(
    table: Table,
    shared: &[&str],
    problems: &mut Problems,
) -> (Option<T>, Heading) {
    let subject = Subject {
        what: &table.what,
        span: &table.span,
        shared,
    };
    let read = shape::read(table.entries, subject, problems);
    let heading = Heading {
        what: table.what,
        span: table.span,
        wrong: read.wrong,
    };
    (read.value, heading)
}

/// Reports a number that must be positive and is not; `None` stands for the default.
fn positive<T: Default + PartialEq + Copy>(
    value: Option<Spanned<T>>,
    key: &str,
    what: &str,
    problems: &mut Problems,
) -> Option<T> {
    let value = value?;
    if *value.get_ref() == T::default() {
        let message = format!("`{key}` of {what} must be at least 1");
        problems.at(value.span(), message, None);
    }
    Some(value.into_inner())
}

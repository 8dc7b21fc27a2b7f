//! Sections → `Manifest`: every table is checked, with every problem and not only the first.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeValue;

use super::checked::Manifest;
use super::checker::{Checker, Known};
use super::crosscheck;
use super::document::{self, Document, Section};
use super::error::Problems;
use super::references;
use super::source::Source;
use super::table::accept::Accept;
use super::table::deployment::Deployment;
use super::table::environment::Environment;
use super::table::eval::Eval;
use super::table::fault::Fault;
use super::table::gate::Gate;
use super::table::load::Load;
use super::table::pipeline::Pipeline;
use super::table::release::VersionSource;
use super::table::stage::Stage;
use crate::intake;

/// The version of the manifest's format that this program reads.
const VERSION: &str = "1";

/// Parses and checks a manifest. Where anything is wrong, the manifest holds what could be
/// understood.
pub(super) fn manifest(
    path: &Path,
    text: &str,
    overrides: &[(String, String)],
) -> (Manifest, Problems) {
    let mut problems = Problems::default();
    let source = Source::new(path, text, overrides);
    let document = document::read(&source, overrides, &mut problems);
    let manifest = match document {
        Some(document) => check(source, document, &mut problems),
        // Everything is missing from a text that is not TOML; that need not be said.
        None => check(source, Document::default(), &mut Problems::default()),
    };
    (manifest, problems)
}

fn check(source: Source, document: Document, problems: &mut Problems) -> Manifest {
    let known = Known::new(&document);
    let mut checker = Checker::new(&known, problems);
    let checker = &mut checker;
    version(document.version.as_ref(), checker);
    unique(&document, checker);
    if document.stages.is_empty() {
        let help = "Add `[stage.NAME]` with `kind` and `url`.".to_owned();
        checker.here("the manifest has no stage", Some(help));
    }
    let evals = document.evals.into_iter();
    let accept = document.accept.into_iter();
    let mut manifest = Manifest {
        source,
        environments: Environment::check_all(document.environments, checker),
        deployment: Deployment::check(document.deployment, checker),
        release: VersionSource::check_all(document.release, checker),
        stages: each(document.stages, checker, Stage::check),
        pipelines: each(document.pipelines, checker, Pipeline::check),
        loads: each(document.loads, checker, Load::check),
        evals: evals.map(|it| Eval::check(it, checker)).collect(),
        faults: each(document.faults, checker, Fault::check),
        gate: document.gate.and_then(|it| Gate::check(it, checker)),
        accept: accept.filter_map(|it| Accept::check(it, checker)).collect(),
        idle: Vec::new(),
        secrets: BTreeMap::new(),
    };
    crosscheck::check(&manifest, checker);
    manifest.secrets = references::check(&manifest, checker);
    let idle = checker.problems().take_idle().into_iter();
    let idle = idle.take(intake::PROBLEMS.most() as usize);
    manifest.idle = idle.map(|it| it.place(&manifest.source)).collect();
    manifest
}

fn each<T>(
    sections: Vec<Section>,
    checker: &mut Checker<'_>,
    check: impl Fn(Section, &mut Checker<'_>) -> Option<T>,
) -> Vec<T> {
    let sections = sections.into_iter();
    sections
        .filter_map(|section| check(section, checker))
        .collect()
}

fn version(version: Option<&document::Value>, checker: &mut Checker<'_>) {
    let help = || Some(format!("Write `version = {VERSION}`."));
    match version {
        None => checker.here("the manifest has no `version`", help()),
        Some(value) => match value.get_ref() {
            DeValue::Integer(number) if number.as_str() == VERSION => {}
            _ => {
                let message = format!("`version` must be {VERSION}");
                checker.at(value.span(), message, help());
            }
        },
    }
}

/// Stages and pipelines share one set of names.
fn unique(document: &Document, checker: &mut Checker<'_>) {
    for pipeline in &document.pipelines {
        let same = |stage: &&Section| stage.name == pipeline.name;
        if let Some(stage) = document.stages.iter().find(same) {
            let message = format!("`{}` is the name of a stage already", stage.name);
            let help = "Stages and pipelines need names of their own.".to_owned();
            checker.at(pipeline.table.span.clone(), message, Some(help));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::{SMALL, spoilt, wrong};

    #[test]
    fn names_are_legal_and_unique() {
        let text = SMALL.to_owned()
            + "[pipeline.gateway]\nsteps = [\"retrieve\"]\n[stage.\"a b\"]\nkind = \"http\"\n";
        insta::assert_snapshot!(wrong(&text), @r#"
x 2 problems in `stagegate.toml`

Error:
  x `gateway` is the name of a stage already
    ,-[stagegate.toml:46:1]
 45 | max = "2s"
 46 | [pipeline.gateway]
    : ^^^^^^^^^^^^^^^^^^
 47 | steps = ["retrieve"]
    `----
  help: Stages and pipelines need names of their own.

Error:
  x a stage has a wrong name: `a b` is not a name: use letters, digits, `_`
  | and `-`
    ,-[stagegate.toml:48:8]
 47 | steps = ["retrieve"]
 48 | [stage."a b"]
    :        ^^^^^
 49 | kind = "http"
    `----
"#);
    }

    #[test]
    fn version_must_be_one() {
        insta::assert_snapshot!(spoilt("version = 1", "version = 2"), @r#"
x `version` must be 1
   ,-[stagegate.toml:1:11]
 1 | version = 2
   :           ^
 2 |
   `----
  help: Write `version = 1`.
"#);
        insta::assert_snapshot!(wrong(""), @r#"
x 2 problems in `stagegate.toml`

Error:
  x the manifest has no `version`
   ,-[stagegate.toml:1:1]
   `----
  help: Write `version = 1`.

Error:
  x the manifest has no stage
   ,-[stagegate.toml:1:1]
   `----
  help: Add `[stage.NAME]` with `kind` and `url`.
"#);
    }
}

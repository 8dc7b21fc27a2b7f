//! What the manifest names outside itself, held against it: golden sets and their cases, addresses.
//! No network and no secret is needed (stumbles S3).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use miette::Diagnostic;
use url::Url;

use super::{fields, slices};
use crate::error::{Classify, Fault, Kind, Result};
use crate::git::{ReleaseError, folder_of, matching_files};
use crate::golden::{GoldenError, GoldenSet};
use crate::manifest::{Eval, IdleKey, ManifestError, Problems, Stage, VersionSource};
use crate::metric::{EvalPart, Metric};
use crate::plan::Project;
use crate::registry::{did_you_mean, suggest};

/// Several things that are wrong, in the manifest and in the files that it names.
#[derive(Debug)]
pub(crate) struct WrongInputs {
    manifest: Option<ManifestError>,
    golden: Vec<GoldenError>,
}

/// Reads every golden set that the manifest names, and holds the manifest against them and against
/// the environment that was chosen. Returns what is not there yet.
///
/// # Errors
///
/// Everything that is wrong, at once.
pub(super) fn examine(project: &Project) -> Result<Vec<IdleKey>> {
    let mut examined = Examined {
        project,
        problems: Problems::default(),
        warnings: Vec::new(),
        golden: Vec::new(),
        sets: BTreeMap::new(),
        said: BTreeSet::new(),
    };
    examined.evals();
    examined.loads();
    examined.slices_of_rules();
    examined.globs();
    for stage in &project.manifest.stages {
        examined.address(stage);
        examined.program(stage);
    }
    examined.done()
}

struct Examined<'a> {
    project: &'a Project,
    problems: Problems,
    warnings: Vec<IdleKey>,
    golden: Vec<GoldenError>,
    /// Each file is read once; `None` where it is of no use.
    sets: BTreeMap<&'a Path, Option<GoldenSet>>,
    /// Fields of cases that are reported already, by the place of their template: what one suite
    /// and one load lack alike is said once.
    said: BTreeSet<(usize, String)>,
}

impl<'a> Examined<'a> {
    fn evals(&mut self) {
        for eval in &self.project.manifest.evals {
            self.read(
                &eval.golden,
                &format!("eval.{}.golden", eval.name),
                eval.span.start,
            );
            if let Some(Some(set)) = self.sets.get(eval.golden.as_path()) {
                let source = &self.project.manifest.source;
                let many = slices::too_many(eval.name.as_str(), &eval.slice_by, &set.cases);
                self.warnings
                    .extend(many.into_iter().map(|message| IdleKey {
                        message,
                        file: source.path().display().to_string(),
                        line: source.line(eval.span.start),
                        key: format!("eval.{}.slice_by", eval.name),
                    }));
                cases_of(eval, set, &mut self.problems);
                let tables = fields::called(&self.project.manifest, &eval.stage);
                let tables = tables.into_iter().chain(&eval.asserts);
                fields::check(tables, set, &mut self.said, &mut self.problems);
            }
        }
    }

    fn loads(&mut self) {
        for load in &self.project.manifest.loads {
            let mix = load
                .mix
                .iter()
                .map(|it| (&it.sends, std::slice::from_ref(&it.target)));
            for (sends, targets) in mix.chain([(&load.sends, load.targets.as_slice())]) {
                if let Some(data) = &sends.data {
                    self.read(data, &format!("load.{}.data", load.name), load.span.start);
                }
                for target in targets {
                    let tables = fields::called(&self.project.manifest, target).into_iter();
                    let data = sends
                        .data
                        .as_ref()
                        .map(|data| self.sets.get(data.as_path()));
                    let (said, problems) = (&mut self.said, &mut self.problems);
                    match data {
                        Some(Some(Some(set))) => fields::check(tables, set, said, problems),
                        // Not there, or wrong itself.
                        Some(_) => {}
                        // Prompts that are made up are texts.
                        None if sends.prompts.is_some() => {}
                        None => {
                            let what = format!("load `{}`", load.name);
                            fields::check_without_cases(tables, &what, said, problems);
                        }
                    }
                }
            }
        }
    }

    fn read(&mut self, path: &'a Path, key: &str, at: usize) {
        if self.sets.contains_key(path) {
            return;
        }
        let set = match GoldenSet::read(&self.project.folder, path) {
            Ok(set) => Some(set),
            Err(GoldenError::Missing { path }) => {
                // A new project is checked before its golden set is written.
                let source = &self.project.manifest.source;
                self.warnings.push(IdleKey {
                    message: format!("golden set `{path}` does not exist"),
                    file: source.path().display().to_string(),
                    line: source.line(at),
                    key: key.to_owned(),
                });
                None
            }
            Err(error) => {
                self.golden.push(error);
                None
            }
        };
        self.sets.insert(path, set);
    }

    /// A rule on a slice that no case is in could never be judged.
    fn slices_of_rules(&mut self) {
        let manifest = &self.project.manifest;
        for rule in manifest.gate.iter().flat_map(|gate| &gate.rules) {
            let Metric::Eval {
                eval,
                part: EvalPart::Slice(slice),
            } = &rule.metric
            else {
                continue;
            };
            let Some(eval) = manifest.eval_named(eval.as_str()) else {
                continue;
            };
            let Some((tag, value)) = slice.split_once('=') else {
                continue;
            };
            let Some(Some(set)) = self.sets.get(eval.golden.as_path()) else {
                continue;
            };
            let values = set.cases.iter().filter_map(|case| case.tags.get(tag));
            let values: BTreeSet<&str> = values.map(String::as_str).collect();
            if !values.is_empty() && !values.contains(value) {
                let path = eval.golden.display();
                let message = format!(
                    "metric `{}`: no case of `{path}` has `{slice}`",
                    rule.metric
                );
                let values: Vec<&str> = values.into_iter().collect();
                self.problems
                    .at(rule.span.clone(), message, suggest(value, &values));
            }
        }
    }

    /// A part of the release of which there is no file stops every run. A new project is checked
    /// before its folders are there.
    fn globs(&mut self) {
        let source = &self.project.manifest.source;
        for (part, version) in &self.project.manifest.release {
            let VersionSource::Files { glob, span } = version else {
                continue;
            };
            let found = matching_files(&self.project.folder, part.as_str(), glob);
            let Err(error @ ReleaseError::NoMatch { .. }) = found else {
                continue;
            };
            if self.project.folder.join(folder_of(glob)).is_dir() {
                let help = error.help().map(|help| help.to_string());
                self.problems.at(span.clone(), error.to_string(), help);
                continue;
            }
            self.warnings.push(IdleKey {
                message: format!("{error}, whose folder does not exist"),
                file: source.path().display().to_string(),
                line: source.line(span.start),
                key: format!("release.{part}.files"),
            });
        }
    }

    /// An address without its scheme, or with one that is not spoken, fails at every request.
    fn address(&mut self, stage: &Stage) {
        let Some(written) = stage.kind.text("url") else {
            return;
        };
        let url = with_environment(self.project, &written);
        // What a secret or a case brings is not known here.
        let known = url.split("{{").next().unwrap_or_default();
        if known.is_empty() {
            return;
        }
        let scheme = known.split_once("://").map(|(scheme, _)| scheme);
        let message = match scheme {
            Some("http" | "https") if url.contains("{{") => return,
            Some("http" | "https") => match Url::parse(&url) {
                Ok(_) => return,
                Err(error) => format!(
                    "`url` of stage `{}`: `{url}` is no address: {error}",
                    stage.name
                ),
            },
            Some(scheme) => format!(
                "`url` of stage `{}`: there is no scheme `{scheme}`",
                stage.name
            ),
            None if known.len() < url.len() && !known.contains(['/', ':']) => return,
            None => format!("`url` of stage `{}`: `{url}` has no scheme", stage.name),
        };
        let help = "Write it with `http://` or `https://`.".to_owned();
        self.problems
            .at(stage.kind.span_of("url"), message, Some(help));
    }

    /// A program that is not there fails at every call.
    fn program(&mut self, stage: &Stage) {
        let written = stage.kind.texts("command");
        let Some(program) = written.first() else {
            return;
        };
        let program = with_environment(self.project, program);
        if program.contains("{{") || is_there(&self.project.folder, &program) {
            return;
        }
        let source = &self.project.manifest.source;
        self.warnings.push(IdleKey {
            message: format!("stage `{}`: there is no program `{program}`", stage.name),
            file: source.path().display().to_string(),
            line: source.line(stage.kind.span_of("command").start),
            key: format!("stage.{}.command", stage.name),
        });
    }

    fn done(self) -> Result<Vec<IdleKey>> {
        let manifest = (!self.problems.is_empty())
            .then(|| self.problems.into_error(&self.project.manifest.source));
        match (manifest, self.golden) {
            (None, golden) if golden.is_empty() => Ok(self.warnings),
            (Some(manifest), golden) if golden.is_empty() => Err(manifest.into()),
            (manifest, golden) => Err(WrongInputs { manifest, golden }.into()),
        }
    }
}

/// Returns a text with the values of the environment that was chosen.
pub(super) fn with_environment(project: &Project, text: &str) -> String {
    let mut text = text.to_owned();
    for (key, value) in &project.environment.values {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        for asked in [format!("{{{{ env.{key} }}}}"), format!("{{{{env.{key}}}}}")] {
            text = text.replace(&asked, &value);
        }
    }
    text
}

/// Returns whether a program is there: a path is relative to the manifest, a bare name is looked up
/// in `PATH`.
fn is_there(root: &Path, program: &str) -> bool {
    if program.contains('/') {
        return root.join(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Holds the keys of a suite against the cases of its golden set.
fn cases_of(eval: &Eval, set: &GoldenSet, problems: &mut Problems) {
    let (name, path) = (&eval.name, eval.golden.display());
    let ids: Vec<&str> = set.cases.iter().map(|case| case.id.as_str()).collect();
    for id in eval
        .must_pass
        .iter()
        .filter(|id| !ids.contains(&id.as_str()))
    {
        let message = format!("`must_pass` of eval `{name}`: no case of `{path}` is `{id}`");
        // A golden set has too many ids to list them.
        let near = did_you_mean(id, ids.iter().copied());
        let help = near.map(|near| format!("Did you mean `{near}`?"));
        problems.at(eval.span.clone(), message, help);
    }
    let tags: BTreeSet<&str> = set
        .cases
        .iter()
        .flat_map(|case| case.tags.keys())
        .map(String::as_str)
        .collect();
    let tags: Vec<&str> = tags.into_iter().collect();
    for by in eval
        .slice_by
        .iter()
        .filter(|by| !tags.contains(&by.as_str()))
    {
        let message = format!("`slice_by` of eval `{name}`: no case of `{path}` has a tag `{by}`");
        problems.at(eval.span.clone(), message, suggest(by, &tags));
    }
}

impl fmt::Display for WrongInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the manifest and the files that it names cannot be used")
    }
}

impl std::error::Error for WrongInputs {}

impl Diagnostic for WrongInputs {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let manifest = self.manifest.iter().map(|it| it as &dyn Diagnostic);
        let golden = self.golden.iter().map(|it| it as &dyn Diagnostic);
        Some(Box::new(manifest.chain(golden)))
    }
}

impl Classify for WrongInputs {
    fn kind(&self) -> Kind {
        let golden = self.golden.iter().map(Classify::kind);
        if self.manifest.is_some() || golden.clone().any(|kind| kind == Kind::Manifest) {
            return Kind::Manifest;
        }
        Kind::Environment
    }

    fn faults(&self) -> Vec<Fault> {
        let manifest = self.manifest.iter().flat_map(Classify::faults);
        manifest
            .chain(self.golden.iter().flat_map(Classify::faults))
            .collect()
    }
}

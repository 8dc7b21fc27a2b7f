//! `[release]`: what a release is made of, besides the git commit.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::intake;
use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::{Section, Table};
use crate::manifest::span::{Span, Spanned};
use crate::name::Name;

// What may be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawVersionSource {
    files: Option<Spanned<String>>,
    stage: Option<Spanned<Name>>,
    response: Option<String>,
    header: Option<String>,
}

/// One entry of `[release]`: where a part of the version vector comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VersionSource {
    /// Digest of the files that match a glob, relative to the manifest.
    Files { glob: String, span: Span },
    /// A JSONPath into a stage's answer.
    Response { stage: Name, path: String },
    /// A header of a stage's answer.
    Header { stage: Name, header: String },
}

impl VersionSource {
    /// Checks every entry.
    pub(in crate::manifest) fn check_all(
        sections: Vec<Section>,
        manifest: &mut Checker<'_>,
    ) -> BTreeMap<Name, Self> {
        let sources = sections.into_iter().filter_map(|section| {
            let source = Self::check(section.table, manifest)?;
            Some((section.name, source))
        });
        sources.collect()
    }

    fn check(table: Table, manifest: &mut Checker<'_>) -> Option<Self> {
        let (raw, mut checker) = manifest.read::<RawVersionSource>(table, &[]);
        let raw = raw?;
        if let Some(stage) = &raw.stage {
            checker.reference("stage", stage, Family::Stage);
        }
        let stage = raw.stage.map(|stage| stage.value);
        match (raw.files, stage, raw.response, raw.header) {
            (Some(files), None, None, None) => match intake::glob(&files.value) {
                Ok(_) => Some(Self::Files {
                    glob: files.value,
                    span: files.span,
                }),
                Err(wrong) => {
                    let message = format!("`files` of {}: {wrong}", checker.what);
                    checker.here(message, Some("Write for instance `prompts/**`.".to_owned()));
                    None
                }
            },
            (None, Some(stage), Some(path), None) => Some(Self::Response { stage, path }),
            (None, Some(stage), None, Some(header)) => Some(Self::Header { stage, header }),
            _ if checker.has_wrong() => None,
            _ => {
                let what = &checker.what;
                let message = format!("{what} must say where it is read from, in one way");
                let help = "Write `{ files = … }`, `{ stage = …, response = … }`, or \
                            `{ stage = …, header = … }`.";
                checker.here(message, Some(help.to_owned()));
                None
            }
        }
    }
}

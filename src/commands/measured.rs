//! What the commands that measure have in common: the release they measure, and the run they store.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::Context;
use crate::error::Result;
use crate::exit::Status;
use crate::git::{GitFacts, files_version, release_of};
use crate::golden::Case;
use crate::manifest::VersionSource;
use crate::plan::{Caller, Project};
use crate::record::{FormatVersion, RUN_SCHEMA, Release, RunId, RunKind, RunRecord, Validity};
use crate::store::Store;
use crate::transport::Client;

/// Finds out what the release at hand is made of, as far as files tell; what stages tell is added to each run by
/// [`add_versions`].
pub(super) fn present_release(context: &Context, project: &Project) -> Result<Release> {
    let git = GitFacts::read(&project.folder);
    if let Some(warning) = &git.warning {
        context.ui.warn(warning);
    }
    let mut versions = BTreeMap::new();
    for (part, source) in &project.manifest.release {
        if let VersionSource::Files(glob) = source {
            let version = files_version(&project.folder, part.as_str(), glob)?;
            versions.insert(part.to_string(), version);
        }
    }
    Ok(release_of(&git, &project.manifest.as_used(), versions))
}

/// Adds the versions that stages tell. Most were heard in the answers that were measured; a stage that the run did not
/// call is asked once. A version that it does not tell is left out with a warning: it is a side product and must not
/// stop a measurement.
pub(super) async fn add_versions(
    context: &Context,
    project: &Project,
    client: &Client,
    record: &mut RunRecord,
) {
    for (part, source) in &project.manifest.release {
        let stage = match source {
            VersionSource::Files(_) => continue,
            VersionSource::Response { stage, .. } | VersionSource::Header { stage, .. } => stage,
        };
        let mut version = project.heard.version(part.as_str());
        if version.is_none() {
            let asked = ask(project, client, stage.as_str()).await;
            version = project.heard.version(part.as_str());
            if version.is_none() {
                let reason = asked
                    .err()
                    .unwrap_or_else(|| format!("stage `{stage}` does not tell it"));
                context
                    .ui
                    .warn(&format!("`release.{part}` is not known: {reason}"));
            }
        }
        if let Some(version) = version {
            // A stage may send back what it was sent.
            let version = match project.scope([stage.as_str()]) {
                Ok(scope) => scope.secrets.redact(&version).into_owned(),
                Err(_) => version,
            };
            record.release.versions.insert(part.to_string(), version);
        }
    }
}

/// Calls a stage once, with the first case that the manifest has for anything, for what its answer tells.
async fn ask(project: &Project, client: &Client, stage: &str) -> std::result::Result<(), String> {
    let text = |error: crate::error::Error| error.diagnostic().to_string();
    let caller = Caller::new(project, client, stage)
        .map_err(text)?
        .in_session();
    let case = first_case(project).map_err(text)?;
    let answer = caller
        .probe(&case)
        .await
        .map_err(|error| error.to_string())?;
    answer
        .map(drop)
        .map_err(|failure| caller.redact(&failure.detail))
}

/// Returns the first case of the first golden set, or an empty one when the manifest names none.
pub(super) fn first_case(project: &Project) -> Result<Case> {
    let sets = project.manifest.evals.iter().map(|eval| &eval.golden);
    let data = project
        .manifest
        .loads
        .iter()
        .flat_map(|load| load.mix.iter().map(|it| &it.sends).chain([&load.sends]))
        .filter_map(|sends| sends.data.as_ref());
    match sets.chain(data).next() {
        Some(path) => Ok(project
            .golden(path)?
            .cases
            .into_iter()
            .next()
            .unwrap_or_else(Case::without_data)),
        None => Ok(Case::without_data()),
    }
}

/// Makes the record of a run that has just begun; what was measured is filled in at its end.
pub(super) fn new_record(
    project: &Project,
    release: &Release,
    kind: RunKind,
    name: &str,
    started: Timestamp,
) -> RunRecord {
    RunRecord {
        schema: RUN_SCHEMA.to_owned(),
        version: FormatVersion::CURRENT,
        id: RunId::new(started).to_string(),
        kind,
        name: name.to_owned(),
        env: project.env_name.clone(),
        region: project.environment.region.clone(),
        seed: 0,
        started_at: started.to_string(),
        duration_s: 0.0,
        complete: true,
        release: release.clone(),
        validity: Validity::default(),
        generator: None,
        stages: BTreeMap::new(),
        plan: Value::Null,
        eval: None,
        quality: None,
        fault: None,
        profile: None,
        limit: None,
        verdict: None,
        runs: Vec::new(),
        diff: None,
        rounds: Vec::new(),
    }
}

/// Opens the project's store.
pub(super) fn store(project: &Project) -> Store {
    Store::open(&project.folder)
}

/// Stores a run and returns how the command goes on. What cannot be stored is still shown: a measurement must not be lost
/// with the disk.
pub(super) fn keep(
    context: &Context,
    project: &Project,
    record: &RunRecord,
    status: Status,
) -> Status {
    match store(project).write(record) {
        Ok(_) => status,
        Err(error) => {
            context.ui.diagnostic(&error.into());
            status.and(Status::Unmeasured)
        }
    }
}

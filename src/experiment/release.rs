//! What the release that is measured is made of: what files tell before a run, and what stages tell
//! by its end.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::git::{Dirt, GitFacts, Reads, files_version, release_of};
use crate::manifest::VersionSource;
use crate::measure::{Event, EventSink};
use crate::plan::{Caller, Project};
use crate::record::Release;
use crate::transport::Client;

/// Returns how the work tree differs from its commit, as far as the manifest reads it.
pub(super) fn dirt(project: &Project, git: &GitFacts) -> Dirt {
    let globs = project.manifest.release.values();
    let globs = globs.filter_map(|source| match source {
        VersionSource::Files { glob, .. } => Some(glob.as_str()),
        VersionSource::Response { .. } | VersionSource::Header { .. } => None,
    });
    let reads = Reads {
        manifest: project.manifest.source.path(),
        text: project.manifest.source.text(),
        globs: globs.collect(),
    };
    Dirt::of(git, &reads)
}

/// Finds out what the release at hand is made of, as far as files tell; what stages tell is added
/// to each run by [`add_versions`].
pub(super) fn present(project: &Project, git: &GitFacts, dirt: &Dirt) -> Result<Release> {
    let mut versions = BTreeMap::new();
    for (part, source) in &project.manifest.release {
        if let VersionSource::Files { glob, .. } = source {
            let version = files_version(&project.folder, part.as_str(), glob)?;
            versions.insert(part.to_string(), version);
        }
    }
    Ok(release_of(
        git,
        &dirt.counts,
        &project.manifest.source.as_used(),
        versions,
    ))
}

/// Adds the versions that stages tell. Most were heard in the answers that were measured; a stage
/// that the run did not call is asked once. A version that it does not tell is left out with a
/// warning: it is a side product and must not stop a measurement.
pub(super) async fn add_versions(
    release: &mut Release,
    project: &Project,
    client: &Client,
    sink: &dyn EventSink,
) {
    for (part, source) in &project.manifest.release {
        let stage = match source {
            VersionSource::Files { .. } => continue,
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
                let text = format!("`release.{part}` is not known: {reason}");
                sink.emit(Event::Warning(text));
            }
        }
        if let Some(version) = version {
            // A stage may send back what it was sent.
            let version = match project.scope([stage.as_str()]) {
                Ok(scope) => scope.secrets.redact(&version).into_owned(),
                Err(_) => version,
            };
            release.versions.insert(part.to_string(), version);
        }
    }
}

/// Calls a stage once, with the first case that the manifest has for anything, for what its answer
/// tells.
async fn ask(project: &Project, client: &Client, stage: &str) -> Result<(), String> {
    let text = |error: crate::error::Error| error.diagnostic().to_string();
    let caller = Caller::new(project, client, stage)
        .map_err(text)?
        .in_session();
    let case = project.first_case().map_err(text)?;
    let answer = caller
        .probe(&case)
        .await
        .map_err(|error| error.to_string())?;
    answer.map(drop).map_err(|failure| failure.detail)
}

//! All runs of a release, out of one store and into another.

use std::path::Path;

use super::error::StoreError;
use super::layout::Store;
use super::read::read_exported;
use super::select::Selection;
use crate::record::{
    FormatVersion, RELEASE_SCHEMA, ReleaseDocument, RunKind, RunRecord, RunSummary,
};

/// Runs that were read from a file.
#[derive(Debug)]
pub(crate) struct Imported {
    /// All of the file's.
    pub(crate) runs: Vec<RunSummary>,
    /// How many of them were not there yet.
    pub(crate) stored: usize,
}

impl Store {
    /// Returns a release as one document: the selected runs, and each whole gate on its commit with
    /// what that has measured, so that its sessions come along.
    pub(crate) fn release_document(
        &self,
        selection: Selection,
    ) -> Result<ReleaseDocument, StoreError> {
        let listing = self.list()?;
        let mut runs = selection.runs;
        let env = runs.first().map(|run| run.env.clone());
        let of_commit = |run: &&RunSummary| {
            let is_its = run.commit == selection.commit && Some(&run.env) == env.as_ref();
            selection.commit.is_some() && !selection.dirty && is_its && run.no_base().is_none()
        };
        let stored: Vec<&RunSummary> = listing.runs.iter().filter(of_commit).collect();
        let mut made = Vec::new();
        for gate in stored.iter().filter(|run| run.kind == RunKind::Gate) {
            let gate = self.read(&gate.id.parse()?)?;
            made.extend(gate.runs.iter().cloned());
            runs.push(gate);
        }
        for run in stored.iter().filter(|run| made.contains(&run.id)) {
            if runs.iter().all(|it| it.id != run.id) {
                runs.push(self.read(&run.id.parse()?)?);
            }
        }
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(ReleaseDocument {
            schema: RELEASE_SCHEMA.to_owned(),
            version: FormatVersion::CURRENT,
            runs,
        })
    }

    /// Stores every run of an exported file, a run's or a release's. One that is there already, as
    /// it is, stays.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or another run of the same id is stored; runs before it are
    /// stored then.
    pub(crate) fn import(&self, path: &Path) -> Result<Imported, StoreError> {
        let runs: Vec<RunRecord> = read_exported(path)?;
        let before = self.list()?;
        let is_new = |run: &&RunRecord| before.runs.iter().all(|it| it.id != run.id);
        let stored = runs.iter().filter(is_new).count();
        for run in &runs {
            self.write(run)?;
        }
        Ok(Imported {
            runs: runs.iter().map(RunSummary::of).collect(),
            stored,
        })
    }
}

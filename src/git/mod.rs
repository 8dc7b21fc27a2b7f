//! Layer 3: the git repository around the project, and what a release is made of.

mod dirt;
mod past;
mod release;
mod repository;
#[cfg(test)]
pub(crate) mod testing;
mod tracked;

pub(crate) use dirt::{Dirt, Reads};
pub(crate) use release::{ReleaseError, files_version, folder_of, matching_files, release_of};
pub(crate) use repository::{Git, GitFacts};
pub(crate) use tracked::Tracked;

//! Layer 4: the stored runs under `.stagegate/`, tied to git.

mod base;
mod calibration;
mod error;
mod export;
mod layout;
mod listing;
mod missing;
mod prune;
mod read;
mod release;
mod select;
mod sessions;
mod split;
#[cfg(test)]
pub(crate) mod testing;
mod wanted;
mod write;

pub(crate) use base::{Base, Head};
pub(crate) use export::{export, export_release, printed};
pub(crate) use layout::Store;
pub(crate) use missing::SelectError;
pub(crate) use prune::PruneRules;
#[cfg(any(test, fuzzing))]
pub(crate) use read::header as parse_run;
pub(crate) use select::{RunRef, Selection};
pub(crate) use wanted::Wanted;

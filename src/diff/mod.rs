//! Layer 6: two releases compared and judged. Pure: no async, no I/O.
//!
//! Three passes, each of which makes a new value: runs are paired and compared (`Compared`), judged
//! (`Judged`), and told in one sentence. `document` runs them.

mod blame;
mod compare;
mod context;
mod document;
#[cfg(test)]
mod fixtures;
mod judge;
mod pair;
mod sessions;
mod summary;
#[cfg(test)]
mod tests;
mod wording;

pub(crate) use context::{Context, Mode};
pub(crate) use document::compare;
pub(crate) use judge::status;
pub(crate) use sessions::{GatedBy, LatencyGate, Sessions};

//! Layer 8: one run of each kind, from its plan to its stored record; without flags and without
//! printing.

mod answering;
mod boot;
mod calibrate;
mod capacity;
mod check;
mod compare;
mod drive;
mod eval;
mod fields;
mod gate;
mod inputs;
mod load;
mod machine;
mod merge;
mod profile;
mod quality;
mod recording;
mod release;
mod rounds;
mod setup;
mod slices;
mod story;
#[cfg(test)]
mod testing;

pub(crate) use boot::booted;
pub(crate) use calibrate::{NoReference, calibrate_against, calibrate_machine};
pub(crate) use capacity::find_capacity;
pub(crate) use check::{overview, probe};
pub(crate) use compare::{Judged, compare};
pub(crate) use eval::run_eval;
pub(crate) use gate::{Acceptance, accept, run_gate, seed_base};
pub(crate) use load::run_load;
pub(crate) use merge::merge;
pub(crate) use profile::run_profile;
pub(crate) use recording::Recorded;
pub(crate) use setup::{Experiment, Surroundings};
pub(crate) use story::{Story, tell_story};

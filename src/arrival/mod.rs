//! Layer 1: when the requests of a load are sent. Each process is one file under `process/`: its
//! keys, how it is shown and stored, and its rate over time. Due times are a pure function of the
//! seed.

mod arrivals;
mod curve;
mod due;
mod gaps;
mod load_steps;
mod process;
#[cfg(test)]
mod tests;
mod timing;
mod users;
mod wrong;

pub(crate) use arrivals::{Arrivals, at};
pub(crate) use due::{DueTimes, Phase};
pub(crate) use gaps::Gaps;
pub(crate) use load_steps::LoadSteps;
pub(crate) use process::closed::closed;
pub(crate) use process::kind::ArrivalProcess;
#[cfg(test)]
pub(crate) use process::steps::{Level, Levels};
pub(crate) use process::{CLOSED, PROCESSES, schema};
pub(crate) use timing::{Length, Timing, Until};
pub(crate) use users::Users;
pub(crate) use wrong::Wrong;

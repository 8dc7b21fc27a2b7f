//! Layer 0: estimates, intervals, and tests; pure functions of numbers.

mod cluster;
mod family;
mod flips;
mod interval;
mod memory;
mod paired;
mod plan;
mod proportion;
mod quantile;
mod rounds;
mod session;
mod shift;
mod slope;
mod special;
mod steady;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

pub(crate) use family::{Adjusted, Cluster, Signs, step_down};
pub(crate) use flips::Flips;
pub(crate) use interval::{CONFIDENCE, Interval};
pub(crate) use memory::{Batch, TOO_SHORT, mean_error, share_with_memory};
pub(crate) use paired::{Difference, MIN_CLUSTERS, change_of_means, clustered_difference};
pub(crate) use plan::{cases_needed, least_cases};
#[cfg(test)]
pub(crate) use proportion::wilson;
pub(crate) use proportion::{Proportion, mean_score, newcombe, pass_rate, side_of};
pub(crate) use quantile::{QuantileInterval, mover_log_ratio, quantile_interval};
pub(crate) use rounds::{Rounds, least_rounds};
pub(crate) use session::{MIN_SESSIONS, Prediction, holm};
pub(crate) use shift::{Shift, geometric_mean};
pub(crate) use slope::line;
pub(crate) use special::normal_quantile;
pub(crate) use special::student_t_quantile;
pub(crate) use steady::{Steady, steady};

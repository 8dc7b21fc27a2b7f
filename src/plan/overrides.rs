//! What the flags of `load` say: how the manifest's load is changed, and which portion of it this
//! process sends.

use std::time::Duration;

use jiff::Timestamp;

use super::error::PlanError;
use crate::arrival::{self, Length, Until, Users};
use crate::manifest::Load;
use crate::measure::{Clock, Rate};
use crate::record::Shard;

/// What replaces the manifest's own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LoadOverrides {
    pub(crate) rate: Option<Rate>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) duration: Option<Duration>,
    pub(crate) seed: Option<u64>,
}

impl LoadOverrides {
    /// Returns the load as it is to be run.
    pub(crate) fn apply(&self, load: &Load) -> Load {
        let mut load = load.clone();
        if let Some(rate) = self.rate {
            load.arrivals = arrival::at(load.arrivals.gaps(), rate);
        }
        if let Some(concurrency) = self.concurrency {
            let users = load.arrivals.users();
            load.arrivals = arrival::closed(Users {
                concurrency,
                ..users.unwrap_or(Users::restless(concurrency))
            });
        }
        if let Some(duration) = self.duration {
            load.until = Length::Until(Until::Duration(duration));
        }
        load.seed = self.seed.unwrap_or(load.seed);
        load
    }
}

/// Which portion of a load one process sends, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Portion {
    /// Only to these stages and pipelines, where there are any.
    pub(crate) stages: Vec<String>,
    /// Only this shard of it, with its share of the budgets.
    pub(crate) shard: Option<Shard>,
    /// The wall-clock time of t = 0.
    pub(crate) start_at: Option<Timestamp>,
}

impl Portion {
    /// Returns t = 0 on the engine's clock; `None` is as soon as possible.
    pub(super) fn start(&self, warmup: Duration, clock: &Clock) -> Result<Option<u64>, PlanError> {
        let Some(start) = self.start_at else {
            return Ok(None);
        };
        let now = clock.now();
        let lead = i128::try_from(warmup.as_nanos()).unwrap_or(i128::MAX);
        let left = start.as_nanosecond() - now.as_nanosecond();
        let wait = u64::try_from(left).ok().filter(|_| left > lead);
        let wait = wait.ok_or(PlanError::TooLate { start, now, warmup })?;
        Ok(Some(clock.monotonic_ns() + wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_on_the_engines_clock_and_leaves_time_for_the_warm_up() {
        let clock = Clock::manual("2026-11-24T12:00:00Z".parse().unwrap());
        clock.advance(Duration::from_secs(3));
        let at = |second: u32| Portion {
            start_at: Some(format!("2026-11-24T12:00:{second:02}Z").parse().unwrap()),
            ..Portion::default()
        };
        let start = |portion: &Portion| portion.start(Duration::from_secs(2), &clock);
        assert_eq!(start(&Portion::default()).unwrap(), None);
        assert_eq!(start(&at(6)).unwrap(), Some(6_000_000_000));
        for late in [1, 3, 5] {
            let error = start(&at(late)).unwrap_err();
            assert!(matches!(error, PlanError::TooLate { .. }), "{error}");
        }
    }
}

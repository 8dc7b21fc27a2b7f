//! The search for the highest rate, resolved: one load, ready to be sent at any rate.

use std::time::Duration;

use super::error::PlanError;
use super::load::load_plan;
use super::overrides::Portion;
use super::site::Site;
use crate::arrival::{Gaps, Timing, Until};
use crate::error::Result;
use crate::load::LoadPlan;
use crate::manifest::{Load, ShareOfArrivals, Slo, Timeouts};
use crate::measure::min_samples;
use crate::metric::Figure;
use crate::stage::Stage;

/// A probe without `--duration`: long enough to see a queue grow.
const PROBE: Duration = Duration::from_secs(5);
/// The longest that a probe is stretched to, for a percentile that needs more samples or for slow
/// answers.
const LONGEST: Duration = Duration::from_mins(30);
/// A long probe: against the memory of most queues.
const LONG: Duration = Duration::from_mins(2);
/// With less `--duration` there are no long probes.
const SHORTEST_LONG: Duration = Duration::from_mins(1);
/// Of a long probe, what is left out at its beginning: until then a queue has come to its length.
const BEGINNING: f64 = 0.25;
/// How many short and long probes a search makes: few, and many.
const FEW: (u32, u32) = (8, 2);
const MANY: (u32, u32) = (16, 8);
/// Left out at the beginning of each probe: connections are made then.
const WARMUP: Duration = Duration::from_millis(500);
/// What takes longer than so many times the longest limit has failed: a queue need not be waited
/// for to its end.
const PATIENCE: u32 = 4;
/// More samples than are needed, by this factor, because arrivals may be random.
const SPARE: f64 = 1.34;
/// Where a load has no rate of its own, per second.
const FIRST_RATE: f64 = 10.0;

/// A search, resolved.
pub(crate) struct CapacityPlan {
    /// The load; each probe sends it at a rate of its own.
    pub(crate) load: LoadPlan,
    gaps: Gaps,
    /// The rate of the first probe, per second.
    pub(crate) first_rate: f64,
    /// How long a short probe is at least: `--duration`, where that is too short for long probes.
    length: Duration,
    /// How long a long probe is at least; `None` where none are to be made.
    pub(crate) long: Option<Duration>,
}

/// One probe that is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Per second.
    pub(crate) rate: f64,
    /// Whether it is to count for an interval.
    pub(crate) long: bool,
    /// How long it must be measured at least, in s, as earlier probes show.
    pub(crate) at_least_s: f64,
}

/// Resolves the search for the limit of a load, with probes of at least that length. Without an SLO
/// there is nothing to hold.
pub(crate) async fn capacity_plan(
    site: &Site<'_>,
    load: &Load,
    portion: &Portion,
    length: Option<Duration>,
) -> Result<CapacityPlan> {
    let plan = load_plan(site, load, portion).await?;
    let slos: Vec<Slo> = plan.measured().flat_map(|measured| measured.slo).collect();
    if slos.is_empty() {
        return Err(PlanError::NoSlo.into());
    }
    let patience = patience(&slos);
    let stages = plan.stages.iter().map(|stage| Stage {
        timeouts: Timeouts {
            total: patience.map_or(stage.timeouts.total, |it| it.min(stage.timeouts.total)),
            ..stage.timeouts
        },
        ..stage.clone()
    });
    let first_rate = load.arrivals.first_rate();
    Ok(CapacityPlan {
        gaps: load.arrivals.gaps(),
        first_rate: first_rate.filter(|rate| *rate > 0.0).unwrap_or(FIRST_RATE),
        length: length.filter(|it| *it < SHORTEST_LONG).unwrap_or(PROBE),
        long: match length {
            None => Some(LONG),
            Some(length) => (length >= SHORTEST_LONG).then_some(length),
        },
        load: LoadPlan {
            stages: stages.collect(),
            warmup: WARMUP,
            max_requests: None,
            ..plan
        },
    })
}

/// Returns after which time an answer need not be waited for; `None` where no latency is limited.
fn patience(slos: &[Slo]) -> Option<Duration> {
    let limits = slos.iter().filter_map(|slo| match &slo.figure {
        Figure::Latency(..) => Some(Duration::from_secs_f64(slo.limit.value / 1e3)),
        _ => None,
    });
    limits.max().map(|limit| (limit * PATIENCE).max(WARMUP * 2))
}

impl CapacityPlan {
    /// Returns the load of a probe, for as long as its percentiles need.
    pub(crate) fn at(&self, look: Look) -> LoadPlan {
        let at_least = Duration::try_from_secs_f64(look.at_least_s).unwrap_or(LONGEST);
        let (beginning, length) = match self.long.filter(|_| look.long) {
            Some(long) => {
                let length = self.lasts(long.max(at_least), look.rate);
                (length.mul_f64(BEGINNING), length.mul_f64(1.0 - BEGINNING))
            }
            None => (WARMUP, self.lasts(self.length.max(at_least), look.rate)),
        };
        LoadPlan {
            timing: Timing::at(self.gaps, look.rate),
            until: Until::Duration(length),
            warmup: beginning,
            ..self.load.clone()
        }
    }

    /// Returns about how long a search takes, at least and at most, as far as it can be told
    /// before.
    pub(crate) fn takes(&self) -> (Duration, Duration) {
        let short = self.lasts(self.length, self.first_rate) + WARMUP;
        let long = self.long.map(|it| self.lasts(it, self.first_rate));
        let of = |(few, some): (u32, u32)| short * few + long.unwrap_or_default() * some;
        (of(FEW), of(MANY))
    }

    /// Returns how long a probe of at least that length lasts at a rate, per second.
    fn lasts(&self, at_least: Duration, rate: f64) -> Duration {
        let slos = self.load.measured().flat_map(|measured| measured.slo);
        let samples = slos.filter_map(|slo| match slo.figure {
            Figure::Latency(_, stat) => stat.quantile().map(min_samples),
            _ => None,
        });
        // Of a mix, each stage may have no more than the smallest share.
        let shares = self.load.scenarios.iter().filter_map(|it| it.share);
        let share = shares.map(ShareOfArrivals::size).fold(1.0, f64::min);
        length(
            at_least.min(LONGEST),
            samples.max().unwrap_or(0),
            rate * share,
        )
    }
}

/// Returns how long a probe lasts that needs so many samples at that rate, per second.
fn length(at_least: Duration, samples: u64, rate: f64) -> Duration {
    let needed = Duration::try_from_secs_f64(samples as f64 * SPARE / rate);
    at_least.max(needed.unwrap_or(LONGEST).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_as_long_as_its_percentile_needs_and_no_longer_than_half_an_hour() {
        let s = Duration::from_secs;
        assert_eq!(length(s(5), 100, 1000.0), s(5));
        assert_eq!(length(s(5), 100, 10.0), Duration::from_millis(13_400));
        assert_eq!(length(s(5), 1000, 10.0), s(134));
        assert_eq!(length(s(200), 1000, 10.0), s(200));
        assert_eq!(length(s(5), 1000, 0.0), s(1800));
        // Finding 19: a p95 of a model that does one answer a second.
        assert_eq!(length(s(5), 72, 0.4).as_secs(), 241);
    }
}

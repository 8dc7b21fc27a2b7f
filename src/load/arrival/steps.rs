//! The rates that a load goes through, so that what was found can be told apart by them.

use super::Timing;
use crate::manifest::{Curve, Level};

/// More levels than this are told apart by bands of rates.
const MOST: usize = 8;
/// So many bands.
const BANDS: usize = 4;
/// So many looks at a curve find its lowest and its highest rate.
const LOOKS: u32 = 400;

/// A load's rates, from low to high.
pub(crate) struct LoadSteps {
    curve: Option<Curve>,
    /// The lowest and the highest rate of each, per second; empty for a load that has no rate.
    bands: Vec<(f64, f64)>,
}

impl LoadSteps {
    /// Returns the steps of a load in its first seconds: its levels where they are few, else four bands of equal width between its
    /// lowest and its highest rate.
    pub(crate) fn of(timing: &Timing, length_s: f64) -> Self {
        let Timing::Drawn { curve, .. } = timing else {
            return Self {
                curve: None,
                bands: Vec::new(),
            };
        };
        let mut rates = match curve {
            Curve::Flat(rate) => vec![*rate],
            Curve::Levels { levels, .. } => levels.iter().map(|level| level.rate).collect(),
            _ => Vec::new(),
        };
        // Nothing is sent at rate 0.
        rates.retain(|rate| *rate > 0.0);
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        let bands = if (1..=MOST).contains(&rates.len()) {
            rates.into_iter().map(|rate| (rate, rate)).collect()
        } else {
            let looks = (0..=LOOKS)
                .map(|look| curve.rate_at(length_s * f64::from(look) / f64::from(LOOKS)));
            let (low, high) = looks.fold((f64::MAX, 0.0_f64), |(low, high), rate| {
                (low.min(rate), high.max(rate))
            });
            let edge = |band: usize| low + (high - low) * band as f64 / BANDS as f64;
            (0..BANDS)
                .map(|band| (edge(band), edge(band + 1)))
                .collect()
        };
        Self {
            curve: Some(curve.clone()),
            bands,
        }
    }

    /// Returns how many steps there are; at least one.
    pub(crate) fn len(&self) -> usize {
        self.bands.len().max(1)
    }

    /// Returns the lowest and the highest rate of a step.
    pub(crate) fn rates(&self, step: usize) -> Option<(f64, f64)> {
        self.bands.get(step).copied()
    }

    /// Returns the step of what was due at that time.
    pub(crate) fn at(&self, at_s: f64) -> usize {
        let Some(curve) = &self.curve else {
            return 0;
        };
        let rate = curve.rate_at(at_s);
        let above = self
            .bands
            .partition_point(|(_, high)| *high < rate * (1.0 - 1e-9));
        above.min(self.len() - 1)
    }
}

impl Curve {
    /// Returns the rate per second at a time in seconds.
    fn rate_at(&self, at_s: f64) -> f64 {
        match self {
            Self::Flat(rate) => *rate,
            Self::Linear { from, to, over_s } => {
                let share = (at_s / over_s).clamp(0.0, 1.0);
                from + (to - from) * share
            }
            Self::Exponential { from, to, over_s } => {
                let share = (at_s / over_s).clamp(0.0, 1.0);
                from * (to / from).powf(share)
            }
            Self::Levels { levels, again } => level_at(levels, *again, at_s),
            Self::Sine {
                mean,
                swing,
                period_s,
            } => mean + swing * (std::f64::consts::TAU * at_s / period_s).sin(),
        }
    }
}

fn level_at(levels: &[Level], again: bool, at_s: f64) -> f64 {
    let whole: f64 = levels.iter().map(|level| level.length_s).sum();
    let mut left = if again && whole > 0.0 {
        at_s % whole
    } else {
        at_s
    };
    for level in levels {
        if left < level.length_s {
            return level.rate;
        }
        left -= level.length_s;
    }
    levels.last().map_or(0.0, |level| level.rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Gaps, Users};

    fn steps(curve: Curve, length_s: f64) -> LoadSteps {
        let gaps = Gaps::Even;
        LoadSteps::of(&Timing::Drawn { gaps, curve }, length_s)
    }

    fn all(steps: &LoadSteps) -> Vec<(f64, f64)> {
        (0..steps.len())
            .filter_map(|step| steps.rates(step))
            .collect()
    }

    #[test]
    fn levels_are_steps_and_equal_rates_are_one() {
        let level = |rate: f64, length_s: f64| Level { rate, length_s };
        let levels = [
            level(20.0, 5.0),
            level(80.0, 5.0),
            level(0.0, 2.0),
            level(20.0, 5.0),
        ];
        let curve = Curve::Levels {
            levels: levels.into(),
            again: false,
        };
        let steps = steps(curve, 20.0);
        assert_eq!(all(&steps), [(20.0, 20.0), (80.0, 80.0)]);
        let at = [0.0, 4.9, 5.0, 9.0, 13.0, 100.0].map(|at| steps.at(at));
        assert_eq!(at, [0, 0, 1, 1, 0, 0]);
    }

    #[test]
    fn what_changes_all_the_time_is_cut_into_bands() {
        let curve = Curve::Linear {
            from: 0.0,
            to: 40.0,
            over_s: 20.0,
        };
        let ramp = steps(curve, 20.0);
        assert_eq!(
            all(&ramp),
            [(0.0, 10.0), (10.0, 20.0), (20.0, 30.0), (30.0, 40.0)]
        );
        assert_eq!([0.0, 6.0, 11.0, 19.9].map(|at| ramp.at(at)), [0, 1, 2, 3]);
        let sine = steps(
            Curve::Sine {
                mean: 10.0,
                swing: 8.0,
                period_s: 4.0,
            },
            8.0,
        );
        assert_eq!([0.0, 1.0, 3.0].map(|at| sine.at(at)), [1, 3, 0]);
    }

    #[test]
    fn a_load_at_one_rate_or_without_one_is_one_step() {
        let flat = steps(Curve::Flat(5.0), 10.0);
        assert_eq!(
            (flat.len(), flat.rates(0), flat.at(3.0)),
            (1, Some((5.0, 5.0)), 0)
        );
        let closed = LoadSteps::of(&Timing::Closed(Users::restless(3)), 10.0);
        assert_eq!(
            (closed.len(), closed.rates(0), closed.at(3.0)),
            (1, None, 0)
        );
    }
}

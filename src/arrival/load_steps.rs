//! The rates that a load goes through, so that what was found can be told apart by them.

use std::sync::Arc;

use super::curve::Curve;
use super::timing::Timing;

/// More levels than this are told apart by bands of rates.
const MOST: usize = 8;
/// So many bands.
const BANDS: usize = 4;
/// So many looks at a curve find its lowest and its highest rate.
const LOOKS: u32 = 400;

/// A load's rates, from low to high.
pub(crate) struct LoadSteps {
    curve: Option<Arc<dyn Curve>>,
    /// The lowest and the highest rate of each, per second; empty for a load that has no rate.
    bands: Vec<(f64, f64)>,
}

impl LoadSteps {
    /// Returns the steps of a load in its first seconds: its levels where they are few, else four
    /// bands of equal width between its lowest and its highest rate.
    pub(crate) fn of(timing: &Timing, length_s: f64) -> Self {
        let Timing::Drawn { curve, .. } = timing else {
            return Self {
                curve: None,
                bands: Vec::new(),
            };
        };
        let mut rates = curve.levels();
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
            curve: Some(Arc::clone(curve)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::curve::Flat;
    use crate::arrival::gaps::Gaps;
    use crate::arrival::process::ramp::Linear;
    use crate::arrival::process::sine::Wave;
    use crate::arrival::process::steps::{Level, Levels};
    use crate::arrival::users::Users;

    fn steps(curve: impl Curve + 'static, length_s: f64) -> LoadSteps {
        let gaps = Gaps::Even;
        let curve = Arc::new(curve);
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
        let curve = Levels {
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
        let curve = Linear {
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
            Wave {
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
        let flat = steps(Flat(5.0), 10.0);
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

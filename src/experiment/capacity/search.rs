//! The search for the highest arrival rate at which every SLO holds: doubling, then bisection, then
//! a second look.

use std::collections::BTreeMap;

/// The interval that is aimed at: its ends differ by no more than this share.
const TOLERANCE: f64 = 0.05;
/// Probes after which the search ends with the interval that it has.
const MOST: u32 = 16;
/// How often the lower end must hold.
const LOOKS: u32 = 2;
/// Rates that nobody means, per second.
const RANGE: std::ops::RangeInclusive<f64> = 0.05..=1e6;

/// A search over rates, per second. It assumes that a stage which cannot keep its SLOs at one rate
/// cannot keep them at a higher one; where probes contradict that, the lower rate that broke
/// counts.
pub(super) struct Search {
    start: f64,
    /// By the bits of the rate, which sort as positive rates do: how often it held, and how often
    /// it broke.
    tally: BTreeMap<u64, (u32, u32)>,
    probes: u32,
}

impl Search {
    /// Begins a search at that rate.
    pub(super) const fn new(start: f64) -> Self {
        Self {
            start,
            tally: BTreeMap::new(),
            probes: 0,
        }
    }

    /// Returns the rate to be tried next; `None` when the search is over.
    pub(super) fn next_rate(&self) -> Option<f64> {
        let rate = match (self.low(), self.high()) {
            _ if self.probes >= MOST => return None,
            (None, None) => self.start,
            (Some(low), None) => low * 2.0,
            (None, Some(high)) => high / 2.0,
            (Some(low), Some(high)) if high / low > 1.0 + TOLERANCE => (low * high).sqrt(),
            (Some(low), Some(_)) => {
                let looks = self.tally.get(&low.to_bits()).map_or(0, |(held, _)| *held);
                return (looks < LOOKS).then_some(low);
            }
        };
        RANGE.contains(&rate).then_some(rate)
    }

    /// Takes the result of a probe.
    pub(super) fn tell(&mut self, rate: f64, held: bool) {
        let (holds, breaks) = self.tally.entry(rate.to_bits()).or_default();
        *holds += u32::from(held);
        *breaks += u32::from(!held);
        self.probes += 1;
    }

    /// Returns the highest rate that held below every rate that broke.
    pub(super) fn low(&self) -> Option<f64> {
        let high = self.high().unwrap_or(f64::INFINITY);
        let held = |(rate, (holds, breaks)): (&u64, &(u32, u32))| {
            let rate = f64::from_bits(*rate);
            (holds > breaks && rate < high).then_some(rate)
        };
        self.tally.iter().rev().find_map(held)
    }

    /// Returns the lowest rate that broke; held and broken as often is broken.
    pub(super) fn high(&self) -> Option<f64> {
        let broke = |(rate, (holds, breaks)): (&u64, &(u32, u32))| {
            (*breaks > 0 && breaks >= holds).then(|| f64::from_bits(*rate))
        };
        self.tally.iter().find_map(broke)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    fn search(start: f64, mut holds: impl FnMut(f64) -> bool) -> Search {
        let mut search = Search::new(start);
        while let Some(rate) = search.next_rate() {
            let held = holds(rate);
            search.tell(rate, held);
        }
        search
    }

    proptest! {
        #[test]
        fn a_sharp_limit_is_enclosed(limit in 1.0_f64..50_000.0, away in -4_i32..5) {
            let found = search(limit * 2_f64.powi(away) * 1.1, |rate| rate <= limit);
            let (low, high) = (found.low().unwrap(), found.high().unwrap());
            prop_assert!(low <= limit && limit < high, "{low} {limit} {high}");
            prop_assert!(high / low < 1.06, "{low} {high}");
            prop_assert!(found.probes <= MOST);
        }
    }

    #[test]
    fn a_blurred_limit_is_found_within_its_blur() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut near = 0;
        for _ in 0..200 {
            // Between 95 and 105 a probe holds with a probability that falls from 1 to 0.
            let found = search(10.0, |rate| {
                let chance = ((105.0 - rate) / 10.0).clamp(0.0, 1.0);
                (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 <= chance
            });
            near += u32::from(found.low().is_some_and(|low| (88.0..=106.0).contains(&low)));
        }
        assert!(near >= 190, "{near} of 200");
    }

    #[test]
    fn what_never_holds_or_never_breaks_ends_the_search() {
        let never = search(10.0, |_| false);
        assert_eq!((never.low(), never.probes < MOST), (None, true));
        let always = search(10.0, |_| true);
        assert_eq!(always.high(), None);
        assert!(always.low().unwrap() > 1e5);
    }
}

//! Long probes on a ladder of rates, outwards from where the short search ended: what holds below,
//! and what breaks above.

use std::collections::BTreeMap;

/// Each rung is that many times the one below.
const RUNG: f64 = 1.08;
/// So many rungs above the middle the search ends.
const HIGHEST: i32 = 6;
/// And so many below, down to two fifths of the rate: short probes err by holding where nothing
/// holds for long.
const LOWEST: i32 = 12;
/// From so many rungs below the middle on, every second one is left out.
const FAR: i32 = 6;

/// What a long probe shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Holds,
    Breaks,
    /// Neither.
    Open,
}

/// A search over rungs. It assumes that what holds at one rate holds at lower ones, and what breaks
/// at one breaks at higher ones.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    middle: f64,
    looks: BTreeMap<i32, Shown>,
}

impl Ladder {
    /// Begins between a rate that held and one that broke.
    pub(super) fn between(low: f64, high: f64) -> Self {
        Self {
            middle: (low * high).sqrt(),
            looks: BTreeMap::new(),
        }
    }

    /// Returns the rate to be looked at next, per second; `None` when the search is over.
    pub(super) fn next_rate(&self) -> Option<f64> {
        self.next_rung().map(|rung| self.rate(rung))
    }

    /// Takes what the rate that was asked for showed.
    pub(super) fn tell(&mut self, shown: Shown) {
        if let Some(rung) = self.next_rung() {
            self.looks.insert(rung, shown);
        }
    }

    /// Returns the highest rate that holds and the lowest above it that breaks, where both were
    /// shown.
    pub(super) fn interval(&self) -> Option<(f64, f64)> {
        let low = self.highest(Shown::Holds)?;
        let mut above = self.looks.range(low + 1..);
        let (high, _) = above.find(|(_, it)| **it == Shown::Breaks)?;
        Some((self.rate(low), self.rate(*high)))
    }

    /// Returns the highest rate that holds.
    pub(super) fn low(&self) -> Option<f64> {
        self.highest(Shown::Holds).map(|rung| self.rate(rung))
    }

    /// Returns the lowest rate that breaks.
    pub(super) fn high(&self) -> Option<f64> {
        let mut looks = self.looks.iter();
        let (rung, _) = looks.find(|(_, it)| **it == Shown::Breaks)?;
        Some(self.rate(*rung))
    }

    fn next_rung(&self) -> Option<i32> {
        let Some((lowest, _)) = self.looks.first_key_value() else {
            return Some(0);
        };
        if self.highest(Shown::Holds).is_none() {
            let step = if *lowest > -FAR { 1 } else { 2 };
            return Some(lowest - step).filter(|rung| *rung >= -LOWEST);
        }
        let (highest, _) = self.looks.last_key_value()?;
        self.interval()
            .is_none()
            .then_some(highest + 1)
            .filter(|rung| *rung <= HIGHEST)
    }

    /// Returns the highest rung that showed that.
    fn highest(&self, wanted: Shown) -> Option<i32> {
        let mut looks = self.looks.iter().rev();
        looks.find(|(_, it)| **it == wanted).map(|(rung, _)| *rung)
    }

    fn rate(&self, rung: i32) -> f64 {
        self.middle * RUNG.powi(rung)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(of: impl Fn(f64) -> Shown) -> (Ladder, usize) {
        let mut ladder = Ladder::between(95.0, 105.0);
        let mut looks = 0;
        while let Some(rate) = ladder.next_rate() {
            ladder.tell(of(rate));
            looks += 1;
            assert!(looks < 20);
        }
        (ladder, looks)
    }

    #[test]
    fn a_sharp_limit_is_between_two_rungs() {
        for limit in [70.0, 90.0, 99.0, 101.0, 120.0, 150.0] {
            let of = |rate| {
                if rate <= limit {
                    Shown::Holds
                } else {
                    Shown::Breaks
                }
            };
            let (ladder, _) = search(of);
            let (low, high) = ladder.interval().unwrap();
            assert!(low <= limit && limit < high, "{limit}: {low} {high}");
            assert!((high / low - RUNG).abs() < 1e-9);
        }
    }

    /// Seen on real servers: short probes held at 1.35 times the limit, and six rungs did not reach
    /// what holds.
    #[test]
    fn a_limit_far_below_is_found_by_longer_steps() {
        for limit in [41.0, 50.0, 60.0] {
            let (ladder, looks) = search(|rate| {
                if rate <= limit {
                    Shown::Holds
                } else if rate < 1.3 * limit {
                    Shown::Open
                } else {
                    Shown::Breaks
                }
            });
            let (low, high) = ladder.interval().unwrap();
            assert!(
                low <= limit && limit < high && high / low < 1.6,
                "{limit}: {low} {high}"
            );
            assert!(looks <= 10, "{looks}");
        }
    }

    #[test]
    fn what_is_open_lies_in_the_interval() {
        let (ladder, looks) = search(|rate| {
            if rate < 93.0 {
                Shown::Holds
            } else if rate > 112.0 {
                Shown::Breaks
            } else {
                Shown::Open
            }
        });
        let (low, high) = ladder.interval().unwrap();
        assert!(
            low < 93.0 && 112.0 < high && looks == 4,
            "{low} {high} {looks}"
        );
    }

    #[test]
    fn a_search_that_shows_nothing_ends_without_an_interval() {
        for (of, most) in [(Shown::Open, 10), (Shown::Breaks, 10), (Shown::Holds, 7)] {
            let (ladder, looks) = search(|_| of);
            assert_eq!((ladder.interval(), looks), (None, most), "{of:?}");
        }
        assert_eq!(search(|_| Shown::Open).0.low(), None);
        assert!(search(|_| Shown::Breaks).0.high().unwrap() < 42.0);
        assert!(search(|_| Shown::Holds).0.low().unwrap() > 140.0);
    }
}

//! Long probes on a ladder of rates, outwards from where the short search ended: what holds below, and what breaks above.

use std::collections::VecDeque;

/// Each rung is that many times the one below.
const RUNG: f64 = 1.08;
/// So many rungs away from the middle the search ends, either way.
const MOST: i32 = 6;

/// What a long probe shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Holds,
    Breaks,
    /// Neither.
    Open,
}

/// A search over rungs. It assumes that what holds at one rate holds at lower ones, and what breaks at one breaks at higher ones.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    middle: f64,
    /// The rungs that were looked at, from the lowest on.
    lowest: i32,
    /// The rung above the highest.
    next: i32,
    looks: VecDeque<Shown>,
}

impl Ladder {
    /// Begins between a rate that held and one that broke.
    pub(super) fn between(low: f64, high: f64) -> Self {
        Self {
            middle: (low * high).sqrt(),
            lowest: 0,
            next: 0,
            looks: VecDeque::new(),
        }
    }

    /// Returns the rate to be looked at next, per second; `None` when the search is over.
    pub(super) fn next_rate(&self) -> Option<f64> {
        self.next_rung().map(|rung| self.rate(rung))
    }

    /// Takes what the rate that was asked for showed.
    pub(super) fn tell(&mut self, shown: Shown) {
        match self.next_rung() {
            Some(rung) if rung < self.lowest => {
                self.lowest = rung;
                self.looks.push_front(shown);
            }
            Some(_) => {
                self.next += 1;
                self.looks.push_back(shown);
            }
            None => {}
        }
    }

    /// Returns the highest rate that holds and the lowest above it that breaks, where both were shown.
    pub(super) fn interval(&self) -> Option<(f64, f64)> {
        let low = self.highest(Shown::Holds)?;
        let mut above = self.rungs().skip_while(|(rung, _)| *rung <= low);
        let (high, _) = above.find(|(_, it)| *it == Shown::Breaks)?;
        Some((self.rate(low), self.rate(high)))
    }

    /// Returns the highest rate that holds.
    pub(super) fn low(&self) -> Option<f64> {
        self.highest(Shown::Holds).map(|rung| self.rate(rung))
    }

    fn next_rung(&self) -> Option<i32> {
        if self.looks.is_empty() {
            return Some(0);
        }
        let holds = self.highest(Shown::Holds);
        if holds.is_none() {
            return Some(self.lowest - 1).filter(|rung| *rung >= -MOST);
        }
        self.interval()
            .is_none()
            .then_some(self.next)
            .filter(|rung| *rung <= MOST)
    }

    /// Returns the highest rung that showed that.
    fn highest(&self, wanted: Shown) -> Option<i32> {
        let such = self.rungs().filter(|(_, it)| *it == wanted);
        such.map(|(rung, _)| rung).max()
    }

    fn rungs(&self) -> impl Iterator<Item = (i32, Shown)> {
        (self.lowest..).zip(self.looks.iter().copied())
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
        for (of, most) in [(Shown::Open, 7), (Shown::Breaks, 7), (Shown::Holds, 7)] {
            let (ladder, looks) = search(|_| of);
            assert_eq!((ladder.interval(), looks), (None, most), "{of:?}");
        }
        assert_eq!(search(|_| Shown::Open).0.low(), None);
        assert!(search(|_| Shown::Holds).0.low().unwrap() > 140.0);
    }
}

//! Answers that are kept to be scored when the clock has stopped.

use crate::load::id::{ScenarioId, TallyId};
use crate::measure::Stamps;
use crate::protocol::{Reply, TraceParent};

/// So many are kept by each thread: enough for any pass rate, and a bound for a long run.
const MOST: usize = 20_000;

/// So much memory they take in each thread, in bytes: answers may be large.
const MOST_BYTES: usize = 48 << 20;

/// Of those that are no longer kept, so many are freed with each answer that comes.
const FREED: usize = 4;

/// An ok answer of the measured phase.
#[derive(Clone)]
pub(crate) struct Captured {
    pub(crate) scenario: ScenarioId,
    pub(crate) case: usize,
    pub(crate) reply: Reply,
    pub(crate) stamps: Stamps,
    /// Between content-bearing events, in ns.
    pub(crate) gaps: Vec<u64>,
    /// Whether it kept every limit, and was complete before the end of the window.
    pub(crate) good_in_window: bool,
    /// The trace that the request began, where it carried one.
    pub(crate) trace: Option<TraceParent>,
}

impl Captured {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.reply.weight() + self.gaps.len() * size_of::<u64>()
    }
}

/// What one thread keeps: every answer, and when these become too many, every second of them, every
/// fourth, and so on.
pub(crate) struct Answers {
    /// Of which tallies.
    of: Vec<TallyId>,
    kept: Vec<Captured>,
    /// No longer kept, and freed a few at a time: thousands at once would hold up the event loop.
    doomed: Vec<Captured>,
    seen: u64,
    stride: u64,
    most: usize,
    most_bytes: usize,
    /// How much memory those take that are kept, in bytes.
    bytes: usize,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            of: Vec::new(),
            kept: Vec::new(),
            doomed: Vec::new(),
            seen: 0,
            stride: 1,
            most: MOST,
            most_bytes: MOST_BYTES,
            bytes: 0,
        }
    }
}

impl Answers {
    /// Keeps those of these tallies.
    pub(crate) fn of(tallies: Vec<TallyId>) -> Self {
        Self {
            of: tallies,
            ..Self::default()
        }
    }

    /// Takes an answer of a tally, if it is kept and its turn has come.
    pub(crate) fn take(&mut self, tally: TallyId, answer: impl FnOnce() -> Captured) {
        if !self.of.contains(&tally) {
            return;
        }
        let number = self.seen;
        self.seen += 1;
        self.doomed
            .truncate(self.doomed.len().saturating_sub(FREED));
        if !number.is_multiple_of(self.stride) {
            return;
        }
        if self.kept.len() == self.most {
            self.thin_out();
            if !number.is_multiple_of(self.stride) {
                return;
            }
        }
        let answer = answer();
        self.bytes += answer.weight();
        self.kept.push(answer);
        while self.bytes > self.most_bytes && self.kept.len() > 1 {
            self.thin_out();
        }
    }

    /// Keeps every second of those that are kept, and from now on of those that come.
    fn thin_out(&mut self) {
        let mut number = 0;
        let every_second = self.kept.extract_if(.., |_| {
            number += 1;
            number % 2 == 0
        });
        let mut freed = 0;
        self.doomed
            .extend(every_second.inspect(|it| freed += it.weight()));
        self.stride *= 2;
        self.bytes -= freed;
    }

    /// Returns what was kept.
    pub(crate) fn into_vec(self) -> Vec<Captured> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_an_even_sample() {
        let mut answers = Answers {
            most: 8,
            ..Answers::of(vec![TallyId(0)])
        };
        for case in 0..50 {
            answers.take(TallyId(1), || unreachable!("nobody asked for these"));
            answers.take(TallyId(0), || Captured {
                scenario: ScenarioId(0),
                case,
                reply: Reply::default(),
                stamps: Stamps::default(),
                gaps: Vec::new(),
                trace: None,
                good_in_window: true,
            });
        }
        let kept: Vec<usize> = answers.into_vec().iter().map(|it| it.case).collect();
        assert_eq!(kept, [0, 8, 16, 24, 32, 40, 48]);
    }

    // security 5
    #[test]
    fn large_answers_are_kept_within_their_budget() {
        let answer = |length: usize| Captured {
            scenario: ScenarioId(0),
            case: 0,
            reply: Reply::of_text(&"x".repeat(length)),
            stamps: Stamps::default(),
            gaps: Vec::new(),
            good_in_window: true,
            trace: None,
        };
        let budget = 100_000;
        let mut answers = Answers {
            most_bytes: budget,
            ..Answers::of(vec![TallyId(0)])
        };
        for length in [10_000; 40] {
            answers.take(TallyId(0), || answer(length));
            assert!(answers.bytes <= budget, "{}", answers.bytes);
        }
        assert!(
            (2..=4).contains(&answers.kept.len()),
            "{}",
            answers.kept.len()
        );
        // One that is larger than all is kept alone: something is scored.
        let mut one = Answers {
            most_bytes: budget,
            ..Answers::of(vec![TallyId(0)])
        };
        one.take(TallyId(0), || answer(500_000));
        assert_eq!(one.into_vec().len(), 1);
    }
}

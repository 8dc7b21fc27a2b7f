//! Which case an arrival sends: a pure function of the seed and the arrival's number.

use std::sync::Arc;

use crate::manifest::CaseOrder;

/// Rounds of the Feistel network; four make a pseudorandom permutation of a pseudorandom function
/// (Luby and Rackoff 1988).
const ROUNDS: u64 = 4;

/// How the cases of a load are chosen. Nothing of it changes during a run, so that every thread and
/// machine chooses the same.
#[derive(Clone, Debug)]
pub(crate) enum CaseSequence {
    /// In turn, of so many.
    InTurn(u64),
    /// Each pass over so many in an order of its own: a keyed permutation of their numbers, by a
    /// Feistel network over the next power of four with cycle walking.
    Shuffled(u64),
    /// At random, by these running sums of weights.
    Weighted(Arc<[f64]>),
}

impl CaseSequence {
    /// Makes the sequence among cases of these weights; of none, there is one case.
    pub(crate) fn new(order: CaseOrder, weights: &[f64]) -> Self {
        let cases = weights.len().max(1) as u64;
        match order {
            CaseOrder::InTurn => Self::InTurn(cases),
            CaseOrder::Shuffled => Self::Shuffled(cases),
            CaseOrder::Weighted => {
                let running = weights.iter().scan(0.0, |sum, weight| {
                    *sum += weight;
                    Some(*sum)
                });
                Self::Weighted(running.collect())
            }
        }
    }

    /// Returns the case that the `index`-th arrival of a scenario sends.
    pub(crate) fn case(&self, seed: u64, scenario: u64, index: u64) -> usize {
        let key = |number: u64| mix(seed ^ mix(scenario ^ mix(number)));
        match self {
            Self::InTurn(cases) => (index % cases) as usize,
            Self::Shuffled(cases) => permute(index % cases, *cases, key(index / cases)) as usize,
            Self::Weighted(sums) => {
                let all = sums.last().copied().unwrap_or(0.0);
                let at = unit(key(index)) * all;
                let place = sums.partition_point(|sum| *sum <= at);
                place.min(sums.len().saturating_sub(1))
            }
        }
    }
}

/// Returns where a place of `cases` goes in the permutation of that key.
pub(crate) fn permute(place: u64, cases: u64, key: u64) -> u64 {
    let half_bits = (u64::BITS - cases.leading_zeros()).div_ceil(2).max(1);
    let mask = (1_u64 << half_bits) - 1;
    let mut at = place;
    loop {
        let (mut left, mut right) = (at >> half_bits, at & mask);
        for round in 0..ROUNDS {
            let scrambled = mix(right ^ mix(key.wrapping_add(round))) & mask;
            (left, right) = (right, left ^ scrambled);
        }
        at = left << half_bits | right;
        // A walk along the permutation's own cycle comes back into the range, at the latest where
        // it began.
        if at < cases {
            return at;
        }
    }
}

/// Returns the number in [0, 1) that 53 bits of a scrambled one stand for.
pub(crate) const fn unit(scrambled: u64) -> f64 {
    const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
    (scrambled >> 11) as f64 * SCALE
}

/// The finalizer of `SplitMix64` (Steele, Lea, and Flood 2014).
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pass(seed: u64, scenario: u64, pass: u64, cases: usize) -> Vec<usize> {
        let sequence = CaseSequence::new(CaseOrder::Shuffled, &vec![1.0; cases]);
        let first = pass * cases as u64;
        (first..first + cases as u64)
            .map(|index| sequence.case(seed, scenario, index))
            .collect()
    }

    proptest! {
        #[test]
        fn every_pass_sends_every_case_once(seed: u64, scenario in 0_u64..4, number in 0_u64..1000, cases in 1_usize..300) {
            let mut sent = pass(seed, scenario, number, cases);
            sent.sort_unstable();
            prop_assert_eq!(sent, (0..cases).collect::<Vec<_>>());
        }
    }

    #[test]
    fn passes_seeds_and_flows_have_orders_of_their_own() {
        let base = pass(1, 0, 0, 50);
        assert_eq!(base, pass(1, 0, 0, 50));
        for other in [pass(2, 0, 0, 50), pass(1, 1, 0, 50), pass(1, 0, 1, 50)] {
            assert_ne!(base, other);
        }
        assert_ne!(base, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn each_case_is_as_likely_to_be_first() {
        let sequence = CaseSequence::new(CaseOrder::Shuffled, &[1.0; 7]);
        let mut first = [0_u32; 7];
        for seed in 0..7_000 {
            first[sequence.case(seed, 0, 0)] += 1;
        }
        // Five standard deviations of a binomial count around 1,000.
        assert!(first.iter().all(|n| n.abs_diff(1_000) < 147), "{first:?}");
    }

    #[test]
    fn cases_come_as_often_as_their_weights_say() {
        let sequence = CaseSequence::new(CaseOrder::Weighted, &[1.0, 3.0, 6.0]);
        let mut counts = [0_u32; 3];
        for index in 0..10_000 {
            counts[sequence.case(7, 0, index)] += 1;
        }
        for (count, expected) in counts.into_iter().zip([1_000_u32, 3_000, 6_000]) {
            // Five standard deviations.
            assert!(count.abs_diff(expected) < 245, "{counts:?}");
        }
        let sent = |seed| {
            (0..20)
                .map(|index| sequence.case(seed, 0, index))
                .collect::<Vec<_>>()
        };
        assert_eq!(sent(7), sent(7));
        assert_ne!(sent(7), sent(8));
    }

    #[test]
    fn in_turn_goes_round() {
        let sequence = CaseSequence::new(CaseOrder::InTurn, &[1.0; 3]);
        let sent: Vec<usize> = (0..5).map(|index| sequence.case(9, 0, index)).collect();
        assert_eq!(sent, [0, 1, 2, 0, 1]);
    }
}

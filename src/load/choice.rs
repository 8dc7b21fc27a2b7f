//! Which case an arrival sends: a pure function of the seed and the arrival's number.

use crate::manifest::CaseOrder;

/// Rounds of the Feistel network; four make a pseudorandom permutation of a pseudorandom function (Luby and Rackoff 1988).
const ROUNDS: u64 = 4;

/// Returns the case, of `cases`, that the `index`-th arrival of a flow sends.
///
/// Shuffled: each pass over the cases has an order of its own, a keyed permutation of [0, `cases`) by a Feistel network
/// over the next power of four with cycle walking. Nothing is kept, so that every thread and machine finds the same.
pub(crate) fn case_of(order: CaseOrder, seed: u64, flow: u64, index: u64, cases: usize) -> usize {
    let cases = cases.max(1) as u64;
    let (pass, place) = (index / cases, index % cases);
    let case = match order {
        CaseOrder::InTurn => place,
        CaseOrder::Shuffled => permute(place, cases, mix(seed ^ mix(flow ^ mix(pass)))),
    };
    case as usize
}

fn permute(place: u64, cases: u64, key: u64) -> u64 {
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
        // A walk along the permutation's own cycle comes back into the range, at the latest where it began.
        if at < cases {
            return at;
        }
    }
}

/// The finalizer of `SplitMix64` (Steele, Lea, and Flood 2014).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pass(seed: u64, flow: u64, pass: u64, cases: usize) -> Vec<usize> {
        let first = pass * cases as u64;
        (first..first + cases as u64)
            .map(|index| case_of(CaseOrder::Shuffled, seed, flow, index, cases))
            .collect()
    }

    proptest! {
        #[test]
        fn every_pass_sends_every_case_once(seed: u64, flow in 0_u64..4, number in 0_u64..1000, cases in 1_usize..300) {
            let mut sent = pass(seed, flow, number, cases);
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
        let mut first = [0_u32; 7];
        for seed in 0..7_000 {
            first[case_of(CaseOrder::Shuffled, seed, 0, 0, 7)] += 1;
        }
        // Five standard deviations of a binomial count around 1,000.
        assert!(first.iter().all(|n| n.abs_diff(1_000) < 147), "{first:?}");
    }

    #[test]
    fn in_turn_goes_round() {
        let sent: Vec<usize> = (0..5)
            .map(|i| case_of(CaseOrder::InTurn, 9, 0, i, 3))
            .collect();
        assert_eq!(sent, [0, 1, 2, 0, 1]);
    }
}

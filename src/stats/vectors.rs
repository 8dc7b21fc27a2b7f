//! Reference values and seeded randomness for the tests.

use serde_json::Value;

use super::special::normal_quantile;
use crate::measure::Histogram;

fn find(text: &str, id: &str) -> Value {
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    vectors
        .into_iter()
        .find(|vector| vector["id"] == id)
        .unwrap()
}

/// Returns the reference of that id for evals.
pub(super) fn statistics(id: &str) -> Value {
    find(
        include_str!("../../tests/fixtures/vectors/statistics.json"),
        id,
    )
}

/// Returns the reference of that id for latency.
pub(super) fn latency(id: &str) -> Value {
    find(
        include_str!("../../tests/fixtures/vectors/latency.json"),
        id,
    )
}

/// Returns the array's numbers.
pub(super) fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

/// Asserts that the number is the reference within an absolute tolerance.
pub(super) fn near(found: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= tolerance,
        "found {found}, expected {expected}"
    );
}

/// A seeded source of outcomes: `SplitMix64`, because a cipher is slow in a debug build.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number in [0, 1).
    pub(super) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns how many of `n` cases were won and lost.
    pub(super) fn discordant(&mut self, n: u64, gain: f64, harm: f64) -> (u64, u64) {
        let (mut won, mut lost) = (0, 0);
        for _ in 0..n {
            let place = self.share();
            won += u64::from(place < gain);
            lost += u64::from(gain <= place && place < gain + harm);
        }
        (won, lost)
    }

    /// Returns a run of log-normal latencies whose median differs from interval to interval.
    pub(super) fn ramped(&mut self, intervals: u32, requests: u32) -> (Histogram, Vec<Histogram>) {
        let mut whole = Histogram::default();
        let parts: Vec<Histogram> = (0..intervals)
            .map(|_| {
                let shift = 0.4 * normal_quantile(self.share().max(1e-9));
                let mut part = Histogram::default();
                for _ in 0..requests {
                    let noise = 0.3 * normal_quantile(self.share().max(1e-9));
                    let us = (50_000.0 * (shift + noise).exp()) as u64;
                    part.record_us(us);
                    whole.record_us(us);
                }
                part
            })
            .collect();
        (whole, parts)
    }
}

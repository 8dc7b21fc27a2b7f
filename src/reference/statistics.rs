//! When requests came, as the server saw it: their number, and how their gaps vary.

use serde_json::{Value, json};

/// Mean and variance of the gaps between arrivals, by Welford's recurrence: nothing is kept for
/// each arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Arrivals {
    requests: u64,
    first: u64,
    last: u64,
    mean: f64,
    squares: f64,
}

impl Arrivals {
    /// Takes an arrival, in ns.
    pub(super) fn take(&mut self, at: u64) {
        if self.requests == 0 {
            self.first = at;
        } else {
            let gap = at.saturating_sub(self.last) as f64;
            let before = gap - self.mean;
            self.mean += before / self.requests as f64;
            self.squares += before * (gap - self.mean);
        }
        self.last = at;
        self.requests += 1;
    }

    /// Returns the coefficient of variation of the gaps; `None` before the third arrival.
    fn cv(&self) -> Option<f64> {
        let gaps = self.requests.checked_sub(1)?;
        let deviation = (self.squares / gaps.checked_sub(1)?.max(1) as f64).sqrt();
        (gaps > 1 && self.mean > 0.0).then(|| deviation / self.mean)
    }

    /// Returns what `/stats` says.
    pub(super) fn document(&self) -> Value {
        let span_s = self.last.saturating_sub(self.first) as f64 / 1e9;
        json!({
            "requests": self.requests,
            "span_s": span_s,
            "rate": (span_s > 0.0).then(|| (self.requests - 1) as f64 / span_s),
            "gap_cv": self.cv(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_vary_as_they_do() {
        let mut even = Arrivals::default();
        (0..100).for_each(|i| even.take(i * 1_000));
        assert!(even.cv().unwrap() < 1e-9);
        let mut uneven = Arrivals::default();
        for at in [0, 1_000, 4_000, 5_000, 8_000] {
            uneven.take(at);
        }
        // Gaps of 1, 3, 1, and 3 µs: mean 2, sample deviation √(4/3).
        assert!((uneven.cv().unwrap() - (4.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-9);
        assert_eq!(uneven.document()["requests"], 5);
        assert_eq!(Arrivals::default().document()["gap_cv"], Value::Null);
    }
}

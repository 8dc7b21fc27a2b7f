//! Rates over time: how many arrivals are expected up to a time, and the inverse of that.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::{show_duration, show_rate};

/// A rate over time, per second; times are in seconds since the beginning of the load.
pub(crate) trait Curve: fmt::Debug + Send + Sync {
    /// Returns the rate at a time.
    fn rate_at(&self, at_s: f64) -> f64;

    /// Returns the time at which `count` arrivals are expected: the inverse of the integral of the
    /// rate from 0 (Cinlar's time change of a renewal process of unit rate). Infinite when the
    /// curve never expects so many.
    fn when(&self, count: f64) -> f64;

    /// Returns the rates that it holds for some time each; empty where it changes all the time.
    fn levels(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Returns whether the rate is the same for ever.
    fn is_flat(&self) -> bool {
        false
    }

    /// Returns it in words: `20/s`.
    fn show(&self) -> String;

    /// Returns it as it is stored with a run, in the keys of the manifest, with gaps of that name.
    fn document(&self, gaps: &str) -> Value;
}

/// One rate for ever.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Flat(pub(super) f64);

impl Curve for Flat {
    fn rate_at(&self, _: f64) -> f64 {
        self.0
    }

    fn when(&self, count: f64) -> f64 {
        divide(count, self.0)
    }

    fn levels(&self) -> Vec<f64> {
        Vec::from([self.0])
    }

    fn is_flat(&self) -> bool {
        true
    }

    fn show(&self) -> String {
        show_rate(self.0)
    }

    /// At one rate, the process is called as its gaps are.
    fn document(&self, gaps: &str) -> Value {
        json!({"process": gaps, "rate": show_rate(self.0)})
    }
}

/// Returns `count / rate`; infinite at rate 0, but 0 arrivals need no time.
pub(super) fn divide(count: f64, rate: f64) -> f64 {
    if count <= 0.0 {
        0.0
    } else if rate > 0.0 {
        count / rate
    } else {
        f64::INFINITY
    }
}

/// Writes seconds in the manifest's form.
pub(super) fn show_seconds(seconds: f64) -> String {
    show_duration(Duration::from_secs_f64(seconds))
}

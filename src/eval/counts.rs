//! What the workers, the grader, and the watcher of a suite count together.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Map;

use super::attempt::Attempt;
use super::question::Told;
use super::score::GradedCase;
use crate::measure::Event;
use crate::protocol::CallFailure;

/// After so many attempts of which none reached the stage the rest is not sent: it would only wait
/// for the same.
const HOPELESS: u64 = 100;

/// Counts that the workers and the grader share with the watcher.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) done: AtomicU64,
    pub(super) passed: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) reached: AtomicU64,
    pub(super) in_flight: AtomicU64,
    pub(super) stop: AtomicBool,
    /// The first failure to reach the stage.
    pub(super) unreached: OnceLock<CallFailure>,
}

impl Counts {
    pub(super) fn add(&self, case: &GradedCase) {
        let result = case.result();
        let add = |count: &AtomicU64, condition: bool| {
            count.fetch_add(u64::from(condition), Ordering::Relaxed);
        };
        add(&self.passed, result.passed);
        add(&self.errors, result.error.is_some());
        add(&self.reached, case.reached);
        add(&self.done, true);
    }

    /// Returns what stands for every further attempt once it is clear that the stage cannot be
    /// reached.
    pub(super) fn hopeless(&self) -> Option<Attempt> {
        let done = self.done.load(Ordering::Relaxed);
        if done < HOPELESS || self.reached.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let first = self.unreached.get()?;
        Some(Attempt {
            outcome: Err(CallFailure {
                detail: format!("not asked, as nothing was reached before: {}", first.detail),
                ..first.clone()
            }),
            steps: Map::new(),
            retries: 0,
            asked_pause: Duration::ZERO,
            told: Told::new(),
            trace: None,
        })
    }

    pub(super) fn progress(&self, elapsed: Duration) -> Event {
        let done = self.done.load(Ordering::Relaxed);
        let passed = self.passed.load(Ordering::Relaxed);
        let errors = self.errors.load(Ordering::Relaxed);
        let mut note = String::new();
        if done > 0 {
            note = format!("{:.1} % passed", 100.0 * passed as f64 / done as f64);
        }
        if errors > 0 {
            note = format!("{note}, {errors} without a grade");
        }
        Event::Progress {
            elapsed,
            done,
            failed: done.saturating_sub(passed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            note,
        }
    }
}

//! The clock that everything is stamped with, and the clocks that are handed in.

use std::time::Duration;

use jiff::Timestamp;

/// Returns the monotonic clock in ns since an arbitrary start; the same clock for every thread.
#[cfg(unix)]
pub(crate) fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// What tells the time: handed in, so that a test can set it.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    /// The system's clocks.
    #[default]
    System,
    /// Stands still until it is moved; sleeping moves it and takes no time.
    #[cfg(test)]
    Manual(std::sync::Arc<std::sync::Mutex<Manual>>),
}

/// The two readings of a clock that a test sets.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manual {
    wall: Timestamp,
    since_start: Duration,
}

impl Clock {
    /// Returns the wall-clock time: for ids, dates, and the age of files.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            #[cfg(test)]
            Self::Manual(manual) => manual.lock().unwrap().wall,
        }
    }

    /// Returns the monotonic time in ns, the system's by the same clock as [`now_ns`]: for lengths.
    pub(crate) fn monotonic_ns(&self) -> u64 {
        match self {
            Self::System => now_ns(),
            #[cfg(test)]
            Self::Manual(manual) => manual.lock().unwrap().since_start.as_nanos() as u64,
        }
    }

    /// Begins to take the time.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        Stopwatch {
            clock: self.clone(),
            started_ns: self.monotonic_ns(),
        }
    }

    /// Blocks this thread for so long.
    pub(crate) fn sleep(&self, time: Duration) {
        match self {
            Self::System => std::thread::sleep(time),
            #[cfg(test)]
            Self::Manual(_) => self.advance(time),
        }
    }
}

/// A length of time that is being taken.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    clock: Clock,
    started_ns: u64,
}

impl Stopwatch {
    /// Returns how long it is since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.clock.monotonic_ns().saturating_sub(self.started_ns))
    }
}

#[cfg(test)]
impl Clock {
    /// Makes a clock that stands at that wall-clock time.
    pub(crate) fn manual(wall: Timestamp) -> Self {
        let since_start = Duration::ZERO;
        Self::Manual(std::sync::Arc::new(std::sync::Mutex::new(Manual {
            wall,
            since_start,
        })))
    }

    /// Moves a manual clock on.
    pub(crate) fn advance(&self, time: Duration) {
        if let Self::Manual(manual) = self {
            let mut manual = manual.lock().unwrap();
            manual.wall += time;
            manual.since_start += time;
        }
    }
}

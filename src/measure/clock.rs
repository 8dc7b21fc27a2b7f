//! The clock that everything is stamped with.

/// Returns the monotonic clock in ns since an arbitrary start; the same clock for every thread.
#[cfg(unix)]
pub(crate) fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// A monotonic clock that is handed in, so that a test can set it.
pub(crate) trait Ticks {
    /// Returns the time in ns since an arbitrary start.
    fn now_ns(&self) -> u64;
}

/// The system's own: that of [`now_ns`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemTicks;

impl Ticks for SystemTicks {
    fn now_ns(&self) -> u64 {
        now_ns()
    }
}

/// A clock that stands still until it is moved.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct ManualTicks(std::cell::Cell<u64>);

#[cfg(test)]
impl ManualTicks {
    /// Moves the clock on by so many ms.
    pub(crate) fn wait_ms(&self, ms: u64) {
        self.0.set(self.0.get() + ms * 1_000_000);
    }
}

#[cfg(test)]
impl Ticks for ManualTicks {
    fn now_ns(&self) -> u64 {
        self.0.get()
    }
}

//! The clock that everything is stamped with.

/// Returns the monotonic clock in ns since an arbitrary start; the same clock for every thread.
#[cfg(unix)]
pub(crate) fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

//! The clock of the engine and its alarm: absolute, and finer than a millisecond.

use std::time::Duration;

use mio::{Events, Poll};

#[cfg(target_os = "linux")]
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// Wakes the event loop at an absolute time.
///
/// A `timerfd` in the same epoll set: epoll's own timeout, which tokio's timers and most load
/// generators rest on, has steps of 1 ms and rounds up.
#[cfg(target_os = "linux")]
pub(crate) struct Pacer {
    timer: std::os::fd::OwnedFd,
    armed_for: u64,
}

#[cfg(target_os = "linux")]
impl Pacer {
    /// Makes the timer and registers it.
    pub(crate) fn new(registry: &mio::Registry, token: mio::Token) -> std::io::Result<Self> {
        use std::os::fd::AsRawFd as _;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let mut source = mio::unix::SourceFd(&timer.as_raw_fd());
        registry.register(&mut source, token, mio::Interest::READABLE)?;
        Ok(Self {
            timer,
            armed_for: 0,
        })
    }

    /// Arms the timer for that time of `now_ns`; one in the past fires at once. Returns how long a
    /// poll may wait beside it: for ever, as the timer's own event ends it.
    fn arm(&mut self, at_ns: u64) -> std::io::Result<Option<Duration>> {
        if at_ns != self.armed_for {
            let value = Timespec {
                tv_sec: (at_ns / 1_000_000_000).cast_signed(),
                tv_nsec: (at_ns % 1_000_000_000).cast_signed(),
            };
            let interval = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let spec = Itimerspec {
                it_interval: interval,
                it_value: value,
            };
            timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &spec)?;
            self.armed_for = at_ns;
        }
        Ok(None)
    }

    /// Takes the expiry, so that the next one is seen.
    pub(crate) fn fired(&mut self) {
        let mut count = [0_u8; 8];
        // An error here means that it has not fired; then there is nothing to take.
        if rustix::io::read(&self.timer, &mut count).is_ok() {
            self.armed_for = 0;
        }
    }
}

/// Elsewhere the poll's own timeout paces; kqueue takes ns.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) struct Pacer;

#[cfg(all(unix, not(target_os = "linux")))]
impl Pacer {
    pub(crate) fn new(_registry: &mio::Registry, _token: mio::Token) -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn fired(&mut self) {}

    fn arm(&mut self, at_ns: u64) -> std::io::Result<Option<Duration>> {
        Ok(Some(Duration::from_nanos(
            at_ns.saturating_sub(crate::measure::now_ns()),
        )))
    }
}

impl Pacer {
    /// Waits for events until that time; on Linux the timer's own event is one of them.
    pub(crate) fn wait(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        at_ns: u64,
    ) -> std::io::Result<()> {
        let timeout = self.arm(at_ns)?;
        uninterrupted(poll.poll(events, timeout))
    }
}

/// A signal is no error: the loop goes round once more.
pub(crate) fn uninterrupted(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
        result => result,
    }
}

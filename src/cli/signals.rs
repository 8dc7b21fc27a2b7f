//! What asks this process to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::exit::Status;
use crate::group::{self, Owed};
use crate::measure::{Event, EventSink};

/// Waits for Ctrl-C, SIGTERM, or the end of the terminal (SIGHUP): the first one asks the engines
/// to stop and keep what they have, the second one ends the process at once, and says what that
/// leaves undone. A command that `keeps` nothing ends at the first one.
pub(super) async fn listen(
    keeps: bool,
    tell: watch::Sender<bool>,
    interrupted: Arc<AtomicBool>,
    owed: Owed,
    sink: Box<dyn EventSink>,
) {
    while asked_to_stop().await.is_ok() {
        if interrupted.swap(true, Ordering::Relaxed) || !keeps {
            group::end_all();
            if let Some(undone) = owed.told() {
                sink.emit(Event::Warning(format!("interrupted again: {undone}")));
            }
            #[expect(clippy::exit, reason = "the user asks for it, and nothing is lost")]
            std::process::exit(i32::from(Status::Interrupted.code()));
        }
        if tell.send(true).is_err() {
            // Nobody listens: nothing is being measured, and the process is ending.
            return;
        }
    }
}

#[cfg(unix)]
async fn asked_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut terminal = if hang_up_is_ignored() {
        None
    } else {
        Some(signal(SignalKind::hangup())?)
    };
    let is_gone = async {
        match &mut terminal {
            Some(terminal) => terminal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
        _ = is_gone => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Returns whether this process was started to outlive its terminal, as `nohup` does it. Only Linux
/// tells; elsewhere the end of the terminal is an end.
#[cfg(unix)]
fn hang_up_is_ignored() -> bool {
    let told = std::fs::read_to_string("/proc/self/status");
    told.is_ok_and(|it| is_ignored(&it, 1))
}

/// Reads from `/proc/PID/status` whether a signal is ignored.
fn is_ignored(status: &str, signal: u32) -> bool {
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_which_signals_are_ignored() {
        let status = "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\nSigCgt:\t1\n";
        assert!(is_ignored(status, 1) && is_ignored(status, 13));
        assert!(!is_ignored(status, 2) && !is_ignored(status, 15));
        for nothing in ["", "SigIgn:\tx\n", "SigBlk:\t1\n"] {
            assert!(!is_ignored(nothing, 1), "{nothing}");
        }
    }
}

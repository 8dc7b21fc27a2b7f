//! What this machine has run out of: its side of a failure, and no word about the stage.

use std::io::{self, ErrorKind};

/// Errors of the operating system that are this machine's own.
pub(crate) trait Exhausted {
    /// Returns whether it has run out of sockets, ports, or descriptors.
    fn is_exhausted(&self) -> bool;

    /// Returns whether it has run out of what a program needs to be started: processes and memory
    /// too.
    fn cannot_start(&self) -> bool;
}

impl Exhausted for io::Error {
    fn is_exhausted(&self) -> bool {
        self.kind() == ErrorKind::AddrNotAvailable || self.raw_os_error().is_some_and(is_full)
    }

    fn cannot_start(&self) -> bool {
        self.is_exhausted() || matches!(self.kind(), ErrorKind::WouldBlock | ErrorKind::OutOfMemory)
    }
}

#[cfg(unix)]
fn is_full(code: i32) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS]
        .into_iter()
        .any(|errno| errno.raw_os_error() == code)
}

#[cfg(not(unix))]
fn is_full(_code: i32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    // security 25
    #[test]
    fn what_this_machine_lacks_is_told_from_what_the_stage_did() {
        let of = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        for errno in [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOBUFS,
            Errno::ADDRNOTAVAIL,
        ] {
            assert!(
                of(errno).is_exhausted() && of(errno).cannot_start(),
                "{errno}"
            );
        }
        for errno in [Errno::AGAIN, Errno::NOMEM] {
            assert!(
                !of(errno).is_exhausted() && of(errno).cannot_start(),
                "{errno}"
            );
        }
        for errno in [
            Errno::CONNREFUSED,
            Errno::CONNRESET,
            Errno::NOENT,
            Errno::ACCESS,
        ] {
            assert!(
                !of(errno).is_exhausted() && !of(errno).cannot_start(),
                "{errno}"
            );
        }
    }
}

//! The exit codes, documented once; which one counts when several apply.

use std::process::ExitCode;

use crate::error::Kind;

/// How a command ended. The order of the variants is the order of precedence of the contract: where
/// several apply, the first one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Wrong usage or wrong manifest, or a file named by it that does not parse.
    Usage,
    /// Interrupted; what was measured is kept, marked incomplete.
    Interrupted,
    /// Could not measure: a stage is unreachable, a file is missing, the store cannot be written.
    Unmeasured,
    /// The load generator itself was the bottleneck.
    Invalid,
    /// A rule or SLO was broken, a regression was found, an expectation was missed.
    Failed,
    /// Too little data to decide; never reported as passed.
    Inconclusive,
    /// Nothing was violated.
    Passed,
}

impl Status {
    /// Returns the process exit code of the contract, section 2.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unmeasured => 3,
            Self::Invalid | Self::Inconclusive => 4,
            Self::Interrupted => 130,
        }
    }

    /// Returns the status that counts when both apply.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// The exit code of a bug in stagegate; the same as that of a Rust panic.
pub(crate) const INTERNAL: u8 = 101;

impl Kind {
    /// Returns the exit code of an error of this kind.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Usage | Self::Manifest => Status::Usage.code(),
            Self::Environment => Status::Unmeasured.code(),
            Self::Inconclusive => Status::Inconclusive.code(),
            Self::Internal => INTERNAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn precedence_follows_the_contract() {
        let order = [
            (Status::Usage, 2),
            (Status::Interrupted, 130),
            (Status::Unmeasured, 3),
            (Status::Invalid, 4),
            (Status::Failed, 1),
            (Status::Inconclusive, 4),
            (Status::Passed, 0),
        ];
        for (at, (status, code)) in order.iter().enumerate() {
            assert_eq!(status.code(), *code);
            for (later, _) in &order[at..] {
                assert_eq!(status.and(*later), *status);
            }
        }
    }
}

//! Answers that are no success, and answers that are too large, as failures.

use std::time::Duration;

use super::retry::is_too_long;
use crate::measure::{Failure, show_duration};
use crate::protocol::CallFailure;
use crate::text::excerpt;

/// How much of an error's body is repeated, in characters.
const EXCERPT: usize = 200;

impl CallFailure {
    /// The answer grew past the limit.
    pub(crate) fn too_large(from: &str, max_bytes: u64) -> Self {
        const MIB: u64 = 1024 * 1024;
        let limit = if max_bytes.is_multiple_of(MIB) {
            format!("{} MiB", max_bytes / MIB)
        } else {
            format!("{max_bytes} bytes")
        };
        let detail = format!("{from} sent more than {limit}");
        Self::new(Failure::TooLarge, detail)
    }

    /// The stage answered with a status that is no success. A wait that it asks for and that is
    /// longer than `timeout`, that of the whole answer, is named: nobody waits so long.
    pub(crate) fn status(
        status: u16,
        body: &[u8],
        from: &str,
        retry_after: Option<Duration>,
        timeout: Duration,
    ) -> Self {
        let reason = http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .map(|reason| format!(" {reason}"))
            .unwrap_or_default();
        let body = excerpt(body, EXCERPT);
        let colon = if body.is_empty() { "" } else { ": " };
        let wait = retry_after.filter(|wait| is_too_long(*wait, timeout));
        let wait = wait.map(|wait| {
            let (wait, timeout) = (show_duration(wait), show_duration(timeout));
            format!("; it asks for a wait of {wait}, longer than its timeout of {timeout}")
        });
        let wait = wait.unwrap_or_default();
        let detail = format!("{from} answered {status}{reason}{colon}{body}{wait}");
        Self {
            retry_after,
            ..Self::new(Failure::Status(status), detail)
        }
    }
}

//! When a stage asks its callers to come back later: the one reading of `Retry-After`, for every
//! caller.

use std::time::{Duration, SystemTime};

use crate::protocol::{CallFailure, Head};

/// Returns whether a status says that the stage is busy: the same request may be answered later.
pub(crate) const fn is_busy(status: u16) -> bool {
    // 529 is what some model servers say when they are overloaded.
    matches!(status, 429 | 503 | 529)
}

/// How long a failure asks its caller to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It does not say.
    Unsaid,
    For(Duration),
    /// Longer than a whole answer may take, which is this long.
    TooLong(Duration),
}

impl Wait {
    /// Reads what a failure asks for; `timeout` is that of the stage's whole answer.
    pub(crate) fn of(failure: &CallFailure, timeout: Duration) -> Self {
        match failure.retry_after {
            None => Self::Unsaid,
            Some(wait) if is_too_long(wait, timeout) => Self::TooLong(timeout),
            Some(wait) => Self::For(wait),
        }
    }

    /// Returns how long to leave the stage alone: nothing where it does not say, and never longer
    /// than its timeout.
    pub(crate) const fn bounded(self) -> Duration {
        match self {
            Self::Unsaid => Duration::ZERO,
            Self::For(wait) | Self::TooLong(wait) => wait,
        }
    }
}

/// Returns whether a wait is longer than any caller waits.
pub(super) fn is_too_long(wait: Duration, timeout: Duration) -> bool {
    wait > timeout
}

/// Reads `Retry-After` of a busy stage's answer: seconds, or a date in any of the three forms of
/// HTTP, which is compared with the stage's own clock where `Date` tells it. `None` where it is
/// missing or neither, and for other statuses.
pub(super) fn retry_after(head: Head<'_>) -> Option<Duration> {
    if !is_busy(head.status) {
        return None;
    }
    let text = text(head, "retry-after")?;
    // Without signs, exponents, and the words that are numbers in Rust.
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = text_date(head).unwrap_or_else(SystemTime::now);
    Some(until.duration_since(now).unwrap_or(Duration::ZERO))
}

fn text_date(head: Head<'_>) -> Option<SystemTime> {
    httpdate::parse_http_date(text(head, "date")?).ok()
}

fn text<'a>(head: Head<'a>, name: &str) -> Option<&'a str> {
    Some(std::str::from_utf8(head.header(name)?).ok()?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Failure;

    fn wait(status: u16, pairs: &[(&str, &str)]) -> Option<Duration> {
        let headers: Vec<(&str, &[u8])> = pairs.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
        retry_after(Head {
            status,
            headers: &headers,
        })
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_on_the_stages_clock() {
        let seconds = |text: &str| wait(429, &[("Retry-After", text)]).map(|it| it.as_secs_f64());
        assert_eq!(seconds("2"), Some(2.0));
        assert_eq!(seconds(" 0.5 "), Some(0.5));
        for wrong in [
            "soon", "-1", "+1", "", "inf", "nan", "1e3", ".", "1.2.3", "2s",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        for later in [
            "Wed, 21 Oct 2015 07:28:07 GMT",
            "Wednesday, 21-Oct-15 07:28:07 GMT",
            "Wed Oct 21 07:28:07 2015",
        ] {
            let found = wait(503, &[date, ("retry-after", later)]);
            assert_eq!(found, Some(Duration::from_secs(7)), "{later}");
        }
        // Long past, by this machine's clock.
        let past = [("retry-after", "Wed, 21 Oct 2015 07:28:07 GMT")];
        assert_eq!(wait(529, &past), Some(Duration::ZERO));
    }

    #[test]
    fn only_a_busy_stage_is_asked_when_to_come_back() {
        for (status, busy) in [
            (429, true),
            (503, true),
            (529, true),
            (500, false),
            (301, false),
        ] {
            let found = wait(status, &[("retry-after", "3")]);
            assert_eq!(found.is_some(), busy, "{status}");
        }
    }

    #[test]
    fn nobody_waits_longer_than_a_whole_answer_may_take() {
        let timeout = Duration::from_secs(30);
        let of = |seconds| {
            let asked = Some(Duration::from_secs(seconds));
            let failure = CallFailure::status(429, b"slow down", "http://a", asked, timeout);
            (Wait::of(&failure, timeout), failure.detail)
        };
        let (wait, said) = of(30);
        assert_eq!(wait, Wait::For(Duration::from_secs(30)));
        assert_eq!(said, "http://a answered 429 Too Many Requests: slow down");
        let (wait, said) = of(120);
        assert_eq!((wait, wait.bounded()), (Wait::TooLong(timeout), timeout));
        assert!(
            said.ends_with("; it asks for a wait of 2m, longer than its timeout of 30s"),
            "{said}"
        );
        let other = CallFailure::new(Failure::Reset, "cut");
        assert_eq!(Wait::of(&other, timeout).bounded(), Duration::ZERO);
    }
}

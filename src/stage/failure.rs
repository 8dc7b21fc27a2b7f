//! Why a call failed, told from the transport's errors, in words that hold no header and no query.

use std::error::Error;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use url::Url;

use crate::measure::{Failure, show_duration};
use crate::protocol::ReadError;
use crate::text::excerpt;

/// How much of an error's body is repeated, in characters.
const EXCERPT: usize = 200;

/// `EMFILE` and `ENFILE`, the same on Linux and on macOS.
const TOO_MANY_FILES: [i32; 2] = [24, 23];

/// A call without a usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallFailure {
    pub(crate) failure: Failure,
    /// For people: names host and status, at most a short piece of the body; may repeat a secret that the stage sent
    /// back, so that it is redacted before it is shown.
    pub(crate) detail: String,
    /// How long the stage asks us to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl CallFailure {
    /// Makes a failure without a wish to wait.
    pub(crate) const fn new(failure: Failure, detail: String) -> Self {
        Self {
            failure,
            detail,
            retry_after: None,
        }
    }

    /// The request could not be written.
    pub(crate) const fn unsent(detail: String) -> Self {
        Self::new(Failure::Request, detail)
    }

    /// Returns the HTTP status that was answered; `None` when the call failed otherwise.
    pub(crate) const fn answered(&self) -> Option<u16> {
        match self.failure {
            Failure::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Returns what to do about it, as a sentence.
    pub(crate) const fn help(&self) -> &'static str {
        match self.failure {
            Failure::Connect => "Start the stage, or correct the address in the environment.",
            Failure::Resolve => "Correct the host in the environment.",
            Failure::Tls => "Check the scheme of the address, and the server's certificate.",
            Failure::Timeout => "Raise `timeout` of the stage, or find out why it is slow.",
            Failure::Status(401 | 403) => "Check the secret that the stage's headers carry.",
            Failure::Status(404) => "Check the path of the stage's `url`.",
            Failure::Status(429) => "Wait, or ask for a higher limit.",
            Failure::Status(_) => "Look at the stage's own log.",
            Failure::Contract => "Compare the stage's `output` with what it answers.",
            Failure::Decode | Failure::StreamError | Failure::Reset | Failure::TooLarge => {
                "Look at what the stage answers, and at its `stream` key."
            }
            Failure::Start => "Check the program's name, and that it may be executed.",
            Failure::Exit(_) => "Run the program by hand with the same input.",
            Failure::Exhausted => "Raise `ulimit -n`.",
            Failure::Request => "Check the stage's `method` and `headers`.",
        }
    }

    /// The answer grew past the limit.
    pub(crate) fn too_large(from: &str, max_bytes: u64) -> Self {
        let detail = format!("{from} sent more than {max_bytes} bytes");
        Self::new(Failure::TooLarge, detail)
    }

    /// The stage answered with a status that is no success.
    pub(crate) fn status(
        status: u16,
        body: &[u8],
        from: &str,
        retry_after: Option<Duration>,
    ) -> Self {
        let reason = reqwest::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .map(|reason| format!(" {reason}"))
            .unwrap_or_default();
        let body = excerpt(body, EXCERPT);
        let colon = if body.is_empty() { "" } else { ": " };
        Self {
            failure: Failure::Status(status),
            detail: format!("{from} answered {status}{reason}{colon}{body}"),
            retry_after,
        }
    }

    /// No response head came.
    pub(crate) fn transport(
        error: &reqwest::Error,
        from: &str,
        tls: bool,
        connect: Duration,
    ) -> Self {
        if error.is_builder() {
            return Self::unsent(format!("the request to {from} cannot be written"));
        }
        let cause = root_cause(error);
        if !error.is_connect() {
            return Self::cut(error, from);
        }
        let (failure, detail) = if error.is_dns() {
            (
                Failure::Resolve,
                format!("the host of {from} cannot be found: {cause}"),
            )
        } else if let Some(reason) = tls_reason(error) {
            (
                Failure::Tls,
                format!("the TLS handshake with {from} failed: {reason}"),
            )
        } else if exhausted(error) {
            (Failure::Exhausted, format!("no socket for {from}: {cause}"))
        } else if error.is_timeout() {
            let limit = show_duration(connect);
            (
                Failure::Connect,
                format!("no connection to {from} within {limit}"),
            )
        } else if tls && find_io(error).is_some_and(closed) {
            (
                Failure::Tls,
                format!("{from} closed the connection during the TLS handshake"),
            )
        } else {
            (
                Failure::Connect,
                format!("cannot connect to {from}: {cause}"),
            )
        };
        Self::new(failure, detail)
    }

    /// The connection broke, or what it carried is not HTTP.
    pub(crate) fn cut(error: &reqwest::Error, from: &str) -> Self {
        let undecodable = find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
            || find_io(error).is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
                )
            });
        if undecodable {
            let cause = root_cause(error);
            Self::new(
                Failure::Decode,
                format!("{from} sent what is not HTTP: {cause}"),
            )
        } else {
            let detail = format!("{from} closed the connection before its answer was complete");
            Self::new(Failure::Reset, detail)
        }
    }
}

impl From<ReadError> for CallFailure {
    fn from(error: ReadError) -> Self {
        Self::new(error.failure, error.detail)
    }
}

/// Returns scheme, host, and port: paths and queries may hold secrets.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Reads `Retry-After`: seconds, or a date, which is compared with the stage's own clock where it tells it.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = http_date(text)?;
    let now = headers
        .get(DATE)
        .and_then(|date| http_date(date.to_str().ok()?));
    let wait = until.duration_since(now.unwrap_or_else(Timestamp::now));
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|date| date.timestamp())
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| next_cause(*error))
}

/// An `io::Error` made from another error does not name it as its source, only that one's source.
fn next_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn find_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    find(error)
}

fn root_cause(error: &reqwest::Error) -> String {
    chain(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}

fn tls_reason(error: &reqwest::Error) -> Option<String> {
    find::<rustls::Error>(error).map(ToString::to_string)
}

fn exhausted(error: &reqwest::Error) -> bool {
    find_io(error).is_some_and(|error| {
        error.kind() == io::ErrorKind::AddrNotAvailable
            || error
                .raw_os_error()
                .is_some_and(|code| TOO_MANY_FILES.contains(&code))
    })
}

fn closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = reqwest::header::HeaderName::from_static(name);
            (name, reqwest::header::HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_on_the_stages_clock() {
        let wait = |pairs: &[_]| retry_after(&headers(pairs));
        assert_eq!(wait(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
        assert_eq!(
            wait(&[("retry-after", "0.5")]),
            Some(Duration::from_millis(500))
        );
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        let later = ("retry-after", "Wed, 21 Oct 2015 07:28:07 GMT");
        assert_eq!(wait(&[date, later]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[later]), Some(Duration::ZERO));
        for wrong in ["soon", "-1", "", "inf"] {
            assert_eq!(wait(&[("retry-after", wrong)]), None, "{wrong}");
        }
    }
}

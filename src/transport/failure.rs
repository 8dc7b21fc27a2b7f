//! Why a call failed, told from the transport's errors, in words that hold no header and no query.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::measure::{Exhausted, Failure, show_duration};
use crate::protocol::CallFailure;
use crate::stage::tls_words;

/// No response head came.
pub(super) fn unanswered(
    error: &reqwest::Error,
    from: &str,
    tls: bool,
    connect: Duration,
) -> CallFailure {
    if error.is_builder() {
        return CallFailure::unsent(format!("the request to {from} cannot be written"));
    }
    let cause = root_cause(error);
    if !error.is_connect() {
        return cut(error, from);
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
    CallFailure::new(failure, detail)
}

/// The connection broke, or what it carried is not HTTP.
pub(super) fn cut(error: &reqwest::Error, from: &str) -> CallFailure {
    let undecodable = find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
        || find_io(error).is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
            )
        });
    if undecodable {
        let cause = root_cause(error);
        CallFailure::new(
            Failure::Decode,
            format!("{from} sent what is not HTTP: {cause}"),
        )
    } else {
        let detail = format!("{from} closed the connection before its answer was complete");
        CallFailure::new(Failure::Reset, detail)
    }
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
    find::<rustls::Error>(error).map(tls_words)
}

fn exhausted(error: &reqwest::Error) -> bool {
    find_io(error).is_some_and(Exhausted::is_exhausted)
}

fn closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

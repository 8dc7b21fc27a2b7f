//! How requests become bytes, and bytes answers: HTTP/1.1, HTTP/2, and programs.

pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod kernel_time;
pub(crate) mod program;

#[cfg(any(test, fuzzing))]
pub(crate) use http1::{Progress, ResponseParser, Sink};

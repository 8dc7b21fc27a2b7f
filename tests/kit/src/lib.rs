//! What the tests share: servers that follow a script (HTTP/1.1 and HTTP/2, plain and over TLS), a
//! project in a temporary folder with the binary run in it, and stored runs whose ids, dates, and
//! figures are fixed, so that a test can hold whole outputs against a snapshot.

pub mod http2;
pub mod project;
pub mod record;
pub mod stub;
pub mod tls;

pub use project::{Output, Project};
pub use stub::Stub;

//! Why the demo server cannot be started.

use std::net::SocketAddr;

use miette::Diagnostic;

use crate::error::{Classify, Kind};

/// Why the demo server cannot be started.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum DemoError {
    /// Another program listens on that port.
    #[error("port {} is already in use", address.port())]
    #[diagnostic(help(
        "Stop the program that listens there, or choose another port with `--port` (0 takes any free one)."
    ))]
    PortInUse {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on `{address}`")]
    #[diagnostic(help("Choose another port with `--port`; ports below 1024 need special rights."))]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

impl Classify for DemoError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

//! Where a stage is: names are resolved once, before a load, as name resolution is no part of a
//! stage's latency.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use url::Url;

use super::tls::{HTTP2, trusting_config};
use crate::manifest::HttpVersion;
use crate::protocol::{HttpRequest, Request};

/// Where a stage is.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// Where the URL of each request says; whoever calls looks that up.
    InUrl,
    /// Looked up already.
    Http(HttpAddress),
    /// On this machine: a program is started for each request.
    Program,
}

/// The sockets of a stage.
#[derive(Clone, Debug)]
pub(crate) struct HttpAddress {
    /// Scheme, host, and port, for people.
    pub(crate) origin: String,
    /// Every address of its name, in the order in which they are tried; never empty.
    pub(crate) sockets: Vec<SocketAddr>,
    /// What the addresses were found by; `None` where the manifest has the address itself.
    pub(crate) name: Option<String>,
    pub(crate) tls: Option<Tls>,
}

/// How to speak TLS with a stage.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<rustls::ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// Why a stage has no address.
#[derive(Debug)]
pub(crate) enum AddressError {
    /// Its name does not resolve.
    Resolve { host: String, reason: String },
    /// TLS cannot be set up.
    Tls { reason: String },
}

impl Address {
    /// Finds where a stage is, by one of its requests.
    pub(crate) fn resolve(request: &Request) -> Result<Self, AddressError> {
        match request {
            Request::Process(_) => Ok(Self::Program),
            Request::Http(request) => HttpAddress::resolve(request).map(Self::Http),
        }
    }

    /// Returns who answers, as it is told to people; empty for a program, which is named by its
    /// requests.
    pub(crate) fn origin(&self) -> &str {
        match self {
            Self::Http(http) => &http.origin,
            Self::InUrl | Self::Program => "",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUrl => f.write_str("the address in its URL"),
            Self::Program => f.write_str("this machine"),
            Self::Http(http) => {
                let sockets: Vec<String> = http.sockets.iter().map(ToString::to_string).collect();
                f.write_str(&sockets.join(" or "))
            }
        }
    }
}

impl HttpAddress {
    /// Makes the address of a stage whose manifest has it as numbers, without TLS.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn plain(socket: SocketAddr) -> Self {
        Self {
            origin: format!("http://{socket}"),
            sockets: vec![socket],
            name: None,
            tls: None,
        }
    }

    fn resolve(request: &HttpRequest) -> Result<Self, AddressError> {
        let host = request.url.host_str().unwrap_or_default();
        let failed = |reason: String| AddressError::Resolve {
            host: host.to_owned(),
            reason,
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = request.url.port_or_known_default().unwrap_or(80);
        let found = (bare, port).to_socket_addrs();
        let mut sockets: Vec<SocketAddr> = found.map_err(|e| failed(e.to_string()))?.collect();
        // IPv4 first, otherwise in the order of the resolver.
        sockets.sort_by_key(SocketAddr::is_ipv6);
        let mut seen = HashSet::new();
        sockets.retain(|it| seen.insert(*it));
        if sockets.is_empty() {
            return Err(failed("it has no address".to_owned()));
        }
        let tls = (request.url.scheme() == "https").then(|| Tls::new(bare, request.version));
        Ok(Self {
            origin: origin(&request.url),
            sockets,
            name: bare.parse::<IpAddr>().is_err().then(|| bare.to_owned()),
            tls: tls.transpose()?,
        })
    }
}

impl Tls {
    fn new(host: &str, version: HttpVersion) -> Result<Self, AddressError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| AddressError::Tls {
            reason: error.to_string(),
        })?;
        let mut config = trusting_config();
        if version == HttpVersion::Two {
            config.alpn_protocols = vec![HTTP2.to_vec()];
        }
        Ok(Self {
            config: Arc::new(config),
            name,
        })
    }
}

/// Returns scheme, host, and port: paths and queries may hold secrets.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

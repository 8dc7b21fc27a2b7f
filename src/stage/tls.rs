//! TLS as every caller speaks it.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// What HTTP/2 is called in a TLS handshake.
pub(crate) const HTTP2: &[u8] = b"h2";

/// Returns a TLS configuration that trusts what this machine trusts; reads its certificates, so
/// takes a while.
pub(crate) fn trusting_config() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be read are left out; a server that needs one fails its handshake
    // and says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    tls_config(roots)
}

/// Returns a TLS configuration that trusts these certificates.
pub(crate) fn tls_config(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

//! TLS as every caller speaks it.

use std::sync::Arc;

use rustls::{CertificateError, ClientConfig, Error, RootCertStore};

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

/// Says why a handshake failed, in words where the library has a name alone.
pub(crate) fn tls_words(error: &Error) -> String {
    let said = error.to_string();
    let Error::InvalidCertificate(why) = error else {
        return said;
    };
    let words = match why {
        CertificateError::UnknownIssuer => {
            "nobody whom this machine trusts has signed it; `SSL_CERT_FILE` names a file of more \
             who may"
        }
        CertificateError::Other(_) if said.contains("CaUsedAsEndEntity") => {
            "it is that of an authority and may not be a server's own, as `openssl req -x509` \
             makes it; with `-addext basicConstraints=critical,CA:FALSE` it may"
        }
        _ => return said,
    };
    format!("{said}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_refused_is_told_in_words() {
        let told = |why| tls_words(&Error::InvalidCertificate(why));
        insta::assert_snapshot!(told(CertificateError::UnknownIssuer), @"invalid peer certificate: UnknownIssuer: nobody whom this machine trusts has signed it; `SSL_CERT_FILE` names a file of more who may");
        insta::assert_snapshot!(told(CertificateError::Expired), @"invalid peer certificate: Expired");
        insta::assert_snapshot!(tls_words(&Error::HandshakeNotComplete), @"handshake not complete");
    }
}

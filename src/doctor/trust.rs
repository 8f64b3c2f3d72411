//! Whose certificates the doctor trusts: this machine's authorities, or those of a file.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// The certificate authorities that are trusted.
pub(super) struct Trust {
    pub(super) roots: Arc<RootCertStore>,
    /// Where they come from, in words.
    pub(super) of: &'static str,
}

/// Why a file of authorities is refused.
#[derive(Debug, thiserror::Error)]
pub enum BadRoots {
    /// It cannot be read.
    #[error("{0}: could not read the file: {1}")]
    Unreadable(String, std::io::Error),
    /// It holds no certificate, or something else.
    #[error("{0}: expected certificates in PEM")]
    Malformed(String),
}

impl Trust {
    /// Those that this machine trusts. An image from scratch has none; then those that browsers
    /// trust.
    pub(super) fn of_machine() -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if !roots.is_empty() {
            return Self { roots: Arc::new(roots), of: "this machine's certificate authorities" };
        }
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Self { roots: Arc::new(roots), of: "the certificate authorities that browsers trust" }
    }

    /// Those in a PEM file, and no others.
    pub(super) fn only(file: &Path) -> Result<Self, BadRoots> {
        let name = || file.display().to_string();
        let text = std::fs::read(file).map_err(|error| BadRoots::Unreadable(name(), error))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let added = certificate.ok().and_then(|it| roots.add(it).ok());
            added.ok_or_else(|| BadRoots::Malformed(name()))?;
        }
        if roots.is_empty() {
            return Err(BadRoots::Malformed(name()));
        }
        Ok(Self { roots: Arc::new(roots), of: "the certificate authorities of --ca" })
    }
}

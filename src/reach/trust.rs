//! Whose certificates a client trusts: this machine's authorities, or those of a file.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::health_check::roots;

/// The certificate authorities that are trusted.
#[derive(Clone)]
pub(crate) struct Trust {
    pub(crate) roots: Arc<RootCertStore>,
    /// Where they come from, in words.
    pub(crate) of: &'static str,
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
    /// Those that this machine trusts.
    pub(crate) fn of_machine() -> Self {
        let roots = Arc::new(roots::of_machine());
        Self { roots, of: "the certificate authorities that this machine trusts" }
    }

    /// Those in a PEM file, and no others.
    pub(crate) fn only(file: &Path) -> Result<Self, BadRoots> {
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

    /// Connects with TLS, as a TURN server wants it.
    pub(crate) fn connector(&self) -> TlsConnector {
        roots::connector_trusting(Arc::clone(&self.roots)).expect("ring has what TLS needs")
    }
}

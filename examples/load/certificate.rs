//! A certificate for a server, and clients that know it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, process};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A certificate made for this run, in two files.
pub(super) struct Certificate {
    directory: PathBuf,
    pub(super) cert: String,
    pub(super) key: String,
}

impl Certificate {
    pub(super) fn new() -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let directory = env::temp_dir().join(format!("visio-certificate-{}", process::id()));
        fs::create_dir_all(&directory)?;
        let path = |name: &str| directory.join(name).to_string_lossy().into_owned();
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        fs::write(&cert, made.cert.pem())?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self { directory, cert, key })
    }

    pub(super) fn flags(&self) -> [&str; 4] {
        ["--tls-cert", &self.cert, "--tls-key", &self.key]
    }

    /// A client that trusts this certificate.
    pub(super) fn connector(&self) -> anyhow::Result<TlsConnector> {
        trusting(Path::new(&self.cert))
    }
}

/// A client that trusts the certificate in this file.
pub(super) fn trusting(cert: &Path) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cert)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

//! A client that remembers the certificates that it was shown.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::reach::trust::Trust;

/// A client that trusts `trust` alone, and remembers what it was shown.
pub(super) fn client(trust: &Trust) -> (Arc<ClientConfig>, Arc<Shown>) {
    let provider = Arc::new(ring::default_provider());
    let roots = Arc::clone(&trust.roots);
    let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
    let inner = inner.expect("there are roots");
    let shown = Arc::new(Shown { inner, chain: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows the versions of TLS")
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&shown) as Arc<dyn ServerCertVerifier>);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (Arc::new(config), shown)
}

/// Judges as webpki does, and keeps the certificates, to explain a refusal.
#[derive(Debug)]
pub(super) struct Shown {
    inner: Arc<WebPkiServerVerifier>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl Shown {
    /// How many certificates the server sent.
    pub(super) fn count(&self) -> usize {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether the server's own certificate names itself as its issuer.
    pub(super) fn is_self_signed(&self) -> bool {
        let chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = chain.first() else { return false };
        let parsed = webpki::EndEntityCert::try_from(own);
        parsed.is_ok_and(|own| own.issuer() == own.subject())
    }
}

impl ServerCertVerifier for Shown {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(own).chain(others).map(|it| it.clone().into_owned());
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain.collect();
        self.inner.verify_server_cert(own, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

//! The server's certificate and its key: loading, checking and reloading.
//!
//! Both are PEM files. The first holds the server's own certificate, and then those of its issuers.
//! All errors are found when the files are read, an expired certificate included. A server that
//! started with a certificate that no browser accepts would be down without knowing it.
//! [`Tls::reload`] takes the new files if they are valid, or else changes nothing. It never affects
//! open connections.
//!
//! TLS sessions are not resumed. In TLS 1.3 that would save a signature but no round trip. The
//! server would have to store session tickets. They would let others recognize a client again, and
//! a replaced certificate would live on in them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{NoServerSessionStorage, ParsedCertificate};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, RootCertStore,
    ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::server::regular_file;

/// How long before its end the operator is warned that a certificate expires.
pub(crate) const NOTICE: Duration = Duration::from_secs(14 * 24 * 3600);

/// After the last time that a certificate can name: the year 9999.
const END_OF_TIME: Duration = Duration::from_secs(253_402_300_800);

/// A certificate and its key, which can be replaced while the server runs.
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<Identity>>,
}

/// The TLS configurations made from the two files.
struct Identity {
    server: Arc<ServerConfig>,
    own_client: Arc<ClientConfig>,
    /// When the certificate expires, if that is within [`NOTICE`].
    expires: Option<SystemTime>,
}

/// Why the certificate or its key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("{flag} {file}: could not read the file: {reason}")]
    Unreadable {
        /// The flag that named it.
        flag: &'static str,
        /// Its path.
        file: String,
        /// What the operating system said.
        reason: String,
    },
    /// A file that does not hold what it should.
    #[error("{flag} {file}: {reason}")]
    Malformed {
        /// The flag that named it.
        flag: &'static str,
        /// Its path.
        file: String,
        /// What is wrong. It never quotes the file.
        reason: String,
    },
    /// A key that does not belong to the certificate.
    #[error("{KEY} {key}: not the key of the certificate in {CERT} {cert}")]
    Mismatch {
        /// The path of the certificate.
        cert: String,
        /// The path of the key.
        key: String,
    },
    /// A certificate that has expired.
    #[error("{CERT} {file}: the certificate expired at {}", rfc_3339(*.since))]
    Expired {
        /// Its path.
        file: String,
        /// When it expired.
        since: SystemTime,
    },
    /// A certificate that is not valid yet.
    #[error("{CERT} {file}: the certificate is not valid before {}", rfc_3339(*.until))]
    NotYetValid {
        /// Its path.
        file: String,
        /// When it becomes valid.
        until: SystemTime,
    },
}

const CERT: &str = "--tls-cert";
const KEY: &str = "--tls-key";

impl Tls {
    /// Loads the certificate and its key.
    pub fn load(cert: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(Identity::read(&cert, &key)?));
        Ok(Self { cert, key, current })
    }

    /// Reloads both files, for new connections. If they are invalid, nothing changes.
    pub fn reload(&self) -> Result<(), TlsError> {
        let identity = Arc::new(Identity::read(&self.cert, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = identity;
        Ok(())
    }

    /// When the certificate expires, if that is within two weeks.
    pub fn expires_soon(&self) -> Option<SystemTime> {
        self.identity().expires
    }

    /// The acceptor for client handshakes.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.identity().server).into()
    }

    /// The connector for the server's own health check. It trusts only this certificate, and only
    /// while it is valid.
    pub(crate) fn own_connector(&self) -> TlsConnector {
        Arc::clone(&self.identity().own_client).into()
    }

    fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("cert", &self.cert).field("key", &self.key).finish()
    }
}

impl Identity {
    fn read(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let malformed = |flag, path: &Path, reason: String| TlsError::Malformed {
            flag,
            file: name(path),
            reason,
        };
        let chain = CertificateDer::pem_slice_iter(&bytes(CERT, cert)?).collect();
        let chain: Result<Vec<_>, _> = chain;
        let chain = chain.and_then(|chain| match chain.first() {
            Some(own) => Ok((own.clone(), chain)),
            None => Err(pem::Error::NoItemsFound),
        });
        let (own, chain) = chain.map_err(|error| malformed(CERT, cert, not_pem(CERT, &error)))?;
        let secret = PrivateKeyDer::from_pem_slice(&bytes(KEY, key)?);
        let secret = secret.map_err(|error| malformed(KEY, key, not_pem(KEY, &error)))?;

        let now = UnixTime::now();
        validity(&own, now).map_err(|error| match error {
            Invalid::Expired(since) => TlsError::Expired { file: name(cert), since },
            Invalid::NotYet(until) => TlsError::NotYetValid { file: name(cert), until },
            Invalid::Malformed(error) => malformed(CERT, cert, error.to_string()),
        })?;
        let server = server(chain, secret).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::Mismatch { cert: name(cert), key: name(key) }
            }
            Error::InvalidCertificate(_) => malformed(CERT, cert, error.to_string()),
            error => malformed(KEY, key, error.to_string()),
        })?;
        let own_client = own_client(own.clone());
        let own_client = own_client.map_err(|error| malformed(CERT, cert, error.to_string()))?;
        let expires = ended_by(&own, Duration::from_secs(now.as_secs()) + NOTICE);
        Ok(Self { server: Arc::new(server), own_client: Arc::new(own_client), expires })
    }
}

/// Allows TLS 1.2 and 1.3, and only HTTP/1.1 over it, because WebSockets need that.
fn server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn own_client(certificate: CertificateDer<'static>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let own = OwnCertificate { certificate, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(own));
    Ok(config.with_no_client_auth())
}

/// Trusts exactly one certificate, whatever its name and issuer.
#[derive(Debug)]
struct OwnCertificate {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OwnCertificate {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *shown != self.certificate {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        match validity(shown, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(Invalid::Malformed(error)) => Err(error),
            Err(Invalid::Expired(_)) => Err(CertificateError::Expired.into()),
            Err(Invalid::NotYet(_)) => Err(CertificateError::NotValidYet.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a certificate is not valid at some time.
enum Invalid {
    Malformed(Error),
    Expired(SystemTime),
    NotYet(SystemTime),
}

/// When a certificate expires.
pub(crate) fn ends_at(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    ended_by(certificate, END_OF_TIME)
}

/// When a certificate expires, if that is before `time`, which counts from 1970.
fn ended_by(certificate: &CertificateDer<'_>, time: Duration) -> Option<SystemTime> {
    match validity(certificate, UnixTime::since_unix_epoch(time)) {
        Err(Invalid::Expired(at)) => Some(at),
        _ => None,
    }
}

/// Whether `time` is within a certificate's own validity period. rustls checks that before it looks
/// for an issuer. This search always fails, because the list of issuers is empty.
fn validity(certificate: &CertificateDer<'_>, time: UnixTime) -> Result<(), Invalid> {
    let parsed = ParsedCertificate::try_from(certificate).map_err(Invalid::Malformed)?;
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let issuers = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&parsed, &issuers, &[], time, algorithms) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Err(Invalid::Expired(system_time(not_after)))
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before, ..
        })) => Err(Invalid::NotYet(system_time(not_before))),
        _ => Ok(()),
    }
}

fn bytes(flag: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    regular_file::bytes(path).map_err(|error| TlsError::Unreadable {
        flag,
        file: name(path),
        reason: error.to_string(),
    })
}

/// Describes a problem with a PEM file in our own words, because the error's might quote a key.
fn not_pem(flag: &str, error: &pem::Error) -> String {
    let what = if flag == CERT { "a certificate" } else { "a private key without a passphrase" };
    let found = if matches!(error, pem::Error::NoItemsFound) { "none in it" } else { "not PEM" };
    format!("expected {what} in PEM, found {found}")
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn system_time(time: UnixTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs())
}

fn rfc_3339(time: SystemTime) -> humantime::Rfc3339Timestamp {
    humantime::format_rfc3339_seconds(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(until: i32) -> CertificateDer<'static> {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    fn verify(
        own: &CertificateDer<'static>,
        shown: &CertificateDer<'static>,
        year: u64,
    ) -> Result<(), Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = OwnCertificate { certificate: own.clone(), provider };
        let name = ServerName::try_from("192.0.2.1").unwrap();
        let days = (year - 1970) * 365 + (year - 1969) / 4 + 100;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(days * 24 * 3600));
        verifier.verify_server_cert(shown, &[], &name, &[], now).map(drop)
    }

    #[test]
    fn the_health_check_trusts_only_our_own_certificate_while_it_is_valid() {
        let (own, other) = (made(2030), made(2030));
        assert_eq!(verify(&own, &own, 2025), Ok(()));
        assert_eq!(verify(&own, &own, 2030), Err(CertificateError::Expired.into()));
        assert_eq!(verify(&own, &own, 2019), Err(CertificateError::NotValidYet.into()));
        let stranger = CertificateError::ApplicationVerificationFailure;
        assert_eq!(verify(&own, &other, 2025), Err(stranger.into()));
    }
}

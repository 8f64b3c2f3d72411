//! Is its certificate trusted, and for how long?

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError,
    SignatureScheme,
};

use super::finding::{Answer, Good, Wrong};
use super::target::Target;
use super::trust::Trust;
use crate::health_check::visit::Stream;
use crate::server::tls::{NOTICE, ends_at};

/// A connection to the server, with TLS or without.
pub(super) type Opened = Box<dyn Stream>;

/// Shakes hands as a browser does, and gives up where a browser gives up.
pub(super) async fn is_trusted(
    stream: TcpStream,
    target: &Target,
    trust: &Trust,
    patience: Duration,
) -> Answer<Opened> {
    if !target.secure {
        return Ok(without(stream, target));
    }
    let name = ServerName::try_from(target.host.clone()).map_err(|_| bad_name(target))?;
    let (config, shown) = client(trust);
    let handshake = TlsConnector::from(config).connect(name, stream);
    let handshake = timeout(patience, handshake).await.map_err(|_| silent())?;
    let stream = handshake.map_err(|error| wrong(&error, target, trust, &shown))?;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().map_or_else(String::new, |it| format!("{it:?}"));
    let own = session.peer_certificates().and_then(|chain| chain.first());
    let ends = own.and_then(ends_at);
    let good = Good::new(Box::new(stream) as Opened, says(trust, ends)).with("version", version);
    Ok(match ends {
        Some(ends) => until(good, ends, SystemTime::now()),
        None => good,
    })
}

fn without(stream: TcpStream, target: &Target) -> Good<Opened> {
    let local = stream.peer_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback());
    let good = Good::new(Box::new(stream) as Opened, format!("{target} has no TLS."));
    if local {
        return good.skipped();
    }
    good.but(
        "A page from https may not connect to it, and everybody on the way can read along.",
        "Use wss: give the server a certificate (--tls-cert, --tls-key), or put a proxy with TLS in \
         front of it.",
    )
}

fn says(trust: &Trust, ends: Option<SystemTime>) -> String {
    let ends = ends.map(|ends| format!(" and valid until {}", date(ends))).unwrap_or_default();
    format!("The certificate is trusted by {}{ends}.", trust.of)
}

fn until(good: Good<Opened>, ends: SystemTime, now: SystemTime) -> Good<Opened> {
    let good = good.with("certificateEnds", date(ends));
    let left = ends.duration_since(now).unwrap_or_default();
    if left > NOTICE {
        return good;
    }
    let days = left.as_secs() / (24 * 3600);
    let advice = "Renew it now. If it should renew itself, find out why it did not; then reload \
         the server (SIGHUP) or the proxy.";
    good.but(&format!("That is in {days} days."), advice)
}

fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// A client that trusts `trust` alone, and remembers what it was shown.
fn client(trust: &Trust) -> (Arc<ClientConfig>, Arc<Shown>) {
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
struct Shown {
    inner: Arc<WebPkiServerVerifier>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl Shown {
    fn len(&self) -> usize {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether the server's own certificate names itself as its issuer.
    fn is_self_signed(&self) -> bool {
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

fn bad_name(target: &Target) -> Wrong {
    Wrong::new(
        format!("{} cannot be the name in a certificate.", target.host),
        "Use a name of letters, digits and hyphens.",
    )
}

fn silent() -> Wrong {
    Wrong::new(
        "Something takes connections, but does not answer a TLS handshake.",
        "Check that the port is the one that serves https, and that the process behind it is not \
         stuck.",
    )
}

/// Explains a handshake that failed.
fn wrong(error: &io::Error, target: &Target, trust: &Trust, shown: &Shown) -> Wrong {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(error)) => certificate(error, target, trust, shown),
        Some(Error::InvalidMessage(_)) => Wrong::new(
            "What answers there does not speak TLS.",
            format!(
                "Use ws or http in the URL, or the port that serves https. (For {} that is \
                 usually 443.)",
                target.host
            ),
        ),
        Some(Error::AlertReceived(AlertDescription::UnrecognisedName)) => Wrong::new(
            format!("The server there has no certificate for {}.", target.host),
            "Check the name, and add it to the proxy's configuration.",
        ),
        Some(Error::AlertReceived(alert)) => Wrong::new(
            format!("The server ended the TLS handshake with the alert {alert:?}."),
            "Check that it supports TLS 1.2 or 1.3 and HTTP/1.1, and read its log. A proxy that \
             speaks HTTP/2 alone carries no WebSocket of this kind.",
        ),
        Some(error) => Wrong::new(
            format!("The TLS handshake failed: {error}."),
            "Read the log of the server, or of the proxy in front of it.",
        ),
        None => Wrong::new(
            "The connection was closed during the TLS handshake.",
            "Check that the port serves https. A firewall that inspects TLS may have closed it.",
        ),
    }
}

/// Explains why a certificate is not accepted.
fn certificate(error: &CertificateError, target: &Target, trust: &Trust, shown: &Shown) -> Wrong {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            let since = date(system_time(*not_after));
            let advice = "Renew it, and reload the server (SIGHUP) or the proxy. If the date is \
                 not past, this machine's clock is wrong.";
            Wrong::new(format!("The certificate expired at {since}."), advice)
                .with("certificateEnds", since)
        }
        CertificateError::NotValidYetContext { not_before, .. } => Wrong::new(
            format!("The certificate is not valid before {}.", date(system_time(*not_before))),
            "Check the clocks of this machine and of the one that issued it.",
        ),
        CertificateError::NotValidForNameContext { presented, .. } => Wrong::new(
            format!("The certificate is for {}, not for {}.", names(presented), target.host),
            "Use one of those names in the URL, or get a certificate for this one. Behind a proxy \
             with several names, check which of them it takes as the default.",
        ),
        // The latter: it was issued by another authority of the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => unknown(trust, shown),
        CertificateError::Other(other) if is_authority(other) => Wrong::new(
            "The certificate is that of a certificate authority (CA:TRUE), not of a server.",
            "Make another one. With openssl req -x509 that takes \
             -addext basicConstraints=critical,CA:FALSE.",
        ),
        _ => Wrong::new(
            format!("The certificate is not accepted: {error}."),
            "Get a new one from a certificate authority.",
        ),
    }
}

fn unknown(trust: &Trust, shown: &Shown) -> Wrong {
    if shown.is_self_signed() {
        return Wrong::new(
            format!("The certificate is self-signed, and not among {}.", trust.of),
            "Get one from a certificate authority. To test with this one, pass its file as --ca; \
             browsers will still refuse it.",
        );
    }
    let sent = match shown.len() {
        1 => "the server sends its own certificate alone".to_owned(),
        count => format!("the server sends {count} certificates"),
    };
    Wrong::new(
        format!("The certificate does not lead to {}: {sent}.", trust.of),
        "Most likely the intermediate certificate is missing: the file for --tls-cert, or the \
         proxy's, must hold the whole chain (fullchain.pem). If the issuer is your own, pass its \
         certificate as --ca. A network that inspects TLS shows a certificate of its own, too.",
    )
}

/// Whether webpki refused a certificate because it belongs to an authority.
fn is_authority(error: &OtherError) -> bool {
    let error = error.0.downcast_ref::<webpki::Error>();
    matches!(error, Some(webpki::Error::CaUsedAsEndEntity))
}

/// The names in a certificate, as rustls lists them: `DnsName("a.example")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| name.split('"').nth(1).unwrap_or(name).to_owned();
    match presented {
        [] => "no name at all".to_owned(),
        some => some.iter().take(5).map(bare).collect::<Vec<_>>().join(", "),
    }
}

fn system_time(time: UnixTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs())
}

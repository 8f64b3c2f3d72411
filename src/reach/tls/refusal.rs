//! Why a TLS handshake failed, and what to do about it.

use std::io;
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, OtherError};

use super::date;
use super::shown::Shown;
use crate::reach::answer::Wrong;
use crate::reach::target::Target;
use crate::reach::trust::Trust;

/// The host of the URL can be in no certificate.
pub(super) fn bad_name(target: &Target) -> Wrong {
    Wrong::new(
        format!("{} cannot be the name in a certificate.", target.host),
        "Use a name of letters, digits and hyphens.",
    )
}

/// Nobody answers the handshake.
pub(super) fn silent() -> Wrong {
    Wrong::new(
        "Something takes connections, but does not answer a TLS handshake.",
        "Check that the port is the one that serves https, and that the process behind it is not \
         stuck.",
    )
}

/// Explains a handshake that failed.
pub(super) fn explained(error: &io::Error, target: &Target, trust: &Trust, shown: &Shown) -> Wrong {
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
    let sent = match shown.count() {
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

//! Is its certificate trusted, and for how long?

mod refusal;
mod shown;

use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::answer::{Answer, Good};
use super::target::Target;
use super::trust::Trust;
use crate::health_check::visit::Stream;
use crate::server::tls::{NOTICE, begins_at, ends_at};

/// A connection to the server, with TLS or without.
pub(crate) type Opened = Box<dyn Stream>;

/// Shakes hands as a browser does, and gives up where a browser gives up.
pub(crate) async fn is_trusted(
    stream: TcpStream,
    target: &Target,
    trust: &Trust,
    patience: Duration,
) -> Answer<Opened> {
    if !target.secure {
        return Ok(without(stream, target));
    }
    let name = ServerName::try_from(target.host.clone()).map_err(|_| refusal::bad_name(target))?;
    let (config, shown) = shown::client(trust);
    let handshake = TlsConnector::from(config).connect(name, stream);
    let handshake = timeout(patience, handshake).await.map_err(|_| refusal::silent())?;
    let stream = handshake.map_err(|error| refusal::explained(&error, target, trust, &shown))?;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().map_or_else(String::new, |it| format!("{it:?}"));
    let own = session.peer_certificates().and_then(|chain| chain.first());
    let (begins, ends) = (own.and_then(begins_at), own.and_then(ends_at));
    let good = Good::new(Box::new(stream) as Opened, says(trust, ends)).with("version", version);
    Ok(match ends {
        Some(ends) => until(good, ends, notice(begins, ends)),
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

/// How long before its end a certificate should have been renewed: two weeks, or a third of its
/// life, if that is shorter. That is when certbot and Caddy renew.
fn notice(begins: Option<SystemTime>, ends: SystemTime) -> Duration {
    let life = begins.and_then(|begins| ends.duration_since(begins).ok());
    life.map_or(NOTICE, |life| NOTICE.min(life / 3))
}

fn until(good: Good<Opened>, ends: SystemTime, notice: Duration) -> Good<Opened> {
    let good = good.with("certificateEnds", date(ends));
    let left = ends.duration_since(SystemTime::now()).unwrap_or_default();
    if left > notice {
        return good;
    }
    let left = match left.as_secs() / 3600 {
        hours @ 0..48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    };
    let advice = "Renew it now. If it should renew itself, find out why it did not; then reload \
         the server (SIGHUP) or the proxy.";
    good.but(&format!("That is in {left}."), advice)
}

fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

//! Whether STUN and TURN servers answer.
//!
//! A STUN server must answer a binding (RFC 8489). A TURN server must allocate a relay with the
//! credentials that clients get (RFC 8656); the relay is given back at once. A server that has no
//! relay left for these credentials (486) has accepted them, so it is fine.

mod link;
mod messages;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::Error;

use super::roots;
use crate::health::Check;
use crate::ice::IceServers;
use crate::wire::{IceServer, IceUrl, Timestamp, TurnCredentials};

use link::Link;
use messages::{Answer, Challenge, Request};

/// How long a server may take, with all its round trips.
const PATIENCE: Duration = Duration::from_secs(3);

/// A server that does not do what visits need.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Its name could not be resolved.
    #[error("its name has no address")]
    Nowhere,
    /// There was no way to it.
    #[error("it cannot be reached: {0}")]
    Unreachable(std::io::ErrorKind),
    /// The handshake of TLS failed.
    #[error("its certificate is not trusted, or it speaks no TLS: {0}")]
    Tls(String),
    /// It did not answer in time.
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// It refused the credentials.
    #[error("it refused the credentials ({0}): do both sides have the same secret and time?")]
    Unauthorized(u16),
    /// It refused for another reason.
    #[error("it refused a relay, with the STUN error {0}")]
    Refused(u16),
    /// Its answer was not one.
    #[error("its answer was no valid STUN message")]
    Garbled,
}

/// The STUN and TURN servers that clients are told of.
pub struct TurnServers {
    servers: Arc<IceServers>,
    tls: TlsConnector,
}

impl TurnServers {
    /// These servers; `None` if there are none.
    pub fn new(servers: &Arc<IceServers>) -> Result<Option<Self>, Error> {
        if servers.urls().next().is_none() {
            return Ok(None);
        }
        Ok(Some(Self { servers: Arc::clone(servers), tls: roots::connector()? }))
    }

    /// Asks every server at once, with new credentials. `trouble` is told of each that fails.
    pub async fn check(&self, now: Timestamp, trouble: impl Fn(&IceUrl, &Trouble)) -> Check {
        let (list, _) = self.servers.for_client(now);
        check_all(&list, &self.tls, trouble).await
    }
}

async fn check_all(
    list: &[IceServer],
    tls: &TlsConnector,
    trouble: impl Fn(&IceUrl, &Trouble),
) -> Check {
    let each = list.iter().flat_map(|server| {
        let credentials = server.credentials.as_ref();
        server.urls.iter().map(move |url| async move { (url, check(url, credentials, tls).await) })
    });
    let results = futures_util::future::join_all(each).await;
    let mut failed = 0;
    for (url, result) in &results {
        if let Err(found) = result {
            trouble(url, found);
            failed += 1;
        }
    }
    match results.len() {
        all if failed == all => Check::Down,
        _ if failed > 0 => Check::Degraded,
        _ => Check::Operational,
    }
}

/// Asks one server. Returns how long it took.
pub async fn check(
    url: &IceUrl,
    credentials: Option<&TurnCredentials>,
    tls: &TlsConnector,
) -> Result<Duration, Trouble> {
    let start = Instant::now();
    let asked = timeout(PATIENCE, async {
        let mut link = Link::open(url, tls).await?;
        match credentials.filter(|_| url.relays) {
            None => link.ask(&Request::binding()).await.and_then(expect_success),
            Some(credentials) => allocate(&mut link, credentials).await,
        }
    });
    asked.await.unwrap_or(Err(Trouble::Silent)).map(|()| start.elapsed())
}

/// The first request is refused with a challenge, which the second answers.
async fn allocate(link: &mut Link, credentials: &TurnCredentials) -> Result<(), Trouble> {
    let mut challenge = match link.ask(&Request::allocate(None)).await? {
        Answer::Refused(_, Some(challenge)) => challenge,
        other => return expect_success(other),
    };
    let mut answer = link.ask(&Request::allocate(Some((credentials, &challenge)))).await?;
    if let Answer::Refused(Challenge::STALE, Some(newer)) = answer {
        challenge = newer;
        answer = link.ask(&Request::allocate(Some((credentials, &challenge)))).await?;
    }
    match answer {
        Answer::Success => {
            // If it is lost, the relay ends by itself.
            let _ = link.send(&Request::release(credentials, &challenge)).await;
            Ok(())
        }
        Answer::Refused(Answer::QUOTA_REACHED, _) => Ok(()),
        other => expect_success(other),
    }
}

fn expect_success(answer: Answer) -> Result<(), Trouble> {
    match answer {
        Answer::Success => Ok(()),
        Answer::Refused(code @ 401 | code @ 403, _) => Err(Trouble::Unauthorized(code)),
        Answer::Refused(code, _) => Err(Trouble::Refused(code)),
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Unreachable(error.kind())
    }
}

#[cfg(test)]
mod tests;

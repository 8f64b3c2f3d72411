//! ICE SERVERS: which STUN and TURN servers clients are told of.
//!
//! The core decides who is told of them, and when. This module fills in which they are, because
//! the credentials for TURN need a secret and randomness.

#[cfg(feature = "token")]
mod mint;
mod settings;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{IceServer, IceUrl, ServerMessage, Timestamp, TurnCredentials};

#[cfg(feature = "token")]
pub use mint::minted_with;
pub use settings::{IceSettings, WrongIce};

/// The STUN and TURN servers of this service.
#[derive(Debug, Clone, Default)]
pub struct IceServers {
    stun: Vec<IceUrl>,
    turn: Vec<IceUrl>,
    credentials: Credentials,
    relay_only: bool,
}

/// What the TURN servers accept.
#[derive(Clone, Default)]
pub enum Credentials {
    /// There are no TURN servers.
    #[default]
    None,
    /// The same for everybody, for ever.
    Fixed(TurnCredentials),
    /// Made for each client, and good for so long.
    Minted {
        /// Makes credentials that end then.
        mint: Mint,
        /// How long they last.
        ttl: Duration,
    },
}

/// Makes credentials that end at a given time.
pub type Mint = Arc<dyn Fn(Timestamp) -> TurnCredentials + Send + Sync>;

impl IceServers {
    /// How long the credentials of a client last; `None`: for ever.
    pub const fn ttl(&self) -> Option<Duration> {
        if let Credentials::Minted { ttl, .. } = self.credentials { Some(ttl) } else { None }
    }

    /// Every URL that clients are told.
    pub fn urls(&self) -> impl Iterator<Item = &IceUrl> {
        self.stun.iter().chain(&self.turn)
    }

    /// The servers for one client, and when their credentials end.
    pub fn for_client(&self, now: Timestamp) -> (Vec<IceServer>, Option<Timestamp>) {
        let expires_at = self.ttl().map(|ttl| now.after(ttl));
        let credentials = match &self.credentials {
            Credentials::None => None,
            Credentials::Fixed(credentials) => Some(credentials.clone()),
            Credentials::Minted { mint, ttl } => Some(mint(now.after(*ttl))),
        };
        let group = |urls: &[IceUrl], credentials| {
            (!urls.is_empty()).then(|| IceServer { urls: urls.to_vec(), credentials })
        };
        let servers = group(&self.stun, None).into_iter().chain(group(&self.turn, credentials));
        (servers.collect(), expires_at)
    }

    /// Fills in the servers, if the message tells a client of them.
    pub fn fill(&self, message: &mut ServerMessage, now: Timestamp) {
        match message {
            ServerMessage::Joined { ice, .. } => {
                (ice.ice_servers, ice.ice_servers_expire_at) = self.for_client(now);
                ice.relay_only |= self.relay_only;
            }
            ServerMessage::IceServers { ice_servers, expires_at } => {
                (*ice_servers, *expires_at) = self.for_client(now);
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Fixed(_) => f.write_str("Fixed"),
            Self::Minted { ttl, .. } => write!(f, "Minted({}s)", ttl.as_secs()),
        }
    }
}

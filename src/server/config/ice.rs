//! The flags of STUN and TURN.

use std::sync::Arc;

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};

use super::keys::redacted;
use crate::ice::{IceServers, IceSettings, WrongIce, minted_with};
use crate::redact::Redacted;

/// The shortest and the longest time that credentials last.
const TTL: (u32, u32) = (*IceSettings::TTL_RANGE.start(), *IceSettings::TTL_RANGE.end());

/// The flags that say which STUN and TURN servers clients are told of.
#[derive(Debug, Clone, Args)]
pub struct IceFlags {
    /// STUN server that clients are told of, such as stun:stun.clinic.example; repeatable, or a
    /// comma-separated list
    #[arg(long, env = "VISIO_STUN_URL", value_name = "URL", value_delimiter = ',')]
    stun_url: Vec<String>,

    /// TURN server that clients are told of, such as turn:turn.clinic.example or
    /// turns:turn.clinic.example:443?transport=tcp; repeatable, or a comma-separated list
    #[arg(long, env = "VISIO_TURN_URL", value_name = "URL", value_delimiter = ',')]
    turn_url: Vec<String>,

    /// Secret that is shared with the TURN servers (coturn's static-auth-secret). Each client gets
    /// credentials of its own, which end. Prefer the environment variable
    #[arg(long, env = "VISIO_TURN_SECRET", value_name = "SECRET", hide_env_values = true)]
    #[arg(value_parser = redacted)]
    turn_secret: Option<Redacted<String>>,

    /// User name for the TURN servers, the same for every client, in place of --turn-secret
    #[arg(long, env = "VISIO_TURN_USERNAME", value_name = "NAME")]
    turn_username: Option<String>,

    /// Password of --turn-username. Every client gets it
    #[arg(long, env = "VISIO_TURN_CREDENTIAL", value_name = "PASSWORD", hide_env_values = true)]
    #[arg(value_parser = redacted)]
    turn_credential: Option<Redacted<String>>,

    /// Seconds for which TURN credentials are valid, 10 to 86400. Clients get new ones when half
    /// of that time is over
    #[arg(long, env = "VISIO_TURN_TTL_SECONDS", value_name = "SECONDS")]
    #[arg(default_value_t = IceSettings::TTL_SECONDS, value_parser = value_parser!(u32)
        .range(i64::from(TTL.0)..=i64::from(TTL.1)))]
    turn_ttl_seconds: u32,

    /// All media must go through a TURN server, so that nobody learns the address of another
    #[arg(long, env = "VISIO_RELAY_ONLY", value_parser = BoolishValueParser::new())]
    relay_only: bool,
}

impl IceFlags {
    pub(super) fn resolve(self) -> Result<Arc<IceServers>, WrongIce> {
        let settings = IceSettings {
            stun_urls: self.stun_url,
            turn_urls: self.turn_url,
            secret: self.turn_secret,
            username: self.turn_username,
            credential: self.turn_credential,
            ttl_seconds: self.turn_ttl_seconds,
            relay_only: self.relay_only,
        };
        settings.resolve(minted_with).map(Arc::new)
    }
}

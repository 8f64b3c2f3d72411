//! The settings of the function, read once from its environment when it starts.

use std::sync::Arc;

use aws_types::SdkConfig;
use visio_signaling::health::words::Service;
use visio_signaling::health_check::pass::Pass;
use visio_signaling::health_check::turn::TurnServers;
use visio_signaling::health_check::visit::Entrance;
use visio_signaling::ice::IceServers;
use visio_signaling::origin;
use visio_signaling::token::BadKey;

use super::{App, RealChecks};
use crate::settings::{Wrong, ice_servers};
use crate::tls::Tls;

/// The settings that may be given [by reference](crate::secrets).
pub const SECRETS: [&str; 3] =
    ["VISIO_HEALTH_SECRET", "VISIO_TURN_SECRET", "VISIO_TURN_CREDENTIAL"];

/// The settings of the function `health`.
pub struct Settings {
    table: String,
    websocket: String,
    service: Service,
    allowed_origins: Vec<String>,
    pass: Option<Pass>,
    ice: Arc<IceServers>,
}

/// Why the function cannot start.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Invalid {
    /// A required variable is missing.
    #[error("the environment variable {name} is not set: {meaning}")]
    Missing {
        /// Its name.
        name: &'static str,
        /// What it should hold.
        meaning: &'static str,
    },
    /// A secret that is too short.
    #[error("VISIO_HEALTH_SECRET: {0}")]
    BadSecret(#[from] BadKey),
    /// A wrong setting of STUN or TURN.
    #[error(transparent)]
    Ice(#[from] Wrong),
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    /// An invalid WebSocket URL.
    #[error("VISIO_WEBSOCKET_URL={0:?}: expected an address that starts with wss:// or ws://")]
    NotAWebSocket(String),
    /// An invalid origin.
    #[error(
        "VISIO_ALLOWED_ORIGIN: {0:?} is not an origin; expected * or a comma-separated list of \
         origins, each a scheme and a host with nothing after them, such as https://clinic.example"
    )]
    NotAnOrigin(String),
}

impl Settings {
    /// Reads the settings. `variable` looks up an environment variable.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Invalid> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let need = |name, meaning| set(name).ok_or(Invalid::Missing { name, meaning });
        let region = set("VISIO_REGION");
        Ok(Self {
            table: need("VISIO_TABLE", "the name of the table that keeps the rooms")?,
            websocket: need("VISIO_WEBSOCKET_URL", "the wss:// address that clients connect to")?,
            service: Service {
                name: set("VISIO_SERVICE_NAME").unwrap_or_else(|| "visio-conference".into()),
                region: region.map_or_else(|| need("AWS_REGION", "the region it runs in"), Ok)?,
                version: env!("CARGO_PKG_VERSION"),
            },
            allowed_origins: origin::parse_list(&set("VISIO_ALLOWED_ORIGIN").unwrap_or_default())
                .map_err(|part| Invalid::NotAnOrigin(part.into()))?,
            ice: ice_servers(set)?,
            pass: set("VISIO_HEALTH_SECRET").as_deref().map(Pass::new).transpose()?,
        })
    }

    /// Builds the function, with checks of the real table and the real endpoint.
    pub fn app(self, aws: &SdkConfig) -> Result<App<RealChecks>, Invalid> {
        let tls = Tls::new(self.pass)?;
        let turn_servers = TurnServers::new(&self.ice)?;
        let Some(entrance) = Entrance::new(&self.websocket, tls) else {
            return Err(Invalid::NotAWebSocket(self.websocket));
        };
        Ok(App {
            service: self.service,
            websocket: self.websocket,
            allowed_origins: self.allowed_origins,
            checks: RealChecks::new(aws, self.table, entrance, turn_servers),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: [(&str, &str); 3] = [
        ("VISIO_TABLE", "rooms"),
        ("VISIO_WEBSOCKET_URL", "wss://abc.execute-api.eu-west-3.amazonaws.com/prod"),
        ("AWS_REGION", "eu-west-3"),
    ];

    fn read(set: &[(&str, &str)]) -> Result<Settings, Invalid> {
        let value = |name: &str| set.iter().rev().find(|(key, _)| *key == name);
        Settings::read(|name| value(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_missing_required_variable_is_named() {
        for (name, _) in NEEDED {
            let without: Vec<_> = NEEDED.into_iter().filter(|(key, _)| *key != name).collect();
            let empty = [&NEEDED[..], &[(name, " ")]].concat();
            for set in [without, empty] {
                let message = read(&set).err().unwrap().to_string();
                assert!(message.contains(name), "{message}");
            }
        }
    }

    #[test]
    fn other_variables_have_defaults() {
        let settings = read(&NEEDED).unwrap();
        assert_eq!(settings.service.name, "visio-conference");
        assert_eq!(settings.service.region, "eu-west-3");
        assert!(settings.allowed_origins.is_empty());
        let more = [("VISIO_REGION", "paris"), ("VISIO_SERVICE_NAME", "clinic")];
        let service = read(&[&NEEDED[..], &more].concat()).unwrap().service;
        assert_eq!((service.region.as_str(), service.name.as_str()), ("paris", "clinic"));
    }

    #[test]
    fn origins_are_a_list_or_any() {
        let read = |list| read(&[&NEEDED[..], &[("VISIO_ALLOWED_ORIGIN", list)]].concat());
        let origins = read("https://A.example, http://localhost:3000,").unwrap().allowed_origins;
        assert_eq!(origins, ["https://a.example", "http://localhost:3000"]);
        assert!(read("*").unwrap().allowed_origins.is_empty());
        assert_eq!(read("a.example").err(), Some(Invalid::NotAnOrigin("a.example".into())));
    }
}

//! The settings of both runtimes, as text, and the servers that they mean.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Credentials, IceServers, Mint};
use crate::redact::Redacted;
use crate::wire::{IceUrl, TurnCredentials};

/// What an operator has set. The names of the settings are those of the flags: `stun-url`,
/// `turn-url`, `turn-secret`, `turn-username`, `turn-credential`, `turn-ttl-seconds`, `relay-only`.
#[derive(Debug, Clone)]
pub struct IceSettings {
    /// URLs of STUN servers.
    pub stun_urls: Vec<String>,
    /// URLs of TURN servers.
    pub turn_urls: Vec<String>,
    /// The secret that is shared with the TURN servers.
    pub secret: Option<Redacted<String>>,
    /// A user name that the TURN servers know.
    pub username: Option<String>,
    /// Its password.
    pub credential: Option<Redacted<String>>,
    /// How long credentials that are made with the secret last.
    pub ttl_seconds: u32,
    /// Whether all media must go through a TURN server.
    pub relay_only: bool,
}

/// A setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongIce {
    /// The name of the setting.
    pub setting: &'static str,
    /// Its value, if it may be shown.
    pub value: Option<String>,
    /// What was expected.
    pub expected: &'static str,
}

const SECRET: &str = "turn-secret";
const URL: &str = "turn-url";

impl IceSettings {
    /// How long credentials last by default, in seconds.
    pub const TTL_SECONDS: u32 = 3600;
    /// How long they may last.
    pub const TTL_RANGE: RangeInclusive<u32> = 10..=86_400;

    /// Nothing is set.
    pub const NONE: Self = Self {
        stun_urls: Vec::new(),
        turn_urls: Vec::new(),
        secret: None,
        username: None,
        credential: None,
        ttl_seconds: Self::TTL_SECONDS,
        relay_only: false,
    };

    /// The servers that these settings mean. `mint` turns the secret into what makes credentials.
    pub fn resolve(self, mint: impl FnOnce(&str) -> Mint) -> Result<IceServers, WrongIce> {
        let wrong = |setting, expected| WrongIce { setting, value: None, expected };
        let stun = urls("stun-url", &self.stun_urls, false)?;
        let turn = urls(URL, &self.turn_urls, true)?;
        let has_credentials =
            self.secret.is_some() || self.username.is_some() || self.credential.is_some();
        if turn.is_empty() && has_credentials {
            return Err(wrong(URL, "the URL of the TURN server whose credentials are set"));
        }
        if turn.is_empty() && self.relay_only {
            return Err(wrong(URL, "the URL of a TURN server, because relay-only is set"));
        }
        let credentials = match (self.secret, self.username, self.credential) {
            (None, None, None) if turn.is_empty() => Credentials::None,
            (Some(secret), None, None) if secret.expose().is_empty() => {
                return Err(wrong(SECRET, "the secret that the TURN server has; it is empty"));
            }
            (Some(secret), None, None) => {
                let ttl = Duration::from_secs(self.ttl_seconds.into());
                Credentials::Minted { mint: mint(secret.expose()), ttl }
            }
            (None, Some(username), Some(credential)) => {
                let username = Redacted::new(username);
                Credentials::Fixed(TurnCredentials { username, credential })
            }
            (Some(_), _, _) => {
                return Err(wrong(SECRET, "no turn-username and no turn-credential beside it"));
            }
            (None, Some(_), None) => {
                return Err(wrong("turn-credential", "the password of turn-username"));
            }
            (None, None, Some(_)) => {
                return Err(wrong("turn-username", "the user that turn-credential is for"));
            }
            (None, None, None) => {
                let expected = "the secret of the TURN server, or turn-username and \
                     turn-credential, because turn-url is set";
                return Err(wrong(SECRET, expected));
            }
        };
        Ok(IceServers { stun, turn, credentials, relay_only: self.relay_only })
    }
}

fn urls(setting: &'static str, texts: &[String], relays: bool) -> Result<Vec<IceUrl>, WrongIce> {
    let texts = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    let parse = |text: &str| {
        let url = IceUrl::parse(text).filter(|url| url.relays == relays);
        let value = Some(text.to_owned());
        url.ok_or(WrongIce { setting, value, expected: IceUrl::EXPECTED })
    };
    texts.map(parse).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::wire::Timestamp;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn turn() -> IceSettings {
        IceSettings { turn_urls: vec!["turn:turn.example".into()], ..IceSettings::NONE }
    }

    fn some(text: &str) -> Option<Redacted<String>> {
        Some(Redacted::new(text.to_owned()))
    }

    fn resolve(settings: IceSettings) -> Result<IceServers, WrongIce> {
        settings.resolve(|secret| {
            let credential = Redacted::new(secret.to_owned());
            Arc::new(move |until| TurnCredentials {
                username: Redacted::new((until.0 / 1000).to_string()),
                credential: credential.clone(),
            })
        })
    }

    fn told(settings: IceSettings) -> String {
        let (servers, _) = resolve(settings).unwrap().for_client(NOW);
        serde_json::to_string(&servers).unwrap()
    }

    #[test]
    fn clients_are_told_of_stun_servers_without_and_of_turn_servers_with_credentials() {
        assert_eq!(told(IceSettings::NONE), "[]");
        let stun_urls = vec!["stun:a.example".into(), " stun:b.example ".into(), String::new()];
        let stun = IceSettings { stun_urls, ..IceSettings::NONE };
        let stun_alone = r#"{"urls":["stun:a.example","stun:b.example"]}"#;
        assert_eq!(told(stun.clone()), format!("[{stun_alone}]"));
        let both = IceSettings { secret: some("s"), turn_urls: turn().turn_urls, ..stun };
        let turn = r#"{"urls":["turn:turn.example"],"username":"1700003600","credential":"s"}"#;
        assert_eq!(told(both), format!("[{stun_alone},{turn}]"));
    }

    #[test]
    fn credentials_that_are_set_have_no_end() {
        let username = Some("visio".to_owned());
        let settings = IceSettings { username, credential: some("pass"), ..turn() };
        let servers = resolve(settings).unwrap();
        assert_eq!((servers.ttl(), servers.for_client(NOW).1), (None, None));
        let minted = resolve(IceSettings { secret: some("s"), ..turn() }).unwrap();
        assert_eq!(minted.for_client(NOW).1, Some(Timestamp(NOW.0 + 3_600_000)));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let username = || Some("visio".to_owned());
        let urls = |setting, url: &str| match setting {
            "stun-url" => IceSettings { stun_urls: vec![url.into()], ..IceSettings::NONE },
            _ => IceSettings { turn_urls: vec![url.into()], secret: some("s"), ..turn() },
        };
        for (settings, setting) in [
            (urls("stun-url", "turn:a"), "stun-url"),
            (urls("turn-url", "stun:a"), "turn-url"),
            (urls("turn-url", "https://a"), "turn-url"),
            (turn(), "turn-secret"),
            (IceSettings { secret: some(""), ..turn() }, "turn-secret"),
            (IceSettings { secret: some("s"), username: username(), ..turn() }, "turn-secret"),
            (IceSettings { username: username(), ..turn() }, "turn-credential"),
            (IceSettings { credential: some("s"), ..turn() }, "turn-username"),
            (IceSettings { secret: some("s"), ..IceSettings::NONE }, "turn-url"),
            (IceSettings { relay_only: true, ..IceSettings::NONE }, "turn-url"),
        ] {
            assert_eq!(resolve(settings.clone()).unwrap_err().setting, setting, "{settings:?}");
        }
    }
}

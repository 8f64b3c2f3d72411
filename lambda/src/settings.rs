//! The operator's settings, from the function's environment.

use std::ops::RangeInclusive;
use std::sync::Arc;

use visio_signaling::core::{Rules, UnreadBounds};
use visio_signaling::health_check::pass::Pass;
use visio_signaling::ice::{IceServers, IceSettings, minted_with};
use visio_signaling::origin;
use visio_signaling::redact::Redacted;
use visio_signaling::token::{BadKey, Gatekeeper, Keys};

use crate::log::{self, Level};

/// How long a client may be silent. API Gateway closes a connection after ten minutes without a
/// message, and WebSocket pings do not count.
const HEARTBEAT_SECONDS: u64 = 9 * 60;
/// The largest frame that API Gateway accepts.
const MAX_MESSAGE_BYTES: u16 = 32 * 1024;

/// The settings that may be given [by reference](crate::secrets).
pub const SECRETS: [&str; 4] =
    ["VISIO_JWT_SECRET", "VISIO_HEALTH_SECRET", "VISIO_TURN_SECRET", "VISIO_TURN_CREDENTIAL"];

/// The settings of the function `signaling`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `VISIO_TABLE`: the DynamoDB table.
    pub table: String,
    /// `VISIO_MANAGEMENT_ENDPOINT`: `https://API.execute-api.REGION.amazonaws.com/STAGE`. It is not
    /// derived from events, because a custom domain would break that.
    pub management_endpoint: String,
    /// `VISIO_ALLOWED_ORIGIN`: a comma-separated list of the origins of pages that may connect;
    /// empty for any.
    pub allowed_origins: Vec<String>,
    /// `VISIO_MAX_MESSAGE_BYTES`: 1 to 32768, which is the default.
    pub max_message_bytes: usize,
    /// Lets in everybody (open mode), or only clients with a valid token. The key is given as text,
    /// by one of `VISIO_JWT_SECRET`, `VISIO_JWT_PUBLIC_KEY` (PEM) and `VISIO_JWKS`. Tokens must
    /// name `VISIO_JWT_AUDIENCE` if that is set.
    pub gatekeeper: Gatekeeper,
    /// `VISIO_STUN_URL`, `VISIO_TURN_URL` and `VISIO_RELAY_ONLY`: the servers that clients are
    /// told of, as the flags of the standalone server have them. `VISIO_TURN_SECRET` makes
    /// credentials that last for `VISIO_TURN_TTL_SECONDS`. `VISIO_TURN_USERNAME` and
    /// `VISIO_TURN_CREDENTIAL` are the same for everybody.
    pub ice: Arc<IceServers>,
    /// `VISIO_MAX_PEERS_PER_ROOM`: 1 to 256, 16 by default. `VISIO_GRACE_SECONDS`: 0 to 600, 20 by
    /// default.
    pub rules: Rules,
}

/// An invalid setting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct Wrong {
    name: &'static str,
    problem: String,
}

impl Wrong {
    fn expected(name: &'static str, what: &str) -> Self {
        Self { name, problem: format!("expected {what}") }
    }

    fn key(name: &'static str, bad: &BadKey) -> Self {
        Self { name, problem: bad.to_string() }
    }
}

impl Settings {
    /// Reads the settings from an environment.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Wrong> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name, what: &str| given(name).ok_or_else(|| Wrong::expected(name, what));
        let number = |name, default: u16, range: RangeInclusive<u16>| match given(name) {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|it| range.contains(it)).ok_or_else(|| {
                let (least, most) = range.into_inner();
                Wrong::expected(name, &format!("a whole number from {least} to {most}"))
            }),
        };
        let ice = ice_servers(given)?;
        let origins = given("VISIO_ALLOWED_ORIGIN").unwrap_or_default();
        let not_origins = |_| {
            let origins = "* or a comma-separated list of origins, such as https://clinic.example";
            Wrong::expected("VISIO_ALLOWED_ORIGIN", origins)
        };
        Ok(Self {
            table: required("VISIO_TABLE", "the name of the DynamoDB table")?,
            management_endpoint: required(
                "VISIO_MANAGEMENT_ENDPOINT",
                "https://API.execute-api.REGION.amazonaws.com/STAGE",
            )?,
            gatekeeper: beside(gatekeeper(&variable, &given)?, &given)?,
            allowed_origins: origin::parse_list(&origins).map_err(not_origins)?,
            max_message_bytes: number(
                "VISIO_MAX_MESSAGE_BYTES",
                MAX_MESSAGE_BYTES,
                1..=MAX_MESSAGE_BYTES,
            )?
            .into(),
            rules: Rules {
                max_peers_per_room: number(
                    "VISIO_MAX_PEERS_PER_ROOM",
                    Rules::DEFAULT.max_peers_per_room,
                    1..=Rules::MOST_PEERS_PER_ROOM,
                )?,
                grace_seconds: number(
                    "VISIO_GRACE_SECONDS",
                    Rules::DEFAULT.grace_seconds,
                    0..=Rules::MOST_GRACE_SECONDS,
                )?,
                heartbeat_seconds: HEARTBEAT_SECONDS,
                turn_ttl: ice.ttl(),
                unread: UnreadBounds::NONE,
            },
            ice,
        })
    }
}

/// The STUN and TURN servers that are set, for both functions.
pub(crate) fn ice_servers(
    given: impl Fn(&str) -> Option<String>,
) -> Result<Arc<IceServers>, Wrong> {
    let list = |name| given(name).map(|text| text.split(',').map(str::to_owned).collect());
    let ttl = given("VISIO_TURN_TTL_SECONDS").map_or(Ok(IceSettings::TTL_SECONDS), |text| {
        let range = IceSettings::TTL_RANGE;
        text.parse().ok().filter(|it| range.contains(it)).ok_or_else(|| {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            Wrong::expected("VISIO_TURN_TTL_SECONDS", &expected)
        })
    })?;
    let relay_only = match given("VISIO_RELAY_ONLY").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Wrong::expected("VISIO_RELAY_ONLY", "true or false")),
    };
    let settings = IceSettings {
        stun_urls: list("VISIO_STUN_URL").unwrap_or_default(),
        turn_urls: list("VISIO_TURN_URL").unwrap_or_default(),
        secret: given("VISIO_TURN_SECRET").map(Redacted::new),
        username: given("VISIO_TURN_USERNAME"),
        credential: given("VISIO_TURN_CREDENTIAL").map(Redacted::new),
        ttl_seconds: ttl,
        relay_only,
    };
    settings.resolve(minted_with).map(Arc::new).map_err(|wrong| {
        let name = match wrong.setting {
            "stun-url" => "VISIO_STUN_URL",
            "turn-url" => "VISIO_TURN_URL",
            "turn-username" => "VISIO_TURN_USERNAME",
            "turn-credential" => "VISIO_TURN_CREDENTIAL",
            _ => "VISIO_TURN_SECRET",
        };
        Wrong::expected(name, wrong.expected)
    })
}

/// `VISIO_HEALTH_SECRET` lets the function `health` into its own rooms. Without it, in open mode,
/// its visits look like any other.
fn beside(
    gatekeeper: Gatekeeper,
    given: &impl Fn(&str) -> Option<String>,
) -> Result<Gatekeeper, Wrong> {
    let Some(secret) = given("VISIO_HEALTH_SECRET") else { return Ok(gatekeeper) };
    let pass = Pass::new(&secret).map_err(|bad| Wrong::key("VISIO_HEALTH_SECRET", &bad))?;
    Ok(pass.beside(gatekeeper))
}

/// The gatekeeper for the key that is set. A key that is set but empty is a mistake, and does not
/// mean open mode.
fn gatekeeper(
    variable: &impl Fn(&str) -> Option<String>,
    given: &impl Fn(&str) -> Option<String>,
) -> Result<Gatekeeper, Wrong> {
    type Read = fn(&str) -> Result<Keys, BadKey>;
    let kinds: [(&'static str, Read); 3] = [
        ("VISIO_JWT_SECRET", Keys::from_secret),
        ("VISIO_JWT_PUBLIC_KEY", Keys::from_pem),
        ("VISIO_JWKS", Keys::from_jwks),
    ];
    let set = kinds.into_iter().filter_map(|(name, read)| Some((name, read(&variable(name)?))));
    let mut set: Vec<_> = set.collect();
    match (set.pop(), set.pop()) {
        (None, _) => Ok(Gatekeeper::default()),
        (Some((name, Ok(keys))), None) => {
            if let Some(skipped) = keys.skipped() {
                log::line(Level::Warn, "skipped keys of the set", name, skipped);
            }
            Ok(keys.gatekeeper(given("VISIO_JWT_AUDIENCE")))
        }
        (Some((name, Err(bad))), None) => Err(Wrong::key(name, &bad)),
        (Some((name, _)), Some(_)) => {
            Err(Wrong::expected(name, "to be the only key; another one is set as well"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Wrong> {
        let required = [("VISIO_TABLE", "t"), ("VISIO_MANAGEMENT_ENDPOINT", "http://h/prod")];
        let all: Vec<_> = variables.iter().chain(&required).collect();
        Settings::read(|name| {
            all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn two_settings_suffice() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.table.as_str(), settings.max_message_bytes), ("t", 32_768));
        assert_eq!(settings.rules.max_peers_per_room, 16);
        assert!(settings.allowed_origins.is_empty());
    }

    #[test]
    fn a_missing_or_invalid_setting_is_named() {
        for (name, value) in [
            ("VISIO_TABLE", ""),
            ("VISIO_MANAGEMENT_ENDPOINT", ""),
            ("VISIO_MAX_PEERS_PER_ROOM", "0"),
            ("VISIO_MAX_PEERS_PER_ROOM", "257"),
            ("VISIO_GRACE_SECONDS", "601"),
            ("VISIO_MAX_PEERS_PER_ROOM", "many"),
            ("VISIO_MAX_MESSAGE_BYTES", "32769"),
            ("VISIO_ALLOWED_ORIGIN", "clinic.example"),
            ("VISIO_JWT_SECRET", ""),
            ("VISIO_JWT_PUBLIC_KEY", "no key"),
            ("VISIO_HEALTH_SECRET", "short"),
            ("VISIO_STUN_URL", "stun.example"),
            ("VISIO_TURN_TTL_SECONDS", "9"),
            ("VISIO_RELAY_ONLY", "perhaps"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: expected ")), "{error}");
            assert_eq!(error.matches("expected").count(), 1, "{error}");
        }
    }

    #[test]
    fn origins_are_a_list() {
        let settings = read(&[("VISIO_ALLOWED_ORIGIN", "https://a.example, https://b.example")]);
        assert_eq!(settings.unwrap().allowed_origins, ["https://a.example", "https://b.example"]);
    }
}

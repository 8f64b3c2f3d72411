//! `visio token`: mints a visit token, for trials and scripts.

use std::time::{Duration, SystemTime};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, value_parser};

use super::keys::{KeyError, redacted};
use crate::core::Grant;
use crate::redact::Redacted;
use crate::token::mint;
use crate::wire::{DisplayName, FromText, PeerId, Role, RoomId, Timestamp, Token};

/// The longest lifetime of a token, which is made for one visit.
const MAX_TTL: Duration = Duration::from_secs(366 * 24 * 3600);

/// The flags of `visio token`.
#[derive(Debug, Clone, Args)]
pub struct TokenFlags {
    /// Room of the visit (`room`)
    #[arg(long, value_name = "ROOM", value_parser = value::<RoomId>)]
    room: RoomId,

    /// Peer that the token is for (`sub`)
    #[arg(long, value_name = "PEER", value_parser = value::<PeerId>)]
    peer: PeerId,

    /// Role of the peer: host, guest, observer or admin
    #[arg(long, value_name = "ROLE", value_parser = value::<Role>, default_value = "guest")]
    role: Role,

    /// Name that the other peers see
    #[arg(long, value_name = "NAME", value_parser = value::<DisplayName>)]
    name: Option<DisplayName>,

    /// How long the token is valid, such as 90s, 15m or 1h; at most 366d
    #[arg(long, value_name = "DURATION", value_parser = ttl, default_value = "1h")]
    ttl: Duration,

    /// If the peer is a guest, it waits in the lobby until a host admits it
    #[arg(long)]
    lobby: bool,

    /// Number of seats in the room, 1 to 256 [default: the server's setting]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=256))]
    capacity: Option<u16>,

    /// All media of the peer must go through a TURN server (`relay`)
    #[arg(long)]
    relay: bool,

    /// When the visit ends for everybody: a time such as 2026-11-20T15:30:00Z, or a duration from
    /// now, such as 45m
    #[arg(long, value_name = "TIME", value_parser = end)]
    visit_end: Option<End>,

    /// Let the peer join again even if a host removed it before now (`readmit`, with `iat`)
    #[arg(long)]
    readmit: bool,

    /// Secret to sign with, at least 32 bytes and the same as the server's. Prefer the environment
    /// variable
    #[arg(long, env = "VISIO_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    #[arg(value_parser = redacted)]
    jwt_secret: Redacted<String>,

    /// Audience (`aud`), the same as the server's --jwt-audience, if that is set
    #[arg(long, env = "VISIO_JWT_AUDIENCE", value_name = "NAME")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    jwt_audience: Option<String>,
}

/// When a visit ends, as given on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    At(SystemTime),
    After(Duration),
}

impl TokenFlags {
    /// Mints the token, issued at `now`.
    pub fn mint(self, now: SystemTime) -> Result<Token, KeyError> {
        let grant = Grant {
            subject: self.peer,
            room: self.room,
            role: self.role,
            name: self.name,
            lobby: self.lobby,
            capacity: self.capacity.map(usize::from),
            relay_only: self.relay,
            expires_at: Timestamp::from(now + self.ttl),
            visit_end: self.visit_end.map(|end| end.from(now)),
            readmitted_at: self.readmit.then(|| now.into()),
        };
        let audience = self.jwt_audience.as_deref();
        mint(self.jwt_secret.expose(), &grant, audience).map_err(KeyError::Secret)
    }
}

impl End {
    fn from(self, now: SystemTime) -> Timestamp {
        match self {
            Self::At(time) => time.into(),
            Self::After(duration) => (now + duration).into(),
        }
    }
}

fn value<T: FromText>(text: &str) -> Result<T, String> {
    T::parse(text).ok_or_else(|| format!("expected {}", T::EXPECTED))
}

fn ttl(text: &str) -> Result<Duration, &'static str> {
    let good = humantime::parse_duration(text).ok();
    let good = good.filter(|ttl| (Duration::from_secs(1)..=MAX_TTL).contains(ttl));
    good.ok_or("expected a duration such as 90s, 15m or 1h, of at most 366d")
}

fn end(text: &str) -> Result<End, &'static str> {
    let after = ttl(text).ok().map(End::After);
    after.or_else(|| rfc_3339(text).map(End::At)).ok_or(
        "expected a time such as 2026-11-20T15:30:00Z or 2026-11-20T16:30:00+01:00, or a duration \
         from now, such as 45m",
    )
}

/// A time in UTC, or with an offset (RFC 3339, section 5.6).
fn rfc_3339(text: &str) -> Option<SystemTime> {
    if text.ends_with('Z') {
        return humantime::parse_rfc3339(text).ok();
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let local = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (two_digits(hours, 23)?, two_digits(minutes, 59)?);
    let offset_seconds = Duration::from_secs(hours * 3600 + minutes * 60);
    match offset.as_bytes().first()? {
        b'+' => local.checked_sub(offset_seconds),
        b'-' => local.checked_add(offset_seconds),
        _ => None,
    }
}

fn two_digits(text: &str, most: u64) -> Option<u64> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Keys;
    use clap::Parser;

    const SECRET: &str = "a secret of tests that has 32 bytes or more";

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        flags: TokenFlags,
    }

    fn typed(args: &[&str]) -> Result<TokenFlags, String> {
        let least = ["visio", "--room", "visit", "--peer", "ada", "--jwt-secret", SECRET];
        let typed = Typed::try_parse_from(least.iter().chain(args));
        typed.map(|typed| typed.flags).map_err(|error| error.to_string())
    }

    fn at(text: &str) -> SystemTime {
        humantime::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_token_grants_what_the_flags_say() {
        let now = at("2026-11-20T12:00:00Z");
        let args = [
            "--role",
            "host",
            "--name",
            "Dr Ada",
            "--ttl",
            "90m",
            "--lobby",
            "--capacity",
            "3",
            "--relay",
            "--visit-end",
            "45m",
            "--readmit",
            "--jwt-audience",
            "visio",
        ];
        let token = typed(&args).unwrap().mint(now).unwrap();
        let keys = Keys::from_secret(SECRET).unwrap();
        let grant = keys.verify(&token, Some("visio"), now.into()).unwrap();
        assert_eq!((grant.room.as_str(), grant.subject.as_str()), ("visit", "ada"));
        assert_eq!((grant.role, grant.lobby, grant.capacity), (Role::Host, true, Some(3)));
        assert!(grant.relay_only);
        assert_eq!(grant.name, DisplayName::parse("Dr Ada"));
        assert_eq!(grant.expires_at, at("2026-11-20T13:30:00Z").into());
        assert_eq!(grant.visit_end, Some(at("2026-11-20T12:45:00Z").into()));
        assert_eq!(grant.readmitted_at, Some(now.into()));
    }

    #[test]
    fn an_end_is_a_time_or_a_duration() {
        let time = at("2026-11-20T15:30:00Z");
        for text in
            ["2026-11-20T15:30:00Z", "2026-11-20T16:30:00+01:00", "2026-11-20T10:00:00-05:30"]
        {
            assert_eq!(end(text), Ok(End::At(time)), "{text}");
        }
        assert_eq!(end("1h 30m"), Ok(End::After(Duration::from_secs(5400))));
        for text in [
            "",
            "tomorrow",
            "2026-11-20",
            "2026-11-20T15:30:00",
            "2026-11-20T15:30:00+1:00",
            "2026-11-20T15:30:00+01:60",
            "2026-11-20T15:30:00 01:00",
            "0s",
            "é",
            "1970-01-01T00:00:00+01:00x",
        ] {
            assert!(end(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_invalid_value_is_refused_by_its_flag() {
        for (args, part) in [
            (["--role", "doctor"], "expected host, guest, observer or admin"),
            (["--ttl", "forever"], "such as 90s"),
            (["--ttl", "0s"], "such as 90s"),
            (["--ttl", "367d"], "366d"),
            (["--capacity", "0"], "1..=256"),
            (["--capacity", "257"], "1..=256"),
            (["--visit-end", "soon"], "2026-11-20T15:30:00Z"),
            (["--name", "a\u{7}"], "control character"),
        ] {
            let error = typed(&args).unwrap_err();
            assert!(error.contains(args[0]) && error.contains(part), "{error}");
        }
    }

    #[test]
    fn an_invalid_secret_is_refused_and_not_shown() {
        let args = ["visio", "--room", "a", "--peer", "b", "--jwt-secret", "too short"];
        let flags = Typed::try_parse_from(args).unwrap().flags;
        assert!(!format!("{flags:?}").contains("short"));
        let error = flags.mint(SystemTime::UNIX_EPOCH).unwrap_err().to_string();
        assert!(error.contains("--jwt-secret") && error.contains("32 bytes"), "{error}");
        assert!(!error.contains("short"), "{error}");
    }
}

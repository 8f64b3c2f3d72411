//! The claims of a token.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Refused, json};
use crate::core::{Grant, LEEWAY};
use crate::wire::{DisplayName, FromText, PeerId, Role, RoomId, Timestamp};

/// The number of seats that a token may ask for.
const CAPACITY: std::ops::RangeInclusive<u16> = 1..=256;
/// The last second of the year 9999. A larger number is not in seconds.
const LAST_SECOND: f64 = 253_402_300_799.0;

const SECONDS: &str = "seconds since 1970 (not milliseconds)";
const ISSUED_AT: &str = "seconds since 1970 (not milliseconds), because the token has `readmit`";

/// The raw claims that this service reads. A repeated claim is refused, because parsers disagree on
/// which of the two counts (RFC 7519, section 4).
#[derive(Deserialize)]
pub(super) struct Claims<'a> {
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    sub: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    room: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    role: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    name: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    exp: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    nbf: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    aud: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    lobby: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    capacity: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    relay: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "visitEnd", deserialize_with = "json::as_written")]
    visit_end: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    readmit: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::as_written")]
    iat: Option<&'a RawValue>,
}

impl<'a> Claims<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Refused> {
        json::object(text).map_err(|_| Refused::Part("claims"))
    }

    /// What the claims grant at `now`, on a server whose audience is `audience`.
    pub(super) fn grant(self, audience: Option<&str>, now: Timestamp) -> Result<Grant, Refused> {
        let expires_at = of("exp", self.exp, SECONDS, date)?;
        if Grant::over_after(expires_at) <= now {
            return Err(Refused::EXPIRED);
        }
        if maybe("nbf", self.nbf, SECONDS, date)?.is_some_and(|from| now.0 + LEEWAY < from.0) {
            let expected = "a time that has come; this token is not valid yet";
            return Err(Refused::Claim { claim: "nbf", expected });
        }
        self.is_for(audience)?;
        Ok(Grant {
            subject: of("sub", self.sub, PeerId::EXPECTED, json::text)?,
            room: of("room", self.room, RoomId::EXPECTED, json::text)?,
            role: maybe("role", self.role, Role::EXPECTED, json::text)?.unwrap_or_default(),
            name: maybe("name", self.name, DisplayName::EXPECTED, json::text)?,
            lobby: maybe("lobby", self.lobby, "true or false", json::value)?.unwrap_or_default(),
            capacity: maybe("capacity", self.capacity, "a whole number from 1 to 256", seats)?,
            relay_only: maybe("relay", self.relay, "true or false", json::value)?
                .unwrap_or_default(),
            expires_at,
            visit_end: maybe("visitEnd", self.visit_end, SECONDS, date)?,
            readmitted_at: self.readmitted_at(now)?,
        })
    }

    /// When a token with `readmit` was issued. The time decides which removals it overrides, so
    /// `iat` is required and must not be in the future.
    fn readmitted_at(&self, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
        if maybe("readmit", self.readmit, "true or false", json::value)? != Some(true) {
            return Ok(None);
        }
        let issued_at = of("iat", self.iat, ISSUED_AT, date)?;
        if now.0 + LEEWAY < issued_at.0 {
            return Err(Refused::Claim { claim: "iat", expected: "a time that has come" });
        }
        Ok(Some(issued_at))
    }

    /// Refuses a token for another audience (RFC 7519, section 4.1.3). A server without an audience
    /// refuses every token that names one.
    fn is_for(&self, audience: Option<&str>) -> Result<(), Refused> {
        let list = "a string or a list of strings";
        let named = maybe("aud", self.aud, list, names)?;
        let expected = match (audience, named) {
            (None, None) => return Ok(()),
            (Some(own), Some(names)) if names.iter().any(|name| name == own) => return Ok(()),
            (Some(_), _) => "the audience that this server is set to",
            (None, Some(_)) => "none, because this server has no audience set",
        };
        Err(Refused::Claim { claim: "aud", expected })
    }
}

/// The value of a required claim.
fn of<'a, T>(
    claim: &'static str,
    raw: Option<&'a RawValue>,
    expected: &'static str,
    read: impl Fn(&'a RawValue) -> Option<T>,
) -> Result<T, Refused> {
    raw.and_then(read).ok_or(Refused::Claim { claim, expected })
}

/// The value of an optional claim.
fn maybe<'a, T>(
    claim: &'static str,
    raw: Option<&'a RawValue>,
    expected: &'static str,
    read: impl Fn(&'a RawValue) -> Option<T>,
) -> Result<Option<T>, Refused> {
    raw.map(|raw| of(claim, Some(raw), expected, read)).transpose()
}

/// Parses a NumericDate (RFC 7519, section 2): seconds, possibly with a fraction.
fn date(raw: &RawValue) -> Option<Timestamp> {
    let seconds = json::value::<f64>(raw).filter(|it| (0.0..=LAST_SECOND).contains(it))?;
    Some(Timestamp((seconds * 1000.0) as u64))
}

fn seats(raw: &RawValue) -> Option<usize> {
    json::value::<u16>(raw).filter(|seats| CAPACITY.contains(seats)).map(usize::from)
}

fn names(raw: &RawValue) -> Option<Vec<String>> {
    json::value::<String>(raw).map(|name| vec![name]).or_else(|| json::value(raw))
}

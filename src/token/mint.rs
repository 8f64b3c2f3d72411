//! Minting tokens for `visio token`, for tests and for the server's own health check. A clinic's
//! backend mints its tokens itself, with a library of its choice.

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde::Serialize;

use super::Keys;
use super::key::BadKey;
use crate::core::Grant;
use crate::wire::{DisplayName, PeerId, Role, RoomId, Timestamp, Token};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    sub: &'a PeerId,
    room: &'a RoomId,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a DisplayName>,
    exp: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lobby: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    relay: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    visit_end: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    readmit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

/// Mints a token for this grant, signed with `secret` (HS256). Its times are in whole seconds.
pub fn mint(secret: &str, grant: &Grant, audience: Option<&str>) -> Result<Token, BadKey> {
    Keys::from_secret(secret)?;
    let seconds = |time: Timestamp| time.0 / 1000;
    let claims = Claims {
        sub: &grant.subject,
        room: &grant.room,
        role: grant.role,
        name: grant.name.as_ref(),
        exp: seconds(grant.expires_at),
        lobby: grant.lobby,
        capacity: grant.capacity,
        relay: grant.relay_only,
        visit_end: grant.visit_end.map(seconds),
        readmit: grant.readmitted_at.is_some(),
        // Rounded up, so that it is later than a removal in the same second.
        iat: grant.readmitted_at.map(|issued_at| issued_at.0.div_ceil(1000)),
        aud: audience,
    };
    let claims = serde_json::to_string(&claims).expect("claims have string keys");
    Ok(Token::new(signed(secret, r#"{"alg":"HS256","typ":"JWT"}"#, &claims)))
}

pub(super) fn signed(secret: &str, header: &str, claims: &str) -> String {
    let [header, claims] = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.as_bytes()));
    let message = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = BASE64URL_NOPAD.encode(hmac::sign(&key, message.as_bytes()).as_ref());
    format!("{message}.{signature}")
}

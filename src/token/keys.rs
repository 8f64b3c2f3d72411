//! The operator's keys, and the verification of tokens.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::claims::Claims;
use super::key::{BadKey, Key};
use super::{Gatekeeper, Refused, json, jwks, pem};
use crate::core::Grant;
use crate::wire::{Timestamp, Token};

/// The longest token that is verified, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// The keys that verify tokens: a single key, or a set of named keys.
pub struct Keys(Kept);

enum Kept {
    One(Key),
    Set(Vec<Named>, Option<Skipped>),
}

/// A key of a set.
pub(super) struct Named {
    pub(super) kid: Option<String>,
    pub(super) key: Key,
}

/// A summary of the keys of a set that cannot be used here. It never quotes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// How many keys were skipped.
    pub count: usize,
    /// The position in the set of the first skipped key, counted from 1.
    pub nth: usize,
    /// What was expected of that key.
    pub first: BadKey,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} skipped; the first is key {}: {}", self.count, self.nth, self.first)
    }
}

impl Keys {
    /// For HS256: a secret of at least 32 bytes, used as it is written.
    pub fn from_secret(secret: &str) -> Result<Self, BadKey> {
        if secret.contains("-----BEGIN ") {
            return Err(BadKey::new(
                "a secret, not a PEM; give a public key to --jwt-public-key, because as a secret \
                 it would let anybody who knows it make tokens",
            ));
        }
        if secret.trim() != secret {
            return Err(BadKey::new("a secret without white space around it"));
        }
        Key::secret(secret.as_bytes()).map(Kept::One).map(Self)
    }

    /// A public key in PEM: RSA for RS256, P-256 for ES256, or Ed25519 for EdDSA.
    pub fn from_pem(text: &str) -> Result<Self, BadKey> {
        pem::key(text).map(Kept::One).map(Self)
    }

    /// A JWK Set, for key rotation. A token names its key by `kid`. A token without a `kid` is
    /// accepted only if exactly one key of the set is for its algorithm. Keys that cannot be used
    /// here are skipped.
    pub fn from_jwks(text: &str) -> Result<Self, BadKey> {
        jwks::keys(text).map(|(keys, skipped)| Self(Kept::Set(keys, skipped)))
    }

    /// The keys of a set that were skipped. Log them, because nothing else reports them.
    pub const fn skipped(&self) -> Option<&Skipped> {
        match &self.0 {
            Kept::One(_) => None,
            Kept::Set(_, skipped) => skipped.as_ref(),
        }
    }

    /// What `token` grants at `now`, on a server whose audience is `audience`. The signature is
    /// checked before the claims, so only somebody who could have made the token learns what is
    /// wrong with them.
    pub fn verify(
        &self,
        token: &Token,
        audience: Option<&str>,
        now: Timestamp,
    ) -> Result<Grant, Refused> {
        let token = token.expose();
        if token.len() > MAX_TOKEN {
            return Err(Refused::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Form)?;
        let (header, claims) = signed.split_once('.').ok_or(Refused::Form)?;
        let [header, claims, signature] = decoded([header, claims, signature])?;
        let key = self.named_in(text("header", &header)?)?;
        if !key.signed(signed.as_bytes(), &signature) {
            return Err(Refused::Signature);
        }
        Claims::parse(text("claims", &claims)?)?.grant(audience, now)
    }

    /// A gatekeeper that verifies with these keys.
    pub fn gatekeeper(self, audience: Option<String>) -> Gatekeeper {
        Gatekeeper::new(move |token, now| self.verify(token, audience.as_deref(), now))
    }

    /// The key that a token's header selects.
    fn named_in(&self, header: &str) -> Result<&Key, Refused> {
        let Header { alg, kid } = Header::parse(header)?;
        let key = match (&self.0, kid) {
            (Kept::One(key), _) => key,
            (Kept::Set(keys, _), Some(kid)) => by_name(keys, &kid, &alg)?,
            (Kept::Set(keys, _), None) => by_algorithm(keys, &alg)?,
        };
        let expected = key.expected_algorithm();
        key.is_for(&alg).then_some(key).ok_or(Refused::Header { field: "alg", expected })
    }
}

fn by_name<'a>(keys: &'a [Named], kid: &str, alg: &str) -> Result<&'a Key, Refused> {
    let mut named = keys.iter().filter(|it| it.kid.as_deref() == Some(kid)).map(|it| &it.key);
    let first = named.clone().next();
    let expected = "the name of a key in this server's set";
    named.find(|key| key.is_for(alg)).or(first).ok_or(Refused::Header { field: "kid", expected })
}

fn by_algorithm<'a>(keys: &'a [Named], alg: &str) -> Result<&'a Key, Refused> {
    let mut fit = keys.iter().map(|it| &it.key).filter(|key| key.is_for(alg));
    match (fit.next(), fit.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => {
            let expected = "the algorithm of a key in this server's set";
            Err(Refused::Header { field: "alg", expected })
        }
        (Some(_), Some(_)) => {
            let expected = "the name of a key, because several are for this algorithm";
            Err(Refused::Header { field: "kid", expected })
        }
    }
}

/// The header fields that are used. Keys in the header (`jwk`, `jku`, `x5c`, ...) are ignored.
struct Header {
    alg: String,
    kid: Option<String>,
}

impl Header {
    fn parse(text: &str) -> Result<Self, Refused> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default, deserialize_with = "json::as_written")]
            alg: Option<&'a RawValue>,
            #[serde(borrow, default, deserialize_with = "json::as_written")]
            kid: Option<&'a RawValue>,
            #[serde(borrow, default, deserialize_with = "json::as_written")]
            crit: Option<&'a RawValue>,
        }
        let Fields { alg, kid, crit } = json::object(text).map_err(|_| Refused::Part("header"))?;
        let wrong = |field, expected| Refused::Header { field, expected };
        if crit.is_some() {
            return Err(wrong("crit", "none: no extension is understood here"));
        }
        let alg = alg.and_then(json::value).ok_or(wrong("alg", "the name of an algorithm"))?;
        let string = |raw| json::value(raw).ok_or(wrong("kid", "a string"));
        Ok(Self { alg, kid: kid.map(string).transpose()? })
    }
}

fn decoded(parts: [&str; 3]) -> Result<[Vec<u8>; 3], Refused> {
    match parts.map(json::decoded) {
        [Some(header), Some(claims), Some(signature)] => Ok([header, claims, signature]),
        _ => Err(Refused::Form),
    }
}

fn text<'a>(part: &'static str, bytes: &'a [u8]) -> Result<&'a str, Refused> {
    std::str::from_utf8(bytes).map_err(|_| Refused::Part(part))
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = match &self.0 {
            Kept::One(key) => vec![key.algorithm()],
            Kept::Set(keys, _) => keys.iter().map(|it| it.key.algorithm()).collect(),
        };
        f.debug_tuple("Keys").field(&algorithms).finish()
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod keys_tests;
#[cfg(test)]
#[path = "verify_tests.rs"]
mod verify_tests;

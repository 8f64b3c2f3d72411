//! The keys of an operator, and the verdict on a token.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::claims::Claims;
use super::key::{BadKey, Key};
use super::{Gatekeeper, Refused, json, jwks, pem};
use crate::core::Grant;
use crate::wire::{Timestamp, Token};

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// The keys that tokens are verified with: one, or a set in which they have names.
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

/// The keys of a set that cannot be used here. It holds nothing of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: usize,
    /// Which is the first, counted from 1 in the set.
    pub nth: usize,
    /// What it would have to be.
    pub first: BadKey,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} skipped, the first of them key {}: {}", self.count, self.nth, self.first)
    }
}

impl Keys {
    /// For HS256: a secret of 32 bytes or more, taken as it is written.
    pub fn from_secret(secret: &str) -> Result<Self, BadKey> {
        if secret.contains("-----BEGIN ") {
            return Err(BadKey::new(
                "a secret, not a PEM; a public key is for --jwt-public-key, and as a secret it would \
                 let everybody make tokens who knows it",
            ));
        }
        if secret.trim() != secret {
            return Err(BadKey::new("a secret without white space around it"));
        }
        Key::secret(secret.as_bytes()).map(Kept::One).map(Self)
    }

    /// For RS256, ES256 or EdDSA, as the key is of RSA, P-256 or Ed25519: a public key in PEM.
    pub fn from_pem(text: &str) -> Result<Self, BadKey> {
        pem::key(text).map(Kept::One).map(Self)
    }

    /// For rotation: a JWK Set. A token names its key by `kid`; one that names none is taken where
    /// only one key of the set is for its algorithm. Keys that cannot be used here are skipped.
    pub fn from_jwks(text: &str) -> Result<Self, BadKey> {
        jwks::keys(text).map(|(keys, skipped)| Self(Kept::Set(keys, skipped)))
    }

    /// What was skipped of a set: for a log, because nobody is told otherwise.
    pub const fn skipped(&self) -> Option<&Skipped> {
        match &self.0 {
            Kept::One(_) => None,
            Kept::Set(_, skipped) => skipped.as_ref(),
        }
    }

    /// What `token` grants at `now`, by a server that goes by the name of `audience`. The signature
    /// is checked first, so that only who could have made the token learns what is wrong in it.
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

    /// The key that a token's header asks for.
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

/// What of a header is heeded. Keys that it brings along (`jwk`, `jku`, `x5c`, ...) are not.
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

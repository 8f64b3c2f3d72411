//! Keys from a JWK Set (RFC 7517).
//!
//! A key that cannot be used here is skipped, as section 5 of the RFC asks: one of an unknown kind,
//! for another use, too small, or with a malformed field. An identity provider may add keys to its
//! set at any time, and the other keys must keep working. The caller learns how many keys were
//! skipped and why the first one was, and should log that.
//!
//! Two things are refused all the same, because they are mistakes with a usable key: a private key,
//! which does not belong in a file that is passed around, and two keys that a token cannot tell
//! apart.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{as_written, decoded, object, value};
use super::key::{BadKey, Key};
use super::keys::{Named, Skipped};

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// The raw fields of a key. `kty` decides which of them are read, and how. The others are ignored.
#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow, default, deserialize_with = "as_written")]
    kty: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    kid: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written", rename = "use")]
    purpose: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    key_ops: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    alg: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    crv: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    n: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    e: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    x: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    y: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    k: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    d: Option<&'a RawValue>,
}

/// The usable keys in the text of a JWK Set, and a summary of the skipped ones.
pub(super) fn keys(text: &str) -> Result<(Vec<Named>, Option<Skipped>), BadKey> {
    let document: Document = object(text).map_err(|error| not_a_set(&error))?;
    let (mut keys, mut skipped) = (Vec::new(), None::<Skipped>);
    for (nth, raw) in (1..).zip(document.keys) {
        match Jwk::parse(raw).and_then(|jwk| jwk.named()) {
            Ok((_, Origin::Private)) => {
                let expected = "a public key, not a private one (`d`)";
                return Err(BadKey::new(format!("key {nth} of the set to be {expected}")));
            }
            Ok((key, Origin::Public)) => keys.push(key),
            Err(BadKey(expected)) => match &mut skipped {
                Some(skipped) => skipped.count += 1,
                None => skipped = Some(Skipped { count: 1, nth, first: BadKey(expected) }),
            },
        }
    }
    if keys.is_empty() {
        return Err(nothing_usable(skipped));
    }
    distinct(&keys)?;
    Ok((keys, skipped))
}

fn nothing_usable(skipped: Option<Skipped>) -> BadKey {
    let expected = "a key for RS256, ES256, EdDSA or HS256 in the set";
    match skipped {
        None => BadKey::new(format!("{expected}, which is empty")),
        Some(Skipped { count, nth, first }) => {
            let unusable = format!("none of its {count} keys can be used");
            BadKey::new(format!("{expected}; {unusable}; key {nth}: {first}"))
        }
    }
}

/// Says where the error is, in our own words, because the parser's message may quote a key.
fn not_a_set(error: &serde_json::Error) -> BadKey {
    let what = "a JWK Set such as {\"keys\": [{\"kty\": ...}]}";
    match error.line() {
        0 => BadKey::new(what),
        line => {
            let column = error.column();
            BadKey::new(format!("{what}; found an error at line {line}, column {column}"))
        }
    }
}

/// Which half of a key pair the set holds.
enum Origin {
    Public,
    Private,
}

impl<'a> Jwk<'a> {
    fn parse(raw: &'a RawValue) -> Result<Self, BadKey> {
        object(raw.get()).map_err(|_| BadKey::new("an object that has each field once"))
    }

    /// The key and its name, if it can verify signatures of an algorithm we support.
    fn named(&self) -> Result<(Named, Origin), BadKey> {
        self.for_signatures()?;
        let key = self.key()?;
        match string("alg", self.alg)? {
            Some(alg) if !key.is_for(&alg) => return Err(other("alg")),
            _ => {}
        }
        let kid = string("kid", self.kid)?;
        let origin = if given(self.d).is_some() { Origin::Private } else { Origin::Public };
        Ok((Named { kid, key }, origin))
    }

    fn for_signatures(&self) -> Result<(), BadKey> {
        if string("use", self.purpose)?.is_some_and(|purpose| purpose != "sig") {
            return Err(other("use"));
        }
        let Some(raw) = given(self.key_ops) else { return Ok(()) };
        let ops: Option<Vec<String>> = value(raw);
        let verifies = ops.is_some_and(|ops| ops.iter().any(|op| op == "verify"));
        if verifies { Ok(()) } else { Err(other("key_ops")) }
    }

    fn key(&self) -> Result<Key, BadKey> {
        let (kty, crv) = (string("kty", self.kty)?, || string("crv", self.crv));
        match kty.as_deref() {
            Some("RSA") => self.rsa(),
            Some("EC") if crv()?.as_deref() == Some("P-256") => self.p256(),
            Some("OKP") if crv()?.as_deref() == Some("Ed25519") => {
                Key::ed25519(&bytes("x", self.x)?)
            }
            Some("oct") => Key::secret(&bytes("k", self.k)?),
            Some("EC" | "OKP") => Err(other("crv")),
            _ => Err(other("kty")),
        }
    }

    fn rsa(&self) -> Result<Key, BadKey> {
        Key::rsa(&bytes("n", self.n)?, &bytes("e", self.e)?)
    }

    fn p256(&self) -> Result<Key, BadKey> {
        let (x, y) = (bytes("x", self.x)?, bytes("y", self.y)?);
        if (x.len(), y.len()) != (32, 32) {
            return Err(BadKey::new("a point of P-256 with `x` and `y` of 32 bytes"));
        }
        Key::p256(&[&[4], &x[..], &y[..]].concat())
    }
}

/// Treats `null` as absent.
fn given(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}

fn string(field: &str, raw: Option<&RawValue>) -> Result<Option<String>, BadKey> {
    let wrong = || BadKey::new(format!("`{field}` to be a string"));
    given(raw).map(|raw| value(raw).ok_or_else(wrong)).transpose()
}

fn bytes(field: &str, raw: Option<&RawValue>) -> Result<Vec<u8>, BadKey> {
    let text = string(field, raw)?;
    let bytes = text.as_ref().and_then(|text| decoded(text));
    bytes.ok_or_else(|| BadKey::new(format!("`{field}` in base64url")))
}

/// The error for a key that is meant for something else.
fn other(field: &str) -> BadKey {
    BadKey::new(format!("`{field}` of a key for RS256, ES256, EdDSA or HS256"))
}

/// Refuses a set in which two keys have the same name and the same algorithm, because a token
/// cannot tell them apart.
fn distinct(keys: &[Named]) -> Result<(), BadKey> {
    let mut names: Vec<_> = keys.iter().map(|it| (&it.kid, it.key.algorithm())).collect();
    names.retain(|(kid, _)| kid.is_some());
    names.sort_unstable();
    if names.windows(2).any(|two| two[0] == two[1]) {
        return Err(BadKey::new("each key of the set to have a `kid` of its own"));
    }
    Ok(())
}

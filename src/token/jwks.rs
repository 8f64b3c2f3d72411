//! Keys from a JWK Set (RFC 7517).
//!
//! A key of a kind that is not known here, or for another use, is passed over, as section 5 of the
//! RFC has it: an identity provider's set may hold such. A key that should work and does not is an
//! error, because whoever wrote it means tokens to be verified with it.

use serde::Deserialize;

use super::json::{decoded, object};
use super::key::{BadKey, Key};
use super::keys::Named;

#[derive(Deserialize)]
struct Document {
    keys: Vec<Jwk>,
}

/// Texts are Base64urlUInt or plain strings; which, `kty` says.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

/// The keys in the text of a JWK Set.
pub(super) fn keys(text: &str) -> Result<Vec<Named>, BadKey> {
    let document: Document = object(text).map_err(|error| not_a_set(&error))?;
    let keys = document.keys.into_iter().enumerate().filter_map(|(nth, jwk)| named(nth, jwk));
    let keys: Vec<Named> = keys.collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(BadKey::new("a key for RS256, ES256, EdDSA or HS256 in the set"));
    }
    distinct(&keys)?;
    Ok(keys)
}

/// Says where, in words of our own: the parser's may quote a key.
fn not_a_set(error: &serde_json::Error) -> BadKey {
    let what = "a JWK Set such as {\"keys\": [{\"kty\": ...}]}";
    match error.line() {
        0 => BadKey::new(what),
        line => BadKey::new(format!("{what}; line {line}, column {} is not", error.column())),
    }
}

fn named(nth: usize, jwk: Jwk) -> Option<Result<Named, BadKey>> {
    let key = jwk.key()?;
    let key = match key {
        Ok(key) if jwk.alg.as_ref().is_some_and(|alg| !key.is_for(alg)) => return None,
        Ok(key) if jwk.d.is_none() => Ok(Named { kid: jwk.kid, key }),
        Ok(_) => Err("a public key, not a private one (`d`)".to_owned()),
        Err(BadKey(expected)) => Err(expected.into_owned()),
    };
    Some(
        key.map_err(|expected| BadKey::new(format!("key {} of the set to be {expected}", nth + 1))),
    )
}

impl Jwk {
    /// The key, unless it is none for signatures of ours.
    fn key(&self) -> Option<Result<Key, BadKey>> {
        let other_use = self.purpose.as_ref().is_some_and(|purpose| purpose != "sig");
        let verifies = |ops: &Vec<String>| ops.iter().any(|op| op == "verify");
        if other_use || !self.key_ops.as_ref().is_none_or(verifies) {
            return None;
        }
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Some(self.rsa()),
            ("EC", Some("P-256")) => Some(self.p256()),
            ("OKP", Some("Ed25519")) => Some(bytes("x", &self.x).and_then(|x| Key::ed25519(&x))),
            ("oct", _) => Some(bytes("k", &self.k).and_then(|k| Key::secret(&k))),
            _ => None,
        }
    }

    fn rsa(&self) -> Result<Key, BadKey> {
        Key::rsa(&bytes("n", &self.n)?, &bytes("e", &self.e)?)
    }

    fn p256(&self) -> Result<Key, BadKey> {
        let (x, y) = (bytes("x", &self.x)?, bytes("y", &self.y)?);
        if (x.len(), y.len()) != (32, 32) {
            return Err(BadKey::new("a point of P-256 with `x` and `y` of 32 bytes"));
        }
        Key::p256(&[&[4], &x[..], &y[..]].concat())
    }
}

fn bytes(field: &str, text: &Option<String>) -> Result<Vec<u8>, BadKey> {
    let bytes = text.as_ref().and_then(|text| decoded(text));
    bytes.ok_or_else(|| BadKey::new(format!("one with `{field}` in base64url")))
}

/// Two keys that a token cannot tell apart by name are a mistake.
fn distinct(keys: &[Named]) -> Result<(), BadKey> {
    let mut names: Vec<_> = keys.iter().map(|it| (&it.kid, it.key.algorithm())).collect();
    names.retain(|(kid, _)| kid.is_some());
    names.sort_unstable();
    if names.windows(2).any(|two| two[0] == two[1]) {
        return Err(BadKey::new("each key of the set to have a `kid` of its own"));
    }
    Ok(())
}

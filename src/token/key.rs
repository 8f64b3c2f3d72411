//! A key, and the one algorithm it is for.

use std::borrow::Cow;

use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

/// The shortest secret for HS256: as long as its hash (RFC 7518, section 3.2).
const MIN_SECRET: usize = 32;
/// The sizes of an RSA key, in bits. RFC 7518, section 3.3, sets the minimum and ring the maximum.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The error for a key that cannot be used. It says what was expected, and never quotes the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct BadKey(pub(super) Cow<'static, str>);

impl BadKey {
    pub(super) fn new(expected: impl Into<Cow<'static, str>>) -> Self {
        Self(expected.into())
    }
}

/// A key that verifies signatures. Its kind decides the algorithm.
pub(super) enum Key {
    Secret(hmac::Key),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    pub(super) fn secret(bytes: &[u8]) -> Result<Self, BadKey> {
        if bytes.len() < MIN_SECRET {
            return Err(BadKey::new(
                "a secret of at least 32 bytes, such as `openssl rand -base64 32` prints",
            ));
        }
        Ok(Self::Secret(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// A key with this modulus and exponent, in big-endian bytes.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, BadKey> {
        let [n, e] = [n, e].map(without_leading_zeros);
        let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
        let odd = e.last().is_some_and(|last| last % 2 == 1);
        let usual = odd && e != [1] && e.len() <= 4;
        if !RSA_BITS.contains(&bits) || !usual {
            return Err(BadKey::new("an RSA key of 2048 to 8192 bits with a usual exponent"));
        }
        Ok(Self::Rsa(RsaPublicKeyComponents { n: n.to_vec(), e: e.to_vec() }))
    }

    /// A key with this point, in the uncompressed form of SEC 1, section 2.3.3.
    pub(super) fn p256(point: &[u8]) -> Result<Self, BadKey> {
        match point {
            [4, ..] if point.len() == 65 => Ok(Self::P256(point.to_vec())),
            _ => Err(BadKey::new("an uncompressed point of P-256")),
        }
    }

    pub(super) fn ed25519(point: &[u8]) -> Result<Self, BadKey> {
        match point.len() {
            32 => Ok(Self::Ed25519(point.to_vec())),
            _ => Err(BadKey::new("an Ed25519 key of 32 bytes")),
        }
    }

    /// The name of the key's algorithm (RFC 7518, section 3.1; RFC 8037, section 3.1).
    pub(super) const fn algorithm(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// Whether `alg` names the key's algorithm. `EdDSA` also has a newer name (RFC 9864, section
    /// 2.2).
    pub(super) fn is_for(&self, alg: &str) -> bool {
        alg == self.algorithm() || (matches!(self, Self::Ed25519(_)) && alg == "Ed25519")
    }

    /// What a refusal says was expected if `alg` names another algorithm.
    pub(super) const fn expected_algorithm(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256, which is what this server's key is for",
            Self::Rsa(_) => "RS256, which is what this server's key is for",
            Self::P256(_) => "ES256, which is what this server's key is for",
            Self::Ed25519(_) => "EdDSA, which is what this server's key is for",
        }
    }

    /// Whether `signature` is this key's signature of `message`.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let checked = match self {
            Self::Secret(key) => hmac::verify(key, message, signature),
            Self::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Self::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
        };
        checked.is_ok()
    }
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.split_at(zeros).1
}

//! The keys of a seat: what a client must know to resume it.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::wire::ResumeSecret;

const BYTES: usize = 16;

/// The first half of the SHA-256 of a resume token's secret. The secret itself is never stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; BYTES]);

/// The keys that open a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Of the last `joined`.
    #[serde(rename = "k")]
    current: Key,
    /// Of the `joined` before, until the client is heard: the last one may have been lost.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    before: Option<Before>,
}

/// The key with which a client has resumed, and where its counts stood then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    #[serde(rename = "k")]
    pub key: Key,
    /// How many frames the client had received by its own count.
    #[serde(rename = "r")]
    pub received: u64,
    /// How many frames had been taken from it, where that was counted.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<u64>,
}

/// Which key a client has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Of the last `joined`.
    Current,
    /// Of the one before.
    Before(Before),
}

impl Key {
    /// The key to a secret.
    pub fn of(secret: &ResumeSecret) -> Self {
        let digest: [u8; 32] = Sha256::digest(secret.expose()).into();
        let mut half = [0; BYTES];
        half.copy_from_slice(&digest[..BYTES]);
        Self(half)
    }
}

impl Keys {
    /// The keys of a seat that was just taken, or resumed with the key `before`.
    pub(super) fn new(secret: &ResumeSecret, before: Option<Before>) -> Self {
        Self { current: Key::of(secret), before }
    }

    /// Whether the last of them is to this secret.
    pub(super) fn are_of(&self, secret: &ResumeSecret) -> bool {
        self.current == Key::of(secret)
    }

    /// Which of the keys this is, if it is one.
    pub(super) fn shown(&self, key: Key) -> Option<Shown> {
        if self.current == key {
            return Some(Shown::Current);
        }
        self.before.filter(|before| before.key == key).map(Shown::Before)
    }

    /// Forgets the key before the last.
    pub(super) fn forget_before(&mut self) {
        self.before = None;
    }

    pub(super) const fn has_before(&self) -> bool {
        self.before.is_some()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not even the digest of a secret is worth a line in a log.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16).ok().filter(|_| text.len() == 2 * BYTES);
        let number = number.ok_or_else(|| D::Error::custom("expected 32 hexadecimal digits"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

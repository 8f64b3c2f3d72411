//! Personal data that cannot be printed.
//!
//! A visit is medical, so names, SDP, ICE candidates, addresses and tokens must not reach any log,
//! panic message or `Debug` output. Every type that holds one wraps it in [`Redacted`], and code
//! that needs the value must call [`Redacted::expose`].

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Holds a value and never prints it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: for the wire, never for a log.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, owned.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

/// Incoming values can be deserialized into `Redacted`. There is no `Serialize`, so that code which
/// sends a value must expose it.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Redacted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_value_is_never_printed() {
        assert_eq!(format!("{:?}", Redacted::new("Ada Lovelace")), "[redacted]");
    }
}

//! Personal data that cannot be printed.
//!
//! A visit is medical: names, SDP, candidates, addresses and tokens must reach no log, panic
//! message or `Debug` output. Whatever holds one of them wraps it in [`Redacted`], and code that
//! needs the value says so by calling [`Redacted::expose`].

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Holds a value and prints nothing of it.
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

/// What comes in may be wrapped at once; what goes out has to say so.
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
    fn prints_nothing_of_what_it_holds() {
        assert_eq!(format!("{:?}", Redacted::new("Ada Lovelace")), "[redacted]");
    }
}

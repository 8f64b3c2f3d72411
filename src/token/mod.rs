//! VISIT TOKENS: who may join which visit, in which role, and until when.
//!
//! ```text
//!   handshake --> [`offered`] --> [`Token`] --> [`Gatekeeper`] --> [`Grant`] or [`Refused`]
//!        join ------------------------^              |
//!                                            `Keys` (feature `token`)
//! ```
//!
//! A token is a signed JSON Web Token (RFC 7519, RFC 7515) that a clinic's backend mints and this
//! service verifies. The key decides the algorithm, never the token (RFC 8725, section 3.1). The
//! key is one secret, one public key, or a set of named keys for rotation. Every claim that this
//! service uses is checked. Other claims are ignored.
//!
//! [`Gatekeeper`] is always compiled in and contains no cryptography, so the core needs none. The
//! feature `token` adds `Keys`, which does. Everything in this module is pure: time is an argument.
//! No error quotes a token, a claim or a key.
//!
//! We use ring for signatures and our own parser. The crate jsonwebtoken 11 would bring a second
//! crypto stack (aws-lc or RustCrypto), or need one installed for the whole process, and it reads
//! the clock by itself. jsonwebtoken 9, on ring, ignores an `nbf` of the wrong type.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

#[cfg(feature = "token")]
mod claims;
mod gatekeeper;
#[cfg(feature = "token")]
mod json;
#[cfg(feature = "token")]
mod jwks;
#[cfg(feature = "token")]
mod key;
#[cfg(feature = "token")]
mod keys;
#[cfg(feature = "token")]
mod mint;
mod offered;
#[cfg(feature = "token")]
mod pem;
mod refused;

pub use gatekeeper::{Gatekeeper, Verify};
#[cfg(feature = "token")]
pub use key::BadKey;
#[cfg(feature = "token")]
pub use keys::{Keys, Skipped};
#[cfg(feature = "token")]
pub use mint::mint;
pub use offered::offered;
pub use refused::Refused;

#[cfg(doc)]
use crate::{core::Grant, wire::Token};

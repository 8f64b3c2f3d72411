//! VISIT TOKENS: who may come to which visit, as what, and until when.
//!
//! ```text
//!   handshake --> [`offered`] --> [`Token`] --> [`Gatekeeper`] --> [`Grant`] or [`Refused`]
//!        join ------------------------^              |
//!                                            `Keys` (feature `token`)
//! ```
//!
//! A token is a signed JSON Web Token (RFC 7519, RFC 7515) that a clinic's backend makes and this
//! service verifies. The key decides the algorithm, never the token (RFC 8725, section 3.1): one
//! secret, one public key, or a set of keys with names for rotation. Every claim that means
//! something here is checked; what a token says beyond that is passed over.
//!
//! [`Gatekeeper`] is always there and knows no cryptography, so that the core needs none; the
//! feature `token` adds `Keys`, which does. Everything in here is pure: time is an argument. No error
//! quotes a token, a claim or a key.
//!
//! The signatures are ring's, and the parsing is ours. The crate jsonwebtoken 11 would bring a
//! second crypto stack (aws-lc or RustCrypto) or want one installed for the whole process, and reads
//! the clock by itself; jsonwebtoken 9, on ring, mistakes an `nbf` of the wrong type for none.
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

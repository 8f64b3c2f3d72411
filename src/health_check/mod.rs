//! CHECKS: finding out whether visits work.
//!
//! A check holds a [`visit`] of two throw-away peers through the public endpoint. Its result is
//! [`cached`], so that a thousand polling navbars cost one check. A [`pass`] gives its peers tokens
//! if the service requires visit tokens. The runtime decides when to check.
//!
//! Unlike [`health`](crate::health), this needs sockets and tokio.

#[cfg(feature = "visit")]
pub mod cached;
#[cfg(feature = "token")]
pub mod pass;
#[cfg(feature = "visit")]
pub mod visit;

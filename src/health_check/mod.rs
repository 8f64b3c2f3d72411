//! CHECKS: finding out whether visits work.
//!
//! A check holds a [`visit`] of two throw-away peers through the public way in. What
//! it found is [`cached`], so that a thousand polling navbars cost one check. A [`pass`] lets its
//! peers in where visit tokens are needed. When to check is the runtime's business.
//!
//! This needs sockets and tokio, which [`health`](crate::health) does not.

#[cfg(feature = "visit")]
pub mod cached;
#[cfg(feature = "token")]
pub mod pass;
#[cfg(feature = "visit")]
pub mod visit;

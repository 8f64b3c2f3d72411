//! CHECKS: finding out whether visits work.
//!
//! A check holds a [`visit`] of two throw-away peers through the public endpoint, and asks the
//! [`turn`] servers that clients are told of. Its result is
//! [`cached`], so that a thousand polling navbars cost one check. A [`pass`] gives its peers tokens
//! if the service requires visit tokens. The runtime decides when to check.
//!
//! Unlike [`health`](crate::health), this needs sockets and tokio.

use std::future::Future;
use std::time::{Duration, Instant};

#[cfg(feature = "visit")]
pub mod cached;
#[cfg(feature = "token")]
pub mod pass;
#[cfg(feature = "visit")]
pub mod roots;
#[cfg(feature = "visit")]
pub mod turn;
#[cfg(feature = "visit")]
pub mod visit;

/// What came of a check, and how long it took.
pub async fn timed<T>(check: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (check.await, start.elapsed())
}

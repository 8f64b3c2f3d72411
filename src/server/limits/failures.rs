//! Failed attempts, by address.
//!
//! Only failures are limited, not attempts. A whole clinic may share one address, and a page from
//! yesterday that keeps retrying must not lock a colleague out. After too many failures, somebody
//! who guesses tokens learns nothing more, and needs a new connection for every guess.

use std::net::IpAddr;
use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use super::rate::{Bucket, Verdict};
use crate::server::network::client_subnet;

/// The number of failures allowed in a burst.
const AT_ONCE: f64 = 20.0;
/// The number of failures allowed per second.
const A_SECOND: f64 = 1.0 / 3.0;
/// The most addresses we remember. They take less than a megabyte.
const ADDRESSES: usize = 10_000;

/// Counts failures by address.
#[derive(Debug, Default)]
pub(super) struct Failures(DashMap<IpAddr, Bucket>);

impl Failures {
    /// Counts a failure. `Err` means there were too many, and says how long to wait.
    pub(super) fn count(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let from = client_subnet(from);
        if self.0.len() >= ADDRESSES && !self.0.contains_key(&from) {
            self.make_room(now);
        }
        let mut bucket = self.0.entry(from).or_insert_with(|| Bucket::full(A_SECOND, AT_ONCE, now));
        match bucket.take(1.0, now) {
            Verdict::Fine => Ok(()),
            Verdict::TooFast(wait) => Err(wait),
            Verdict::Hopeless => Err(Duration::from_secs_f64(AT_ONCE / A_SECOND)),
        }
    }

    /// Forgets addresses without recent failures. If that frees nothing, it forgets all of them: an
    /// attacker with so many addresses cannot be kept out by address anyway.
    fn make_room(&self, now: Instant) {
        self.0.retain(|_, bucket| !bucket.is_full(now));
        if self.0.len() >= ADDRESSES {
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_that_fails_too_often_does_not_affect_others() {
        let failures = Failures::default();
        let start = Instant::now();
        for _ in 0..20 {
            assert_eq!(failures.count(ip("192.0.2.1"), start), Ok(()));
        }
        assert_eq!(failures.count(ip("192.0.2.1"), start), Err(Duration::from_secs(6)));
        assert_eq!(failures.count(ip("192.0.2.2"), start), Ok(()));
        let later = start + Duration::from_secs(6);
        assert_eq!(failures.count(ip("192.0.2.1"), later), Ok(()));
        for _ in 0..1000 {
            let wait = failures.count(ip("192.0.2.1"), later).unwrap_err();
            assert!(wait <= Duration::from_secs(63), "{wait:?}");
        }
    }

    #[test]
    fn the_number_of_remembered_addresses_is_bounded() {
        let failures = Failures::default();
        let start = Instant::now();
        for nth in 0..25_000_u32 {
            let from = std::net::Ipv4Addr::from_bits(0x0a00_0000 + nth).into();
            assert_eq!(failures.count(from, start), Ok(()));
            assert!(failures.0.len() <= ADDRESSES);
        }
    }
}

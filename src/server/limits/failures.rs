//! Failed attempts, by address.
//!
//! What is limited are the failures, not the attempts: behind one address may be a whole clinic, and
//! a page of yesterday that goes on trying must not keep a colleague out. Who guesses learns nothing
//! more once it failed too often, and costs a connection each time.

use std::net::IpAddr;
use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use super::rate::{Bucket, Verdict};
use crate::server::network::client_subnet;

/// So many failures at once are let pass,
const AT_ONCE: f64 = 20.0;
/// and so many a second.
const A_SECOND: f64 = 1.0 / 3.0;
/// So many addresses are remembered, in less than a megabyte.
const ADDRESSES: usize = 10_000;

/// Counts failures.
#[derive(Debug, Default)]
pub(super) struct Failures(DashMap<IpAddr, Bucket>);

impl Failures {
    /// Counts one. `Err` says how long to wait, where there were too many.
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

    /// Forgets those who did nothing wrong for a while; and if there are none, everybody: so many
    /// addresses are not one attacker's that could be kept out by its address.
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
    fn one_address_may_fail_so_often_and_no_other_pays_for_it() {
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
    fn what_is_remembered_is_bounded() {
        let failures = Failures::default();
        let start = Instant::now();
        for nth in 0..25_000_u32 {
            let from = std::net::Ipv4Addr::from_bits(0x0a00_0000 + nth).into();
            assert_eq!(failures.count(from, start), Ok(()));
            assert!(failures.0.len() <= ADDRESSES);
        }
    }
}

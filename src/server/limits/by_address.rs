//! How often something may happen from one address: failed tokens, new connections.

use std::net::IpAddr;
use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use super::rate::{Bucket, Verdict};
use crate::server::network::client_subnet;

/// The most addresses we remember. They take less than a megabyte.
const ADDRESSES: usize = 10_000;

/// A bucket for each address. A rate of 0 means no limit.
#[derive(Debug)]
pub(super) struct ByAddress {
    a_second: f64,
    at_once: f64,
    buckets: DashMap<IpAddr, Bucket>,
}

impl ByAddress {
    pub(super) fn new(a_second: f64, at_once: f64) -> Self {
        Self { a_second, at_once, buckets: DashMap::new() }
    }

    /// Counts one more. `Err` means there were too many, and says how long to wait.
    pub(super) fn count(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        if self.a_second == 0.0 {
            return Ok(());
        }
        let from = client_subnet(from);
        if self.buckets.len() >= ADDRESSES && !self.buckets.contains_key(&from) {
            self.make_room(now);
        }
        let full = || Bucket::full(self.a_second, self.at_once, now);
        match self.buckets.entry(from).or_insert_with(full).take(1.0, now) {
            Verdict::Fine => Ok(()),
            Verdict::TooFast(wait) => Err(wait),
            Verdict::Hopeless => Err(Duration::from_secs_f64(self.at_once / self.a_second)),
        }
    }

    /// The same, but one that is too much costs nothing: whoever goes on trying gets in at the rate
    /// that is allowed.
    pub(super) fn admit(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        self.wait(from, now).map_or_else(|| self.count(from, now), Err)
    }

    /// Whether there were too many from an address, and how long to wait.
    pub(super) fn wait(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        self.buckets.get(&client_subnet(from))?.wait(now)
    }

    /// Forgets addresses that have been quiet. If that frees nothing, it forgets all of them: an
    /// attacker with so many addresses cannot be kept out by address anyway.
    fn make_room(&self, now: Instant) {
        self.buckets.retain(|_, bucket| !bucket.is_full(now));
        if self.buckets.len() >= ADDRESSES {
            self.buckets.clear();
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
        let failures = ByAddress::new(1.0 / 3.0, 20.0);
        let start = Instant::now();
        assert_eq!(failures.wait(ip("192.0.2.1"), start), None);
        for _ in 0..20 {
            assert_eq!(failures.count(ip("192.0.2.1"), start), Ok(()));
        }
        assert_eq!(failures.count(ip("192.0.2.1"), start), Err(Duration::from_secs(6)));
        assert!(failures.wait(ip("192.0.2.1"), start).is_some());
        assert_eq!(failures.count(ip("192.0.2.2"), start), Ok(()));
        let later = start + Duration::from_secs(6);
        assert_eq!(failures.count(ip("192.0.2.1"), later), Ok(()));
        for _ in 0..1000 {
            let wait = failures.count(ip("192.0.2.1"), later).unwrap_err();
            assert!(wait <= Duration::from_secs(63), "{wait:?}");
        }
    }

    #[test]
    fn what_is_not_admitted_costs_nothing() {
        let connections = ByAddress::new(1.0, 2.0);
        let start = Instant::now();
        let admitted = (0..50).filter(|_| connections.admit(ip("192.0.2.1"), start).is_ok());
        assert_eq!(admitted.count(), 2);
        assert!(connections.admit(ip("192.0.2.1"), start + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn a_rate_of_0_means_no_limit() {
        let unlimited = ByAddress::new(0.0, 1.0);
        let now = Instant::now();
        assert!((0..50).all(|_| unlimited.count(ip("192.0.2.1"), now).is_ok()));
    }

    #[test]
    fn the_number_of_remembered_addresses_is_bounded() {
        let failures = ByAddress::new(1.0 / 3.0, 20.0);
        let start = Instant::now();
        for nth in 0..25_000_u32 {
            let from = std::net::Ipv4Addr::from_bits(0x0a00_0000 + nth).into();
            assert_eq!(failures.count(from, start), Ok(()));
            assert!(failures.buckets.len() <= ADDRESSES);
        }
    }
}

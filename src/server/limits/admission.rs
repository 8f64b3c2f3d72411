//! How many connections may be open at a time, in total and from one address.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::server::network::client_subnet;

/// The fewest spare permits.
const FEW: usize = 32;

/// Counts open connections, in total and by address. A limit of 0 means no limit.
#[derive(Debug)]
pub(in super::super) struct Admission {
    most: usize,
    most_per_ip: usize,
    /// How many spare permits there are beyond a limit.
    spare: fn(usize) -> usize,
    open: AtomicUsize,
    by_ip: DashMap<IpAddr, usize>,
}

/// Permission to stay open, given back when dropped.
#[derive(Debug)]
pub(in super::super) struct Permit {
    admission: Arc<Admission>,
    ip: Option<IpAddr>,
    /// Whether it is a spare permit.
    pub(in super::super) spare: bool,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Crowded {
    /// `--max-connections`
    Server,
    /// `--max-connections-per-ip`
    Address,
}

impl Permit {
    /// The address that it was given to; for IPv6, its /64.
    pub(in super::super) const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }
}

impl Admission {
    pub(in super::super) fn new(most: usize, most_per_ip: usize) -> Self {
        let (open, by_ip) = (AtomicUsize::new(0), DashMap::new());
        Self { most, most_per_ip, spare: |_| 0, open, by_ip }
    }

    /// Adds spare permits, for short requests that arrive while a limit is reached.
    pub(super) fn with_spare_permits(self) -> Self {
        Self { spare, ..self }
    }

    /// Takes a permit for a connection from `ip`. With `None` only the total is counted.
    pub(in super::super) fn admit(self: &Arc<Self>, ip: Option<IpAddr>) -> Result<Permit, Crowded> {
        let ip = ip.map(client_subnet);
        // Dropping the permit undoes both counts, whichever of them is over its limit.
        let mut permit = Permit { admission: Arc::clone(self), ip, spare: false };
        let open = self.open.fetch_add(1, Ordering::AcqRel) + 1;
        let of_ip = ip.map_or(0, |ip| {
            let mut of_ip = self.by_ip.entry(ip).or_insert(0);
            *of_ip += 1;
            *of_ip
        });
        let (over, over_ip) = (beyond(open, self.most), beyond(of_ip, self.most_per_ip));
        if over > (self.spare)(self.most) {
            return Err(Crowded::Server);
        }
        if over_ip > (self.spare)(self.most_per_ip) {
            return Err(Crowded::Address);
        }
        permit.spare = over > 0 || over_ip > 0;
        Ok(permit)
    }
}

/// The number of spare permits: an eighth of the limit, but at least [`FEW`].
pub(super) fn spare(most: usize) -> usize {
    (most / 8).max(FEW)
}

/// By how many a limit is exceeded.
const fn beyond(count: usize, most: usize) -> usize {
    if most == 0 { 0 } else { count.saturating_sub(most) }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::AcqRel);
        let Some(ip) = self.ip else { return };
        if let Entry::Occupied(mut entry) = self.admission.by_ip.entry(ip) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_permit_is_given_back_and_a_refusal_takes_none() {
        let admission = Arc::new(Admission::new(3, 2));
        let first = admission.admit(ip("192.0.2.1")).unwrap();
        let _second = admission.admit(ip("192.0.2.1")).unwrap();
        assert_eq!(admission.admit(ip("192.0.2.1")).unwrap_err(), Crowded::Address);
        let _third = admission.admit(ip("192.0.2.2")).unwrap();
        assert_eq!(admission.admit(ip("192.0.2.3")).unwrap_err(), Crowded::Server);
        drop(first);
        assert!(admission.admit(ip("192.0.2.1")).is_ok());
        assert_eq!(admission.by_ip.len(), 2);
    }

    #[test]
    fn spare_permits_are_marked_and_limited() {
        let admission = Arc::new(Admission::new(0, 2).with_spare_permits());
        let permits: Vec<_> = (0..34).map(|_| admission.admit(ip("192.0.2.1")).unwrap()).collect();
        assert_eq!(permits.iter().filter(|permit| permit.spare).count(), 32);
        assert_eq!(admission.admit(ip("192.0.2.1")).unwrap_err(), Crowded::Address);
        assert!(!admission.admit(ip("192.0.2.2")).unwrap().spare);
        assert!(!admission.admit(None).unwrap().spare);
    }

    #[test]
    fn zero_means_no_limit() {
        for admission in [Admission::new(0, 0), Admission::new(0, 0).with_spare_permits()] {
            let admission = Arc::new(admission);
            let permits: Vec<_> = (0..50).map(|_| admission.admit(ip("192.0.2.1"))).collect();
            assert!(permits.iter().all(|permit| permit.as_ref().is_ok_and(|it| !it.spare)));
        }
    }

    #[test]
    fn an_ipv6_64_counts_as_one_address() {
        let admission = Arc::new(Admission::new(0, 1));
        let _permit = admission.admit(ip("2001:db8::1")).unwrap();
        assert_eq!(admission.admit(ip("2001:db8::2")).unwrap_err(), Crowded::Address);
        assert!(admission.admit(ip("2001:db8:0:1::1")).is_ok());
    }
}

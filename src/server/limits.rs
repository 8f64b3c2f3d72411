//! Who gets in, and how fast it may talk.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::time::Instant;

/// Counts open WebSockets, in all and by address. For every limit, 0 means none.
#[derive(Debug)]
pub(super) struct Admission {
    most: usize,
    most_per_ip: usize,
    open: AtomicUsize,
    by_ip: DashMap<IpAddr, usize>,
}

/// A place among the open connections, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    ip: IpAddr,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crowded {
    /// `--max-connections`
    Server,
    /// `--max-connections-per-ip`
    Address,
}

impl Admission {
    pub(super) fn new(most: usize, most_per_ip: usize) -> Self {
        Self { most, most_per_ip, open: AtomicUsize::new(0), by_ip: DashMap::new() }
    }

    /// Takes a place for a connection from `ip`.
    pub(super) fn admit(self: &Arc<Self>, ip: IpAddr) -> Result<Place, Crowded> {
        let ip = household(ip);
        // Dropping the place undoes both counts, whichever of them is over its limit.
        let place = Place { admission: Arc::clone(self), ip };
        let open = self.open.fetch_add(1, Ordering::AcqRel) + 1;
        let mut of_ip = self.by_ip.entry(ip).or_insert(0);
        *of_ip += 1;
        let crowd = *of_ip;
        drop(of_ip);
        match () {
            () if self.most > 0 && open > self.most => Err(Crowded::Server),
            () if self.most_per_ip > 0 && crowd > self.most_per_ip => Err(Crowded::Address),
            () => Ok(place),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::AcqRel);
        if let Entry::Occupied(mut entry) = self.admission.by_ip.entry(self.ip) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// One subscriber of IPv6 has a whole /64 (RFC 6177), so that is what counts as an address.
fn household(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// How fast one connection may talk: a token bucket that can run into debt.
///
/// A message beyond the rate is refused, and costs a token all the same. So a client that waits as
/// it is told gets out of debt, and one that goes on sinks until it owes a whole burst.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// It passes.
    Fine,
    /// It is refused. The next one passes after that long.
    TooFast(Duration),
    /// The client was told and went on.
    Hopeless,
}

impl Bucket {
    /// A full bucket; `None` where one of the numbers is 0, which means no limit.
    pub(super) fn new(per_second: u32, burst: u32, now: Instant) -> Option<Self> {
        let (rate, burst) = (f64::from(per_second), f64::from(burst));
        (per_second > 0 && burst > 0.0).then_some(Self {
            per_second: rate,
            burst,
            tokens: burst,
            at: now,
        })
    }

    /// Takes a token at `now`.
    pub(super) fn take(&mut self, now: Instant) -> Pace {
        let earned = (now - self.at).as_secs_f64() * self.per_second;
        self.at = now;
        self.tokens = (self.tokens + earned).min(self.burst) - 1.0;
        if self.tokens >= 0.0 {
            Pace::Fine
        } else if self.tokens >= -self.burst {
            // Until there is a whole token again, for the next message to take.
            Pace::TooFast(Duration::from_secs_f64((1.0 - self.tokens) / self.per_second))
        } else {
            Pace::Hopeless
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
    fn a_place_is_given_back_and_a_refusal_takes_none() {
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
    fn zero_means_no_limit() {
        let admission = Arc::new(Admission::new(0, 0));
        let places: Vec<_> = (0..50).map(|_| admission.admit(ip("192.0.2.1")).unwrap()).collect();
        assert_eq!(places.len(), 50);
        assert!(Bucket::new(0, 5, Instant::now()).is_none());
        assert!(Bucket::new(5, 0, Instant::now()).is_none());
    }

    #[test]
    fn ipv6_counts_by_64_and_mapped_ipv4_as_ipv4() {
        assert_eq!(household(ip("2001:db8::1")), household(ip("2001:db8::ffff:0:0:1")));
        assert_ne!(household(ip("2001:db8::1")), household(ip("2001:db8:0:1::1")));
        assert_eq!(household(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }

    #[test]
    fn who_waits_gets_on_and_who_goes_on_is_closed() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 5, start).unwrap();
        for _ in 0..5 {
            assert_eq!(bucket.take(start), Pace::Fine);
        }
        let Pace::TooFast(wait) = bucket.take(start) else { panic!("expected a refusal") };
        assert_eq!(wait, Duration::from_millis(200));
        let mut patient = Bucket { ..bucket };
        assert_eq!(patient.take(start + wait), Pace::Fine);
        for _ in 0..4 {
            assert!(matches!(bucket.take(start), Pace::TooFast(_)));
        }
        assert_eq!(bucket.take(start), Pace::Hopeless);
    }
}

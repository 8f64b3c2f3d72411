//! How fast one connection may send, in messages and in bytes.

use std::time::Duration;

use tokio::time::Instant;

/// The values of `--message-rate`, `--message-burst`, `--byte-rate` and `--byte-burst`. A pair with
/// a 0 means no limit.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Rates {
    /// Messages per second, and in a burst.
    pub(in super::super) messages: (u32, u32),
    /// Bytes per second, and in a burst.
    pub(in super::super) bytes: (u32, u32),
}

/// Charges one connection for what it sends.
#[derive(Debug)]
pub(in super::super) struct RateLimiter {
    messages: Option<Bucket>,
    bytes: Option<Bucket>,
}

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// It is allowed.
    Fine,
    /// It is refused. The next one is allowed after this time.
    TooFast(Duration),
    /// It is refused, and the client did not slow down after earlier refusals.
    Hopeless,
}

impl Verdict {
    /// Combines this verdict with another reason to wait. The longer wait counts.
    pub(in super::super) fn or_wait(self, wait: Option<Duration>) -> Self {
        match (self, wait) {
            (Self::Hopeless, _) => Self::Hopeless,
            (Self::TooFast(one), Some(other)) => Self::TooFast(one.max(other)),
            (Self::Fine, Some(wait)) => Self::TooFast(wait),
            (pace, None) => pace,
        }
    }
}

impl RateLimiter {
    pub(in super::super) fn new(rates: Rates, now: Instant) -> Self {
        let bucket = |(per_second, burst): (u32, u32)| {
            let limited = per_second > 0 && burst > 0;
            limited.then(|| Bucket::full(per_second.into(), burst.into(), now))
        };
        Self { messages: bucket(rates.messages), bytes: bucket(rates.bytes) }
    }

    /// Charges for a message, and for the bytes read to get it.
    pub(in super::super) fn charge(&mut self, bytes: usize, now: Instant) -> Verdict {
        let of = |bucket: &mut Option<Bucket>, cost: usize| {
            bucket.as_mut().map_or(Verdict::Fine, |bucket| bucket.take(cost as f64, now))
        };
        match (of(&mut self.messages, 1), of(&mut self.bytes, bytes)) {
            (Verdict::Hopeless, _) | (_, Verdict::Hopeless) => Verdict::Hopeless,
            (Verdict::TooFast(wait), other) | (other, Verdict::TooFast(wait)) => {
                other.or_wait(Some(wait))
            }
            (Verdict::Fine, Verdict::Fine) => Verdict::Fine,
        }
    }

    /// Charges for bytes that have already passed. They leave less for the next message.
    pub(in super::super) fn owe(&mut self, bytes: usize, now: Instant) {
        if let Some(bucket) = &mut self.bytes {
            let _ = bucket.take(bytes as f64, now);
        }
    }
}

/// One token, less a tolerance for rounding errors.
const WHOLE: f64 = 0.999;

/// A token bucket that can go into debt.
///
/// A message is allowed if the bucket holds at least one token, whatever the message costs, because
/// its size is known only after it has been read. Messages that find less are refused, but charged
/// all the same. So a client that waits as told gets out of debt. A client that keeps sending sinks
/// deeper, until it owes a whole burst.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(super) const fn full(per_second: f64, burst: f64, now: Instant) -> Self {
        Self { per_second, burst, tokens: burst, at: now }
    }

    /// Takes tokens at `now`.
    pub(super) fn take(&mut self, cost: f64, now: Instant) -> Verdict {
        let before = self.level(now);
        self.at = now;
        // No client has to pay back more than that.
        self.tokens = (before - cost).max(-2.0 * self.burst);
        if before >= WHOLE {
            Verdict::Fine
        } else if self.tokens >= -self.burst {
            Verdict::TooFast(self.wait(now).unwrap_or_default())
        } else {
            Verdict::Hopeless
        }
    }

    /// How long until the bucket holds a whole token; `None` if it holds one now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let level = self.level(now);
        (level < WHOLE).then(|| Duration::from_secs_f64((1.0 - level) / self.per_second))
    }

    /// Whether it is as full as at the start.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.level(now) >= self.burst
    }

    fn level(&self, now: Instant) -> f64 {
        // The messages of one read have one time.
        if now == self.at {
            return self.tokens;
        }
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        (self.tokens + earned).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_means_no_limit() {
        let now = Instant::now();
        let mut rate_limiter = RateLimiter::new(Rates { messages: (0, 5), bytes: (5, 0) }, now);
        assert!((0..50).all(|_| rate_limiter.charge(1000, now) == Verdict::Fine));
    }

    #[test]
    fn a_client_that_waits_may_continue_and_one_that_does_not_is_closed() {
        let start = Instant::now();
        let mut bucket = Bucket::full(10.0, 5.0, start);
        for _ in 0..5 {
            assert_eq!(bucket.take(1.0, start), Verdict::Fine);
        }
        let Verdict::TooFast(wait) = bucket.take(1.0, start) else { panic!("expected a refusal") };
        assert_eq!(wait, Duration::from_millis(200));
        let mut patient = Bucket { ..bucket };
        assert_eq!(patient.take(1.0, start + wait), Verdict::Fine);
        for _ in 0..4 {
            assert!(matches!(bucket.take(1.0, start), Verdict::TooFast(_)));
        }
        assert_eq!(bucket.take(1.0, start), Verdict::Hopeless);
    }

    #[test]
    fn bytes_are_charged_after_they_were_read() {
        let start = Instant::now();
        let mut rate_limiter =
            RateLimiter::new(Rates { messages: (0, 0), bytes: (100, 250) }, start);
        // Some budget is left for the second message, so all of it is allowed.
        assert_eq!(rate_limiter.charge(200, start), Verdict::Fine);
        assert_eq!(rate_limiter.charge(200, start), Verdict::Fine);
        let Verdict::TooFast(wait) = rate_limiter.charge(50, start) else {
            panic!("expected a refusal")
        };
        assert_eq!(wait, Duration::from_millis(2010));
        assert_eq!(rate_limiter.charge(200, start + wait), Verdict::Fine);
        assert_eq!(rate_limiter.charge(200, start + wait), Verdict::Hopeless);
    }

    #[test]
    fn the_longer_wait_counts() {
        let start = Instant::now();
        let mut rate_limiter = RateLimiter::new(Rates { messages: (1, 1), bytes: (1, 10) }, start);
        assert_eq!(rate_limiter.charge(10, start), Verdict::Fine);
        let Verdict::TooFast(wait) = rate_limiter.charge(5, start) else {
            panic!("expected a refusal")
        };
        assert_eq!(wait, Duration::from_secs(6));
    }
}

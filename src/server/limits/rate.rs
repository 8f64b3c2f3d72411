//! How fast one connection may talk, in messages and in bytes.

use std::time::Duration;

use tokio::time::Instant;

/// What `--message-rate` and the like say. In each pair, 0 in either means no limit.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Rates {
    /// Messages a second, and at once.
    pub(in super::super) messages: (u32, u32),
    /// Bytes a second, and at once.
    pub(in super::super) bytes: (u32, u32),
}

/// Charges one connection for what it sends.
#[derive(Debug)]
pub(in super::super) struct RateLimiter {
    messages: Option<Bucket>,
    bytes: Option<Bucket>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// It passes.
    Fine,
    /// It is refused. The next one passes after that long.
    TooFast(Duration),
    /// The client was told and went on.
    Hopeless,
}

impl Verdict {
    /// The same, where there is another reason to wait: of two waits the longer is told.
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

    /// Charges for a message, and for what was read to get it.
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

    /// Charges for bytes of which nobody asks whether they may pass: they have. The next message
    /// finds that they are gone.
    pub(in super::super) fn owe(&mut self, bytes: usize, now: Instant) {
        if let Some(bucket) = &mut self.bytes {
            let _ = bucket.take(bytes as f64, now);
        }
    }
}

/// A token, but for what is lost in rounding.
const WHOLE: f64 = 0.999;

/// A token bucket that can run into debt.
///
/// Whoever finds a whole token in it passes, whatever it costs: how large a message is, is known
/// when it is there. What comes later is refused, and charged all the same. So a client that waits
/// as it is told gets out of debt, and one that goes on sinks until it owes a whole burst.
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
        // More than that nobody has to pay back.
        self.tokens = (before - cost).max(-2.0 * self.burst);
        if before >= WHOLE {
            Verdict::Fine
        } else if self.tokens >= -self.burst {
            Verdict::TooFast(self.wait(now).unwrap_or_default())
        } else {
            Verdict::Hopeless
        }
    }

    /// How long it takes until somebody finds a whole token in it, if there is none now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let level = self.level(now);
        (level < WHOLE).then(|| Duration::from_secs_f64((1.0 - level) / self.per_second))
    }

    /// Whether it is as full as at the start.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.level(now) >= self.burst
    }

    fn level(&self, now: Instant) -> f64 {
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
    fn who_waits_gets_on_and_who_goes_on_is_closed() {
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
    fn bytes_are_charged_after_they_came() {
        let start = Instant::now();
        let mut rate_limiter =
            RateLimiter::new(Rates { messages: (0, 0), bytes: (100, 250) }, start);
        // There is something left for the second, so it passes whole.
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
    fn the_longer_wait_is_told() {
        let start = Instant::now();
        let mut rate_limiter = RateLimiter::new(Rates { messages: (1, 1), bytes: (1, 10) }, start);
        assert_eq!(rate_limiter.charge(10, start), Verdict::Fine);
        let Verdict::TooFast(wait) = rate_limiter.charge(5, start) else {
            panic!("expected a refusal")
        };
        assert_eq!(wait, Duration::from_secs(6));
    }
}

//! Whether a client still lives, and what it may be asked to prove it.
//!
//! A client that is silent is asked by a WebSocket ping. At most one ping is unanswered at a time,
//! and the heartbeat and everybody else who wants to know wait for the same answer. So whoever asks
//! about a client, and however often, the client gets one ping for each silence of [`FRESH`] (or of
//! a heartbeat, if that is shorter). It is not charged for the answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// A client heard from this recently is alive without being asked.
const FRESH: Duration = Duration::from_secs(2);
/// How long a client has to answer a ping when somebody else wants its seat. The newcomer to a
/// full room waits as long, and a phone that changes networks should not lose its seat.
const PATIENCE: Duration = Duration::from_secs(4);
/// No ping is out.
const NONE: u64 = 0;

/// What is known of a client's life. Times are milliseconds since `epoch`.
#[derive(Debug)]
pub(super) struct Liveness {
    epoch: Instant,
    heard: AtomicU64,
    /// When a ping went out, if nothing was heard since. It is never 0.
    asked: AtomicU64,
    /// The last ping has had no pong yet.
    owes_pong: AtomicBool,
    sign: Notify,
}

/// What to do to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing: it was heard a moment ago.
    Fresh,
    /// Wait for the answer to a ping that is out already.
    Before(Question),
    /// Send a ping, and wait.
    Now(Question),
}

/// A ping, by the time it went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question(u64);

impl Liveness {
    /// A client that is heard at this moment. `epoch` is some time before.
    pub(super) fn new(epoch: Instant, now: Instant) -> Self {
        let liveness = Self {
            epoch,
            heard: AtomicU64::new(0),
            asked: AtomicU64::new(NONE),
            owes_pong: AtomicBool::new(false),
            sign: Notify::new(),
        };
        liveness.heard(now);
        liveness
    }

    /// Notes a sign of life.
    pub(super) fn heard(&self, now: Instant) {
        self.heard.store(self.millis(now), Ordering::Release);
        if self.asked.load(Ordering::Acquire) != NONE {
            self.asked.store(NONE, Ordering::Release);
            self.sign.notify_waiters();
        }
    }

    /// When the client was last heard.
    pub(super) fn last_heard(&self) -> Instant {
        self.epoch + Duration::from_millis(self.heard.load(Ordering::Acquire))
    }

    /// Notes a pong. True: it answers a ping of ours, and is the first to do so.
    pub(super) fn answers(&self) -> bool {
        self.owes_pong.swap(false, Ordering::AcqRel)
    }

    /// Asks whether the client lives, unless that is known.
    pub(super) fn probe(&self, now: Instant) -> Asked {
        let fresh = now.saturating_duration_since(self.last_heard()) < FRESH;
        if fresh { Asked::Fresh } else { self.ask(now) }
    }

    /// Asks whether the client lives, unless it is asked already.
    pub(super) fn ask(&self, now: Instant) -> Asked {
        let at = self.millis(now).max(1);
        match self.asked.compare_exchange(NONE, at, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                self.owes_pong.store(true, Ordering::Release);
                Asked::Now(Question(at))
            }
            Err(before) => Asked::Before(Question(before)),
        }
    }

    /// Waits for a sign of life that came after a ping, for as long as the client may take.
    pub(super) async fn answered(&self, question: Question) -> bool {
        let deadline = self.epoch + Duration::from_millis(question.0) + PATIENCE;
        let mut sign = std::pin::pin!(self.sign.notified());
        loop {
            // Whatever is heard from here on is not missed.
            sign.as_mut().enable();
            if self.asked.load(Ordering::Acquire) != question.0 {
                return true;
            }
            if timeout_at(deadline, sign.as_mut()).await.is_err() {
                return false;
            }
            sign.set(self.sign.notified());
        }
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from((at - self.epoch).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn silent() -> (Liveness, Instant) {
        let opened = Instant::now();
        (Liveness::new(opened, opened), opened)
    }

    #[test]
    fn however_many_ask_one_ping_goes_out() {
        let (client, opened) = silent();
        assert_eq!(client.probe(opened + SECOND), Asked::Fresh);
        let Asked::Now(ping) = client.probe(opened + 2 * SECOND) else { panic!("a ping") };
        for nth in 0..1000 {
            let later = opened + (2 + nth) * SECOND;
            assert_eq!(client.probe(later), Asked::Before(ping));
            assert_eq!(client.ask(later), Asked::Before(ping), "the heartbeat waits for it too");
        }
    }

    #[test]
    fn a_client_that_answers_is_pinged_at_most_once_in_two_seconds() {
        let (client, opened) = silent();
        let mut pings = 0;
        for tick in 0..10_000 {
            // A hundred times a second, for a hundred seconds.
            let now = opened + tick * Duration::from_millis(10);
            if let Asked::Now(_) = client.probe(now) {
                pings += 1;
                client.heard(now);
                assert!(client.answers());
            }
        }
        assert_eq!(pings, 49);
    }

    #[test]
    fn each_ping_pays_for_one_pong() {
        let (client, opened) = silent();
        assert!(!client.answers(), "nobody asked");
        client.ask(opened + 2 * SECOND);
        // Something else is heard first, as happens when both are under way.
        client.heard(opened + 2 * SECOND);
        assert!(client.answers());
        assert!(!client.answers());
        client.ask(opened + 4 * SECOND);
        client.heard(opened + 4 * SECOND);
        client.ask(opened + 6 * SECOND);
        assert!(client.answers());
        assert!(!client.answers(), "pongs are not saved up");
    }

    #[tokio::test]
    async fn all_who_wait_get_the_one_answer() {
        let (client, opened) = silent();
        let Asked::Now(ping) = client.ask(opened) else { panic!("a ping") };
        let waiting = futures_util::future::join_all((0..100).map(|_| client.answered(ping)));
        let heard = async { client.heard(opened + SECOND) };
        let (lives, ()) = tokio::join!(waiting, heard);
        assert!(lives.into_iter().all(|lives| lives));
        assert!(client.answered(ping).await, "later is not too late to know");
    }

    #[tokio::test]
    async fn who_asks_later_waits_for_what_is_left_of_the_time() {
        let opened = Instant::now() - 2 * PATIENCE;
        let client = Liveness::new(opened, opened);
        let Asked::Now(ping) = client.ask(opened + SECOND) else { panic!("a ping") };
        assert!(!client.answered(ping).await);
        assert_eq!(client.probe(Instant::now()), Asked::Before(ping));
    }
}

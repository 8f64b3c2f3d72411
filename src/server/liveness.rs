//! Whether a client is still alive.
//!
//! A silent client gets a WebSocket ping. At most one ping is unanswered at a time, and the
//! heartbeat and all other askers wait for the same answer. So no matter how often somebody asks
//! about a client, the client gets one ping for each silence of [`FRESH`] (or of a heartbeat, if
//! that is shorter). It is not charged for the answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// A client that we heard from this recently is alive, and gets no ping.
const FRESH: Duration = Duration::from_secs(2);
/// How long a client has to answer a ping when somebody else wants its seat. A peer that joins a
/// full room waits this long, so it must be short. But a phone that changes networks must not lose
/// its seat.
const PATIENCE: Duration = Duration::from_secs(4);
/// The value of `asked` while no ping is unanswered. A real time is never 0.
const NONE: u64 = 0;

/// What we know about whether a client is alive. Times are milliseconds since `epoch`.
#[derive(Debug)]
pub(super) struct Liveness {
    epoch: Instant,
    heard: AtomicU64,
    /// When the last ping was sent, or [`NONE`] if something was heard since.
    asked: AtomicU64,
    /// Whether the last ping has had no pong yet.
    owes_pong: AtomicBool,
    sign: Notify,
}

/// What the caller must do to find out whether the client is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing: we heard from the client a moment ago.
    Fresh,
    /// Wait for the answer to a ping that was already sent.
    Before(Question),
    /// Send a ping, and wait for the answer.
    Now(Question),
}

/// A ping, identified by the time it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question(u64);

impl Liveness {
    /// A client that we hear from at `now`. `epoch` must not be later.
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

    /// Records a sign of life.
    pub(super) fn heard(&self, now: Instant) {
        self.heard.store(self.millis(now), Ordering::Release);
        if self.asked.load(Ordering::Acquire) != NONE {
            self.asked.store(NONE, Ordering::Release);
            self.sign.notify_waiters();
        }
    }

    /// When we last heard from the client.
    pub(super) fn last_heard(&self) -> Instant {
        self.epoch + Duration::from_millis(self.heard.load(Ordering::Acquire))
    }

    /// Records a pong. True if it is the first pong after one of our pings.
    pub(super) fn answers(&self) -> bool {
        self.owes_pong.swap(false, Ordering::AcqRel)
    }

    /// Asks whether the client is alive, unless we heard from it a moment ago.
    pub(super) fn probe(&self, now: Instant) -> Asked {
        let fresh = now.saturating_duration_since(self.last_heard()) < FRESH;
        if fresh { Asked::Fresh } else { self.ask(now) }
    }

    /// Asks whether the client is alive, unless a ping is already unanswered.
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

    /// Waits until the client answers a ping or its time to answer is up. True if it answered.
    pub(super) async fn answered(&self, question: Question) -> bool {
        let deadline = self.epoch + Duration::from_millis(question.0) + PATIENCE;
        let mut sign = std::pin::pin!(self.sign.notified());
        loop {
            // From here on, no sign of life is missed.
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
    fn many_questions_send_one_ping() {
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
        // The client sends something else before its pong, as happens when the two cross.
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
    async fn one_answer_reaches_everybody_who_waits() {
        let (client, opened) = silent();
        let Asked::Now(ping) = client.ask(opened) else { panic!("a ping") };
        let waiting = futures_util::future::join_all((0..100).map(|_| client.answered(ping)));
        let heard = async { client.heard(opened + SECOND) };
        let (lives, ()) = tokio::join!(waiting, heard);
        assert!(lives.into_iter().all(|lives| lives));
        assert!(client.answered(ping).await, "a late caller gets the answer too");
    }

    #[tokio::test]
    async fn a_later_question_waits_for_the_rest_of_the_time() {
        let opened = Instant::now() - 2 * PATIENCE;
        let client = Liveness::new(opened, opened);
        let Asked::Now(ping) = client.ask(opened + SECOND) else { panic!("a ping") };
        assert!(!client.answered(ping).await);
        assert_eq!(client.probe(Instant::now()), Asked::Before(ping));
    }
}

//! A clock that can be moved.
//!
//! It shows the system time, plus the time it was moved by. It times everything that AWS measures
//! in minutes: connections, environments, the table, and events that are held back. Things that
//! take seconds (an invocation, its deadline, its price) are measured with the real clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use dynoxide::storage_backend::Clock as TableClock;
use tokio::sync::{mpsc, oneshot, watch};

/// The time of a [`Gateway`](crate::Gateway).
#[derive(Debug)]
pub struct Clock {
    moved_by: AtomicU64,
    moved: watch::Sender<()>,
    sweeps: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

/// Requests for a sweep. The receiver does everything that is due, and then drops the request.
pub(crate) type Sweeps = mpsc::UnboundedReceiver<oneshot::Sender<()>>;

impl Clock {
    pub(crate) fn new() -> (Self, Sweeps) {
        let (sweeps, asked) = mpsc::unbounded_channel();
        let moved = watch::Sender::default();
        (Self { moved_by: AtomicU64::new(0), moved, sweeps }, asked)
    }

    /// Milliseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        let real = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        millis(real) + self.moved_by.load(Ordering::Acquire)
    }

    /// Moves the clock forward. When this resolves, connections that became idle or too old are
    /// closed, and environments that were unused for too long are stopped. The `$disconnect`s of
    /// the connections may still be running.
    pub async fn advance(&self, by: Duration) {
        self.moved_by.fetch_add(millis(by), Ordering::AcqRel);
        self.moved.send_replace(());
        let (done, wait) = oneshot::channel();
        // A gateway that has ended has nothing to close.
        if self.sweeps.send(done).is_ok() {
            let _ = wait.await;
        }
    }

    /// Waits for a point in time, in milliseconds since the Unix epoch.
    pub(crate) async fn reach(&self, due: u64) {
        let mut moved = self.moved.subscribe();
        loop {
            let left = Duration::from_millis(due.saturating_sub(self.now()));
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = moved.changed() => {}
            }
        }
    }

    /// Waits for this long.
    pub(crate) async fn pass(&self, time: Duration) {
        if !time.is_zero() {
            self.reach(self.now() + millis(time)).await;
        }
    }
}

impl TableClock for Clock {
    fn now_unix_secs(&self) -> u64 {
        self.now() / 1000
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_millis(self.now()).as_secs_f64()
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_moved_shows_a_later_time() {
        let (clock, asked) = Clock::new();
        drop(asked);
        let before = clock.now();
        clock.advance(Duration::from_secs(3600)).await;
        let moved = clock.now() - before;
        assert!((3_600_000..3_660_000).contains(&moved), "moved by {moved}");
    }

    #[tokio::test]
    async fn moving_the_clock_ends_a_wait() {
        let (clock, asked) = Clock::new();
        drop(asked);
        let wait = clock.pass(Duration::from_secs(3600));
        let ((), ()) = tokio::join!(wait, clock.advance(Duration::from_secs(3601)));
    }
}

//! When no socket can be accepted because there is no file descriptor left.
//!
//! `--max-connections` is set so that this does not happen, but the limit may be lowered while the
//! server runs, and the whole machine may run out. A descriptor is kept for that: given up, it lets
//! a connection be accepted, told that there is no room, and closed. So a health check hears 503 at
//! once. The log hears of it when it begins, and again when it is over.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

/// It is over when nothing has failed for this long.
const CALM: Duration = Duration::from_secs(5);
/// Where not even the descriptor that was kept helps, those that are open get some time to end.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether there is a shortage, and what helps a little.
pub(super) struct Shortage {
    kept: Option<OwnedFd>,
    now: Option<Now>,
}

/// A shortage that is not over.
struct Now {
    turned_away: u64,
    last_failure: Instant,
}

impl Shortage {
    /// There is none. The descriptor that is kept is one more of the listener.
    pub(super) fn none(listener: &TcpListener) -> Self {
        Self { kept: copy(listener), now: None }
    }

    /// Accepting failed. A connection that is to be turned away, if one could be accepted all the
    /// same.
    pub(super) async fn failed(
        &mut self,
        listener: &TcpListener,
        error: io::Error,
    ) -> Option<TcpStream> {
        self.begin(error);
        if self.kept.take().is_none() {
            sleep(PAUSE).await;
        }
        // The client may have gone again, so this does not wait for it.
        let accepted = listener.accept().now_or_never().and_then(Result::ok);
        if accepted.is_some() {
            self.count();
        }
        accepted.map(|(stream, _)| stream)
    }

    /// Keeps a descriptor again, after what was accepted by its help is closed.
    pub(super) fn keep(&mut self, listener: &TcpListener) {
        self.kept = self.kept.take().or_else(|| copy(listener));
    }

    /// Waits for the end of a shortage, and tells it; for ever, where there is none.
    pub(super) async fn over(&mut self) {
        let Some(now) = &self.now else { return std::future::pending().await };
        sleep_until(now.last_failure + CALM).await;
        let turned_away = now.turned_away;
        self.now = None;
        info!(turned_away, "connections are accepted again");
    }

    fn begin(&mut self, error: io::Error) {
        let last_failure = Instant::now();
        match &mut self.now {
            Some(now) => now.last_failure = last_failure,
            None => {
                warn!(%error, "connections cannot be accepted, and are turned away where possible");
                self.now = Some(Now { turned_away: 0, last_failure });
            }
        }
    }

    fn count(&mut self) {
        if let Some(now) = &mut self.now {
            now.turned_away += 1;
        }
    }
}

fn copy(listener: &TcpListener) -> Option<OwnedFd> {
    listener.as_fd().try_clone_to_owned().ok()
}

//! Handles a shortage of file descriptors, when no socket can be accepted.
//!
//! `--max-connections` is set so that this does not happen. But the limit on open files may be
//! lowered while the server runs, and the whole machine may run out. The server keeps a descriptor
//! in reserve for that. It closes the descriptor to accept a connection, answers 503 and closes the
//! connection. So a health check gets its 503 at once. The log says when a shortage begins and when
//! it is over.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

/// A shortage is over once nothing has failed for this long.
const CALM: Duration = Duration::from_secs(5);
/// How long to wait for open connections to end if there is no descriptor in reserve.
const PAUSE: Duration = Duration::from_millis(100);

/// The descriptor in reserve, and the current shortage, if there is one.
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
    /// No shortage. The descriptor in reserve is a duplicate of the listener's.
    pub(super) fn none(listener: &TcpListener) -> Self {
        Self { kept: copy(listener), now: None }
    }

    /// Records that accepting failed. Returns a connection to refuse, if the descriptor in reserve
    /// made it possible to accept one.
    pub(super) async fn failed(
        &mut self,
        listener: &TcpListener,
        error: io::Error,
    ) -> Option<TcpStream> {
        self.begin(error);
        if self.kept.take().is_none() {
            sleep(PAUSE).await;
        }
        // The client may have given up by now, so this does not wait for it.
        let accepted = listener.accept().now_or_never().and_then(Result::ok);
        if accepted.is_some() {
            self.count();
        }
        accepted.map(|(stream, _)| stream)
    }

    /// Puts a descriptor in reserve again, after the refused connection is closed.
    pub(super) fn keep(&mut self, listener: &TcpListener) {
        self.kept = self.kept.take().or_else(|| copy(listener));
    }

    /// Waits until a shortage is over, and logs it. Waits forever if there is none.
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
                warn!(%error, "connections cannot be accepted, and are refused where possible");
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

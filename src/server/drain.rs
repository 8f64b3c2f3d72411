//! Going away without a stampede.
//!
//! Every client is told, a little apart from the next, when to come back; it has a grace time to
//! move by itself, and is then closed with 1001.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::mailbox::Mailboxes;
use crate::core::ConnectionId;
use crate::wire::{CloseCode, ServerMessage};

/// At most this long lies between a client's `going_away` and its close.
const MAX_GRACE: Duration = Duration::from_secs(5);
/// At most this long lies between two clients.
const MAX_STEP: Duration = Duration::from_millis(10);
/// Clients come back after this and up to four seconds more, each at another time.
const SOONEST_RETURN_MS: u64 = 1000;

/// Sends every client away within `limit`; done as soon as none is left.
pub(super) async fn run(mailboxes: &Mailboxes, limit: Duration) {
    let leaving = mailboxes.connections();
    info!(connections = leaving.len(), seconds = limit.as_secs(), "draining");
    let grace = MAX_GRACE.min(limit / 2);
    let clients = u32::try_from(leaving.len()).unwrap_or(u32::MAX).max(1);
    let step = MAX_STEP.min((limit - grace) / clients);
    let start = Instant::now();
    tokio::select! {
        () = mailboxes.empty() => {}
        ((), ()) = async {
            tokio::join!(
                tell(mailboxes, &leaving, start, step),
                close(mailboxes, &leaving, start + grace, step),
            )
        } => {}
    }
    // Those whose handshake crossed with the drain.
    close(mailboxes, &mailboxes.connections(), Instant::now(), Duration::ZERO).await;
}

async fn tell(mailboxes: &Mailboxes, leaving: &[ConnectionId], start: Instant, step: Duration) {
    for (nth, conn) in (0..).zip(leaving) {
        sleep_until(start + step * nth).await;
        let reconnect_after_ms = SOONEST_RETURN_MS + u64::from(nth) * 137 % 4000;
        // It may have left meanwhile: so much the better.
        let _ = mailboxes.post(conn, ServerMessage::GoingAway { reconnect_after_ms });
    }
}

async fn close(mailboxes: &Mailboxes, leaving: &[ConnectionId], start: Instant, step: Duration) {
    for (nth, conn) in (0..).zip(leaving) {
        sleep_until(start + step * nth).await;
        mailboxes.close(conn, CloseCode::Away);
    }
}

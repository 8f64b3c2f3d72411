//! Graceful shutdown without a stampede of reconnecting clients.
//!
//! Every client is told when to reconnect, one client shortly after the other. It then has a grace
//! period to reconnect elsewhere by itself. After that its connection is closed with 1001.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::mailboxes::Mailboxes;
use crate::core::ConnectionId;
use crate::wire::{CloseCode, ServerMessage};

/// The longest time between a client's `going_away` and its close.
const MAX_GRACE: Duration = Duration::from_secs(5);
/// The longest time between two clients.
const MAX_STEP: Duration = Duration::from_millis(10);
/// The shortest time after which a client reconnects. The clients are told different times, spread
/// over the four seconds after it.
const SOONEST_RETURN_MS: u64 = 1000;

/// Sends every client away within `limit`. Returns early once no client is left.
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
    // These are the clients whose handshake crossed with the drain.
    close(mailboxes, &mailboxes.connections(), Instant::now(), Duration::ZERO).await;
}

async fn tell(mailboxes: &Mailboxes, leaving: &[ConnectionId], start: Instant, step: Duration) {
    for (nth, conn) in (0..).zip(leaving) {
        sleep_until(start + step * nth).await;
        let reconnect_after_ms = SOONEST_RETURN_MS + u64::from(nth) * 137 % 4000;
        // The client may have left in the meantime, which is fine.
        let _ = mailboxes.post(conn, ServerMessage::GoingAway { reconnect_after_ms });
    }
}

async fn close(mailboxes: &Mailboxes, leaving: &[ConnectionId], start: Instant, step: Duration) {
    for (nth, conn) in (0..).zip(leaving) {
        sleep_until(start + step * nth).await;
        mailboxes.close(conn, CloseCode::Away);
    }
}

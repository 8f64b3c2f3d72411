//! Do this machine's clock and the server's agree? Visit tokens are refused if they do not.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::peer::Peer;

/// How far apart they may be. The server allows tokens a minute.
const TOLERATED: i64 = 30;

/// How many seconds the server's clock is ahead, if that matters.
pub(super) async fn ahead(peer: &mut Peer) -> Option<i64> {
    let before = SystemTime::now();
    peer.say(&json!({"type": "ping", "requestId": "clock"})).await.ok()?;
    let pong = peer.hear(&["pong"]).await.ok()?;
    let middle = before + before.elapsed().unwrap_or_default() / 2;
    let server = SystemTime::UNIX_EPOCH + Duration::from_millis(pong["serverTime"].as_u64()?);
    let ahead = match server.duration_since(middle) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).ok()?,
        Err(behind) => -i64::try_from(behind.duration().as_secs()).ok()?,
    };
    (ahead.abs() > TOLERATED).then_some(ahead)
}

//! Do the STUN and TURN servers work?

use std::time::Duration;

use serde_json::Value;

use super::finding::{Answer, Good};
use super::target::Target;

/// Looks at the ICE servers that a peer was given.
pub(super) async fn work(servers: &[Value], _: &Target, _: Duration) -> Answer<()> {
    if servers.is_empty() {
        return Ok(Good::new((), "The server hands out no STUN and TURN servers.").but(
            "Visits work within one network only.",
            "Set --stun-url, and --turn-url with --turn-secret, unless the page knows servers of \
             its own.",
        ));
    }
    Ok(Good::new((), "The server hands out ICE servers.").skipped())
}

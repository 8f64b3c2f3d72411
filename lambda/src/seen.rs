//! The seats of connections, as this instance last saw them.
//!
//! Other instances move, replace and remove peers without telling this one. So a remembered seat
//! only says which room to ask. It is valid if that room, just read, confirms that the connection
//! holds the seat. So it needs no expiry, which matters because Lambda freezes an environment
//! between two events, and its monotonic clock may stop meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use visio_signaling::core::{Claim, ConnectionId};

/// The most connections that are remembered, in less than two megabytes. When there are more, all
/// are forgotten. It costs one read to look each up again.
const MOST: usize = 4096;

/// The seats in which this instance has seen connections.
#[derive(Debug, Clone, Default)]
pub struct SeenSeats(Arc<Mutex<HashMap<ConnectionId, Claim>>>);

impl SeenSeats {
    /// The seat a connection was last seen in.
    pub fn recall(&self, conn: &ConnectionId) -> Option<Claim> {
        self.lock().get(conn).cloned()
    }

    /// Records a connection's seat, or forgets the connection if it has none.
    pub fn note(&self, conn: &ConnectionId, claim: Option<&Claim>) {
        let mut seen = self.lock();
        match claim {
            None => {
                seen.remove(conn);
            }
            Some(claim) => {
                if seen.len() >= MOST && !seen.contains_key(conn) {
                    seen.clear();
                }
                seen.insert(conn.clone(), claim.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Claim>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use visio_signaling::wire::{FromText, PeerId, RoomId};

    use super::*;

    fn claim(conn: &str) -> Claim {
        let (conn, peer) = (ConnectionId::new(conn), PeerId::parse("ada").unwrap());
        Claim { conn, room: RoomId::fallback(), peer }
    }

    #[test]
    fn a_connection_without_a_seat_is_forgotten() {
        let (seen, ada) = (SeenSeats::default(), claim("c1"));
        seen.note(&ada.conn, Some(&ada));
        assert_eq!(seen.recall(&ada.conn), Some(ada.clone()));
        seen.note(&ada.conn, None);
        assert_eq!(seen.recall(&ada.conn), None);
    }

    #[test]
    fn memory_is_bounded() {
        let seen = SeenSeats::default();
        for nth in 0..2 * MOST + 1 {
            let claim = claim(&format!("c{nth}"));
            seen.note(&claim.conn, Some(&claim));
        }
        assert_eq!(seen.lock().len(), 1);
    }
}

//! Where connections sat when this instance last heard them.
//!
//! Other instances move, replace and remove them without telling this one. So what is remembered
//! says only which room to ask: it holds if that room, just read, says that the connection sits
//! there. It therefore needs no time limit, which matters because a Lambda environment is frozen
//! between two events, and its monotonic clock may stand still meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use visio_signaling::core::{Claim, ConnectionId};

/// How many connections are remembered, in less than two megabytes. When there are more, all are
/// forgotten: each costs one read to learn again.
const MOST: usize = 4096;

/// The seats in which this instance has seen connections.
#[derive(Debug, Clone, Default)]
pub struct SeenSeats(Arc<Mutex<HashMap<ConnectionId, Claim>>>);

impl SeenSeats {
    /// Where a connection sat.
    pub fn recall(&self, conn: &ConnectionId) -> Option<Claim> {
        self.lock().get(conn).cloned()
    }

    /// Notes where a connection sits, if it sits anywhere.
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
    fn a_connection_that_sits_nowhere_is_forgotten() {
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

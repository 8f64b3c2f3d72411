//! The registry of the standalone server: rooms in this process's memory.
//!
//! Loading a room clones one `Arc`, and nothing is awaited while a shard of the map is locked. The
//! registry imitates the remote one, refusals included: a swap from a version that is no longer
//! stored is raced, and versions never run backwards.
//!
//! An empty room is dropped at once, or later by [`Registry::sweep`] if something about it must be
//! remembered. So strangers who create rooms cannot fill the memory. Without the version of a
//! dropped room a stale swap might win. So the registry keeps the highest version of all rooms ever
//! dropped, and every new room starts from there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::core::Room;
use crate::ports::{Census, Registry, Swap, Unavailable};
use crate::wire::{RoomId, RoomSummary, Timestamp, Version};

/// Rooms in memory.
#[derive(Debug, Default)]
pub struct MemoryRegistry {
    rooms: DashMap<RoomId, Arc<Room>>,
    /// The highest version of all dropped rooms. It is raised before a room is dropped, while the
    /// room's shard is locked.
    floor: AtomicU64,
}

impl MemoryRegistry {
    fn floor(&self) -> Version {
        Version(self.floor.load(Ordering::Acquire))
    }
}

impl Registry for MemoryRegistry {
    async fn load(&self, room: &RoomId) -> Result<Arc<Room>, Unavailable> {
        // Read the floor before the room. Otherwise a room that was created in between could have
        // the version of this empty room, and pass for it.
        let floor = self.floor();
        Ok(match self.rooms.get(room) {
            Some(found) => Arc::clone(&found),
            None => Arc::new(Room::empty(room.clone(), floor)),
        })
    }

    async fn swap(&self, seen: Version, next: Room) -> Result<Swap, Unavailable> {
        match self.rooms.entry(next.id().clone()) {
            Entry::Occupied(entry) if entry.get().version() != seen => Ok(Swap::Raced),
            Entry::Vacant(_) if self.floor() != seen => Ok(Swap::Raced),
            Entry::Occupied(entry) if next.is_empty() && next.kept_until().is_none() => {
                self.floor.fetch_max(next.version().0, Ordering::AcqRel);
                entry.remove();
                Ok(Swap::Done)
            }
            entry => {
                entry.insert(Arc::new(next));
                Ok(Swap::Done)
            }
        }
    }

    fn sweep(&self, now: Timestamp) {
        self.rooms.retain(|_, room| {
            let kept = !room.is_empty() || room.kept_until().is_some_and(|until| until > now);
            if !kept {
                self.floor.fetch_max(room.version().0, Ordering::AcqRel);
            }
            kept
        });
    }

    fn census(&self) -> Option<Census> {
        let mut census = Census::default();
        for room in self.rooms.iter().filter(|room| !room.is_empty() && !room.id().is_own()) {
            let here = room.seats().iter().filter(|seat| seat.here().is_some()).count();
            census.rooms += 1;
            census.here += here;
            census.away += room.seats().len() - here;
            census.waiting += room.waiting().len();
        }
        Some(census)
    }

    async fn rooms(&self, limit: usize) -> Result<Option<Vec<RoomSummary>>, Unavailable> {
        let live = self.rooms.iter();
        let live = live.filter(|room| !room.seats().is_empty() && !room.id().is_own());
        Ok(Some(live.take(limit).map(|room| room.summary()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Claim, ConnectionId, JoinRequest, Rules, Said};
    use crate::wire::{FromText, PeerId, ResumeSecret};

    #[tokio::test]
    async fn the_services_own_rooms_are_not_listed_and_all_others_are() {
        let registry = MemoryRegistry::default();
        let visit = RoomId::parse("health-check~x").unwrap();
        for room in [visit.own(), visit.clone()] {
            let room = registry.load(&room).await.unwrap();
            let conn = ConnectionId::new("c1");
            let peer = PeerId::parse("ada").unwrap();
            let who = Claim { conn, room: room.id().clone(), peer };
            let join = who.says(Said::Join(JoinRequest::new(ResumeSecret::new("s"))));
            let next = room.decide(&join, Timestamp(1), &Rules::default()).next.unwrap();
            assert_eq!(registry.swap(room.version(), next).await.unwrap(), Swap::Done);
        }
        let listed = registry.rooms(9).await.unwrap().unwrap();
        assert_eq!(listed.iter().map(|room| &room.room_id).collect::<Vec<_>>(), [&visit]);
    }
}
